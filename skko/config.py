"""Settings of the whole process, and the environment variables behind their defaults."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

__all__ = ["config_context", "get_config", "set_config"]

_explicit: dict[str, Any] = {}
_overrides: ContextVar[dict[str, Any] | None] = ContextVar("skko_config", default=None)

_TRUE = {"1", "true", "yes", "on"}


def _default_cache_dir() -> Path:
    if chosen := os.environ.get("SKKO_CACHE_DIR"):  # set but empty is not set: it would mean the working directory
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "skko"


_DEFAULTS: dict[str, Callable[[], Any]] = {
    "cache_dir": _default_cache_dir,
    "device": lambda: os.environ.get("SKKO_DEVICE") or "auto",
    "disk_cache_bytes": lambda: 4 << 30,
    "max_loaded_models": lambda: 4,
    "memory_cache_bytes": lambda: 1 << 30,
    "offline": lambda: os.environ.get("SKKO_OFFLINE", "").lower() in _TRUE,
    "show_progress": lambda: "auto",
}


def get_config() -> dict[str, Any]:
    """Return the settings in force.

    Returns
    -------
    dict
        ``cache_dir`` (Path; from ``SKKO_CACHE_DIR``), ``device`` (str, what ``device="auto"`` means; from
        ``SKKO_DEVICE``), ``offline`` (bool, never ask a model hub, a service or a server of data; from
        ``SKKO_OFFLINE``), ``show_progress`` (bool or "auto"), ``max_loaded_models`` (int, models held in memory at
        once), ``disk_cache_bytes`` and ``memory_cache_bytes`` (int, bytes of vectors held on disk, and in memory where
        there is no disk).

    See Also
    --------
    set_config : Change settings for the process.
    config_context : Change settings for a block.

    Examples
    --------
    >>> sorted(get_config())
    ['cache_dir', 'device', 'disk_cache_bytes', 'max_loaded_models', 'memory_cache_bytes', 'offline', 'show_progress']
    """
    settings = {name: default() for name, default in _DEFAULTS.items()}
    return {**settings, **_explicit, **(_overrides.get() or {})}


def set_config(**settings: Any) -> None:
    """Change settings for the whole process.

    Parameters
    ----------
    **settings
        Names and values as :func:`get_config` lists them; None goes back to the default.

    Raises
    ------
    ValueError
        If a name is unknown or a value is not of its kind.

    Examples
    --------
    >>> set_config(show_progress=False)
    >>> get_config()["show_progress"]
    False
    >>> set_config(show_progress=None)
    """
    for name, value in _checked(settings).items():
        if value is None:
            _explicit.pop(name, None)
        else:
            _explicit[name] = value


@contextmanager
def config_context(**settings: Any) -> Iterator[None]:
    """Change settings for the length of a ``with`` block, in this thread or task alone.

    Parameters
    ----------
    **settings
        Names and values as :func:`get_config` lists them.

    Yields
    ------
    None
        Nothing: the settings hold inside the block.

    Examples
    --------
    >>> with config_context(offline=True):
    ...     get_config()["offline"]
    True
    """
    wanted = {name: value for name, value in _checked(settings).items() if value is not None}
    token = _overrides.set({**(_overrides.get() or {}), **wanted})
    try:
        yield
    finally:
        _overrides.reset(token)


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(settings) - set(_DEFAULTS))
    if unknown:
        raise ValueError(
            f"Unknown settings {unknown}: the settings are {sorted(_DEFAULTS)}; those of scikit-learn are set by "
            "sklearn.set_config."
        )
    return {name: value if value is None else _CHECKS[name](name, value) for name, value in settings.items()}


def _path(name: str, value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError(f"{name} must be a path, got {value!r}.")
    return Path(value).expanduser()


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a str, got {value!r}.")
    return value


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return value


def _progress(name: str, value: Any) -> bool | str:
    return "auto" if value == "auto" else _boolean(name, value)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
    return value


_CHECKS = {
    "cache_dir": _path,
    "device": _string,
    "disk_cache_bytes": _count,
    "max_loaded_models": _count,
    "memory_cache_bytes": _count,
    "offline": _boolean,
    "show_progress": _progress,
}
