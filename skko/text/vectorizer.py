"""TF-IDF on Korean morphemes."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.base import TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from skko.base import Interval, RealNotInt, StrOptions, TextEstimator, check_input_names, fit_context
from skko.text.morphology import CONTENT_TAGS, NOUN_TAGS, tokenise
from skko.text.stop_words import KOREAN_STOP_WORDS


def _same(value: Any) -> Any:
    """What TfidfVectorizer is given for a tokeniser: the texts come already split."""
    return value


# Without set_output, as scikit-learn's own vectorisers are: its data frames are dense. The keyword has no type yet.
class KoMorphemeVectorizer(TransformerMixin, TextEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """TF-IDF features on the content morphemes of Korean text.

    A vectoriser that splits at spaces makes three features of 한국은, 한국이 and 한국의 and drops one-letter words
    such as 집 and 돈. This one asks Kiwi for morphemes, so that josa and endings never become features.

    Parameters
    ----------
    tags : {"content", "nouns"} or collection of str, default="content"
        Parts of speech to keep, as Sejong tags: ``"content"`` keeps nouns, roots, stems of verbs and adjectives,
        adverbs, Latin, hanja and digits; ``"nouns"`` keeps nouns, roots, Latin and hanja.
    ngram_range : tuple of (int, int), default=(1, 1)
        Shortest and longest run of kept morphemes that makes a feature.
    stop_words : {"korean"} or collection of str or None, default=None
        Forms to leave out. ``"korean"`` is skko's list of nouns and stems that carry structure and no topic.
    min_df, max_df : int or float, default=1 and 1.0
        Leave out morphemes in fewer, or more, texts than this: a count if int, a share if float.
    max_features : int or None, default=None
        Keep only the most frequent ones.
    sublinear_tf : bool, default=True
        Use 1 + log(count) in place of the count.
    mark_negation : bool, default=False
        Whether what is negated is a feature of its own, marked by ``¬``: 안 좋다 and 좋지 않다 then have ``¬좋`` and
        not 좋 [1]_. It helps where opinions are classified.
    show_progress : bool or "auto", default="auto"
        Whether to show progress while texts are analysed.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each feature.
    idf_ : ndarray of shape (n_features,), dtype float32
        Inverse document frequencies, as in scikit-learn's ``TfidfVectorizer``.
    n_features_out_ : int
        Number of columns.

    See Also
    --------
    KoTextNormalizer : Repair the spelling of texts first.
    KoEmbeddingTransformer : Dense vectors of whole texts.

    References
    ----------
    .. [1] Das and Chen, "Yahoo! for Amazon: Sentiment Extraction from Small Talk on the Web", 2001; Pang, Lee and
       Vaithyanathan, "Thumbs up? Sentiment Classification using Machine Learning Techniques", 2002,
       https://aclanthology.org/W02-1011

    Examples
    --------
    >>> from skko import KoMorphemeVectorizer
    >>> vectorizer = KoMorphemeVectorizer().fit(["한국은 겨울이 춥다", "한국의 여름"])
    >>> vectorizer.get_feature_names_out().tolist()
    ['겨울', '여름', '춥', '한국']
    """

    _parameter_constraints = {
        "tags": [StrOptions({"content", "nouns"}), set, frozenset, list, tuple],
        "ngram_range": [tuple],
        "stop_words": [StrOptions({"korean"}), set, frozenset, list, tuple, None],
        "min_df": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="both")],
        "max_df": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="both")],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "sublinear_tf": ["boolean"],
        "mark_negation": ["boolean"],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        tags: Any = "content",
        ngram_range: tuple[int, int] = (1, 1),
        stop_words: Any = None,
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        sublinear_tf: bool = True,
        mark_negation: bool = False,
        show_progress: Any = "auto",
    ) -> None:
        self.tags = tags
        self.ngram_range = ngram_range
        self.stop_words = stop_words
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.sublinear_tf = sublinear_tf
        self.mark_negation = mark_negation
        self.show_progress = show_progress

    def fit(self, X: ArrayLike, y: Any = None) -> "KoMorphemeVectorizer":
        """Learn the vocabulary and the inverse document frequencies.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : None
            Ignored.

        Returns
        -------
        KoMorphemeVectorizer
            The fitted vectoriser.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text, or no text holds a morpheme of the kept kinds.
        """
        self.fit_transform(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: ArrayLike, y: Any = None, **fit_params: Any) -> csr_matrix:
        """Learn the vocabulary and return the features of the same texts.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : None
            Ignored.
        **fit_params : dict
            Ignored; here for scikit-learn's signature.

        Returns
        -------
        sparse matrix of shape (n_texts, n_features), dtype float32
            Rows of unit length, or zero where a text has no known morpheme.
        """
        texts = self._validate_texts(X, reset=True)
        self._tfidf = TfidfVectorizer(
            tokenizer=_same,
            preprocessor=_same,
            token_pattern=None,
            lowercase=False,
            ngram_range=self.ngram_range,
            min_df=self.min_df,
            max_df=self.max_df,
            max_features=self.max_features,
            sublinear_tf=self.sublinear_tf,
            dtype=np.float32,
        )
        features = self._tfidf.fit_transform(self._tokenise(texts))
        self.vocabulary_ = self._tfidf.vocabulary_
        self.idf_ = self._tfidf.idf_
        self.n_features_out_ = len(self.vocabulary_)
        return features

    def transform(self, X: ArrayLike) -> csr_matrix:
        """Return TF-IDF features of texts.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.

        Returns
        -------
        sparse matrix of shape (n_texts, n_features), dtype float32
            Rows of unit length, or zero where a text has no known morpheme.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text.
        """
        check_is_fitted(self)
        texts = self._validate_texts(X)
        if not texts:
            return csr_matrix((0, self.n_features_out_), dtype=np.float32)
        return self._tfidf.transform(self._tokenise(texts))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name the features: the morphemes, n-grams joined by spaces.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Checked against the column seen in ``fit``, and not used.

        Returns
        -------
        ndarray of str, shape (n_features,)
            Names in column order.
        """
        check_is_fitted(self)
        check_input_names(self, input_features, generate_names=False)
        return self._tfidf.get_feature_names_out()  # type: ignore[no-any-return]

    def _tokenise(self, texts: list[str]) -> list[list[str]]:
        tags = {"content": CONTENT_TAGS, "nouns": NOUN_TAGS}[self.tags] if isinstance(self.tags, str) else self.tags
        stop = KOREAN_STOP_WORDS if self.stop_words == "korean" else frozenset(self.stop_words or ())
        tokens = tokenise(
            texts, tags=frozenset(tags), mark_negation=self.mark_negation, show_progress=self.show_progress
        )
        return [[form for form in text if form not in stop] for text in tokens] if stop else tokens

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
