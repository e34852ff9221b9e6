"""
Hybrid search
=============

Vectors find what means the same in other words. BM25 over morphemes finds names, numbers and rare words. Korean search
wants both: :class:`~skko.KoSemanticSearch` asks the two and fuses what they say.
"""

# %%
# An index
# --------

from skko import KoSemanticSearch, datasets

inquiries = datasets.load_inquiries()
about = [{"topic": str(topic)} for topic in inquiries.topics]
index = KoSemanticSearch("skko-mini").fit(inquiries.texts, metadata=about)

query = "암호를 까먹어서 못 들어가요"
index.search([query], top_k=5).to_frame()[["rank", "score", "passage", "dense", "lexical"]]

# %%
# ``alpha`` is the share of the vectors: 0 searches by morphemes alone, 1 by vectors alone. The three may find different
# texts for one question.

for alpha, name in [(0.0, "morphemes"), (1.0, "vectors"), (0.8, "both")]:
    index.set_params(alpha=alpha)
    print(f"{name:>10}  {index.search([query], top_k=1)[0][0].text}")

# %%
# Why this document?
# ------------------
#
# ``explain`` says what each part gave, and which morphemes query and document share.

best = index.search([query], top_k=1)[0][0]
found = index.explain(query, best.id)
print(found.passage)
print("parts:", {part: round(value, 2) for part, value in found.parts.items()})
print("shared morphemes:", found.morphemes)

# %%
# Only some documents
# -------------------

for hit in index.search(["언제 와요?"], top_k=3, where={"topic": "배송"})[0]:
    print(f"{hit.score:.2f}  {hit.text}")

# %%
# Which share is best here?
# -------------------------
#
# Where some answers are known, ``tune`` tries shares and fusions on them. The known answers here are paraphrases: the
# first text of a group asks for the others, which are left to be found among everything else.

import numpy as np

groups = inquiries.groups
asked = np.array([np.flatnonzero(groups == group)[0] for group in range(groups.max() + 1)])
corpus = np.setdiff1d(np.arange(len(inquiries)), asked)
queries = [inquiries.texts[row] for row in asked]
relevant = [[int(row) for row in corpus[groups[corpus] == groups[one]]] for one in asked]

tuned = KoSemanticSearch("skko-mini").fit([inquiries.texts[row] for row in corpus], ids=corpus.tolist())
tuned.tune(queries, relevant)
print(f"alpha={tuned.alpha}, fusion={tuned.fusion}")

# %%
# ``tuning_`` has what was tried. The curves show why both parts are kept.

from matplotlib import pyplot

figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
for fusion, rows in tuned.tuning_.sort_values("alpha").groupby("fusion"):
    axes.plot(rows["alpha"], rows["ndcg@10"], marker="o", markersize=3, label=fusion)
axes.set_xlabel("alpha: morphemes alone to vectors alone")
axes.set_ylabel("nDCG@10")
axes.legend(frameon=False)

# %%
# An index in a folder
# --------------------

import tempfile

with tempfile.TemporaryDirectory() as folder:
    index.save(folder)
    print(KoSemanticSearch.load(folder).search([query], top_k=1)[0][0].text)
