"""What a step of the training looks at: some texts of each kind, and the loss that they are for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from training import losses
from training.corpus import Corpus

Rows = NDArray[np.int64]
Draw = tuple[tuple["Runs", ...], Callable[..., torch.Tensor]]
"""Texts, and the loss of their vectors."""

_N_ARTICLES = 2048
# Articles of these are in one step: some 32 of each.
_N_NEIGHBOURHOODS = 32
_N_PAIRS = 512
_N_JUDGED = 384
_N_TAUGHT = 1024
_N_LABELLED = 1024
# How often pairs come from each set: the larger and the freer the language, the oftener.
_SHARES = {"groups": 4, "sae4k": 3, "chatbot": 2, "question_pair": 2, "korsts": 1}
_TITLE_SHARE = 0.5
_WORDED_SHARE = 0.5
_LONGEST_RUN = 24


@dataclass(frozen=True, slots=True)
class Runs:
    """Some texts, each a run of texts of the corpus that follow one another: ``starts[i]`` to ``ends[i] - 1``."""

    starts: Rows
    ends: Rows

    @classmethod
    def of(cls, rows: Rows) -> "Runs":
        """Take single texts of the corpus."""
        return cls(rows, rows + 1)

    def but(self, left_out: NDArray[np.bool_]) -> "Runs":
        """Leave the chosen runs empty."""
        return type(self)(self.starts, np.where(left_out, self.starts, self.ends))


class Lesson(Protocol):
    """What draws some texts for a step, and says what their vectors are for."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw some texts, and the loss of their vectors."""
        ...


class Articles:
    """Titles and sentences ask for other sentences of their own article.

    Half of the questions are titles, whose answer begins where the article does or anywhere in it; half are sentences,
    whose answer lies before or behind them. Answers are up to 24 sentences long, mostly short. Some of a step's
    articles are neighbours in the teacher's space, so that the others of a batch are hard negatives. Half of the
    questions are worded as such: what people put behind a subject, to ask for it, is to say nothing.

    Parameters
    ----------
    corpus : Corpus
        Texts and articles.
    neighbourhoods : ndarray of int, shape (n_articles,)
        Neighbourhood of each article.
    share : float
        Share of a step's articles that are drawn by neighbourhoods; the rest come from anywhere.
    """

    def __init__(self, corpus: Corpus, neighbourhoods: Rows, share: float) -> None:
        kept = corpus.articles[:, 2] - corpus.articles[:, 1] > 1
        self._articles = corpus.articles[kept]
        order = np.argsort(neighbourhoods[kept], kind="stable")
        self._near = np.split(order, np.flatnonzero(np.diff(neighbourhoods[kept][order])) + 1)
        self._share = share
        self._wordings = corpus.wordings

    def _choose(self, rng: np.random.Generator) -> Rows:
        """Articles of one step, each once."""
        n = min(_N_ARTICLES, len(self._articles))
        near = np.concatenate([self._near[i] for i in rng.permutation(len(self._near))[:_N_NEIGHBOURHOODS]])
        near = rng.permutation(near)[: int(n * self._share)]
        anywhere = np.setdiff1d(rng.choice(len(self._articles), n, replace=False), near)
        return np.concatenate([near, rng.permutation(anywhere)[: n - len(near)]])

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw questions, their wordings, and answers of some articles."""
        title, first, last = self._articles[self._choose(rng)].T
        n = len(title)
        place = first + (rng.random(n) * (last - first)).astype(np.int64)
        size = 1 + (rng.random(n) ** 2 * _LONGEST_RUN).astype(np.int64)
        by_title, coin = rng.random(n) < _TITLE_SHARE, rng.random(n) < 0.5
        before = (coin & (place > first)) | (place == last - 1)
        start = np.where(before, np.maximum(first, place - size), place + 1)
        end = np.where(before, place, np.minimum(last, place + 1 + size))
        opening = np.where(coin, first, place)
        start = np.where(by_title, opening, start)
        end = np.where(by_title, np.minimum(last, opening + size), end)
        worded = Runs.of(rng.choice(self._wordings, n)).but(rng.random(n) >= _WORDED_SHARE)
        return (Runs.of(np.where(by_title, title, place)), worded, Runs(start, end)), losses.worded_ranking


def neighbourhoods(corpus: Corpus, taught: torch.Tensor, seed: int, size: int = 40) -> Rows:
    """Cluster articles by what the teacher makes of their first sentence.

    Parameters
    ----------
    corpus : Corpus
        Texts and articles.
    taught : Tensor of float16, shape (n_analysed, dimension)
        The teacher's vectors of ``corpus.analysed``.
    seed : int
        Seed of the clusters.
    size : int, default=40
        Articles of a neighbourhood, on average.

    Returns
    -------
    ndarray of int, shape (n_articles,)
        Neighbourhood of each article.
    """
    from sklearn.cluster import MiniBatchKMeans

    row_of = np.zeros(len(corpus.texts), dtype=np.int64)
    row_of[corpus.analysed] = np.arange(len(corpus.analysed))
    vectors = taught[torch.from_numpy(row_of[corpus.articles[:, 1]])].float().numpy()
    n_clusters = max(1, len(vectors) // size)
    found: Rows = MiniBatchKMeans(n_clusters, random_state=seed, n_init=1).fit_predict(vectors).astype(np.int64)
    return found


class Pairs:
    """Paraphrases, questions and answers, sentences and their key phrases."""

    def __init__(self, corpus: Corpus) -> None:
        self._sets = {"groups": corpus.groups, **corpus.pairs}
        shares = np.array([_SHARES[name] for name in self._sets], dtype=float)
        self._shares = shares / shares.sum()

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw pairs of one of the sets."""
        name = list(self._sets)[rng.choice(len(self._sets), p=self._shares)]
        rows = self._sets[name]
        rows = rows[rng.choice(len(rows), min(_N_PAIRS, len(rows)), replace=False)]
        if name == "groups":
            rows = np.take_along_axis(rows, rng.random(rows.shape).argsort(axis=1)[:, :2], axis=1)
        left, right = rows.T
        return (Runs.of(left), Runs.of(right)), partial(losses.ranking, twins=torch.from_numpy(twins(left, right)))


def twins(left: Rows, right: Rows) -> NDArray[np.bool_]:
    """Which texts on the right are no negatives of which on the left, because another pair holds one of both.

    Parameters
    ----------
    left : ndarray of int64, shape (n_pairs,)
        Rows of texts.
    right : ndarray of int64, shape (n_pairs,)
        Rows of their partners.

    Returns
    -------
    ndarray of bool, shape (n_pairs, n_pairs)
        True where a text is no negative; False for the partners themselves.
    """
    same: NDArray[np.bool_] = (left[:, None] == left) | (right[:, None] == right)
    np.fill_diagonal(same, False)
    return same


class Judged:
    """Pairs of KorSTS, whose likeness people judged."""

    def __init__(self, corpus: Corpus) -> None:
        self._rows, self._judgements = corpus.judged, torch.from_numpy(corpus.judgements).float()

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw some pairs."""
        chosen = rng.choice(len(self._rows), min(_N_JUDGED, len(self._rows)), replace=False)
        left, right = self._rows[chosen].T
        return (Runs.of(left), Runs.of(right)), partial(losses.cosent, judgements=self._judgements[chosen])


class Taught:
    """Texts that a teacher has a vector for.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_rows,)
        The texts.
    vectors : Tensor of float16, shape (n_rows, dimension)
        The teacher's unit vectors; zero where it has none.
    loss : callable
        Of the vectors that are learnt, given the teacher's as ``teacher``.
    """

    def __init__(self, rows: Rows, vectors: torch.Tensor, loss: Callable[..., torch.Tensor]) -> None:
        known = vectors.norm(dim=-1) > 0
        self._rows, self._vectors, self._loss = rows[known.numpy()], vectors[known], loss

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw some texts."""
        chosen = rng.choice(len(self._rows), min(_N_TAUGHT, len(self._rows)), replace=False)
        wanted = self._vectors[torch.from_numpy(chosen)].float()
        return (Runs.of(self._rows[chosen]),), partial(self._loss, teacher=wanted)


def alike(corpus: Corpus, vectors: torch.Tensor) -> tuple[Taught, Taught]:
    """Lessons of the transformer: one of headlines, one of all else that it has read.

    Its cosines lie between .75 and 1. Of headlines they count by what they differ from their mean: topics come out.
    Of sentences they count as they are, so that no two are much more alike than others: which paraphrase is meant.

    Parameters
    ----------
    corpus : Corpus
        Texts.
    vectors : Tensor of float16, shape (n_read, dimension)
        The transformer's unit vectors of ``corpus.read``.

    Returns
    -------
    headlines, sentences : Taught
        The lessons.
    """
    titles = np.isin(corpus.read, corpus.headlines)
    of_titles = vectors[torch.from_numpy(titles)].float()
    centred = normalize(of_titles - of_titles.mean(dim=0), dim=-1).half()
    others = vectors[torch.from_numpy(~titles)]
    return (
        Taught(corpus.read[titles], centred, losses.likeness),
        Taught(corpus.read[~titles], others, losses.likeness),
    )


class Labelled:
    """Texts with classes, which a linear head is to tell apart.

    Parameters
    ----------
    rows, classes : ndarray of int64, shape (n_rows,)
        The texts and their classes.
    dimension : int
        Of the vectors.
    """

    def __init__(self, rows: Rows, classes: Rows, dimension: int) -> None:
        self._rows, self._classes = rows, torch.from_numpy(classes)
        self.head = torch.nn.Linear(dimension, int(classes.max()) + 1)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw some texts."""
        chosen = rng.integers(len(self._rows), size=_N_LABELLED)
        loss = partial(losses.classification, classes=self._classes[torch.from_numpy(chosen)], head=self.head)
        return (Runs.of(self._rows[chosen]),), loss
