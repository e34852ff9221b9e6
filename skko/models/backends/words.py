"""Texts to token ids word by word, each word cut up once: for tokenisers that never look across a space."""

import json
import re
import threading
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.models.backends.tokenisation import TokenTable

# Unicode's White_Space, which is what the tokenisers library means by it; str.split takes four control characters more.
_WORDS = re.compile("[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
# Steps of a tokeniser that split at every space and do the same to a word wherever it stands.
_NORMALIZERS = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Sequence"}
_SPLITTERS = {"Whitespace", "WhitespaceSplit", "BertPreTokenizer"}
_PRE_TOKENIZERS = {*_SPLITTERS, "Punctuation", "Digits", "UnicodeScripts", "Sequence"}
# To a word of such letters alone all of these steps do nothing, but for those that take syllables apart.
_HANGUL, _DECOMPOSING = re.compile("[가-힣]+"), {"NFD", "NFKD"}
# A word costs about so many bytes beside its letters, and all of them may take so many.
_WORD_BYTES, _MOST_BYTES = 200, 32 << 20
# What stands between words that are cut together, and how many are.
_MARK, _LINE = "\x01", 64

_Tokens = tuple[NDArray[np.int32], NDArray[np.int64]]


def splits_at_spaces(tokenizer: Any) -> bool:
    """Tell whether a text's tokens are those of its words, one word after another.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        A tokeniser.

    Returns
    -------
    bool
        Whether :class:`WordTokeniser` gives the ids that the tokeniser itself would give.
    """
    normalizers, splitters = set(_types(tokenizer.normalizer)), set(_types(tokenizer.pre_tokenizer))
    added = tokenizer.get_added_tokens_decoder().values()
    return (
        normalizers <= _NORMALIZERS
        and splitters <= _PRE_TOKENIZERS
        and bool(splitters & _SPLITTERS)
        and all(_WORDS.fullmatch(token.content) and not token.lstrip and not token.rstrip for token in added)
    )


class WordTokeniser:
    """A tokeniser that remembers the tokens of words, without special tokens.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        What cuts a word into tokens; :func:`splits_at_spaces` holds for it.

    Notes
    -----
    Words come again and again, and to look one up takes a fraction of the time of cutting it up; and what a tokeniser
    does to a word before it cuts it takes as long as the cutting, which words of Hangul are spared. What is remembered
    is forgotten when it takes more than 32 MB or so.
    """

    _numbers: dict[str, int]
    _ids: NDArray[np.int32]
    _ends: NDArray[np.int64]  # where each word's tokens begin, and the last one's end
    _n_bytes: int

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._of_hangul = _without_steps(tokenizer)
        self._lock = threading.Lock()
        self._forget()

    def __call__(self, texts: Sequence[str], max_length: int | None) -> TokenTable:
        """Tokenise texts.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Texts, with their prompts.
        max_length : int or None
            Where to cut them, in tokens; None leaves them whole.

        Returns
        -------
        TokenTable
            Their tokens.
        """
        # Printable texts have no space but " ", and str.split finds it twice as fast.
        words = [text.split() if text.isprintable() else _WORDS.findall(text) for text in texts]
        with self._lock:
            if self._n_bytes > _MOST_BYTES:
                self._forget()
            self._learn(dict.fromkeys(word for row in words for word in row if word not in self._numbers))
            numbers = np.fromiter(map(self._numbers.__getitem__, chain.from_iterable(words)), dtype=np.int64)
            ids, ends = self._ids, self._ends
        sizes = ends[numbers + 1] - ends[numbers]
        ids = ids[_runs(ends[numbers], sizes)]
        of_words = np.cumsum([0, *map(len, words)])
        starts = np.concatenate([[0], np.cumsum(sizes)])[of_words]
        lengths = np.diff(starts)
        n_truncated = 0
        if max_length is not None and (n_truncated := int((lengths > max_length).sum())):
            lengths = np.minimum(lengths, max_length)
            ids = ids[_runs(starts[:-1], lengths)]
        return TokenTable(lengths, n_truncated, {"input_ids": ids}, {"input_ids": 0}, "right", False)

    def _learn(self, words: Iterable[str]) -> None:
        """Cut new words into tokens."""
        hangul: list[str] = []
        others: list[str] = []
        for word in words:
            (hangul if _HANGUL.fullmatch(word) else others).append(word)
        for tokenizer, new in ((self._of_hangul, hangul), (self._tokenizer, others)):
            if not new:
                continue
            ids, sizes = _cut_together(tokenizer, new) or _cut(tokenizer, new)
            self._numbers.update(zip(new, range(len(self._numbers), len(self._numbers) + len(new)), strict=True))
            self._ids = np.concatenate([self._ids, ids])
            self._ends = np.concatenate([self._ends, self._ends[-1] + np.cumsum(sizes)])
            self._n_bytes += sum(map(len, new)) + _WORD_BYTES * len(new)

    def _forget(self) -> None:
        self._numbers = {}
        self._ids = np.empty(0, dtype=np.int32)
        self._ends = np.zeros(1, dtype=np.int64)
        self._n_bytes = 0


def _without_steps(tokenizer: Any) -> Any:
    """A tokeniser that cuts words of Hangul alike and does no more than that; the same one if there is none."""
    added = tokenizer.get_added_tokens_decoder().values()
    if _DECOMPOSING & set(_types(tokenizer.normalizer)) or any(_HANGUL.search(token.content) for token in added):
        return tokenizer
    from tokenizers import Tokenizer
    from tokenizers.pre_tokenizers import WhitespaceSplit

    bare = Tokenizer(tokenizer.model)  # which they share
    bare.pre_tokenizer = WhitespaceSplit()
    return bare


def _cut_together(tokenizer: Any, words: list[str]) -> _Tokens | None:
    """Cut many words in one text, a mark behind each: to ask for one by one takes twice as long.

    None where the mark is not one token, or a word has that token too.
    """
    lines = [f" {_MARK} ".join([*words[i : i + _LINE], ""]) for i in range(0, len(words), _LINE)]
    ids, sizes = _cut(tokenizer, [_MARK, *lines])
    mark, ids = np.split(ids, sizes[:1])
    marks = np.flatnonzero(ids == mark[0]) if len(mark) == 1 else mark[:0]
    return (np.delete(ids, marks), np.diff(marks, prepend=-1) - 1) if len(marks) == len(words) else None


def _cut(tokenizer: Any, texts: list[str]) -> _Tokens:
    """Tokens of texts, one text behind another, and how many each has."""
    tokens = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    sizes = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    return np.fromiter(chain.from_iterable(tokens), dtype=np.int32), sizes


def _types(step: Any) -> list[str]:
    """Names of a step of a tokeniser and of the steps within it."""
    # Its pickle is its JSON; that of the whole tokeniser would hold the vocabulary.
    return [] if step is None else _names(json.loads(step.__getstate__()))


def _names(settings: dict[str, Any]) -> list[str]:
    inner = settings.get("normalizers", settings.get("pretokenizers", []))
    return [settings["type"], *chain.from_iterable(map(_names, inner))]


def _runs(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places from each start on, as many as its size, one run behind another."""
    ends = np.cumsum(sizes)
    places: NDArray[np.int64] = np.arange(sizes.sum()) + np.repeat(starts - (ends - sizes), sizes)
    return places
