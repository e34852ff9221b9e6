"""Unicode repair of Korean text: one spelling for what looks the same."""

import re
import unicodedata
from functools import cache
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import TransformerMixin

from skko.base import Interval, TextEstimator, check_input_names, fit_context
from skko.validation import check_texts


def _narrowed(*blocks: range) -> dict[int, int | None]:
    """Map full- and half-width characters to what Unicode calls their plain form."""
    codes = (code for block in blocks for code in block)
    forms = ((code, unicodedata.decomposition(chr(code)).split()) for code in codes)
    return {code: int(form[1], 16) for code, form in forms if len(form) == 2}


# NFKC would fold these too, but it also turns ㅋㅋ into conjoining jamo that no vocabulary holds.
_WIDTH: dict[int, int | None] = {0x3000: 0x20, **_narrowed(range(0xFF01, 0xFF5F))}
_JAMO: dict[int, int | None] = _narrowed(range(0xFFA1, 0xFFDD))
# Fillers stand for a blank; the rest stand for nothing. The zero-width joiner has a rule of its own.
_BLANKS: dict[int, int | None] = dict.fromkeys((0x3164, 0xFFA0), 0x20)
_INVISIBLE: dict[int, int | None] = dict.fromkeys(
    (
        0xAD,
        0x115F,
        0x1160,
        0x61C,
        0x180E,
        0x200B,
        0x200C,
        0x200E,
        0x200F,
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2065),
        *range(0x2066, 0x2070),
        0xFEFF,
    )
)
# Joiners hold emoji such as a family together; beside letters, spaces and edges they join nothing.
_STRAY_JOINER = re.compile(r"(?:(?<=[\w\s])|^)\u200d+|\u200d+(?=[\w\s]|$)")
_JOINERS = re.compile("\u200d{2,}")
_WHITE_SPACE = re.compile(r"\s{2,}|[^\S ]")  # all but a single space, which would be replaced by itself
# Letters and digits are left out: 1000원 and www are not emphasis. ㅋ, ㅠ and Hangul syllables are.
_HANGUL = "[ㄱ-ㆎ가-힣]"
# A mark or emoji with what belongs to it: ❤️ has a presentation selector, 👍🏻 a skin tone, a family its joiners.
_TAIL = "\ufe0f\u200d\U0001f3fb-\U0001f3ff"
_SYMBOL = rf"(?<!\u200d)[^\w\s{_TAIL}](?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[^\w\s{_TAIL}])*+"


@cache
def _spellings(fold_width: bool, remove_invisible: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    """What is written otherwise, which most texts have nothing of, and what instead."""
    table: dict[int, int | None] = {}
    if fold_width:
        table |= _WIDTH | _JAMO
    if remove_invisible:
        table |= _BLANKS | _INVISIBLE
    plain = {chr(code): "" if to is None else chr(to) for code, to in table.items()}
    return re.compile(f"[{re.escape(''.join(plain))}]" if plain else r"(?!)"), plain


@cache
def _runs(most: int) -> re.Pattern[str]:
    """More than so many of one letter or symbol."""
    return re.compile(rf"({_HANGUL})\1{{{most},}}|({_SYMBOL})(?:\2(?![{_TAIL}])){{{most},}}")


def _without_stray_joiners(text: str) -> str:
    return _JOINERS.sub("\u200d", _STRAY_JOINER.sub("", text)) if "\u200d" in text else text


class KoTextNormalizer(TransformerMixin, TextEstimator):
    """Give every Korean text one spelling, so that equal texts are equal strings.

    Hangul typed on macOS arrives decomposed (NFD) and breaks the tokenisers of most models; full-width letters,
    half-width jamo, zero-width characters and ㅋㅋㅋㅋㅋㅋ split one word into many. All of it is repaired here,
    in one pass that is idempotent: normalising twice changes nothing.

    Parameters
    ----------
    fold_width : bool, default=True
        Turn full-width Latin letters, digits and punctuation (Ａ, １, ！) and half-width jamo (ﾡ) into their usual
        forms.
    remove_invisible : bool, default=True
        Remove zero-width and direction characters, soft hyphens and Hangul fillers. The joiners inside emoji stay.
    max_repeats : int or None, default=3
        Longest run of one Hangul letter or syllable, punctuation mark or emoji (ㅋㅋㅋㅋㅋ becomes ㅋㅋㅋ). Latin
        letters and digits are never shortened. None leaves runs alone.
    collapse_whitespace : bool, default=True
        Make each run of white space, line breaks included, one space, and strip both ends.

    See Also
    --------
    KoMorphemeVectorizer : TF-IDF on Korean morphemes.

    Notes
    -----
    The form is NFC [1]_ and not NFKC, which would decompose compatibility jamo such as ㅋ.

    References
    ----------
    .. [1] Unicode Standard Annex #15, Unicode Normalization Forms, https://www.unicode.org/reports/tr15/

    Examples
    --------
    >>> from skko import KoTextNormalizer
    >>> KoTextNormalizer().transform(["배송이  늦어요ㅠㅠㅠㅠㅠ", "ＡＳ　문의！"]).tolist()
    ['배송이 늦어요ㅠㅠㅠ', 'AS 문의!']
    """

    _parameter_constraints = {
        "fold_width": ["boolean"],
        "remove_invisible": ["boolean"],
        "max_repeats": [Interval(Integral, 1, None, closed="left"), None],
        "collapse_whitespace": ["boolean"],
    }

    def __init__(
        self,
        *,
        fold_width: bool = True,
        remove_invisible: bool = True,
        max_repeats: int | None = 3,
        collapse_whitespace: bool = True,
    ) -> None:
        self.fold_width = fold_width
        self.remove_invisible = remove_invisible
        self.max_repeats = max_repeats
        self.collapse_whitespace = collapse_whitespace

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> "KoTextNormalizer":
        """Check the parameters and the texts; there is nothing to learn.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : None
            Ignored.

        Returns
        -------
        KoTextNormalizer
            The normaliser itself.
        """
        self._validate_texts(X, reset=True)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.object_]:
        """Normalise texts.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.

        Returns
        -------
        ndarray of str, shape (n_texts,), dtype object
            The normalised texts, in order.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text.
        """
        texts = self._validate_texts(X)
        return self._column([self._normalise(text) for text in texts])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name the one output column.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Name of the input column; without it the name seen in ``fit``, or ``"text"``.

        Returns
        -------
        ndarray of str, shape (1,)
            The name.
        """
        names = check_input_names(self, input_features, generate_names=False)
        return np.asarray(["text"] if names is None else names[:1], dtype=object)

    def _column(self, texts: list[str]) -> NDArray[Any]:
        column = np.empty(len(texts), dtype=object)
        column[:] = texts
        return column

    def _normalise(self, text: str) -> str:
        if text.isascii():
            return self._squeeze(text)
        pattern, plain = _spellings(self.fold_width, self.remove_invisible)
        # After the other characters: what was removed may have stood between a letter and its mark.
        text = unicodedata.normalize("NFC", pattern.sub(lambda match: plain[match[0]], text))
        # Where a joiner went, a letter and its mark may compose, and the next joiner then stands beside a letter.
        while self.remove_invisible and (bare := _without_stray_joiners(text)) != text:
            text = unicodedata.normalize("NFC", bare)
        return self._squeeze(text)

    def _squeeze(self, text: str) -> str:
        most = self.max_repeats
        if most is not None:
            text = _runs(most).sub(lambda match: (match[1] or match[2]) * most, text)
        if self.collapse_whitespace:
            text = _WHITE_SPACE.sub(" ", text).strip()
        return text

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def normalise(texts: ArrayLike, *, name: str = "X") -> list[str]:
    """Normalise texts as :class:`KoTextNormalizer` does by default, to a list whatever its ``set_output`` may be.

    Parameters
    ----------
    texts : array-like of str, shape (n_texts,)
        Texts.
    name : str, default="X"
        What to call ``texts`` in messages.

    Returns
    -------
    list of str
        The normalised texts.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text.
    """
    normalizer = KoTextNormalizer()
    return [normalizer._normalise(text) for text in check_texts(texts, name=name)]
