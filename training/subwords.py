"""Train the subword vocabulary of the student."""

import json
import re
from collections import Counter
from collections.abc import Iterator

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

VOCABULARY_SIZE = 50_000
UNKNOWN = "<unk>"
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
# Rarer characters are left to their bytes, so that they take no pieces from words.
_LEAST_CHARACTER_COUNT = 20


def train_tokenizer(texts: list[str], *, size: int = VOCABULARY_SIZE) -> Tokenizer:
    """Train a Unigram tokeniser that knows every text: what has no piece is spelled in bytes.

    Parameters
    ----------
    texts : list of str
        Training texts.
    size : int, default=50000
        Number of pieces, the 256 bytes included.

    Returns
    -------
    Tokenizer
        The tokeniser.
    """
    learner = _pipeline(Tokenizer(models.Unigram()))
    trainer = trainers.UnigramTrainer(
        vocab_size=size - len(BYTES), unk_token=UNKNOWN, special_tokens=[UNKNOWN], show_progress=False
    )
    learner.train_from_iterator(_without_rare_characters(texts), trainer)
    pieces = [(piece, score) for piece, score in json.loads(learner.to_str())["model"]["vocab"] if piece != UNKNOWN]
    least = min(score for _, score in pieces)
    vocabulary = [(UNKNOWN, 0.0), *((byte, least) for byte in BYTES), *pieces]
    return _pipeline(Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True)))


def _pipeline(tokenizer: Tokenizer) -> Tokenizer:
    """Give a tokeniser its normaliser and its pre-tokeniser."""
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def _without_rare_characters(texts: list[str]) -> Iterator[str]:
    counts = Counter(character for text in texts for character in text)
    rare = "".join(character for character, count in counts.items() if count < _LEAST_CHARACTER_COUNT)
    pattern = re.compile(f"[{re.escape(rare)}]") if rare else None
    for text in texts:
        yield pattern.sub(" ", text) if pattern else text


def fallback_rate(tokenizer: Tokenizer, texts: list[str]) -> tuple[float, float]:
    """Share of the tokens of some texts that are unknown, and that are bytes.

    Parameters
    ----------
    tokenizer : Tokenizer
        What :func:`train_tokenizer` returned.
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
