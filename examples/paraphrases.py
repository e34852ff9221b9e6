"""
Paraphrases of customer questions
=================================

The same question comes in many words. Mining compares every text with every other and keeps the pairs whose cosine
reaches a threshold; the groups that the pairs form are the questions that an FAQ should answer.
"""

# %%
# Pairs
# -----
#
# The search is exact: no pair above the threshold is missed.

from skko import datasets, make_paraphrase_miner

inquiries = datasets.load_inquiries()
miner = make_paraphrase_miner("skko-mini", threshold=0.7).fit(inquiries.texts)
for i, j, score in miner["mine"].pairs_[:5]:
    print(f"{score:.2f}  {inquiries.texts[i]}  =  {inquiries.texts[j]}")

# %%
# Which threshold?
# ----------------
#
# What counts as a paraphrase depends on the model, so a threshold is learned from texts whose groups are known. Half of
# the groups teach it here, and the other half says what it is worth.

import numpy as np

from skko.metrics import pair_scores

teaching = inquiries.groups % 2 == 0
learning = make_paraphrase_miner("skko-mini", threshold="auto")
learning.fit([inquiries.texts[row] for row in np.flatnonzero(teaching)], inquiries.groups[teaching])
threshold = learning["mine"].threshold_

unseen = make_paraphrase_miner("skko-mini", threshold=threshold)
unseen.fit([inquiries.texts[row] for row in np.flatnonzero(~teaching)])
print(f"threshold {threshold:.2f}")
print(pair_scores(unseen["mine"].pairs_, inquiries.groups[~teaching]))

# %%
# The trade between precision and recall
# --------------------------------------
#
# Pairs come best first, so that a longer list has more of the true pairs and more that are none. For a threshold with
# few mistakes, ask for a precision: ``threshold="auto", precision=0.9``.

from matplotlib import pyplot

from skko.plotting import korean_text

everything = make_paraphrase_miner("skko-mini", threshold=0.3).fit(inquiries.texts)["mine"].pairs_
groups = inquiries.groups
true = (groups[everything["i"]] == groups[everything["j"]]) & (groups[everything["i"]] >= 0)
sizes = np.unique(groups[groups >= 0], return_counts=True)[1]
hits = true.cumsum()
with korean_text():
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(hits / (sizes * (sizes - 1) // 2).sum(), hits / np.arange(1, len(hits) + 1))
    axes.set_xlabel("재현율 (recall)")
    axes.set_ylabel("정밀도 (precision)")
    axes.set_ylim(0, 1.02)

# %%
# Groups, and one text of each
# ----------------------------
#
# ``"communities"`` are groups in which every text is a paraphrase of the centre. The plain groups are chains: A is like
# B and B like C, though A may not be like C. For questions that one answer serves, the threshold is a strict one.

strict = make_paraphrase_miner("skko-mini", threshold=0.72, grouping="communities")
groups = strict.fit_predict(inquiries.texts)
largest = np.bincount(groups[groups >= 0]).argmax()
for row in np.flatnonzero(groups == largest):
    print(inquiries.texts[row])

# %%
# :func:`~skko.paraphrase.deduplicate` keeps one text of those that say the same, and says which text stands for each
# of the others.

from skko.paraphrase import deduplicate

kept = deduplicate(inquiries.texts, threshold=0.75, model="skko-mini")
print(f"{len(kept.texts)} of {len(inquiries)} texts stay")
kept.to_frame().head()
