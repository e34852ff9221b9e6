"""skko: the scikit-learn toolkit for Korean text.

Every public name is imported on first use, so that ``import skko`` and ``skko --help`` cost
neither torch nor sentence-transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skko._version import __version__

if TYPE_CHECKING:
    from skko.classification import KoZeroShotClassifier, make_text_classifier
    from skko.clustering import HDBSCANClusterer, KoTopicModel, make_topic_clusterer
    from skko.config import config_context, get_config, set_config
    from skko.embedding import EmbeddingCache, KoEmbeddingTransformer
    from skko.finetune import KoEmbeddingFineTuner
    from skko.models import list_models
    from skko.paraphrase import ParaphraseMiner, make_paraphrase_miner
    from skko.search import KoSemanticSearch
    from skko.text import KoMorphemeVectorizer, KoTextNormalizer

_HOMES = {
    "EmbeddingCache": "skko.embedding",
    "HDBSCANClusterer": "skko.clustering",
    "KoEmbeddingFineTuner": "skko.finetune",
    "KoEmbeddingTransformer": "skko.embedding",
    "KoMorphemeVectorizer": "skko.text",
    "KoSemanticSearch": "skko.search",
    "KoTextNormalizer": "skko.text",
    "KoTopicModel": "skko.clustering",
    "KoZeroShotClassifier": "skko.classification",
    "ParaphraseMiner": "skko.paraphrase",
    "config_context": "skko.config",
    "get_config": "skko.config",
    "list_models": "skko.models",
    "make_paraphrase_miner": "skko.paraphrase",
    "make_text_classifier": "skko.classification",
    "make_topic_clusterer": "skko.clustering",
    "set_config": "skko.config",
}
_ROOMS = (
    "classification",
    "clustering",
    "datasets",
    "distributed",
    "embedding",
    "evaluation",
    "exceptions",
    "finetune",
    "metrics",
    "models",
    "paraphrase",
    "plotting",
    "search",
    "similarity",
    "text",
)

__all__ = [
    "EmbeddingCache",
    "HDBSCANClusterer",
    "KoEmbeddingFineTuner",
    "KoEmbeddingTransformer",
    "KoMorphemeVectorizer",
    "KoSemanticSearch",
    "KoTextNormalizer",
    "KoTopicModel",
    "KoZeroShotClassifier",
    "ParaphraseMiner",
    "__version__",
    "config_context",
    "get_config",
    "list_models",
    "make_paraphrase_miner",
    "make_text_classifier",
    "make_topic_clusterer",
    "set_config",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in _ROOMS:
        value = import_module(f"skko.{name}")
    else:
        raise AttributeError(f"module 'skko' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
