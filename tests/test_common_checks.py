"""scikit-learn's own checks on the estimators that take text.

With the tags of text ``check_estimator`` runs a single check. An adapter that reads numeric rows as texts lets the
whole suite run; what the suite does not generate is called directly.
"""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_array, validate_data

from skko import KoEmbeddingTransformer, KoMorphemeVectorizer, KoTextNormalizer
from skko.base import TextEstimator


def numeric(base: type[TextEstimator]) -> type[TextEstimator]:
    """Make a subclass that reads numeric rows as texts: each row becomes its repr."""

    def _validate_texts(self: Any, X: Any, *, reset: bool = False) -> list[str]:
        rows = validate_data(self, X, reset=reset)
        return [repr(row.tolist()) for row in check_array(rows)]

    def tags_of_numbers(self: Any) -> Any:
        tags = super(adapted, self).__sklearn_tags__()
        tags.input_tags.string = False
        tags.input_tags.one_d_array = False
        tags.input_tags.two_d_array = True
        return tags

    adapted = type(
        base.__name__,
        (base,),
        {"_validate_texts": _validate_texts, "__sklearn_tags__": tags_of_numbers, "__module__": __name__},
    )
    globals()[base.__name__ + "OnNumbers"] = adapted  # pickle looks it up by name
    adapted.__qualname__ = base.__name__ + "OnNumbers"
    return adapted


def _numbers(self: Any, texts: list[str]) -> Any:
    """Text cannot be compared with a tolerance: stand a digest in for each."""
    return np.array([[zlib.crc32(text.encode())] for text in texts], dtype=np.float64)


EmbeddingOnNumbers = numeric(KoEmbeddingTransformer)
NormalizerOnNumbers = numeric(KoTextNormalizer)
NormalizerOnNumbers._column = _numbers
VectorizerOnNumbers = numeric(KoMorphemeVectorizer)


def instances(tiny: Path) -> dict[str, BaseEstimator]:
    return {
        "embedding": EmbeddingOnNumbers(str(tiny), show_progress=False),
        "normalizer": NormalizerOnNumbers(),
        "vectorizer": VectorizerOnNumbers(show_progress=False),
    }


NAMES = ("embedding", "normalizer", "vectorizer")


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_suite_runs_and_passes(name, tiny_a):
    results = estimator_checks.check_estimator(instances(tiny_a)[name], on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert not failed
    assert skipped <= {"check_array_api_input"}
    assert len(results) >= 40


DIRECT = [
    estimator_checks.check_param_validation,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_dataframe_column_names_consistency,
]
SPARSE = {"check_set_output_transform_pandas", "check_global_output_transform_pandas"}


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")  # the checks mean to cause it
@pytest.mark.filterwarnings("ignore::skko.exceptions.TruncationWarning")
@pytest.mark.parametrize("check", DIRECT, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_checks_that_are_not_generated(name, check, tiny_a):
    estimator = instances(tiny_a)[name]
    if name == "vectorizer" and check.__name__ in SPARSE:
        pytest.skip("sparse features have no data frame, as scikit-learn's own vectorisers have none")
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize("base", [KoEmbeddingTransformer, KoTextNormalizer, KoMorphemeVectorizer])
def test_tags_say_that_the_input_is_text(base):
    tags = base().__sklearn_tags__().input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)
