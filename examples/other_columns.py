"""
Texts beside other columns
==========================

Tables have more than text. A ``ColumnTransformer`` embeds the column of texts, encodes the others, and a classifier
learns from all of them: here how urgent an inquiry is.
"""

# %%
# Columns of several kinds
# ------------------------
#
# skko's steps name their features, so that ``set_output(transform="pandas")`` gives a data frame with a name for every
# column.

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from skko import KoEmbeddingTransformer, datasets

frame = datasets.load_inquiries().to_frame()
frame["length"] = frame["text"].str.len() / 100

columns = ColumnTransformer(
    [
        ("text", KoEmbeddingTransformer("skko-mini"), "text"),
        ("topic", OneHotEncoder(sparse_output=False), ["topic"]),
        ("length", FunctionTransformer(feature_names_out="one-to-one"), ["length"]),
    ]
).set_output(transform="pandas")
columns.fit_transform(frame).iloc[:3, -4:]

# %%
# Is the text worth it?
# ---------------------
#
# Paraphrases share their urgency: they must not stand on both sides of a split. The same folds score the columns with
# and without the text.

alone = np.arange(len(frame)) + frame["group"].max() + 1
groups = np.where(frame["group"] >= 0, frame["group"], alone)
folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)

scores = {}
for name, used in {
    "text, topic and length": columns.transformers,
    "topic and length": columns.transformers[1:],
    "text alone": columns.transformers[:1],
}.items():
    model = make_pipeline(ColumnTransformer(used), LogisticRegression(max_iter=1000))
    scores[name] = cross_val_score(model, frame, frame["urgency"], groups=groups, cv=folds)
    print(f"{name}: {scores[name].mean():.3f}")
print(f"always the most frequent: {frame['urgency'].value_counts(normalize=True).max():.3f}")

# %%
# The text was embedded once for all of this, although it was in ten fits.

from matplotlib import pyplot

figure, axes = pyplot.subplots(figsize=(6, 3), layout="constrained")
for place, values in enumerate(scores.values()):
    axes.plot(values, [place] * len(values), "o", alpha=0.6)
axes.set_yticks(range(len(scores)), scores)
axes.set_ylim(-0.5, len(scores) - 0.5)
axes.set_xlabel("accuracy of five folds")

# %%
# Search it like any pipeline
# ---------------------------
#
# ``columntransformer__text__truncate_dim`` is the size of the vectors, and ``columntransformer__text__model`` the
# model itself.

model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(frame, frame["urgency"])
print([name for name in model.get_params() if name.startswith("columntransformer__text__")][:4])
