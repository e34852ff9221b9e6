"""Progress on standard error, for anything that takes more than two seconds."""

from typing import Any, Literal

from skko.config import get_config

ShowProgress = bool | Literal["auto"]


def progress_bar(total: int, description: str, *, unit: str = "text", show: ShowProgress = "auto") -> Any:
    """Open a progress bar; use it in a ``with`` block and call ``update(n)``.

    Parameters
    ----------
    total : int
        How many units there are.
    description : str
        What is being done.
    unit : str, default="text"
        What is counted.
    show : bool or "auto", default="auto"
        ``"auto"`` asks the setting ``show_progress``, and if that is ``"auto"`` too shows the bar on a terminal
        once two seconds have passed. True always shows it, False never.

    Returns
    -------
    tqdm.tqdm
        The bar.

    Examples
    --------
    >>> with progress_bar(2, "counting", show=False) as bar:
    ...     _ = bar.update(2)
    """
    from tqdm.auto import tqdm

    if show == "auto":
        show = get_config()["show_progress"]
    # tqdm reads disable=None as "where standard error is not a terminal".
    hidden = None if show == "auto" else not show
    return tqdm(total=total, desc=description, unit=unit, delay=2.0 if show == "auto" else 0.0, disable=hidden)
