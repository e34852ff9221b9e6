"""make_text_classifier: texts in, labels out."""

from typing import Any, Literal

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline

from skko.classification.features import KoTextFeatures
from skko.classification.linear import CalibratedLogisticRegression
from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.text import KoMorphemeVectorizer, KoTextNormalizer

# Endings make a question of a statement, and 안 and 않 turn a judgement round: all parts of speech but the marks of
# Kiwi's own. On 20,000 utterances of 3i4k content morphemes alone came to .853, all to .869.
_ALL_TAGS = tuple(
    "NNG NNP NNB NR NP VV VA VX VCP VCN MM MAG MAJ IC JKS JKC JKG JKO JKB JKV JKQ JX JC "
    "EP EF EC ETN ETM XPN XSN XSV XSA XSM XR SF SP "
    "SS SSO SSC SE SO SW SL SH SN SB UN W_URL W_EMAIL W_HASHTAG W_MENTION W_SERIAL W_EMOJI Z_CODA".split()
)


def make_text_classifier(
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    *,
    classifier: ClassifierMixin | None = None,
    lexical: bool | Literal["auto"] = "auto",
    **embedding_params: Any,
) -> Pipeline:
    """Make a pipeline that classifies Korean texts.

    Parameters
    ----------
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Embedding model, as in :class:`~skko.KoEmbeddingTransformer`.
    classifier : classifier or None, default=None
        Any scikit-learn classifier, of sparse features unless ``lexical`` is False; None is
        :class:`~skko.classification.CalibratedLogisticRegression`, which takes several labels a row, too.
    lexical : bool or "auto", default="auto"
        Whether to put TF-IDF of characters and of morphemes beside the embedding: meaning wins where labels are few,
        words where they are many. ``"auto"`` chooses their weight in ``fit``, by the number of labels and by
        leave-one-out on the training texts; ``pipeline["features"].choice_`` says what it chose and why. True gives all
        three the same weight.
    **embedding_params : dict
        Other parameters of :class:`~skko.KoEmbeddingTransformer`, such as ``device``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps ``normalize``, ``features`` and ``classify``. ``features`` is the embedding, or with ``lexical``
        a union of ``embed``, ``characters`` and ``morphemes`` whose weights can be searched
        (``features__transformer_weights``).

    Raises
    ------
    ValueError
        If ``lexical`` is none of its values.

    See Also
    --------
    KoEmbeddingTransformer : The embedding step.
    KoZeroShotClassifier : Labels by description, where there are no labelled texts.

    Notes
    -----
    Weights of rows go to the classifier: ``fit(texts, y, classify__sample_weight=weights)``.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skko import datasets, make_text_classifier
    >>> inquiries = datasets.load_inquiries()
    >>> search = GridSearchCV(make_text_classifier("skko-mini", lexical=False), {"classify__C": [1, 10]}, cv=3)
    >>> search = search.fit(inquiries.texts, inquiries.topics)
    >>> search.predict(["환불은 언제 되나요?"]).shape
    (1,)
    """
    if lexical not in (True, False, "auto"):
        raise ValueError(f'lexical must be True, False or "auto", got {lexical!r}.')
    features: Any = KoEmbeddingTransformer(model, **embedding_params)
    if lexical:
        blocks = [("embed", features), ("characters", _character_tfidf()), ("morphemes", _morpheme_tfidf())]
        features = KoTextFeatures(blocks, transformer_weights="auto" if lexical == "auto" else None)
    return Pipeline(
        [
            ("normalize", KoTextNormalizer()),
            ("features", features),
            ("classify", CalibratedLogisticRegression() if classifier is None else classifier),
        ]
    )


def _character_tfidf() -> TfidfVectorizer:
    """Runs of 1 to 4 characters within words: josa and endings become features of their own.

    Long texts have millions of different runs; the most frequent 100,000 are more than headlines or reviews hold.
    """
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, max_features=100_000, dtype=np.float32
    )


def _morpheme_tfidf() -> KoMorphemeVectorizer:
    return KoMorphemeVectorizer(tags=_ALL_TAGS, max_features=100_000, mark_negation=True)
