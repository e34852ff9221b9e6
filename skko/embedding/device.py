"""Where a model runs."""

from collections.abc import Sequence

from skko.config import get_config
from skko.exceptions import DeviceNotAvailableError

_PREFERENCE = ("cuda", "mps", "xpu")


def resolve_device(device: str = "auto") -> str:
    """Turn ``"auto"`` into a device of this machine, or check that a named one exists.

    Parameters
    ----------
    device : str, default="auto"
        ``"auto"`` is the setting ``device`` (environment variable ``SKKO_DEVICE``) if there is one, else the first of
        cuda, mps, xpu and cpu that works; or a device by name, such as ``"cpu"`` or ``"cuda:1"``.

    Returns
    -------
    str
        Name of a device of this machine.

    Raises
    ------
    DeviceNotAvailableError
        If the named device does not exist here.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    if device == "auto":
        device = get_config()["device"]
    if device == "cpu":  # which every machine has, and importing torch takes seconds
        return device
    available = _available()
    if device == "auto":
        return available[0]
    if device in available or (device in _PREFERENCE and f"{device}:0" in available):
        return device
    raise DeviceNotAvailableError(
        f"Device {device!r} is not available on this machine, which has {', '.join(available)}. "
        'Pass one of these or device="auto".'
    )


def resolve_devices(device: str | Sequence[str] = "auto") -> list[str]:
    """Resolve one device, or several that share the work.

    Parameters
    ----------
    device : str or sequence of str, default="auto"
        One device as for :func:`resolve_device`, or some of them.

    Returns
    -------
    list of str
        Names of devices of this machine.

    Raises
    ------
    DeviceNotAvailableError
        If one of them does not exist here, or there is none.

    Examples
    --------
    >>> resolve_devices(["cpu"])
    ['cpu']
    """
    if isinstance(device, str):
        return [resolve_device(device)]
    if not device:
        raise DeviceNotAvailableError('device is an empty list. Name at least one device, or pass device="auto".')
    return [resolve_device(name) for name in device]


def _available() -> list[str]:
    """Devices by name, the preferred first; the CPU is always the last."""
    import torch

    found = []
    for kind in _PREFERENCE:
        backend = getattr(torch, kind, None)
        if backend is not None and backend.is_available():
            found += [kind] if kind == "mps" else [f"{kind}:{index}" for index in range(backend.device_count())]
    return [*found, "cpu"]
