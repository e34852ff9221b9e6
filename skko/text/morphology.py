"""Korean morphemes by Kiwi: analysed once, remembered, and loaded only when first asked for.

The only module that talks to Kiwi. Analysis is the dearest step of a lexical pipeline on a CPU (about 1,100 short
reviews a second and core), so TF-IDF, BM25 and keywords share one bounded memory of analysed texts.
"""

import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple

from skko.progress import ShowProgress, progress_bar
from skko.text.negation import MARK, find_negated
from skko.threads import n_threads

# Nouns, numerals, roots, verbs and adjectives, adverbs, the negative copula; Latin, hanja and digits.
CONTENT_TAGS = frozenset({"NNG", "NNP", "NR", "XR", "VV", "VA", "MAG", "VCN", "SL", "SH", "SN"})
NOUN_TAGS = frozenset({"NNG", "NNP", "XR", "SL", "SH"})

# 400,000 short texts, or some 18,000 petitions of a thousand morphemes.
_CAPACITY = 256 << 20
_ENTRY = 100  # bytes that an entry of an ordered dictionary takes beside its key and value
_CHUNK = 512
# Characters analysed at once. Of 20 petitions of 3,000 to 18,000 characters cut at 4,000, 99.99 % of the morphemes were
# the same; a million characters in one piece took five minutes.
_LONGEST = 8_000


class Morpheme(NamedTuple):
    """A morpheme: its form as Kiwi writes it and its part of speech in the Sejong tag set."""

    form: str
    tag: str


class _Memory:
    """Analysed texts, least recently used first, holding at most ``capacity`` bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self._texts: OrderedDict[str, tuple[Morpheme, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> tuple[Morpheme, ...] | None:
        """Return the morphemes of a text, or None if it is not known."""
        with self._lock:
            found = self._texts.get(text)
            if found is not None:
                self._texts.move_to_end(text)
            return found

    def put(self, text: str, morphemes: tuple[Morpheme, ...]) -> None:
        """Remember a text, and forget the least used ones beyond the bound."""
        with self._lock:
            if (known := self._texts.pop(text, None)) is not None:
                self.size -= self.cost(text, known)
            self._texts[text] = morphemes
            self.size += self.cost(text, morphemes)
            while self.size > self.capacity and len(self._texts) > 1:
                self.size -= self.cost(*self._texts.popitem(last=False))

    @staticmethod
    def cost(text: str, morphemes: tuple[Morpheme, ...]) -> int:
        """Bytes that a text and its morphemes hold; short texts cost more by what surrounds them than by themselves."""
        return sys.getsizeof(text) + sys.getsizeof(morphemes) + _ENTRY


_memory = _Memory(_CAPACITY)
_analysis = threading.Lock()


def analyse(texts: Sequence[str], *, show_progress: ShowProgress = "auto") -> list[tuple[Morpheme, ...]]:
    """Split texts into morphemes.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts, best in NFC.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    list of tuple of Morpheme, length n_texts
        The morphemes of each text, in order. Equal texts are analysed once.

    Examples
    --------
    >>> [morpheme.form for morpheme in analyse(["환불해 주세요"])[0]]
    ['환불', '하', '어', '주', '세요']
    """
    unique = list(dict.fromkeys(texts))
    known = {text: _memory.get(text) for text in unique}
    missing = [text for text, found in known.items() if found is None]
    if missing:
        with _analysis:  # Kiwi runs its own threads; two analyses at once would only share them
            # Another thread may have analysed some of them while this one waited.
            known |= {text: _memory.get(text) for text in missing}
            missing = [text for text in missing if known[text] is None]
            for text, morphemes in zip(missing, _run_kiwi(missing, show_progress), strict=True):
                known[text] = morphemes
                _memory.put(text, morphemes)
    return [known[text] or () for text in texts]


def tokenise(
    texts: Sequence[str],
    *,
    tags: frozenset[str] = CONTENT_TAGS,
    mark_negation: bool = False,
    show_progress: ShowProgress = "auto",
) -> list[list[str]]:
    """Reduce texts to the forms of their content morphemes.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts, best in NFC.
    tags : frozenset of str, default=CONTENT_TAGS
        Parts of speech to keep.
    mark_negation : bool, default=False
        Whether to put ``¬`` before what is negated.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    list of list of str, length n_texts
        Forms in text order, Latin letters in lower case.

    Examples
    --------
    >>> tokenise(["아이폰을 환불해 주세요", "AS는 언제 되나요?"])
    [['아이폰', '환불'], ['as', '언제', '되']]
    >>> tokenise(["좋지 않아요"], mark_negation=True)
    [['¬좋']]
    """
    analysed = analyse(texts, show_progress=show_progress)
    if mark_negation:
        analysed = [_mark_negation(text) for text in analysed]
    return [[m.form.lower() if m.tag == "SL" else m.form for m in text if m.tag in tags] for text in analysed]


def _mark_negation(text: tuple[Morpheme, ...]) -> tuple[Morpheme, ...]:
    negated = zip(text, find_negated(text), strict=True)
    return tuple(Morpheme(MARK + m.form, m.tag) if is_negated else m for m, is_negated in negated)


def _run_kiwi(texts: list[str], show_progress: ShowProgress) -> Iterable[tuple[Morpheme, ...]]:
    kiwi = _kiwi()
    with progress_bar(len(texts), "analysing morphemes", show=show_progress) as bar:
        for start in range(0, len(texts), _CHUNK):
            pieces = [_pieces(text) for text in texts[start : start + _CHUNK]]
            analysed = iter(kiwi.tokenize(chain.from_iterable(pieces)))
            for one_text in pieces:
                tokens = chain.from_iterable(islice(analysed, len(one_text)))
                # Irregular stems carry a suffix (VV-I) that matters to a conjugator only.
                yield tuple(_morpheme(token.form, token.tag.partition("-")[0]) for token in tokens)
            bar.update(len(pieces))


def _pieces(text: str) -> list[str]:
    """Cut a very long text at white space: the time of one analysis grows with the square of its length."""
    pieces = []
    start = 0
    while len(text) - start > _LONGEST:
        space = max(text.rfind(character, start, start + _LONGEST) for character in " \n\t")
        end = start + _LONGEST if space <= start else space + 1
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]


@cache
def _kiwi() -> Any:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=n_threads())


@lru_cache(maxsize=1 << 17)  # new words never end
def _morpheme(form: str, tag: str) -> Morpheme:
    """One object for each (form, tag), so that a remembered text costs eight bytes a morpheme."""
    return Morpheme(sys.intern(form), sys.intern(tag))
