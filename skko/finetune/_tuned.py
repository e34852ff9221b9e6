"""What a fitted tuner does: embed by the weights that it made, score them, and hand them on."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skko.base import TextEstimator
from skko.embedding import EmbeddingCache, KoEmbeddingTransformer
from skko.exceptions import ModelNotAvailableError
from skko.finetune.card import save_model
from skko.finetune.examples import read_examples
from skko.finetune.scoring import score_examples
from skko.models import ModelSpec
from skko.progress import ShowProgress


class TunedEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TextEstimator):
    """Base of the fine-tuner: all that comes after ``fit``."""

    model_: str
    n_features_out_: int
    _facts: dict[str, Any]
    device: str
    prompt: str | None
    truncate_dim: int | None
    metric: str
    cache: EmbeddingCache | str | os.PathLike[str] | Literal[False]
    show_progress: ShowProgress

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Embed texts with the tuned model.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts. ``[]`` gives shape (0, embedding_dim).

        Returns
        -------
        ndarray of float32, shape (n_texts, embedding_dim)
            Unit vectors in input order.

        Raises
        ------
        TypeError, ValueError
            If a row is not a text.
        ModelNotAvailableError
            If the tuned weights are no longer where ``fit`` left them.
        """
        check_is_fitted(self)
        return self._embed(self._validate_texts(X))

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Score the tuned model on examples that it has not seen, as ``metric`` says.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 2 or more)
            Examples, as in :meth:`fit`.
        y : array-like of shape (n,) or None, default=None
            Their labels, judgements or scores.

        Returns
        -------
        float
            The score; more is better.
        """
        check_is_fitted(self)
        return score_examples(read_examples(X, y), self._embed, self.metric)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tuned model as a plain SentenceTransformer, with a model card.

        Parameters
        ----------
        path : path-like
            A directory that does not exist yet, or is empty.

        Raises
        ------
        FileExistsError
            If there is something at ``path``.
        ModelNotAvailableError
            If the tuned weights are no longer where ``fit`` left them.
        """
        check_is_fitted(self)
        self._check_there()
        save_model(Path(self.model_), Path(path), self._facts)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._check_there()
        vectors: NDArray[np.float32] = np.asarray(self._embedder(self.model_).fit([]).transform(list(texts)))
        return vectors

    def _embedder(self, model: str | ModelSpec) -> KoEmbeddingTransformer:
        return KoEmbeddingTransformer(
            model,
            device=self.device,
            prompt=self.prompt,
            truncate_dim=self.truncate_dim,
            cache=self.cache,
            show_progress=self.show_progress,
        )

    def _look_up(self) -> None:
        embedder = self._embedder(self.model_).fit([])
        self.embedding_dim_ = self.n_features_out_ = embedder.embedding_dim_
        self.model_fingerprint_ = embedder.model_fingerprint_

    def _check_there(self) -> None:
        if not Path(self.model_).is_dir():
            raise ModelNotAvailableError(
                f"The tuned weights are no longer in {self.model_}. Call fit again; save(path) keeps a copy elsewhere."
            )

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags
