"""Topics: reduction, density clusters, keywords."""

from skko.clustering.hdbscan import HDBSCANClusterer
from skko.clustering.keywords import Topic, topic_keywords
from skko.clustering.pipeline import make_topic_clusterer
from skko.clustering.reduction import UMAPReducer

__all__ = ["HDBSCANClusterer", "Topic", "UMAPReducer", "make_topic_clusterer", "topic_keywords"]
