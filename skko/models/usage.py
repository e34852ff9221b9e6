"""What services were asked, and what that costs."""

import threading
from dataclasses import dataclass, replace

from skko.models.presets import find_preset


@dataclass(frozen=True, slots=True)
class RemoteUsage:
    """What a service was asked for one model.

    Attributes
    ----------
    requests : int
        Requests that were answered.
    texts : int
        Texts in them.
    tokens : int
        Tokens that the service says it read.
    usd : float or None
        US dollars by the price in the preset, an estimate; None where there is none.
    """

    requests: int = 0
    texts: int = 0
    tokens: int = 0
    usd: float | None = None


_usage: dict[str, RemoteUsage] = {}
_lock = threading.Lock()


def remote_usage() -> dict[str, RemoteUsage]:
    """Return what this process has asked of services so far; what came from the cache was not asked.

    Returns
    -------
    dict of str to RemoteUsage
        By the name of the model.

    Examples
    --------
    >>> remote_usage().get("a model that nobody asked") is None
    True
    """
    with _lock:
        return dict(_usage)


def count_usage(model: str, *, texts: int, tokens: int) -> None:
    """Count an answered request.

    Parameters
    ----------
    model : str
        Name of the model.
    texts : int
        Texts in it.
    tokens : int
        Tokens that the service says it read.
    """
    preset = find_preset(model)
    price = None if preset is None else preset.usd_per_million_tokens
    with _lock:
        before = _usage.get(model, RemoteUsage())
        total = before.tokens + tokens
        _usage[model] = replace(
            before,
            requests=before.requests + 1,
            texts=before.texts + texts,
            tokens=total,
            usd=None if price is None else total * price / 1e6,
        )
