"""KoSemanticSearch: Korean documents by what they mean and by their words."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skko.base import fit_context
from skko.embedding import KoEmbeddingTransformer
from skko.progress import ShowProgress
from skko.search.documents import Documents, Where
from skko.search.engine import SearchEngine
from skko.search.passages import Split
from skko.search.ranking import Fusion, part_weights, rank
from skko.search.results import Explanation, SearchResults
from skko.search.tuning import METRICS, check_relevant, full_grid, tune_search
from skko.validation import check_texts


class KoSemanticSearch(SearchEngine):
    """Search Korean documents by meaning and by words.

    Documents are compared with a query by their vectors (dense) and by BM25 over their content morphemes (lexical), and
    the two rankings are fused: names and numbers are found by their letters, paraphrases by what they mean.

    Parameters
    ----------
    embedder : KoEmbeddingTransformer, str or None, default=None
        What embeds documents and queries, or the name of its model; None is ``KoEmbeddingTransformer()``.
    lexical : bool, default=True
        Whether to search by morphemes too.
    alpha : float or dict of str to float, default=0.8
        Share of the model against the morphemes: 1 searches by vectors alone, 0 by morphemes alone, and then needs no
        model. A dict weights each part by name: ``"dense"``, ``"lexical"``, ``"sparse"``, ``"colbert"``.
    fusion : {"adaptive", "weighted", "rrf"}, default="adaptive"
        How scores become one. ``"adaptive"`` makes probabilities of the scores of each part, so that one that is sure
        decides; ``"weighted"`` adds scores scaled to 0 to 1; ``"rrf"`` adds reciprocal ranks.
    split : "sentences", int or None, default=None
        Cut documents into sentences, or into windows of whole sentences of at most so many characters. A document is
        then as good as its best passage, which is returned with its span. None takes documents whole.
    query_prompt, document_prompt : str or None, default=None
        Text put before queries and before documents, for models trained so (``"query: "``, ``"passage: "``). None is
        the embedder's own prompt.
    heads : tuple of {"sparse", "colbert"}, default=()
        BGE-M3's other functions to use beside its vectors: learned weights of tokens, and a vector for each token. Only
        for models that have them, such as ``"BAAI/bge-m3"``.
    candidates : int, default=100
        How many documents each part proposes; all of them are scored by every part.
    approximate : bool, default=False
        Search vectors by a graph of neighbours, for millions of documents; needs the extra ``skko[ann]``. The first
        query builds it.
    k1, b : float, default=1.2 and 0.75
        Parameters of BM25: how soon repetition stops to count, and how much the length of a document does.
    show_progress : bool or "auto", default="auto"
        Whether to show progress bars.

    Attributes
    ----------
    n_documents_ : int
        Documents there are.
    documents_ : Documents
        Their texts, ids and metadata.
    index_ : PassageIndex
        What is searched.
    model_fingerprint_ : str or None
        Digest of the model that embedded the documents; None without one.
    tuning_ : pandas.DataFrame
        What :meth:`tune` has tried, best first.

    See Also
    --------
    KoEmbeddingTransformer : The vectors.

    Notes
    -----
    ``alpha=0.8`` and the adaptive fusion were chosen with skko-mini on development sets, as what comes out best on the
    set where it is worst against the better of the two parts (``python -m benchmarks.search --data DIR``). :meth:`tune`
    chooses for your own queries.

    Examples
    --------
    >>> from skko.search import KoSemanticSearch
    >>> search = KoSemanticSearch("skko-mini").fit(["배송이 너무 늦어요", "환불은 언제 되나요?", "비밀번호를 잊었어요"])
    >>> [hit.text for hit in search.search(["암호를 까먹었습니다"], top_k=1)[0]]
    ['비밀번호를 잊었어요']
    >>> search.explain("환불 문의", 1).morphemes.keys()
    dict_keys(['환불'])
    """

    def __init__(
        self,
        embedder: KoEmbeddingTransformer | str | None = None,
        *,
        lexical: bool = True,
        alpha: float | Mapping[str, float] = 0.8,
        fusion: Fusion = "adaptive",
        split: Split = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        heads: Sequence[str] = (),
        candidates: int = 100,
        approximate: bool = False,
        k1: float = 1.2,
        b: float = 0.75,
        show_progress: ShowProgress = "auto",
    ) -> None:
        self.embedder = embedder
        self.lexical = lexical
        self.alpha = alpha
        self.fusion = fusion
        self.split = split
        self.query_prompt = query_prompt
        self.document_prompt = document_prompt
        self.heads = heads
        self.candidates = candidates
        self.approximate = approximate
        self.k1 = k1
        self.b = b
        self.show_progress = show_progress

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, *, ids: Any = None, metadata: Any = None) -> "KoSemanticSearch":
        """Index a corpus.

        Parameters
        ----------
        X : array-like of str, shape (n_documents,) or (n_documents, 1)
            Documents.
        y : None
            Ignored.
        ids : array-like of str or int, shape (n_documents,), or None, default=None
            A name for each, all different; None numbers them from 0.
        metadata : list of dict, pandas.DataFrame or None, default=None
            What filters may ask of each; anything that JSON knows.

        Returns
        -------
        KoSemanticSearch
            The search itself.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text, there is not one id and one mapping for each, or two ids are the same.
        ModelNotAvailableError
            If the model cannot be found, or lacks one of ``heads``.
        """
        texts = self._validate_texts(X, reset=True)
        weights = part_weights(self.alpha, self._parts())
        documents = Documents.of(texts, ids, metadata)
        sides = self._sides() if set(weights) - {"lexical"} else None
        self._set(documents, self._recipe(sides).build(texts), None if sides is None else sides.fingerprint)
        return self

    def add(self, X: ArrayLike, *, ids: Any = None, metadata: Any = None) -> "KoSemanticSearch":
        """Add documents; only these are analysed and embedded.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 1)
            Documents.
        ids : array-like of str or int, shape (n,), or None, default=None
            Their names; None goes on numbering above the highest number there is.
        metadata : list of dict, pandas.DataFrame or None, default=None
            What filters may ask of each.

        Returns
        -------
        KoSemanticSearch
            The search itself.

        Raises
        ------
        ValueError
            If an id is already that of a document.
        ModelMismatchError
            If the model is no longer the one that embedded the others.
        """
        check_is_fitted(self)
        texts = self._validate_texts(X)
        documents = self.documents_ + Documents.of(texts, ids, metadata, self.documents_.next_id if ids is None else 0)
        fingerprint = self.model_fingerprint_
        sides = None if fingerprint is None else self._sides()
        if sides is not None and fingerprint is not None:
            sides.check(fingerprint)
        self._set(documents, self._recipe(sides).extend(self.index_, texts), fingerprint)
        return self

    def remove(self, ids: Iterable[Any]) -> "KoSemanticSearch":
        """Remove documents.

        Parameters
        ----------
        ids : iterable of str or int
            Their ids.

        Returns
        -------
        KoSemanticSearch
            The search itself.

        Raises
        ------
        KeyError
            If there is no such document; then none is removed.
        """
        check_is_fitted(self)
        if isinstance(ids, str):
            raise TypeError(f"ids is a single str: pass a list of ids, e.g. [{ids!r}].")
        kept = np.setdiff1d(np.arange(self.n_documents_), self.documents_.rows(ids))
        self._set(self.documents_.take(kept), self.index_.take(kept), self.model_fingerprint_)
        return self

    def search(self, queries: ArrayLike, top_k: int = 10, *, where: Where | None = None) -> SearchResults:
        """Find the documents that answer queries best.

        Parameters
        ----------
        queries : array-like of str, shape (n_queries,) or (n_queries, 1)
            Queries.
        top_k : int, default=10
            How many documents for each.
        where : mapping or callable or None, default=None
            Which documents to search, by their metadata: ``{"year": 2020}``, ``{"topic": ["배송", "환불"]}``,
            ``{"year": lambda year: year > 2019}``, or a function of the whole mapping.

        Returns
        -------
        SearchResults
            For each query a list of :class:`Hit`, best first, ties in the order of the corpus. It is shorter where
            fewer documents are let through, or morphemes alone are searched and fewer match.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text, or no document has metadata of that name.
        ModelMismatchError
            If the model is no longer the one that embedded the documents.
        """
        texts = check_texts(queries, name="queries")
        hits = [
            [self._hit(found, ranking, place) for place in range(len(ranking.documents))]
            for found, ranking in self._rankings(texts, top_k, where)
        ]
        return SearchResults(texts, hits)

    def kneighbors(
        self, queries: ArrayLike, n_neighbors: int = 10, *, return_distance: bool = True, where: Where | None = None
    ) -> Any:
        """Find the nearest documents as scikit-learn's neighbours do.

        Parameters
        ----------
        queries : array-like of str, shape (n_queries,) or (n_queries, 1)
            Queries.
        n_neighbors : int, default=10
            How many for each.
        return_distance : bool, default=True
            Whether to return distances too.
        where : mapping or callable or None, default=None
            Which documents to search, as in :meth:`search`.

        Returns
        -------
        distances : ndarray of float64, shape (n_queries, n_neighbors)
            1 less the score; infinity where there is no document. Only if ``return_distance``.
        indices : ndarray of int, shape (n_queries, n_neighbors)
            Rows of the corpus; -1 where there is no document.
        """
        texts = check_texts(queries, name="queries")
        indices = np.full((len(texts), n_neighbors), -1, dtype=np.intp)
        distances = np.full(indices.shape, np.inf)
        for row, (_, ranking) in enumerate(self._rankings(texts, n_neighbors, where)):
            indices[row, : len(ranking.documents)] = ranking.documents
            distances[row, : len(ranking.documents)] = 1 - ranking.scores
        return (distances, indices) if return_distance else indices

    def explain(self, query: str, doc: str | int) -> Explanation:
        """Say how a document answers a query.

        Parameters
        ----------
        query : str
            The query.
        doc : str or int
            Id of the document.

        Returns
        -------
        Explanation
            Scores of the parts for the best passage, and the morphemes it shares with the query.

        Raises
        ------
        KeyError
            If there is no such document.
        """
        weights = self._weights()
        row = self.documents_.rows([doc]).astype(np.int64)
        queries = self._queries(check_texts([query], name="query"), weights)
        parts = [*weights, *({"lexical"} & set(self.index_.parts) - set(weights))]
        found = self.index_.scored(queries, 0, row, parts)
        ranking = rank(found, weights, self.fusion, 1, unmatched=True)
        hit = self._hit(found, ranking, 0)
        lexical, passage = self.index_.lexical, int(found.passages[ranking.places[0]])
        morphemes = {} if lexical is None else lexical.matches(queries.texts[0], passage)
        return Explanation(query, hit.id, hit.parts, morphemes, hit.passage, hit.span)

    def tune(
        self,
        queries: ArrayLike,
        relevant: Sequence[Collection[Any]],
        grid: Mapping[str, Sequence[Any]] | None = None,
        *,
        metric: str = "ndcg",
        k: int = 10,
    ) -> "KoSemanticSearch":
        """Choose parameters by queries whose answers are known, without splitting the corpus.

        Every model and prompt embeds the documents once, whatever else is tried.

        Parameters
        ----------
        queries : array-like of str, shape (n_queries,)
            Queries.
        relevant : sequence of collections of str or int, length n_queries
            Ids of the documents that answer each.
        grid : mapping of str to sequence or None, default=None
            Values to try of ``alpha``, ``fusion``, ``embedder``, ``query_prompt`` and ``document_prompt``; None tries
            ``alpha`` from 0 to 1 by steps of 0.1 with every fusion.
        metric : {"ndcg", "recall"}, default="ndcg"
            What to look at.
        k : int, default=10
            In how many hits.

        Returns
        -------
        KoSemanticSearch
            The search itself, with the best parameters set; what was tried is in ``tuning_``. Of equals the first in
            the grid is taken.

        Raises
        ------
        ValueError
            If there is not one collection for each query, one is empty, or the grid names another parameter.
        """
        check_is_fitted(self)
        texts = check_texts(queries, name="queries")
        if metric not in METRICS or k < 1:
            raise ValueError(f"metric must be one of {METRICS} and k at least 1, got {metric!r} and {k!r}.")
        rows = [self.documents_.rows(ids) for ids in check_relevant(relevant, len(texts))]
        current = {"alpha": self.alpha, "fusion": self.fusion}

        trial = partial(self._tried, texts)
        best, params, self.tuning_ = tune_search(trial, current, rows, full_grid(grid), metric, k)
        self.set_params(**params)
        self._set(self.documents_, best.index_, best.model_fingerprint_)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags
