"""Losses by name: which examples each learns from, and as what rows they reach it."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.finetune.examples import Examples, Kind

Form = Literal["rank", "triplet", "pair", "class"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of sentence-transformers.

    Attributes
    ----------
    class_name : str
        What sentence-transformers calls it.
    form : {"rank", "triplet", "pair", "class"}
        Whether it ranks each positive before the other rows of the batch, or learns from triplets, from pairs with a
        score, or from texts with a class.
    kinds : tuple of str
        Examples that it can learn from.
    unit : bool, default=False
        Whether scores must lie between 0 and 1.
    params : dict, default={}
        Its parameters where they are not the defaults.
    """

    class_name: str
    form: Form
    kinds: tuple[Kind, ...]
    unit: bool = False
    params: dict[str, Any] = field(default_factory=dict)


_RANKED: tuple[Kind, ...] = ("pairs", "triplets", "labelled", "texts")
_SCORED: tuple[Kind, ...] = ("scored", "judged", "labelled")
_JUDGED: tuple[Kind, ...] = ("judged", "labelled")
_BOTH_WAYS = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}

LOSSES = {
    "multiple_negatives_ranking": Loss("MultipleNegativesRankingLoss", "rank", _RANKED),
    "multiple_negatives_symmetric_ranking": Loss("MultipleNegativesRankingLoss", "rank", _RANKED, params=_BOTH_WAYS),
    "triplet": Loss("TripletLoss", "triplet", ("triplets",)),
    "cosent": Loss("CoSENTLoss", "pair", _SCORED),
    "angle": Loss("AnglELoss", "pair", _SCORED),
    "cosine_similarity": Loss("CosineSimilarityLoss", "pair", _SCORED, unit=True),
    "contrastive": Loss("ContrastiveLoss", "pair", _JUDGED),
    "online_contrastive": Loss("OnlineContrastiveLoss", "pair", _JUDGED),
    "batch_all_triplet": Loss("BatchAllTripletLoss", "class", ("labelled",)),
    "batch_hard_triplet": Loss("BatchHardTripletLoss", "class", ("labelled",)),
    "batch_hard_soft_margin_triplet": Loss("BatchHardSoftMarginTripletLoss", "class", ("labelled",)),
    "batch_semi_hard_triplet": Loss("BatchSemiHardTripletLoss", "class", ("labelled",)),
}
_USUAL: dict[Kind, str] = {
    "texts": "multiple_negatives_ranking",
    "labelled": "cosine_similarity",
    "pairs": "multiple_negatives_ranking",
    "triplets": "multiple_negatives_ranking",
    "judged": "online_contrastive",
    "scored": "cosent",
}


@dataclass(frozen=True)
class Rows:
    """What training reads.

    Attributes
    ----------
    columns : dict of str to list of str
        Texts by column.
    labels : list of float or of int, or None
        Scores or classes.
    codes : ndarray of int, shape (n_rows, n_codes), or None
        Rows that share a number must not meet in a batch, as one would be a false negative of the other.
    """

    columns: dict[str, list[str]]
    labels: list[float] | list[int] | None = None
    codes: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def find_loss(name: str, kind: Kind) -> str:
    """Find the loss for some examples.

    Parameters
    ----------
    name : str
        A key of ``LOSSES``, or ``"auto"``.
    kind : str
        Kind of the examples.

    Returns
    -------
    str
        A key of ``LOSSES``.

    Raises
    ------
    ValueError
        If the loss cannot learn from such examples.

    Examples
    --------
    >>> find_loss("auto", "scored")
    'cosent'
    """
    name = _USUAL[kind] if name == "auto" else name
    if kind not in LOSSES[name].kinds:
        fitting = sorted(other for other, loss in LOSSES.items() if kind in loss.kinds)
        raise ValueError(f'loss="{name}" does not learn from examples of the kind {kind!r}: use one of {fitting}.')
    return name


def make_rows(examples: Examples, loss: str, *, pairs_per_text: int, seed: int) -> Rows:
    """Lay examples out as a loss reads them.

    Parameters
    ----------
    examples : Examples
        Examples of a kind that the loss learns from.
    loss : str
        A key of ``LOSSES``.
    pairs_per_text : int
        Of labelled texts: partners that are drawn for each text from its own class, and as many from others.
    seed : int
        Seed of the draw.

    Returns
    -------
    Rows
        Texts by column, with their labels.

    Raises
    ------
    ValueError
        If scores do not lie where the loss needs them, or no two texts have the same label.
    """
    form = LOSSES[loss].form
    if form == "class":
        return Rows({"text": examples.columns[0]}, _known(examples).tolist())
    if examples.kind == "labelled":
        return _label_rows(examples, form, pairs_per_text, seed)
    if form == "pair":
        scores = _known(examples)
        if LOSSES[loss].unit and (scores.min() < 0 or scores.max() > 1):
            raise ValueError(
                f'loss="{loss}" needs scores from 0 to 1, and y has {scores.min():g} to {scores.max():g}. Scale them, '
                'e.g. y / 5, or use loss="cosent", which needs only their order.'
            )
        return Rows(_named(examples.columns), scores.tolist())
    columns = examples.columns
    if form == "triplet":
        anchors, positives, *negatives = columns
        columns = (
            anchors * len(negatives),
            positives * len(negatives),
            [text for column in negatives for text in column],
        )
        return Rows(_named(columns))
    if examples.kind == "texts":  # each is its own positive, and dropout makes the two vectors differ
        columns = (list(dict.fromkeys(columns[0])),) * 2
    return Rows(_named(columns), codes=_text_codes(columns))


def draw_pairs(
    classes: NDArray[np.int64], n_per_text: int, seed: int, *, negatives: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw for each text some partners of its own class and as many of others.

    Parameters
    ----------
    classes : ndarray of int, shape (n_texts,)
        Class of each text.
    n_per_text : int
        How many partners of each kind; in memory for ``2 * n_texts * n_per_text`` pairs, not for all there are.
    seed : int
        Seed of the draw.
    negatives : bool, default=True
        Whether to draw partners of other classes.

    Returns
    -------
    left, right : ndarray of int, shape (n_pairs,)
        Different pairs of texts, the smaller number on the left.
    same : ndarray of int, shape (n_pairs,)
        1 where they are of one class.

    Examples
    --------
    >>> left, right, same = draw_pairs(np.array([0, 0, 1, 1]), 8, seed=0)
    >>> list(zip(left.tolist(), right.tolist(), same.tolist()))
    [(0, 1, 1), (0, 2, 0), (0, 3, 0), (1, 2, 0), (1, 3, 0), (2, 3, 1)]
    """
    rng = np.random.default_rng(seed)
    n_texts = len(classes)
    order = np.argsort(classes, kind="stable")
    place = np.empty(n_texts, dtype=np.int64)
    place[order] = np.arange(n_texts)
    sizes = np.bincount(classes)
    start, size = (np.cumsum(sizes) - sizes)[classes], sizes[classes]
    texts = np.repeat(np.flatnonzero(size > 1), n_per_text)
    further = rng.integers(1, size[texts])  # from 1: a text is no partner of itself
    same_class = order[start[texts] + (place[texts] - start[texts] + further) % size[texts]]
    left, right, same = [texts], [same_class], [np.ones(len(texts), dtype=np.int64)]
    if negatives:
        texts = np.repeat(np.arange(n_texts), n_per_text)
        drawn = rng.integers(0, n_texts - size[texts])
        left.append(texts)
        right.append(order[drawn + np.where(drawn >= start[texts], size[texts], 0)])
        same.append(np.zeros(len(texts), dtype=np.int64))
    a, b = np.concatenate(left), np.concatenate(right)
    pairs = np.unique(np.stack([np.minimum(a, b), np.maximum(a, b), np.concatenate(same)], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1], pairs[:, 2]


def _label_rows(examples: Examples, form: Form, n_per_text: int, seed: int) -> Rows:
    texts, classes = examples.columns[0], _known(examples)
    left, right, same = draw_pairs(classes, n_per_text, seed, negatives=form == "pair")
    if not same.any():
        raise ValueError("No two texts have the same label, so no pair is the same. Pass two texts of a class.")
    if form == "pair":
        rows = _balanced(same)
        left, right, same = left[rows], right[rows], same[rows]
    columns = ([texts[row] for row in left], [texts[row] for row in right])
    if form == "pair":
        return Rows(_named(columns), same.astype(float).tolist())
    codes = _text_codes(columns)
    # Others of the class would be false negatives, so that a batch holds one pair of each.
    return Rows(_named(columns), codes=np.column_stack([codes, classes[left] + codes.max() + 1]))


def _balanced(same: NDArray[np.int64]) -> NDArray[np.int64]:
    """Repeat the rarer of both kinds until it is as frequent, as SetFit does: a class of 8 has but 28 pairs."""
    kinds = [np.flatnonzero(same == kind) for kind in (0, 1)]
    longest = max(len(kind) for kind in kinds)
    return np.concatenate([np.resize(kind, longest) for kind in kinds if len(kind)])


def _known(examples: Examples) -> NDArray[Any]:
    if examples.y is None:
        raise ValueError(f"Examples of the kind {examples.kind!r} have no y.")
    return examples.y


def _named(columns: tuple[list[str], ...]) -> dict[str, list[str]]:
    names = ["anchor", "positive", *(f"negative_{number}" for number in range(1, len(columns) - 1))]
    return dict(zip(names, columns, strict=True))


def _text_codes(columns: tuple[list[str], ...]) -> NDArray[np.int64]:
    """A number for each different text."""
    codes = pd.factorize(np.concatenate([np.asarray(column, dtype=object) for column in columns]))[0]
    return codes.astype(np.int64).reshape(len(columns), -1).T.copy()
