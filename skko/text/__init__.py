"""Korean text: Unicode repair, morphemes, stop words."""

from skko.text.morphology import Morpheme, analyse, tokenise
from skko.text.normalization import KoTextNormalizer
from skko.text.stop_words import KOREAN_STOP_WORDS
from skko.text.vectorizer import KoMorphemeVectorizer

__all__ = ["KOREAN_STOP_WORDS", "KoMorphemeVectorizer", "KoTextNormalizer", "Morpheme", "analyse", "tokenise"]
