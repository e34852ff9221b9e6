"""Classify inquiries, and choose the classifier by cross-validation that keeps paraphrases together."""

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

from skko import datasets, make_text_classifier
from skko.embedding import encode_counts

inquiries = datasets.load_inquiries()
# A paraphrase of a training text is no fair test: groups stay on one side.
alone = np.arange(len(inquiries)) + inquiries.groups.max() + 1
groups = np.where(inquiries.groups >= 0, inquiries.groups, alone)

search = GridSearchCV(
    make_text_classifier("skko-mini"),
    {"classify__C": [0.3, 3.0], "features__transformer_weights": [{"embed": 1.0}, {"embed": 2.0}]},
    cv=StratifiedGroupKFold(5, shuffle=True, random_state=0),
)
search.fit(inquiries.texts, inquiries.topics, groups=groups)

print(f"accuracy {search.best_score_:.3f} with {search.best_params_}")
print(f"{encode_counts().texts_encoded} texts encoded for {5 * len(search.cv_results_['params'])} fits")
print(search.predict(["포인트가 왜 사라졌죠?", "비밀번호를 잊어버렸어요"]))
