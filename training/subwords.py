"""The subword vocabulary: morphemes, as Kiwi finds them, in a Unigram model that finds them again without Kiwi."""

import math
from collections import Counter

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

VOCABULARY_SIZE = 64_000
UNKNOWN = "<unk>"
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
# Rarer characters are left to their bytes, so that they take no pieces from words.
_LEAST_CHARACTER_COUNT = 20
_LONGEST_PIECE = 12


def make_tokenizer(surfaces: Counter[str], *, size: int = VOCABULARY_SIZE) -> Tokenizer:
    """Make a Unigram tokeniser of the commonest morphemes; what has no piece is spelled in bytes.

    A Unigram model's scores are log-probabilities of its pieces. Where Kiwi has cut the texts, their best estimate is
    the count: there is nothing to find by expectation and maximisation.

    Parameters
    ----------
    surfaces : Counter of str
        How often each morpheme stands in the texts, as it is written.
    size : int, default=64000
        Number of pieces, the 256 bytes included.

    Returns
    -------
    Tokenizer
        The tokeniser.
    """
    blank = _pipeline(Tokenizer(models.Unigram()))
    counts: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for surface, count in surfaces.items():
        for piece, _ in blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(surface)):
            for character in piece:
                characters[character] += count
            if len(piece) <= _LONGEST_PIECE:
                counts[piece] += count
    needed = [character for character, count in characters.items() if count >= _LEAST_CHARACTER_COUNT]
    taken = set(needed)
    room = size - 1 - len(BYTES) - len(needed)
    known = {piece for piece in counts if all(character in taken for character in piece)}
    words = [piece for piece, _ in counts.most_common() if len(piece) > 1 and piece in known][:room]
    total = counts.total()
    # a character that is no morpheme is dearer than any word it might help to spell
    floor = math.log(0.5 / total)
    pieces = [(piece, math.log(counts[piece] / total) if counts[piece] else floor) for piece in (*words, *needed)]
    pieces.sort(key=lambda scored: -scored[1])
    least = pieces[-1][1]
    vocabulary = [(UNKNOWN, 0.0), *((byte, least) for byte in BYTES), *pieces]
    return _pipeline(Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True)))


def _pipeline(tokenizer: Tokenizer) -> Tokenizer:
    """Give a tokeniser its normaliser and its pre-tokeniser."""
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def fallback_rate(tokenizer: Tokenizer, texts: list[str]) -> tuple[float, float]:
    """Share of the tokens of some texts that are unknown, and that are bytes.

    Parameters
    ----------
    tokenizer : Tokenizer
        What :func:`make_tokenizer` returned.
    texts : list of str
        Texts.

    Returns
    -------
    unknown, bytes : float
        Both between 0 and 1.
    """
    ids = [token for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False) for token in encoding.ids]
    # ids run: 0 unknown, 1 to 256 bytes, then pieces
    n_unknown = sum(token == 0 for token in ids)
    n_bytes = sum(1 <= token <= len(BYTES) for token in ids)
    return n_unknown / len(ids), n_bytes / len(ids)
