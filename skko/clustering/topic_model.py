"""KoTopicModel: topics with words, which can be merged, and texts that find theirs."""

from collections.abc import Collection, Sequence
from copy import copy
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skko.base import Interval, StrOptions, TextEstimator, fit_context
from skko.clustering._description import counts_over, describe, regroup
from skko.clustering._storage import load_model, save_model
from skko.clustering.hdbscan import by_size
from skko.clustering.hierarchy import TopicHierarchy, topic_hierarchy
from skko.clustering.pipeline import make_topic_clusterer


class KoTopicModel(ClusterMixin, TextEstimator):
    """Topics of Korean texts: clusters, and the words and texts that say what each is about.

    Parameters
    ----------
    clusterer : estimator or None, default=None
        Finds the topics: takes texts, has ``fit_predict``, and ``predict`` for new texts. None is
        :func:`~skko.make_topic_clusterer` with its defaults.
    n_keywords : int, default=10
        Most words a topic.
    diversity : float, default=0.1
        From 0, the words of most weight, to 1, words that stand in different texts.
    n_representatives : int, default=3
        Texts kept to show what a topic is about.
    max_characters : int or None, default=2_000_000
        Bound on the characters whose morphemes are analysed for the words, shared evenly among the topics; where it is
        felt, texts spread over each topic are read, and of each its beginning. None reads everything.
    show_progress : bool or "auto", default="auto"
        Whether to show progress while texts are analysed.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n_texts,)
        Topic of each text, -1 for none. Topics are numbered by size, the largest 0, ties by their first text.
    probabilities_ : ndarray of float, shape (n_texts,)
        How firmly each text belongs to its topic; 1 where the clusterer does not say.
    topics_ : TopicTable
        The topics, with ``to_frame()``.
    n_topics_ : int
        How many there are.
    n_read_ : int
        How many texts were read for the words.
    clusterer_ : estimator
        The fitted clusterer.

    See Also
    --------
    make_topic_clusterer : The clusterer alone, without words.

    Notes
    -----
    What changes topics, :meth:`merge_topics` and :meth:`reduce_outliers`, returns a new model and leaves this one.

    Examples
    --------
    >>> from skko import datasets, make_topic_clusterer
    >>> from skko.clustering import KoTopicModel
    >>> texts = datasets.load_inquiries().texts
    >>> model = KoTopicModel(make_topic_clusterer("skko-mini", random_state=0)).fit(texts)
    >>> list(model.topics_.to_frame().columns)
    ['topic', 'size', 'keywords', 'texts']
    >>> bool((model.predict(texts) == model.labels_).all())
    True
    """

    _parameter_constraints = {
        "clusterer": [object, None],
        "n_keywords": [Interval(Integral, 1, None, closed="left")],
        "diversity": [Interval(Real, 0, 1, closed="both")],
        "n_representatives": [Interval(Integral, 0, None, closed="left")],
        "max_characters": [Interval(Integral, 1, None, closed="left"), None],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        clusterer: Any = None,
        *,
        n_keywords: int = 10,
        diversity: float = 0.1,
        n_representatives: int = 3,
        max_characters: int | None = 2_000_000,
        show_progress: Any = "auto",
    ) -> None:
        self.clusterer = clusterer
        self.n_keywords = n_keywords
        self.diversity = diversity
        self.n_representatives = n_representatives
        self.max_characters = max_characters
        self.show_progress = show_progress

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None) -> "KoTopicModel":
        """Find the topics and their words.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : None
            Ignored.

        Returns
        -------
        KoTopicModel
            The fitted model.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text.
        """
        texts = self._validate_texts(X, reset=True)
        self.clusterer_ = make_topic_clusterer() if self.clusterer is None else clone(self.clusterer)
        found = np.asarray(self.clusterer_.fit_predict(texts), dtype=np.int64)
        last = self.clusterer_[-1] if isinstance(self.clusterer_, Pipeline) else self.clusterer_
        self.probabilities_ = np.array(getattr(last, "probabilities_", (found >= 0).astype(np.float64)))
        n_clusters = int(found.max(initial=-1)) + 1
        # Which topic each cluster is part of; the last entry is that of noise.
        self._topic_of = by_size(found, n_clusters)
        self._least: float | None = None
        self.labels_ = self._topic_of[found]
        self._described = describe(
            texts,
            self.labels_,
            n_clusters,
            n_keywords=self.n_keywords,
            diversity=self.diversity,
            n_texts=self.n_representatives,
            max_characters=self.max_characters,
            show_progress=self.show_progress,
        )
        self.topics_, self.n_topics_, self.n_read_ = self._described.topics, n_clusters, self._described.n_read
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Find the topic of texts; topics stay as they are.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 1)
            Texts.

        Returns
        -------
        ndarray of int, shape (n,)
            Topic of each text, -1 for none; that of ``labels_`` for a text seen in ``fit``.
        """
        check_is_fitted(self)
        texts = self._validate_texts(X)
        labels: NDArray[np.int64] = self._topic_of[np.asarray(self.clusterer_.predict(texts), dtype=np.int64)]
        return labels if self._least is None else self._nearest(texts, labels, self._least)[0]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Membership of texts in every topic.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 1)
            Texts.

        Returns
        -------
        ndarray of float, shape (n, n_topics)
            Memberships as the clusterer gives them, those of merged clusters added up; what is missing to 1 is noise.

        Raises
        ------
        AttributeError
            If the clusterer has no ``predict_proba``.
        """
        check_is_fitted(self)
        texts = self._validate_texts(X)
        of_clusters = np.asarray(self.clusterer_.predict_proba(texts))
        memberships = np.zeros((len(texts), self.n_topics_))
        for cluster, topic in enumerate(self._topic_of[: of_clusters.shape[1]].tolist()):
            memberships[:, topic] += of_clusters[:, cluster]
        return memberships

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Score of the clusterer, density-based validity unless it has another.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 1)
            Texts.
        y : None
            Ignored.

        Returns
        -------
        float
            Larger is better.
        """
        check_is_fitted(self)
        return float(self.clusterer_.score(self._validate_texts(X)))

    def hierarchy(self) -> TopicHierarchy:
        """Join topics by the words that they share.

        Returns
        -------
        TopicHierarchy
            The tree, with ``to_frame()``, and ``cut(n)`` for :meth:`merge_topics`.
        """
        check_is_fitted(self)
        names = tuple(topic.name for topic in self.topics_)
        sizes = np.array([topic.size for topic in self.topics_], dtype=np.int64)
        said = self._described
        return topic_hierarchy(said.counts, said.terms, names, sizes, self.n_keywords)

    def merge_topics(self, groups: int | Sequence[Sequence[int]]) -> "KoTopicModel":
        """Make one topic of several.

        Parameters
        ----------
        groups : int or sequence of sequence of int
            Topics that become one, group by group; others stay. A number joins the nearest of :meth:`hierarchy` until
            so many are left.

        Returns
        -------
        KoTopicModel
            A new model, its topics numbered by size.

        Raises
        ------
        ValueError
            If a topic does not exist or is in two groups.
        """
        check_is_fitted(self)
        wanted = self.hierarchy().cut(groups) if isinstance(groups, int) else [list(group) for group in groups]
        named = [topic for group in wanted for topic in group]
        unknown = sorted(set(named) - set(range(self.n_topics_)))
        if unknown or len(named) != len(set(named)):
            twice = sorted({topic for topic in named if named.count(topic) > 1})
            raise ValueError(
                f"Topics are numbered from 0 to {self.n_topics_ - 1} and each may be in one group: "
                f"unknown are {unknown}, in two groups are {twice}."
            )
        target = np.arange(self.n_topics_ + 1)
        target[-1] = -1
        for group in wanted:
            target[group] = min(group, default=-1)
        return self._renumbered(target, self.labels_, self.probabilities_)

    def reduce_outliers(self, X: ArrayLike, *, threshold: float = 0.0) -> "KoTopicModel":
        """Give texts without a topic the one that they belong to most.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            The texts of ``fit``: the model does not keep them.
        threshold : float, default=0.0
            Least sum of a text's memberships, from 0 to 1; texts with less, or with none at all, stay without a topic.

        Returns
        -------
        KoTopicModel
            A new model that gives new texts their topics in the same way. Words and topics stay, sizes change.

        Raises
        ------
        ValueError
            If there are not as many texts as in ``fit``.
        """
        check_is_fitted(self)
        texts = self._validate_texts(X)
        if len(texts) != len(self.labels_):
            raise ValueError(f"X has {len(texts)} texts and the model was fitted on {len(self.labels_)}: pass those.")
        labels, memberships = self._nearest(texts, self.labels_, threshold)
        given = labels != self.labels_
        model = self._renumbered(
            np.r_[np.arange(self.n_topics_), -1], labels, np.where(given, memberships, self.probabilities_)
        )
        model._least = threshold
        return model

    def topics_over(self, values: ArrayLike) -> pd.DataFrame:
        """Count the texts of each topic by a column, such as a date, a source or a label.

        Parameters
        ----------
        values : array-like of shape (n_texts,)
            Value of each text of ``fit``; missing ones are left out. Dates are best rounded to months or years first.

        Returns
        -------
        pandas.DataFrame
            Columns ``value``, ``topic`` (-1 is none), ``count``, ``share`` of the texts with that value, and
            ``keywords``; by value and topic, with a row for every combination.

        Raises
        ------
        ValueError
            If there are not as many values as texts.
        """
        check_is_fitted(self)
        column = values.to_numpy() if isinstance(values, pd.Series) else np.asarray(values)
        if len(column) != len(self.labels_):
            raise ValueError(f"There are {len(column)} values and {len(self.labels_)} texts: they must be as many.")
        return counts_over(column, self.labels_, self.topics_)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a file, without the weights of the embedding model and without pickle.

        Parameters
        ----------
        path : path-like
            The file, by custom with the ending ``.skops``; one that exists is replaced.

        Raises
        ------
        MissingDependencyError
            If skops is not installed.

        Notes
        -----
        It holds settings, labels, terms, representative texts and, to place new texts, the vectors of the training
        texts: 4 bytes a number. Where the texts are secret, so is the file.
        """
        check_is_fitted(self)
        save_model(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str], *, trusted: Collection[str] = ()) -> "KoTopicModel":
        """Read a model that :meth:`save` wrote.

        Parameters
        ----------
        path : path-like
            The file. Reading runs no code from it.
        trusted : collection of str, default=()
            Full names of further classes that the file may hold, such as a clusterer of your own.

        Returns
        -------
        KoTopicModel
            The model; its embedding model is loaded when texts come.

        Raises
        ------
        DataFileError
            If it is no such file, or holds classes that are not trusted.
        FileNotFoundError
            If there is no such file.
        MissingDependencyError
            If skops is not installed.
        """
        model: KoTopicModel = load_model(path, trusted)
        return model

    def _nearest(
        self, texts: list[str], labels: NDArray[np.int64], threshold: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give texts without a topic the one of most membership, where that is enough."""
        labels, best = labels.copy(), np.zeros(len(labels))
        outside = np.flatnonzero(labels < 0)
        if len(outside) and self.n_topics_:
            memberships = self.predict_proba([texts[row] for row in outside])
            best[outside] = memberships.sum(axis=1)
            given = (best[outside] > 0) & (best[outside] >= threshold)
            labels[outside] = np.where(given, memberships.argmax(axis=1), -1)
        return labels, best

    def _renumbered(
        self, target: NDArray[np.int64], labels: NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> "KoTopicModel":
        """A new model in which topics became their targets, numbered by size."""
        # Topics that are the target of none are empty and numbered last.
        final = by_size(target[labels], self.n_topics_)[target]
        model = copy(self)
        model._topic_of, model.labels_, model.probabilities_ = (
            final[self._topic_of],
            final[labels],
            probabilities.copy(),
        )
        model._described = regroup(
            self._described,
            final[:-1],
            model.labels_,
            n_keywords=self.n_keywords,
            n_texts=self.n_representatives,
        )
        model.topics_, model.n_topics_ = model._described.topics, len(model._described.topics)
        return model
