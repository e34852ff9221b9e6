"""
Comparing models
================

Which embedding model is best for your texts is a question for your texts. Here the known paraphrases are the test, and
each difference comes with an interval, so that chance is not taken for progress.
"""

# %%
# A test of one's own
# -------------------
#
# The first text of each group is a query; its answers are the others of its group, among all other texts.

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from skko import KoEmbeddingTransformer, KoMorphemeVectorizer, KoSemanticSearch, datasets
from skko.evaluation import compare, evaluate_retrieval

inquiries = datasets.load_inquiries()
groups = inquiries.groups
asked = [int(np.flatnonzero(groups == group)[0]) for group in range(groups.max() + 1)]
queries = {row: inquiries.texts[row] for row in asked}
corpus = {row: text for row, text in enumerate(inquiries.texts) if row not in queries}
qrels = {one: [row for row in corpus if groups[row] == groups[one]] for one in asked}

# %%
# A system is the name of a model, an embedder with its settings, any scikit-learn vectoriser, or a search. Put
# ``"dragonkue/bge-m3-ko"`` or a model of your own into the table to see where it stands.

systems = {
    "characters (TF-IDF)": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)),
    "morphemes (TF-IDF)": KoMorphemeVectorizer(),
    "skko-mini, 64 dimensions": KoEmbeddingTransformer("skko-mini", truncate_dim=64),
    "skko-mini": "skko-mini",
    "skko-mini and BM25": KoSemanticSearch("skko-mini"),
}
reports = {
    name: evaluate_retrieval(system, queries, corpus, qrels, similarity=["cosine"], name=name, data="paraphrases")
    for name, system in systems.items()
}


def ndcg(report):
    """The name of nDCG@10: a search has one similarity of its own."""
    return next(name for name in report.scores if name.endswith("ndcg@10"))


table = pd.Series({name: report.scores[ndcg(report)] for name, report in reports.items()}, name="nDCG@10")
table.to_frame().round(3)

# %%
# More than chance?
# -----------------
#
# ``compare`` draws the queries again, ten thousand times and in pairs. Where the interval of a difference holds 0, the
# queries do not tell the two apart.

base, smaller = reports["skko-mini"], reports["skko-mini, 64 dimensions"]
found = compare(smaller, base, "cosine_ndcg@10")
print(found)

# %%
# The same for each system against the first, as a picture.

from matplotlib import pyplot

from skko.plotting import korean_text


def items(report):
    """The value of each query."""
    return report.items[ndcg(report)]


rng = np.random.default_rng(0)
draws = rng.integers(len(asked), size=(10_000, len(asked)))
first, *others = reports.values()
with korean_text():
    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    for place, report in enumerate(others):
        differences = items(report) - items(first)
        low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
        axes.plot([low, high], [place, place], color="0.6", linewidth=3)
        axes.plot(differences.mean(), place, "o", color="tab:blue")
    axes.axvline(0, color="0.8", linewidth=1)
    axes.set_yticks(range(len(others)), [report.system for report in others])
    axes.set_xlabel(f"nDCG@10의 차이: {first.system} 기준, 95% 구간")

# %%
# A report to keep
# ----------------
#
# A report has the revision of the model, the digest of the data and the versions of the libraries. ``save`` writes it
# as JSON, and ``skko evaluate compare`` reads two of them.

print(base.to_markdown())
