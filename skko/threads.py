"""How many threads there are to use: joblib tells its workers their share of the machine."""

import os


def asked_threads() -> int | None:
    """Read how many threads OMP_NUM_THREADS allows; of a list, one a level of nesting, the outermost.

    Returns
    -------
    int or None
        At least 1; None where nothing is asked for.
    """
    outermost = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(outermost) or None if outermost.isdigit() else None


def n_threads() -> int:
    """Count the cores that this process may use, or fewer where OMP_NUM_THREADS allows fewer.

    Returns
    -------
    int
        At least 1.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, asked_threads() or cores)
