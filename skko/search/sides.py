"""Documents and queries as vectors: one model, a prompt for each side."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skko.embedding import KoEmbeddingTransformer
from skko.exceptions import ModelMismatchError
from skko.models.spec import ModelSpec
from skko.progress import ShowProgress
from skko.search.heads import apply_heads
from skko.search.index import Queries
from skko.search.tokens import TokenVectors, TokenWeights
from skko.similarity import prepare

# What decides vectors, and is kept with an index; device, batches and cache are the machine's.
_KEPT = ("backend", "dtype", "prompt", "max_length", "truncate_dim", "normalize")


@dataclass(frozen=True)
class Sides:
    """How documents and queries are embedded.

    Attributes
    ----------
    embedder : KoEmbeddingTransformer
        The model.
    query_prompt, document_prompt : str or None
        What to put before either; None is the embedder's own.
    heads : tuple of str
        BGE-M3's heads to apply beside it.
    show_progress : bool or "auto"
        Whether to show a progress bar.
    """

    embedder: KoEmbeddingTransformer
    query_prompt: str | None = None
    document_prompt: str | None = None
    heads: tuple[str, ...] = ()
    show_progress: ShowProgress = "auto"

    @property
    def fingerprint(self) -> str:
        """Digest of what decides the vectors, found without loading a model that is known.

        Returns
        -------
        str
            The digest.
        """
        return str(self._for(None).model_fingerprint_)

    def documents(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], TokenWeights | None, TokenVectors | None]:
        """Embed documents.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Passages of documents, normalised.

        Returns
        -------
        vectors : ndarray of float32, shape (n_texts, dimension)
            Vectors.
        sparse : TokenWeights or None
            Weights of their tokens.
        colbert : TokenVectors or None
            Vectors of their tokens.
        """
        return self._embed(texts, self._for(self.document_prompt))

    def queries(self, texts: list[str], fingerprint: str) -> Queries:
        """Embed queries.

        Parameters
        ----------
        texts : list of str
            Queries, normalised.
        fingerprint : str
            Digest of the model that embedded the documents.

        Returns
        -------
        Queries
            The queries with their vectors.

        Raises
        ------
        ModelMismatchError
            If this model is another.
        """
        embedder = self._for(self.query_prompt)
        self._check(embedder, fingerprint)
        vectors, sparse, colbert = self._embed(texts, embedder)
        return Queries(texts, prepare(vectors), sparse, colbert)

    def check(self, fingerprint: str) -> None:
        """Raise if this is not the model that embedded the documents.

        Parameters
        ----------
        fingerprint : str
            Digest of the latter.

        Raises
        ------
        ModelMismatchError
            If it is another.
        """
        self._check(self._for(None), fingerprint)

    def facts(self, fingerprint: str) -> dict[str, Any]:
        """Say in JSON what it takes to embed queries the same way.

        Parameters
        ----------
        fingerprint : str
            Digest of the model that embedded the documents.

        Returns
        -------
        dict
            The facts, for :meth:`of_facts`.
        """
        model = self.embedder.model
        named = asdict(model) if isinstance(model, ModelSpec) else asdict(ModelSpec(model))
        return {
            "model": {name: named[name] for name in ("name", "revision")},
            "embedder": {name: getattr(self.embedder, name) for name in _KEPT},
            "fingerprint": fingerprint,
        }

    @staticmethod
    def embedder_of(facts: dict[str, Any]) -> KoEmbeddingTransformer:
        """Make the embedder that :meth:`facts` tells of; code of the model's repository is never trusted.

        Parameters
        ----------
        facts : dict
            The facts.

        Returns
        -------
        KoEmbeddingTransformer
            Not fitted: no model is loaded.
        """
        name, revision = facts["model"]["name"], facts["model"]["revision"]
        options = {name: facts["embedder"][name] for name in _KEPT}
        return KoEmbeddingTransformer(name if revision is None else ModelSpec(name, revision), **options)

    def _for(self, prompt: str | None) -> KoEmbeddingTransformer:
        embedder = clone(self.embedder)
        if prompt is not None:
            embedder.set_params(prompt=prompt)
        fitted: KoEmbeddingTransformer = embedder.fit([])
        return fitted

    def _check(self, embedder: KoEmbeddingTransformer, fingerprint: str) -> None:
        if embedder.model_fingerprint_ != fingerprint:
            raise ModelMismatchError(
                f"The documents were embedded by another model than {embedder.model!r} is now: its weights, dtype or "
                "name changed. Fit again, or pass the embedder that the index was made with."
            )

    def _embed(
        self, texts: Sequence[str], embedder: KoEmbeddingTransformer
    ) -> tuple[NDArray[np.float32], TokenWeights | None, TokenVectors | None]:
        vectors: NDArray[np.float32] = np.asarray(embedder.transform(list(texts)))
        if not self.heads:
            return vectors, None, None
        spec = replace(embedder._spec(), device=_first(embedder.device_))
        options: dict[str, Any] = {"max_length": embedder.max_length, "show_progress": self.show_progress}
        return vectors, *apply_heads(texts, spec, self.heads, prompt=embedder.prompt, **options)


def _first(device: str | Sequence[str]) -> str:
    return device if isinstance(device, str) else device[0]
