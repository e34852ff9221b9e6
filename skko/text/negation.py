"""Which morphemes are negated: 안 좋다 and 좋지 않다 hold 좋 and mean its opposite."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skko.text.morphology import Morpheme

MARK = "¬"

_BEFORE = frozenset({"안", "못"})  # short negation: an adverb, then the predicate
_AFTER = frozenset({"않", "못하", "말"})  # long negation: the predicate, 지, then an auxiliary
_NOUNS = frozenset({"NNG", "NNP", "XR"})
_SUFFIXES = frozenset({"XSV", "XSA"})
_PREDICATES = frozenset({"VV", "VA", "VX"}) | _SUFFIXES
_PARTICLES = frozenset({"JX", "JKS", "JKO"})  # 좋지는 않다, 좋지가 않다, 좋지를 않다


def find_negated(morphemes: Sequence["Morpheme"]) -> list[bool]:
    """Find the nouns, roots, verbs and adjectives of negated predicates.

    Parameters
    ----------
    morphemes : sequence of Morpheme, length n
        The morphemes of a text.

    Returns
    -------
    list of bool, length n
        Where a morpheme is negated; what is negated twice is not.

    Examples
    --------
    >>> from skko.text.morphology import analyse
    >>> for text in analyse(["추천하지는 않아요", "안 좋아요", "안 좋지 않아요"]):
    ...     [morpheme.form for morpheme, negated in zip(text, find_negated(text)) if negated]
    ['추천', '하']
    ['좋']
    []
    """
    negated = [False] * len(morphemes)
    for place, (form, tag) in enumerate(morphemes):
        span = range(0)
        if (tag == "VX" and form in _AFTER) or (tag == "MAG" and form in _BEFORE):
            span = _predicate_before(morphemes, place)
        if not span and tag == "MAG" and form in _BEFORE:
            span = _predicate_after(morphemes, place)
        for at in span:
            if morphemes[at].tag in _NOUNS | _PREDICATES:
                negated[at] = not negated[at]
    return negated


def _predicate_before(morphemes: Sequence["Morpheme"], place: int) -> range:
    """Where the predicate of 지 않 stands, with its noun (추천하) and what its auxiliary goes with (사고 싶)."""
    end = place - 1
    if end >= 0 and morphemes[end].tag in _PARTICLES:
        end -= 1
    start = end - 1
    if start < 0 or morphemes[end] != ("지", "EC") or morphemes[start].tag not in _PREDICATES:
        return range(0)
    while start >= 2 and morphemes[start].tag == "VX" and morphemes[start - 1].tag == "EC":
        start -= 2
    if start and morphemes[start].tag in _SUFFIXES and morphemes[start - 1].tag in _NOUNS:
        start -= 1
    return range(start, end)


def _predicate_after(morphemes: Sequence["Morpheme"], place: int) -> range:
    """Where the predicate after 안 stands, with its noun."""
    end = place + 1
    while end < len(morphemes) and morphemes[end].tag in _NOUNS:
        end += 1
    if end < len(morphemes) and morphemes[end].tag in _PREDICATES:
        return range(place + 1, end + 1)
    return range(0)
