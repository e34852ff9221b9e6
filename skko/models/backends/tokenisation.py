"""Texts to token ids through a fast tokeniser: compact, safe from several threads, padded without lists."""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Texts handed to the tokeniser at a time: enough for all cores, few enough that its own bulky records of each token
# stay small and a query need not wait for a corpus.
_BLOCK_TEXTS = 256


@dataclass(frozen=True)
class TokenTable:
    """Token ids of texts, one after another, and how the model's tokeniser pads them.

    Attributes
    ----------
    lengths : ndarray of int64, shape (n_texts,)
        Tokens of each text.
    n_truncated : int
        How many texts were longer than the limit.
    columns : dict of str to ndarray of int32, shape (n_tokens,)
        What the model wants to know of each token but for the mask: ``input_ids``, and ``token_type_ids`` for some.
    fill : dict of str to int
        What each column is padded with.
    padding_side : {"left", "right"}
        Where padding goes.
    mask : bool
        Whether the model wants an ``attention_mask``.
    """

    lengths: NDArray[np.int64]
    n_truncated: int
    columns: dict[str, NDArray[np.int32]]
    fill: dict[str, int]
    padding_side: str
    mask: bool

    def padded(self, rows: NDArray[np.intp]) -> dict[str, NDArray[np.int64]]:
        """Pad some texts to the longest of them.

        Parameters
        ----------
        rows : ndarray of int, shape (n_rows,)
            Which texts.

        Returns
        -------
        dict of str to ndarray of int64, shape (n_rows, n_longest)
            The columns, and ``attention_mask``.
        """
        real = self.real(rows)
        features = {}
        for name, values in self.columns.items():
            features[name] = np.full(real.shape, self.fill[name], dtype=np.int64)
            features[name][real] = values[self._places(rows)]
        return {**features, "attention_mask": real.astype(np.int64)} if self.mask else features

    def packed(self, rows: NDArray[np.intp]) -> dict[str, NDArray[np.int64]]:
        """Put some texts one after another.

        Parameters
        ----------
        rows : ndarray of int, shape (n_rows,)
            Which texts.

        Returns
        -------
        dict of str to ndarray of int64, shape (n_tokens,)
            The columns.
        """
        places = self._places(rows)
        return {name: values[places].astype(np.int64) for name, values in self.columns.items()}

    def real(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell tokens from padding.

        Parameters
        ----------
        rows : ndarray of int, shape (n_rows,)
            Which texts.

        Returns
        -------
        ndarray of bool, shape (n_rows, n_longest)
            False where there is padding.
        """
        lengths = self.lengths[rows]
        real = np.arange(lengths.max(initial=0)) < lengths[:, None]
        return real if self.padding_side == "right" else real[:, ::-1]

    def _places(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Places of the tokens of some texts, text by text."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        places: NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(self._starts[rows] - (ends - lengths), lengths)
        return places

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.lengths) - self.lengths


class Tokeniser:
    """A fast tokeniser apart from the model and from transformers, which several threads may use at once.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        What cuts texts into tokens. It is not copied: that of XLM-RoBERTa takes half a gigabyte.
    fill : dict of str to int
        What the model wants to know of each token, and what that is padded with.
    mask : bool
        Whether the model wants an ``attention_mask``.
    padding_side, truncation_side : {"left", "right"}
        Where padding goes, and where long texts are cut.
    special_tokens : bool, default=True
        Whether the model wants the tokens that begin and end a text.

    Attributes
    ----------
    lock : threading.Lock
        Truncation and padding are state of ``tokenizer``, so whoever else uses it must hold this.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        fill: dict[str, int],
        mask: bool,
        padding_side: str,
        truncation_side: str,
        special_tokens: bool = True,
    ) -> None:
        self._tokenizer = tokenizer
        self._fill, self._mask = fill, mask
        self._padding_side, self._truncation_side = padding_side, truncation_side
        self._special_tokens = special_tokens
        self.lock = threading.Lock()

    @classmethod
    def of_transformers(cls, tokenizer: Any) -> "Tokeniser":
        """Take over the tokeniser of a transformers model.

        Parameters
        ----------
        tokenizer : transformers.TokenizersBackend
            The model's tokeniser.

        Returns
        -------
        Tokeniser
            One that gives the same ids, without making Python lists of several columns of each text.
        """
        # What fills the places is masked, so a tokeniser that has no such token may have any.
        known = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
        return cls(
            tokenizer.backend_tokenizer,
            fill={name: known[name] for name in tokenizer.model_input_names if name in known},
            mask="attention_mask" in tokenizer.model_input_names,
            padding_side=tokenizer.padding_side,
            truncation_side=tokenizer.truncation_side,
        )

    @classmethod
    def load(cls, folder: Path) -> "Tokeniser":
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.

        Returns
        -------
        Tokeniser
            The tokeniser.
        """
        from tokenizers import Tokenizer

        settings = json.loads((folder / "tokeniser.json").read_text(encoding="utf-8"))
        return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), **settings)

    def save(self, folder: Path) -> None:
        """Write the tokeniser into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        settings = {"fill": self._fill, "mask": self._mask}
        settings |= {"padding_side": self._padding_side, "truncation_side": self._truncation_side}
        settings |= {"special_tokens": self._special_tokens}
        self._tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "tokeniser.json").write_text(json.dumps(settings), encoding="utf-8")

    def __call__(self, texts: Sequence[str], max_length: int | None) -> TokenTable:
        """Tokenise texts, special tokens included.

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
        blocks: list[dict[str, NDArray[np.int32]]] = []
        lengths = np.zeros(len(texts), dtype=np.int64)
        n_truncated = 0
        for start in range(0, len(texts), _BLOCK_TEXTS):
            encodings = self._encode(list(texts[start : start + _BLOCK_TEXTS]), max_length)
            lengths[start : start + len(encodings)] = [len(encoding) for encoding in encodings]
            n_truncated += sum(bool(encoding.overflowing) for encoding in encodings)
            blocks.append({name: _column(encodings, _ATTRIBUTES[name]) for name in self._fill})
        empty = np.empty(0, dtype=np.int32)
        columns = {name: np.concatenate([empty, *(block[name] for block in blocks)]) for name in self._fill}
        return TokenTable(lengths, n_truncated, columns, self._fill, self._padding_side, self._mask)

    def _encode(self, texts: list[str], max_length: int | None) -> list[Any]:
        with self.lock:
            self._tokenizer.no_padding()
            if max_length is None:
                self._tokenizer.no_truncation()
            else:
                self._tokenizer.enable_truncation(max_length, direction=self._truncation_side)
            return self._tokenizer.encode_batch_fast(texts, add_special_tokens=self._special_tokens)  # type: ignore[no-any-return]


# What a model may ask of a token, and what the tokenisers library calls it.
_ATTRIBUTES = {"input_ids": "ids", "token_type_ids": "type_ids"}


def _column(encodings: Iterable[Any], attribute: str) -> NDArray[np.int32]:
    return np.fromiter(chain.from_iterable(getattr(encoding, attribute) for encoding in encodings), dtype=np.int32)
