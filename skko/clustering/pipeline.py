"""make_topic_clusterer: texts in, topics out."""

from typing import Any

from sklearn.pipeline import Pipeline

from skko.clustering.hdbscan import HDBSCANClusterer
from skko.clustering.reduction import UMAPReducer
from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.text import KoTextNormalizer


def make_topic_clusterer(
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    *,
    min_cluster_size: int = 10,
    min_samples: int | None = 3,
    n_components: int = 5,
    n_neighbors: int = 15,
    random_state: Any = None,
    **embedding_params: Any,
) -> Pipeline:
    """Make a pipeline that finds the topics of Korean texts.

    Parameters
    ----------
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Embedding model, as in :class:`~skko.KoEmbeddingTransformer`.
    min_cluster_size : int, default=10
        Fewest texts that make a topic.
    min_samples : int or None, default=3
        Larger leaves more texts without a topic; None is ``min_cluster_size``.
    n_components : int, default=5
        Dimensions that the vectors are reduced to.
    n_neighbors : int, default=15
        Neighbours in the graph of the reduction; fewer show finer topics.
    random_state : int, RandomState instance or None, default=None
        Seed of the reduction.
    **embedding_params : dict
        Other parameters of :class:`~skko.KoEmbeddingTransformer`, such as ``device``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``normalize``, ``embed``, ``reduce`` and ``cluster``, with ``fit_predict``, ``predict`` for new texts and
        ``score``, which needs no labels.

    See Also
    --------
    topic_keywords : Words for the topics found.

    Examples
    --------
    >>> from skko import datasets, make_topic_clusterer
    >>> texts = datasets.load_inquiries().texts
    >>> topics = make_topic_clusterer("skko-mini", random_state=0)
    >>> labels = topics.fit_predict(texts)
    >>> topics.predict(["배송이 너무 늦어요"]).shape
    (1,)
    """
    return Pipeline(
        [
            ("normalize", KoTextNormalizer()),
            ("embed", KoEmbeddingTransformer(model, **embedding_params)),
            (
                "reduce",
                UMAPReducer(n_components=n_components, n_neighbors=n_neighbors, random_state=random_state),
            ),
            ("cluster", HDBSCANClusterer(min_cluster_size=min_cluster_size, min_samples=min_samples)),
        ]
    )
