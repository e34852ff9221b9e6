"""
Fine-tuning on your own paraphrases
===================================

A model that knows Korean does not know your shop. Pairs of texts that mean the same teach it: here some hundred pairs,
a small static model and seconds on a CPU. With a transformer the code is the same, and a GPU is needed.

It needs ``pip install 'skko[train]'``.
"""

# %%
# Pairs to learn from, and groups to be tested by
# -----------------------------------------------
#
# Groups are split, not texts: what the model is tested by, it has not seen in any words.

from itertools import combinations

import numpy as np

from skko import KoEmbeddingFineTuner, datasets

inquiries = datasets.load_inquiries()


def pairs(groups):
    """All pairs of texts that mean the same."""
    rows = [np.flatnonzero(inquiries.groups == group) for group in groups]
    return [(inquiries.texts[i], inquiries.texts[j]) for members in rows for i, j in combinations(members, 2)]


n_groups = inquiries.groups.max() + 1
shuffled = np.random.default_rng(0).permutation(n_groups)
training, test = pairs(shuffled[: n_groups // 2]), pairs(shuffled[n_groups // 2 :])
print(f"{len(training)} pairs to learn from, {len(test)} to test by")

# %%
# Tune
# ----
#
# The other rows of a batch are the negatives. A static model wants a learning rate of 0.001 to 0.01, a transformer the
# default. The evaluation set says after every epoch how good the model is, and the best weights are kept.

tuner = KoEmbeddingFineTuner("skko-mini", epochs=8, batch_size=64, learning_rate=0.003, patience=None)
tuner.fit(training, eval_set=(test, None))
print(f"nDCG@10 on unseen groups: {tuner.base_score_:.3f} before, {tuner.best_score_:.3f} after")

# %%
# The set that chose the best epoch flatters it a little: where there is enough data, keep a third part for the end.

from matplotlib import pyplot

steps = [(row["epoch"], row["score"]) for row in tuner.history_ if "score" in row]
figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
axes.plot(*np.array([(0, tuner.base_score_), *steps]).T, marker="o")
axes.set_xlabel("epoch")
axes.set_ylabel("nDCG@10 on unseen groups")

# %%
# Use it
# ------
#
# The tuner is a scikit-learn step: it embeds with the tuned weights. ``save`` writes a plain SentenceTransformer, which
# every pipeline of skko takes by its folder's name.

import tempfile
from pathlib import Path

from skko import KoEmbeddingTransformer

with tempfile.TemporaryDirectory() as folder:
    ours = Path(folder) / "our-model"
    tuner.save(ours)
    embedder = KoEmbeddingTransformer(str(ours)).fit([])
    print(embedder.transform(["적립금이 안 보여요"]).shape)
    print("files:", ", ".join(sorted(path.name for path in ours.iterdir())))
