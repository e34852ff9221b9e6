"""compare: two systems on the same data, with an interval for their difference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skko.evaluation._statistics import STATISTICS
from skko.evaluation.report import EvaluationReport

# Draws of items made at a time.
_DRAWS = 1 << 22


@dataclass(frozen=True)
class Comparison:
    """How much better one system is than another.

    Attributes
    ----------
    metric : str
        What was compared.
    a, b : float
        Score of each system.
    difference : float
        ``b - a``.
    low, high : float
        Bounds of the interval of the difference.
    confidence : float
        Its confidence.
    p_value : float
        Share of the resamples, doubled, in which the difference has the other sign or is none.
    n_items : int
        Queries, pairs or texts.
    better, worse : int or None
        Items at which ``b`` is better, and worse; None where the metric is not a mean over items.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    confidence: float
    p_value: float
    n_items: int
    better: int | None
    worse: int | None

    def __str__(self) -> str:
        items = "" if self.better is None else f"; better at {self.better:,}, worse at {self.worse:,}"
        return (
            f"{self.metric}: {self.a:.4f} -> {self.b:.4f}, difference {self.difference:+.4f} "
            f"[{self.low:+.4f}, {self.high:+.4f}] at {self.confidence:.0%}, p {self.p_value:.3f} "
            f"({self.n_items:,} items{items})"
        )


def compare(
    a: EvaluationReport,
    b: EvaluationReport,
    metric: str | None = None,
    *,
    confidence: float = 0.95,
    n_resamples: int = 10_000,
    random_state: int = 0,
) -> Comparison:
    """Compare two systems that were evaluated on the same data, by a paired bootstrap.

    Parameters
    ----------
    a, b : EvaluationReport
        Reports of one task on one set of data.
    metric : str or None, default=None
        Which score; None is the main one.
    confidence : float, default=0.95
        Of the interval.
    n_resamples : int, default=10_000
        How often the items are drawn again, with replacement.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    Comparison
        The difference with its percentile interval.

    Raises
    ------
    ValueError
        If the reports are of different tasks or data, or do not hold what the metric is computed from.

    Notes
    -----
    Items are drawn in pairs: each resample has the same queries for both systems, so that hard queries do not count as
    difference (Sakai, "Evaluating evaluation metrics based on the bootstrap", SIGIR 2006).

    Examples
    --------
    >>> import numpy as np
    >>> from skko.evaluation import EvaluationReport, compare
    >>> reports = [
    ...     EvaluationReport("retrieval", name, "data", {"recall@1": hits / 8}, "recall@1",
    ...                      {"recall@1": np.repeat([1.0, 0.0], [hits, 8 - hits])})
    ...     for name, hits in (("a", 2), ("b", 6))
    ... ]
    >>> compare(*reports).difference
    0.5
    """
    metric = metric or a.main_score
    _check(a, b, metric)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}.")
    rng = np.random.default_rng(random_state)
    better = worse = None
    if metric in a.items:
        step = b.items[metric] - a.items[metric]
        n_items, better, worse = len(step), int((step > 0).sum()), int((step < 0).sum())
        drawn = _means(step, n_resamples, rng)
    else:
        n_items, drawn = _drawn(a, b, metric, n_resamples, rng)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    difference = b.scores[metric] - a.scores[metric]
    tail = min((drawn <= 0).mean(), (drawn >= 0).mean())
    return Comparison(
        metric,
        a.scores[metric],
        b.scores[metric],
        difference,
        float(low),
        float(high),
        confidence,
        float(min(1, 2 * tail)),
        n_items,
        better,
        worse,
    )


def _check(a: EvaluationReport, b: EvaluationReport, metric: str) -> None:
    if a.task != b.task:
        raise ValueError(f"The reports are of different tasks: {a.task} and {b.task}.")
    digests = [report.provenance.get("data_digest") for report in (a, b)]
    if digests[0] != digests[1]:
        raise ValueError(f"The reports are of different data: {a.data} ({digests[0]}) and {b.data} ({digests[1]}).")
    for report in (a, b):
        if metric not in report.scores:
            raise ValueError(f"The report of {report.system} has no {metric!r}; it has {sorted(report.scores)}.")
    needed = [metric] if metric in a.items else STATISTICS[metric].items if metric in STATISTICS else None
    if needed is None or any(name not in report.items for report in (a, b) for name in needed):
        raise ValueError(f"The reports do not hold what {metric!r} is computed from, so it cannot be drawn again.")
    if len({len(report.items[name]) for report in (a, b) for name in needed}) != 1:
        raise ValueError("The reports have different numbers of items.")


def _means(step: NDArray[np.float64], n_resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean of items drawn with replacement, some resamples at a time."""
    at_once = max(1, _DRAWS // len(step))
    parts = []
    for start in range(0, n_resamples, at_once):
        rows = rng.integers(len(step), size=(min(at_once, n_resamples - start), len(step)))
        parts.append(step[rows].mean(axis=1))
    return np.concatenate(parts)


def _drawn(
    a: EvaluationReport, b: EvaluationReport, metric: str, n_resamples: int, rng: np.random.Generator
) -> tuple[int, NDArray[np.float64]]:
    """Compute a score that is no mean from each resample anew."""
    statistic = STATISTICS[metric]
    columns = [[report.items[name] for name in statistic.items] for report in (a, b)]
    n_items = len(columns[0][0])
    differences = np.empty(n_resamples)
    for i in range(n_resamples):
        rows = rng.integers(n_items, size=n_items)
        first, second = (statistic.compute(*(column[rows] for column in side)) for side in columns)
        differences[i] = second - first
    return n_items, differences
