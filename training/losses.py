"""What the table is trained to lessen. All losses but :func:`distance` are Matryoshka losses: they count in the first
64 and 128 dimensions, too, so that vectors can be shortened (Kusupati et al., 2022)."""

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy, normalize

# Of the cosines, before the softmax.
SCALE = 20.0
_SIZES = {256: 1.0, 128: 0.5, 64: 0.25}
_SHARE_WITHIN_BATCH = 5.0
_LABEL_SCALE = 10.0
_TEACHER_SCALE = 20.0


def _in_every_size(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *sides: torch.Tensor) -> torch.Tensor:
    """Mean of a loss over the sizes that a vector may be shortened to."""
    losses = [weight * loss(*(normalize(side[:, :size], dim=-1) for side in sides)) for size, weight in _SIZES.items()]
    return torch.stack(losses).sum() / sum(_SIZES.values())


def ranking(left: torch.Tensor, right: torch.Tensor, *, twins: torch.Tensor | None = None) -> torch.Tensor:
    """Cross-entropy of finding each text's partner among all of a batch, averaged over both directions.

    Parameters
    ----------
    left : Tensor, shape (n_pairs, dimension)
        Vectors.
    right : Tensor, shape (n_pairs, dimension)
        Vectors of their partners.
    twins : Tensor of bool, shape (n_pairs, n_pairs), optional
        Which texts on the right are another's partner and say the same: they are no negatives.

    Returns
    -------
    Tensor
        The loss.
    """

    def loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        scores = SCALE * a @ b.T
        if twins is not None:
            scores = scores.masked_fill(twins, float("-inf"))
        # Exponentials of at most SCALE cannot overflow, and serve both directions: half the time of two softmaxes.
        likelihoods = scores.exp()
        sums = likelihoods.sum(dim=0).log() + likelihoods.sum(dim=1).log()
        return sums.mean() / 2 - scores.diagonal().mean()

    return _in_every_size(loss, left, right)


def worded_ranking(left: torch.Tensor, wordings: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Cross-entropy as of :func:`ranking`, where a text on the left goes on with another.

    Parameters
    ----------
    left, wordings : Tensor, shape (n_pairs, dimension)
        Sums of the rows of both parts of a text.
    right : Tensor, shape (n_pairs, dimension)
        Vectors of their partners.

    Returns
    -------
    Tensor
        The loss.
    """
    return ranking(left + wordings, right)


def cosent(left: torch.Tensor, right: torch.Tensor, judgements: torch.Tensor) -> torch.Tensor:
    """Ask that pairs judged more alike have the larger cosine.

    Source: Su (2022), "CoSENT", https://kexue.fm/archives/8847.

    Parameters
    ----------
    left, right : Tensor, shape (n_pairs, dimension)
        Vectors.
    judgements : Tensor, shape (n_pairs,)
        How alike people judged them.

    Returns
    -------
    Tensor
        The loss, by tenths, so that it is of the size of the others.
    """
    not_higher = judgements[:, None] <= judgements[None, :]

    def loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        cosines = SCALE * (a * b).sum(dim=-1)
        gaps = (cosines[None, :] - cosines[:, None]).masked_fill(not_higher, -torch.inf)
        return torch.logsumexp(torch.cat([gaps.new_zeros(1), gaps.flatten()]), dim=0) / 10

    return _in_every_size(loss, left, right)


def distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """One minus the cosine to the teacher, plus the squared error of the similarities within the batch.

    Parameters
    ----------
    student : Tensor, shape (n_texts, dimension)
        Vectors.
    teacher : Tensor, shape (n_texts, dimension)
        Unit vectors.

    Returns
    -------
    Tensor
        The loss.
    """
    student = normalize(student, dim=-1)
    cosine = (student * teacher).sum(dim=-1)
    errors = student @ student.T - teacher @ teacher.T
    return (1 - cosine).mean() + _SHARE_WITHIN_BATCH * errors.square().mean()


def likeness(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of which texts of a batch are like which, as the teacher sees it.

    Parameters
    ----------
    student : Tensor, shape (n_texts, dimension)
        Vectors.
    teacher : Tensor, shape (n_texts, dimension_of_the_teacher)
        Unit vectors.

    Returns
    -------
    Tensor
        The loss.
    """
    itself = torch.eye(len(student), dtype=torch.bool)
    wanted = (_TEACHER_SCALE * teacher @ teacher.T).masked_fill(itself, -torch.inf).softmax(dim=-1)

    def loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return cross_entropy((SCALE * a @ b.T).masked_fill(itself, torch.finfo(a.dtype).min), wanted)

    return _in_every_size(loss, student, student)


def classification(vectors: torch.Tensor, classes: torch.Tensor, head: torch.nn.Linear) -> torch.Tensor:
    """Cross-entropy of a linear classifier, which is thrown away afterwards.

    Parameters
    ----------
    vectors : Tensor, shape (n_texts, dimension)
        Vectors.
    classes : Tensor of int64, shape (n_texts,)
        Their classes.
    head : Linear
        The classifier.

    Returns
    -------
    Tensor
        The loss.
    """
    return cross_entropy(head(_LABEL_SCALE * normalize(vectors, dim=-1)), classes)
