"""make_paraphrase_miner: texts in, pairs of paraphrases out."""

from typing import Any

from sklearn.pipeline import Pipeline

from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.paraphrase.miner import ParaphraseMiner
from skko.text import KoTextNormalizer


def make_paraphrase_miner(
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    *,
    threshold: float = 0.8,
    top_k: int | None = None,
    max_pairs: int | None = None,
    **embedding_params: Any,
) -> Pipeline:
    """Make a pipeline that mines paraphrases among Korean texts.

    Parameters
    ----------
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Embedding model, as in :class:`~skko.KoEmbeddingTransformer`.
    threshold : float, default=0.8
        Least cosine of a pair. Where paraphrases begin depends on the model: search ``mine__threshold``.
    top_k : int or None, default=None
        Keep a pair only if one text is among the ``top_k`` nearest of the other.
    max_pairs : int or None, default=None
        Keep only so many pairs, the best ones.
    **embedding_params : dict
        Other parameters of :class:`~skko.KoEmbeddingTransformer`, such as ``device``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``normalize``, ``embed`` and ``mine``; the last holds ``pairs_`` and ``labels_``.

    See Also
    --------
    ParaphraseMiner : The last step, for vectors.

    Examples
    --------
    >>> from skko import make_paraphrase_miner
    >>> miner = make_paraphrase_miner("skko-mini", threshold=0.7)
    >>> miner.fit_predict(["배송이 너무 늦어요", "배송이 늦네요", "환불해 주세요"])
    array([ 0,  0, -1])
    """
    return Pipeline(
        [
            ("normalize", KoTextNormalizer()),
            ("embed", KoEmbeddingTransformer(model, **embedding_params)),
            ("mine", ParaphraseMiner(threshold=threshold, top_k=top_k, max_pairs=max_pairs)),
        ]
    )
