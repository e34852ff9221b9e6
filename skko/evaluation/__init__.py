"""How good a system is: reports that can be kept and compared, and the tables of the model card."""

from skko.evaluation.autorag import autorag_markdown, autorag_table, evaluate_autorag, read_autorag
from skko.evaluation.comparison import Comparison, compare
from skko.evaluation.data import RetrievalData, StreamedCorpus
from skko.evaluation.labelled import evaluate_classification, evaluate_clustering
from skko.evaluation.mteb import as_mteb_encoder
from skko.evaluation.pairs import evaluate_pairs, evaluate_sts
from skko.evaluation.published import corrected_autorag, published_autorag, rank_histograms
from skko.evaluation.readers import read_retrieval
from skko.evaluation.report import EvaluationReport
from skko.evaluation.retrieval import evaluate_retrieval
from skko.evaluation.scorers import KoPairSimilarity, pairs_scorer, sts_scorer

__all__ = [
    "Comparison",
    "EvaluationReport",
    "KoPairSimilarity",
    "RetrievalData",
    "StreamedCorpus",
    "as_mteb_encoder",
    "autorag_markdown",
    "autorag_table",
    "compare",
    "corrected_autorag",
    "evaluate_autorag",
    "evaluate_classification",
    "evaluate_clustering",
    "evaluate_pairs",
    "evaluate_retrieval",
    "evaluate_sts",
    "pairs_scorer",
    "published_autorag",
    "rank_histograms",
    "read_autorag",
    "read_retrieval",
    "sts_scorer",
]
