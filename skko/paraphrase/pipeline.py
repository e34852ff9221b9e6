"""make_paraphrase_miner: texts in, pairs of paraphrases out."""

from typing import Any, Literal

from sklearn.pipeline import Pipeline

from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.paraphrase.miner import ParaphraseMiner
from skko.text import KoTextNormalizer


def make_paraphrase_miner(
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    *,
    threshold: float | Literal["auto"] | None = 0.8,
    top_k: int | None = None,
    max_pairs: int | None = None,
    precision: float | None = None,
    grouping: Literal["components", "communities"] = "components",
    **embedding_params: Any,
) -> Pipeline:
    """Make a pipeline that mines paraphrases among Korean texts.

    Parameters
    ----------
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Embedding model, as in :class:`~skko.KoEmbeddingTransformer`.
    threshold : float, "auto" or None, default=0.8
        Least cosine of a pair. Where paraphrases begin depends on the model: ``"auto"`` learns it in ``fit(texts, y)``
        from groups or judged pairs. None needs ``top_k``.
    top_k : int or None, default=None
        Keep a pair only if one text is among the ``top_k`` nearest of the other.
    max_pairs : int or None, default=None
        Keep only so many pairs, the best ones.
    precision : float or None, default=None
        What ``threshold="auto"`` looks for: None the best F1, a number the most pairs at this precision.
    grouping : {"components", "communities"}, default="components"
        Groups are texts joined by a chain of pairs, or texts that are each a pair with the centre of their group.
    **embedding_params : dict
        Other parameters of :class:`~skko.KoEmbeddingTransformer`, such as ``device``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``normalize``, ``embed`` and ``mine``; the last holds ``pairs_`` and ``labels_``, and its
        ``to_frame(texts)`` is a table of the pairs.

    See Also
    --------
    ParaphraseMiner : The last step, for vectors.

    Examples
    --------
    >>> from skko import make_paraphrase_miner
    >>> miner = make_paraphrase_miner("skko-mini", threshold=0.7)
    >>> miner.fit_predict(["배송이 너무 늦어요", "배송이 늦네요", "환불해 주세요"])
    array([ 0,  0, -1])
    >>> miner["mine"].to_frame(["배송이 너무 늦어요", "배송이 늦네요", "환불해 주세요"])[["text_i", "text_j"]]
            text_i   text_j
    0   배송이 너무 늦어요  배송이 늦네요
    """
    miner = ParaphraseMiner(
        threshold=threshold, top_k=top_k, max_pairs=max_pairs, precision=precision, grouping=grouping
    )
    return Pipeline(
        [
            ("normalize", KoTextNormalizer()),
            ("embed", KoEmbeddingTransformer(model, **embedding_params)),
            ("mine", miner),
        ]
    )
