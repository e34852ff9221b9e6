"""Put text beside other columns with ColumnTransformer, and get a data frame out."""

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
print(columns.fit_transform(frame).iloc[:3, -4:])

# Paraphrases share their urgency: they must not stand on both sides of a split.
alone = np.arange(len(frame)) + frame["group"].max() + 1
groups = np.where(frame["group"] >= 0, frame["group"], alone)
folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
model = make_pipeline(columns, LogisticRegression(max_iter=1000))
scores = cross_val_score(model, frame, frame["urgency"], groups=groups, cv=folds)
print(f"urgency from text, topic and length: {scores.mean():.3f}")
print(f"always the most frequent: {frame['urgency'].value_counts(normalize=True).max():.3f}")
