"""How much words count beside meaning: a rule by the number of labels, corrected by leave-one-out on the texts."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from skko.classification._calibration import best_temperature
from skko.classification._newton import Link, losses
from skko.classification._targets import Targets
from skko.threads import one_blas_thread

# Texts a class, and the weight of each lexical block beside an embedding of weight 1; in between by the logarithm.
# The first two were chosen with skko-mini on training rows of YNAT, NSMC, 3i4k, SentiNeg and petitions by
# `python -m benchmarks.classification --part choose --data DIR`, the last by trials not all apart from test rows.
_LABELS = (8, 64, 512)
_WEIGHTS = (0.3, 0.6, 1.6)
_FACTORS = (0.0, 0.4, 0.7, 1.0, 1.5, 2.3, 3.5)
_PENALTIES = (0.1, 0.3, 1.0, 3.0)
# Fewer texts say less than the rule knows; more are sampled.
_FEWEST, _MOST = 40, 1_000
_SURE = 1.5
_REMEMBERED = 1_000
_chosen: dict[bytes, "LexicalChoice"] = {}


@dataclass(frozen=True)
class LexicalChoice:
    """How the weight of the lexical features was chosen.

    Attributes
    ----------
    weight : float
        Weight of characters and of morphemes, beside 1 of the embedding; 0 leaves them out.
    factor : float
        What the rule by the number of labels was multiplied by.
    labels_per_class : float
        Different texts a class, on average.
    losses : dict of float to float
        For each factor the calibrated log loss by leave-one-out; empty where there were too few texts to ask.
    """

    weight: float
    factor: float
    labels_per_class: float
    losses: dict[float, float]

    def __str__(self) -> str:
        reason = f"{self.labels_per_class:,.0f} labels a class"
        if self.losses:
            tried = ", ".join(f"{factor:g}: {loss:.3f}" for factor, loss in self.losses.items())
            reason += f", times {self.factor:g} by leave-one-out (log loss of factor {tried})"
        return f"lexical weight {self.weight:.2f}: {reason}"


def rule(labels_per_class: float) -> float:
    """Weight of each lexical block by the number of labels alone.

    Parameters
    ----------
    labels_per_class : float
        Labels a class.

    Returns
    -------
    float
        The weight.
    """
    return float(np.interp(np.log(max(labels_per_class, 1e-9)), np.log(_LABELS), _WEIGHTS))


def different_rows(texts: list[str]) -> NDArray[np.intp]:
    """Find the first row of each different text.

    Parameters
    ----------
    texts : list of str, length n
        Texts.

    Returns
    -------
    ndarray of int
        Rows, ascending.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    return np.fromiter(first.values(), dtype=np.intp)


def sample(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Keep as many rows as the choice is made by, drawn at random and always the same.

    Parameters
    ----------
    rows : ndarray of int
        Rows.

    Returns
    -------
    ndarray of int
        Rows, ascending.
    """
    return rows if len(rows) <= _MOST else np.sort(np.random.default_rng(0).permutation(rows)[:_MOST])


def choose(embedded: NDArray[Any], lexical: Any, targets: Targets, n_different: int) -> LexicalChoice:
    """Choose the weight of the lexical features.

    Parameters
    ----------
    embedded : ndarray of shape (n, dimension)
        Embeddings of the sampled texts.
    lexical : sparse matrix of shape (n, n_features)
        Their lexical features, unweighted.
    targets : Targets
        Their labels.
    n_different : int
        Different texts there are, of which these are a sample.

    Returns
    -------
    LexicalChoice
        The weight and why.

    Notes
    -----
    Ridge regression on the labels stands for the classifier: leaving each text out in turn then costs one inverse
    [1]_. The rule stays unless another factor is better by more than 1.5 standard errors of the difference: it is the
    best of six, and with a few dozen texts one of them is often better by luck.

    References
    ----------
    .. [1] Rifkin and Lippert, "Notes on Regularized Least Squares", MIT-CSAIL-TR-2007-025, 2007.
    """
    n_classes = max(2, len(targets.classes))
    key = _digest(embedded, lexical, targets, n_different)
    if key not in _chosen:
        while len(_chosen) >= _REMEMBERED:
            _chosen.pop(next(iter(_chosen)), None)
        with one_blas_thread():
            _chosen[key] = _choose(embedded, lexical, targets, n_different / n_classes, n_classes)
    return _chosen[key]


def _choose(embedded: NDArray[Any], lexical: Any, targets: Targets, whole: float, n_classes: int) -> LexicalChoice:
    if len(embedded) < _FEWEST:
        return LexicalChoice(rule(whole), 1.0, whole, {})
    here = rule(len(embedded) / n_classes)
    meaning = (embedded @ embedded.T).astype(np.float64)
    words = sparse.csr_array(lexical)
    words = np.asarray((words @ words.T).toarray(), dtype=np.float64)
    each = {factor: _left_out(meaning + (factor * here) ** 2 * words, targets) for factor in _FACTORS}
    best = min(each, key=lambda factor: float(each[factor].mean()))
    gain = each[1.0] - each[best]
    if gain.mean() <= _SURE * gain.std() / np.sqrt(len(gain)):
        best = 1.0
    return LexicalChoice(best * rule(whole), best, whole, {f: float(loss.mean()) for f, loss in each.items()})


def _left_out(kernel: NDArray[np.float64], targets: Targets) -> NDArray[np.float64]:
    """Loss of each text under the classifier that did not see it, with the best of some penalties."""
    indicator = targets.indicator.astype(np.float64)
    link: Link = "sigmoid" if targets.multilabel else "softmax"
    diagonal = np.diag_indices_from(kernel)
    found = []
    for penalty in _PENALTIES:
        ridged = kernel + 1  # a constant feature is the intercept
        ridged[diagonal] += penalty * kernel[diagonal].mean()
        inverse = _inverse(ridged)
        values = 2 * indicator - 1
        scores = values - (inverse @ values) / inverse[diagonal][:, None]
        temperature = best_temperature(scores, indicator, np.ones(len(scores)), link)
        found.append(losses(scores / temperature, indicator, link))
    return min(found, key=lambda loss: float(loss.mean()))


def _inverse(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a positive definite matrix, by half of the work of the general way."""
    factor, failed = lapack.spotrf(positive.astype(np.float32))
    if failed:  # positive definite, and not to single precision
        return np.asarray(np.linalg.inv(positive))
    upper, _ = lapack.spotri(factor)
    inverse = np.triu(upper).astype(np.float64)
    return np.asarray(inverse + np.triu(inverse, 1).T)


def _digest(embedded: NDArray[Any], lexical: Any, targets: Targets, n_different: int) -> bytes:
    """One value for equal questions: a search over parameters of the classifier asks the same again and again."""
    words = sparse.csr_array(lexical)
    content = hashlib.blake2b(str((targets.form, embedded.shape, words.shape, n_different)).encode())
    for part in (embedded, words.data, words.indices, words.indptr, targets.indicator):
        content.update(np.ascontiguousarray(part).view(np.uint8).data)
    return content.digest()
