"""What a backend must be able to do: measure texts, then embed the rows it is asked for."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skko.models.spec import ModelFacts


class Tokens(Protocol):
    """Texts made ready for a model, before they are cut into batches."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Cost of each text, shape (n_texts,): its tokens, or its characters where a model does not say."""

    @property
    def n_truncated(self) -> int:
        """How many texts were longer than the model reads."""


class Encoder(Protocol):
    """A loaded model."""

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model without running it."""

    @property
    def batch_tokens(self) -> int:
        """Cost of a batch, padding included, that suits the model on its device."""

    def tokenise(self, texts: Sequence[str], *, prompt: str, max_length: int | None) -> Tokens:
        """Make texts ready for the model.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Texts.
        prompt : str
            What to put before each.
        max_length : int or None
            Longest input in tokens; None is what the model reads.

        Returns
        -------
        Tokens
            The texts with their lengths.
        """

    def embed(self, tokens: Any, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Embed some rows as one batch.

        Parameters
        ----------
        tokens : Tokens
            What ``tokenise`` gave.
        rows : ndarray of int, shape (n_rows,)
            Which of its texts.

        Returns
        -------
        ndarray of float32, shape (n_rows, dimension)
            What the model gives, not normalised beyond that.
        """
