"""What every estimator of skko shares; the one module that touches scikit-learn's private names."""

import warnings
from typing import Any

from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval, Options, RealNotInt, StrOptions
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight, validate_data

from skko._version import __version__
from skko.exceptions import VersionWarning
from skko.validation import check_texts

__all__ = [
    "Interval",
    "Options",
    "RealNotInt",
    "SkkoEstimator",
    "StrOptions",
    "TextEstimator",
    "check_input_names",
    "check_sample_weight",
    "fit_context",
]

fit_context = _fit_context
check_input_names = _check_feature_names_in
check_sample_weight = _check_sample_weight


class SkkoEstimator(BaseEstimator):
    """Base of all estimators: stamps pickles with the version of skko that made them."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_skko_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.pop("_skko_version", "an unknown version")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was pickled by skko {version} and is read by skko {__version__}. "
                "If it misbehaves, fit it again.",
                VersionWarning,
                stacklevel=2,
            )
        super().__setstate__(state)


class TextEstimator(SkkoEstimator):
    """Base of the estimators whose ``X`` is text."""

    def _validate_texts(self, X: Any, *, reset: bool = False) -> list[str]:
        """Check ``X`` and, of a data frame, the column's name; all text enters through here."""
        texts = check_texts(X)
        # ensure_2d=False: texts are a column, and n_features_in_ would have nothing to say.
        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=False)
        return texts

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags
