"""as_mteb_encoder: an embedder of skko in MTEB, with its cache and its prompts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skko.embedding import KoEmbeddingTransformer
from skko.evaluation._search import embedders
from skko.evaluation.pairs import symmetric_embedder
from skko.evaluation.retrieval import describe_embedders
from skko.models import ModelSpec
from skko.optional import import_optional


def as_mteb_encoder(system: str | ModelSpec | KoEmbeddingTransformer) -> Any:
    """Make a model or embedder into an encoder for :func:`mteb.evaluate`.

    Parameters
    ----------
    system : str, ModelSpec or KoEmbeddingTransformer
        The name of a model, whose preset says its prompts for queries, passages and symmetric tasks; or an embedder,
        whose own prompt is used throughout.

    Returns
    -------
    mteb.models.EncoderProtocol
        Pass it to ``mteb.evaluate``. Vectors are those of skko and kept in its cache; similarity is the cosine.

    Raises
    ------
    MissingDependencyError
        If MTEB is not installed: it is the extra ``skko[mteb]``.
    ModelNotAvailableError
        If the model cannot be found.

    Examples
    --------
    >>> from skko.evaluation import as_mteb_encoder
    >>> encoder = as_mteb_encoder("skko-mini")  # doctest: +SKIP
    >>> results = mteb.evaluate(encoder, mteb.get_benchmark("MTEB(kor, v2)"))  # doctest: +SKIP
    """
    import_optional("mteb", extra="mteb", purpose="run MTEB's tasks")
    if isinstance(system, KoEmbeddingTransformer):
        both = clone(system).fit([])
        return _Encoder(both, both, both)
    query, passage = (one.set_params(normalize=True).fit([]) for one in embedders(system, None, None))
    return _Encoder(query, passage, symmetric_embedder(system, None).fit([]))


class _Encoder:
    """What MTEB calls an encoder."""

    def __init__(
        self, query: KoEmbeddingTransformer, passage: KoEmbeddingTransformer, symmetric: KoEmbeddingTransformer
    ) -> None:
        self._by_side = {"query": query, "document": passage}
        self._symmetric = symmetric
        self.mteb_model_meta = _meta(describe_embedders(query, passage))

    def encode(self, inputs: Any, *, task_metadata: Any, prompt_type: Any = None, **_: Any) -> NDArray[np.float32]:
        """Embed the texts of batches, as queries or passages where the task says which they are."""
        texts = [text for batch in inputs for text in batch["text"]]
        side = getattr(prompt_type, "value", prompt_type)
        vectors: NDArray[np.float32] = np.asarray(self._by_side.get(side, self._symmetric).transform(texts))
        return vectors

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosine of every vector with every other."""
        from sentence_transformers.util import cos_sim

        return cos_sim(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosine of vectors in the same row."""
        from sentence_transformers.util import pairwise_cos_sim

        return pairwise_cos_sim(embeddings1, embeddings2)


def _meta(known: dict[str, Any]) -> Any:
    """What MTEB files results under: an owner and a name, and what tells other weights."""
    from mteb.models.model_meta import ModelMeta, ScoringFunction

    name = known["name"].strip("/").split("/")
    return ModelMeta.create_empty(
        {
            "name": "/".join(name[-2:]) if len(name) > 1 else f"skko/{name[0]}",
            "revision": known["revision"] or known["fingerprint"],
            "embed_dim": known["dimension"],
            "similarity_fn_name": ScoringFunction.COSINE,
            "framework": ["Sentence Transformers", "PyTorch"],
        }
    )
