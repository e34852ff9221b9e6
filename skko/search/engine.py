"""What a search does behind its public methods: from parameters to an index, from queries to rankings."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from skko.base import Interval, StrOptions, TextEstimator
from skko.embedding import KoEmbeddingTransformer
from skko.progress import ShowProgress
from skko.search.building import Recipe, passage_texts
from skko.search.documents import Documents, Where
from skko.search.heads import HEADS
from skko.search.index import PassageIndex, Queries
from skko.search.passages import Split
from skko.search.ranking import FUSIONS, Candidates, Fusion, Ranking, part_weights, rank
from skko.search.results import Hit
from skko.search.sides import Sides
from skko.search.storage import open_version, save_version
from skko.text.normalization import normalise

# Parameters kept with a saved index; the embedder is kept apart, and progress bars are not.
_KEPT = (
    "lexical",
    "alpha",
    "fusion",
    "split",
    "query_prompt",
    "document_prompt",
    "candidates",
    "approximate",
    "k1",
    "b",
)


class SearchEngine(TextEstimator):
    """Base of :class:`~skko.search.KoSemanticSearch`, which documents parameters and attributes."""

    _parameter_constraints = {
        "embedder": [KoEmbeddingTransformer, str, None],
        "lexical": ["boolean"],
        "alpha": [Interval(Real, 0, 1, closed="both"), dict],
        "fusion": [StrOptions(set(FUSIONS))],
        "split": [StrOptions({"sentences"}), Interval(Integral, 1, None, closed="left"), None],
        "query_prompt": [str, None],
        "document_prompt": [str, None],
        "heads": [tuple, list],
        "candidates": [Interval(Integral, 1, None, closed="left")],
        "approximate": ["boolean"],
        "k1": [Interval(Real, 0, None, closed="left")],
        "b": [Interval(Real, 0, 1, closed="both")],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    embedder: KoEmbeddingTransformer | str | None
    lexical: bool
    alpha: float | Mapping[str, float]
    fusion: Fusion
    split: Split
    query_prompt: str | None
    document_prompt: str | None
    heads: Sequence[str]
    candidates: int
    approximate: bool
    k1: float
    b: float
    show_progress: ShowProgress

    documents_: Documents
    index_: PassageIndex
    model_fingerprint_: str | None
    n_documents_: int

    def save(self, path: str | PathLike[str]) -> None:
        """Write the search into a directory, of which only the user can read.

        Parameters
        ----------
        path : path-like
            The directory. An index that is there is replaced, at once and only when the new one is whole.

        Raises
        ------
        FileExistsError
            If the directory holds anything else.
        """
        check_is_fitted(self)
        save_version(Path(path), self._facts(), self._write)

    @classmethod
    def load(cls, path: str | PathLike[str], *, embedder: KoEmbeddingTransformer | str | None = None) -> Self:
        """Open what :meth:`save` wrote; the model is not loaded before the first query.

        Parameters
        ----------
        path : path-like
            The directory.
        embedder : KoEmbeddingTransformer, str or None, default=None
            What embeds queries; None is the model that embedded the documents, by the name it had. Needed where that
            runs code of its repository.

        Returns
        -------
        KoSemanticSearch
            The search, with its arrays mapped from the files.

        Raises
        ------
        FileNotFoundError
            If there is no index.
        DataFileError
            If it is damaged, or of a format that this version does not read.
        """
        found: Self = open_version(Path(path), lambda folder, facts: cls._opened(folder, facts, embedder))
        return found

    def _set(self, documents: Documents, index: PassageIndex, fingerprint: str | None) -> None:
        self.documents_, self.index_, self.model_fingerprint_ = documents, index, fingerprint
        self.n_documents_ = len(documents)

    def _parts(self) -> tuple[str, ...]:
        """The parts that the parameters ask for."""
        if unknown := sorted(set(self.heads) - set(HEADS)):
            raise ValueError(f"heads has {unknown}: the heads are {list(HEADS)}.")
        return ("dense", *(["lexical"] if self.lexical else []), *(head for head in HEADS if head in self.heads))

    def _weights(self, alpha: float | Mapping[str, float] | None = None) -> dict[str, float]:
        """Weights of the parts, by another ``alpha`` than that of the search if one is given."""
        check_is_fitted(self)
        alpha = self.alpha if alpha is None else alpha
        weights = part_weights(alpha, self._parts())
        if missing := [part for part in weights if part not in self.index_.parts]:
            raise ValueError(f"The corpus was fitted without {missing}, which alpha={alpha!r} needs: fit it again.")
        return weights

    def _sides(self) -> Sides:
        embedder = self.embedder
        if not isinstance(embedder, KoEmbeddingTransformer):
            embedder = KoEmbeddingTransformer() if embedder is None else KoEmbeddingTransformer(embedder)
        return Sides(embedder, self.query_prompt, self.document_prompt, tuple(self.heads), self.show_progress)

    def _recipe(self, sides: Sides | None) -> Recipe:
        return Recipe(sides, self.lexical, self.split, self.approximate, self.k1, self.b, self.show_progress)

    def _queries(self, texts: list[str], weights: Mapping[str, float]) -> Queries:
        texts = normalise(texts)
        if not set(weights) - {"lexical"}:
            return Queries(texts)
        return self._sides().queries(texts, str(self.model_fingerprint_))

    def _rankings(self, texts: list[str], k: int, where: Where | None) -> Iterator[tuple[Candidates, Ranking]]:
        if k < 1:
            raise ValueError(f"At least 1 document must be asked for, got {k}.")
        weights = self._weights()
        allowed = None if where is None else self.documents_.matching(where)
        n = k if len(weights) == 1 else max(k, self.candidates)
        for found in self.index_.candidates(self._queries(texts, weights), weights, n, allowed):
            yield found, rank(found, weights, self.fusion, k)

    def _hit(self, found: Candidates, ranking: Ranking, place: int) -> Hit:
        row, at = int(ranking.documents[place]), ranking.places[place]
        start, end = self.index_.passages.spans[found.passages[at]].tolist()
        return Hit(
            id=self.documents_.id(row),
            row=row,
            score=float(ranking.scores[place]),
            text=self.documents_.texts[row],
            span=(start, end),
            parts={part: float(scores[at]) for part, scores in found.scores.items()},
            metadata=self.documents_.metadata(row),
        )

    def _with(self, params: dict[str, Any]) -> "SearchEngine":
        """The same search with another model or prompts; documents are embedded again only if they would differ."""
        search: SearchEngine = copy(self).set_params(**params)
        changed = any(
            name in params and params[name] != getattr(self, name) for name in ("embedder", "document_prompt")
        )
        if changed:
            sides = search._sides()
            words = passage_texts(self.documents_.texts, self.index_.passages)
            index = search._recipe(sides).embed(self.index_, words)
            search._set(self.documents_, index, sides.fingerprint)
        return search

    def _tried(self, texts: list[str], params: dict[str, Any]) -> tuple["SearchEngine", list[Candidates]]:
        """Candidates of queries with another model or other prompts, scored by every part there is."""
        search = self._with(params)
        parts = search.index_.parts
        queries = search._queries(texts, dict.fromkeys(parts, 1.0))
        return search, list(search.index_.candidates(queries, parts, self.candidates))

    @classmethod
    def _opened(cls, folder: Path, facts: dict[str, Any], embedder: Any) -> Any:
        """Read what ``_write`` wrote."""
        model = facts["model"]
        if embedder is None and model is not None:
            embedder = Sides.embedder_of(model)
        params = {name: facts["params"][name] for name in _KEPT}
        search: Any = cls(embedder, heads=tuple(facts["heads"]), **params)
        search._validate_params()
        documents = Documents.load(folder)
        index = PassageIndex.load(folder, facts["parts"], approximate=search.approximate, k1=search.k1, b=search.b)
        if len(documents) != index.n_documents:
            raise ValueError(f"it has {len(documents)} texts and {index.n_documents} documents")
        search._set(documents, index, None if model is None else model["fingerprint"])
        return search

    def _write(self, folder: Path) -> None:
        self.documents_.save(folder)
        self.index_.save(folder)

    def _facts(self) -> dict[str, Any]:
        """What is kept beside the files."""
        return {
            "params": {name: getattr(self, name) for name in _KEPT},
            "heads": list(self.heads),
            "parts": list(self.index_.parts),
            "model": None if self.model_fingerprint_ is None else self._sides().facts(self.model_fingerprint_),
        }
