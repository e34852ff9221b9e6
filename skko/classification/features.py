"""KoTextFeatures: the embedding, characters and morphemes of texts beside each other, none drowned by the others."""

from functools import partial
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn import config_context
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from skko.classification._targets import Targets, read_targets
from skko.classification._weights import LexicalChoice, choose, different_rows, sample
from skko.validation import check_texts

_EMBEDDING = "embed"
# Blocks are put together as arrays, whatever scikit-learn is told to put out.
_as_arrays = partial(config_context, transform_output="default")


class KoTextFeatures(FeatureUnion, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Features of texts, each block with a weight that is given, or chosen in ``fit``.

    The rows of every block have unit length, so that the weights alone say what counts how much: an embedding is about
    meaning and learns from few labels, words and characters need more labels and learn more from them.

    Parameters
    ----------
    transformer_list : list of (str, transformer)
        The blocks. One named ``embed`` has weight 1 and the others share one weight where weights are chosen.
    n_jobs : int or None, default=None
        Blocks computed at once, as in ``FeatureUnion``.
    transformer_weights : dict, "auto" or None, default="auto"
        Weights by name; a block that is not named has weight 1, and None is 1 for all. ``"auto"`` chooses in ``fit``:
        by the number of labels a class, and from 40 different texts on by leave-one-out on them.
    verbose : bool, default=False
        Whether to print the time of each block, and what was chosen.
    verbose_feature_names_out : bool, default=True
        Whether names of features begin with the name of their block.

    Attributes
    ----------
    weights_ : dict of str to float
        The weights in use.
    choice_ : LexicalChoice or None
        How they were chosen; None where they were given. As str it is a sentence.

    See Also
    --------
    make_text_classifier : The pipeline that it is a step of.

    Notes
    -----
    A block of weight 0 is not computed when texts are transformed. Without ``y``, or without a block named ``embed``,
    there is nothing to choose by, and all weights are 1.

    Examples
    --------
    >>> from skko import datasets, make_text_classifier
    >>> inquiries = datasets.load_inquiries()
    >>> pipeline = make_text_classifier("skko-mini").fit(inquiries.texts, inquiries.topics)
    >>> print(pipeline["features"].choice_)
    lexical weight ...: 71 labels a class, times ... by leave-one-out ...
    """

    weights_: dict[str, float]
    choice_: LexicalChoice | None

    def __init__(
        self,
        transformer_list: list[tuple[str, Any]],
        *,
        n_jobs: int | None = None,
        transformer_weights: Any = "auto",
        verbose: bool = False,
        verbose_feature_names_out: bool = True,
    ) -> None:
        super().__init__(
            transformer_list,
            n_jobs=n_jobs,
            transformer_weights=transformer_weights,
            verbose=verbose,
            verbose_feature_names_out=verbose_feature_names_out,
        )

    def fit(self, X: ArrayLike, y: Any = None, **fit_params: Any) -> "KoTextFeatures":
        """Fit every block, and choose the weights.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : array-like or None, default=None
            Labels, by which weights are chosen.
        **fit_params : dict
            Passed to every block.

        Returns
        -------
        KoTextFeatures
            The fitted features.
        """
        self.fit_transform(X, y, **fit_params)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None, **params: Any) -> sparse.csr_array:
        """Fit every block, choose the weights, and return the features of the same texts.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        y : array-like or None, default=None
            Labels, by which weights are chosen.
        **params : dict
            Passed to every block.

        Returns
        -------
        csr_array of float32, shape (n_texts, n_features)
            The blocks side by side.
        """
        texts = check_texts(X)
        if isinstance(self.transformer_weights, str) and self.transformer_weights != "auto":
            raise ValueError(f'transformer_weights must be a dict, None or "auto", got {self.transformer_weights!r}.')
        with _as_arrays():
            if self.transformer_weights == "auto":
                return self._fit_and_choose(texts, y, params)
            self.choice_ = None
            return self._finish(self._union(self.transformer_weights).fit_transform(texts, y, **params))

    def _fit_and_choose(self, texts: list[str], y: Any, params: dict[str, Any]) -> sparse.csr_array:
        blocks = {name: block.fit_transform(texts, y, **params) for name, block in self._blocks()}
        self.choice_ = self._choose(texts, blocks, y)
        weight = 1.0 if self.choice_ is None else self.choice_.weight
        if self.verbose and self.choice_ is not None:
            print(self.choice_)  # noqa: T201
        self._union({name: 1.0 if name == _EMBEDDING else weight for name in blocks}, fitted=True)
        return self._side_by_side({name: block for name, block in blocks.items() if self.weights_[name]})

    def transform(self, X: ArrayLike, **params: Any) -> sparse.csr_array:
        """Return the features of texts.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.
        **params : dict
            Passed to every block.

        Returns
        -------
        csr_array of float32, shape (n_texts, n_features)
            The blocks side by side.
        """
        check_is_fitted(self, "union_")
        texts = check_texts(X)
        with _as_arrays():
            if params or effective_n_jobs(self.n_jobs) != 1:
                return self._finish(self.union_.transform(texts, **params))
            # A task of scikit-learn's Parallel empties the filters of warnings and fills them again, which are those of
            # all threads: others that classify meanwhile would warn of it.
            used = [(name, block) for name, block in self.union_.transformer_list if not isinstance(block, str)]
            return self._side_by_side({name: block.transform(texts) for name, block in used})

    def set_output(self, *, transform: Any = None) -> "KoTextFeatures":
        """Refuse data frames, which do not hold sparse features; those set for all of scikit-learn are passed over.

        Parameters
        ----------
        transform : {"default"} or None, default=None
            Both leave everything as it is.

        Returns
        -------
        KoTextFeatures
            The features themselves.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        if transform not in (None, "default"):
            raise ValueError(f"KoTextFeatures are sparse, and no data frame holds them: got transform={transform!r}.")
        return self

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name the features.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Passed to every block.

        Returns
        -------
        ndarray of str, shape (n_features,)
            Names in column order.
        """
        check_is_fitted(self, "union_")
        return self.union_.get_feature_names_out(input_features)  # type: ignore[no-any-return]

    def blocks(self) -> dict[str, slice]:
        """Say which columns each block has.

        Returns
        -------
        dict of str to slice
            Columns by name of the block, in order; a block of weight 0 has none.
        """
        check_is_fitted(self, "union_")
        places, start = {}, 0
        for name, block in self.union_.transformer_list:
            if block not in ("drop", "passthrough"):
                stop = start + len(block.get_feature_names_out())
                places[name] = slice(start, stop)
                start = stop
        return places

    def _blocks(self) -> list[tuple[str, Any]]:
        return [(name, block) for name, block in self.transformer_list if not isinstance(block, str)]

    def _union(self, weights: dict[str, float] | None, *, fitted: bool = False) -> FeatureUnion:
        """Make the plain union that does the work, on the same blocks; those of weight 0 are left out."""
        self.weights_ = {name: float((weights or {}).get(name, 1.0)) for name, _ in self._blocks()}
        used = [(name, block if self.weights_.get(name, 1.0) else "drop") for name, block in self.transformer_list]
        options = {"n_jobs": self.n_jobs, "verbose": self.verbose and not fitted}
        options["verbose_feature_names_out"] = self.verbose_feature_names_out
        self.union_ = FeatureUnion(used, transformer_weights=weights, **options)
        return self.union_

    def _side_by_side(self, blocks: dict[str, Any]) -> sparse.csr_array:
        parts = [sparse.csr_array(block) * np.float32(self.weights_[name]) for name, block in blocks.items()]
        return self._finish(sparse.hstack(parts, format="csr"))

    def _finish(self, features: Any) -> sparse.csr_array:
        return sparse.csr_array(features, dtype=np.float32)

    def _choose(self, texts: list[str], blocks: dict[str, Any], y: Any) -> LexicalChoice | None:
        lexical = [name for name in blocks if name != _EMBEDDING]
        if y is None or _EMBEDDING not in blocks or not lexical:
            return None
        targets = read_targets(y) or Targets.of_one_label(y)
        different = different_rows(texts)
        rows = sample(different)
        words = sparse.hstack([sparse.csr_array(blocks[name])[rows] for name in lexical], format="csr")
        return choose(np.asarray(blocks[_EMBEDDING])[rows], words, targets.take(rows), len(different))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "union_")
