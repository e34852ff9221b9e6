"""make_few_shot_classifier: texts in, labels out, from a few labelled texts of each class."""

from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skko.finetune.tuner import KoEmbeddingFineTuner
from skko.models import ModelSpec
from skko.text import KoTextNormalizer


def make_few_shot_classifier(
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    *,
    classifier: ClassifierMixin | None = None,
    epochs: int = 1,
    batch_size: int = 16,
    learning_rate: float = 2e-5,
    pairs_per_text: int = 20,
    **tuner_params: Any,
) -> Pipeline:
    """Make a pipeline that learns to classify Korean texts from some 8 to 64 labels a class.

    The model is first tuned on pairs of texts with the same label and with different ones, then a linear classifier
    learns from the vectors: the recipe of SetFit [1]_ in scikit-learn's terms.

    Parameters
    ----------
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        The model to begin with.
    classifier : classifier or None, default=None
        Any scikit-learn classifier; None is logistic regression.
    epochs, batch_size : int, default=1, 16
        Passes over the pairs, and pairs a step.
    learning_rate : float, default=2e-5
        Highest learning rate. Static models such as ``"skko-mini"`` need about fifty times as much.
    pairs_per_text : int, default=20
        Partners drawn for each text from its own class, and as many from others.
    **tuner_params : dict
        Other parameters of :class:`KoEmbeddingFineTuner`, such as ``device``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``normalize``, ``tune`` and ``classify``.

    See Also
    --------
    skko.make_text_classifier : Without tuning; better where labels are many.

    References
    ----------
    .. [1] Tunstall et al., "Efficient Few-Shot Learning Without Prompts", 2022, https://arxiv.org/abs/2209.11055

    Examples
    --------
    >>> from skko import datasets
    >>> from skko.finetune import make_few_shot_classifier
    >>> inquiries = datasets.load_inquiries()
    >>> few = inquiries.to_frame().groupby("topic").sample(4, random_state=0)
    >>> classifier = make_few_shot_classifier("skko-mini", learning_rate=0.001, pairs_per_text=4)
    >>> classifier.fit(few["text"], few["topic"]).predict(["환불은 언제 되나요?"]).shape
    (1,)
    """
    tuner = KoEmbeddingFineTuner(
        model,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        pairs_per_text=pairs_per_text,
        **tuner_params,
    )
    head = LogisticRegression(max_iter=1000) if classifier is None else classifier
    return Pipeline([("normalize", KoTextNormalizer()), ("tune", tuner), ("classify", head)])
