"""Topics: reduction, density clusters, keywords."""

from skko.clustering.hdbscan import HDBSCANClusterer
from skko.clustering.hierarchy import TopicHierarchy
from skko.clustering.keywords import Topic, TopicTable, topic_keywords
from skko.clustering.pipeline import make_topic_clusterer
from skko.clustering.reduction import UMAPReducer
from skko.clustering.scoring import clustering_scores
from skko.clustering.topic_model import KoTopicModel

__all__ = [
    "HDBSCANClusterer",
    "KoTopicModel",
    "Topic",
    "TopicHierarchy",
    "TopicTable",
    "UMAPReducer",
    "clustering_scores",
    "make_topic_clusterer",
    "topic_keywords",
]
