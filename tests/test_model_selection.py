"""The recipes of docs/model_selection.md run, and do what they say."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "model_selection.md"


@pytest.fixture(scope="module")
def names():
    found: dict[str, object] = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)):
        exec(compile(block, f"{PAGE.name}, block {number}", "exec"), found)
    return found


def test_no_text_of_the_recipes_leaks(names):
    assert names["leaks"].n_tested == 566
    assert len(names["leaks"].rows) == 0


def test_searches_find_parameters_and_score_better_than_chance(names):
    assert names["search"].best_score_ > 0.6
    assert len(names["search"].cv_results_["params"]) == 4
    assert names["halving"].n_iterations_ >= 2
    assert names["halving"].n_resources_[0] == 200
    assert names["by_chance"].best_score_ > 0.6
    assert 0.1 <= names["by_chance"].best_params_["classify__C"] <= 100


def test_the_comparison_has_the_differences_and_costs_of_three(names):
    frame = names["comparison"].to_frame()
    assert sorted(frame.index) == ["linear SVM", "meaning", "meaning and words"]
    assert frame["score"].is_monotonic_decreasing
    assert frame["difference"].iloc[0] == 0
    assert (frame["low"] <= frame["difference"]).all()
    assert frame.loc["meaning", "dimension"] == 256 < frame.loc["linear SVM", "dimension"]
    assert (frame["texts_encoded"] == 0).all()  # all were embedded before


def test_stack_columns_and_frozen_features_learn(names):
    assert names["stack"].score(names["texts"], names["topics"]) > 0.8
    assert len(names["stack"].estimators_) == 2
    assert names["both"].score(names["table"], names["topics"]) > 0.8
    n_text = len(
        names["columns"].fit(names["table"], names["topics"]).named_transformers_["text"].get_feature_names_out()
    )
    assert names["both"][-1].n_features_in_ == n_text + 2
    assert names["head"].score(names["texts"][:100], names["inquiries"].urgency[:100]) > 0.8


def test_the_threshold_is_tuned_for_what_is_missed(names):
    assert 0 < names["tuned"].best_threshold_ < 1
    wanted = names["urgent"] == 1
    plain = names["meaning"].fit(names["texts"], names["urgent"]).predict(names["texts"])
    assert names["tuned"].predict(names["texts"])[wanted].mean() >= plain[wanted].mean()


def test_few_labels_are_better_than_chance(names):
    assert names["described"].predict(["택배가 안 왔어요"]).tolist() == ["배송"]
    texts, topics = names["texts"], names["topics"]
    largest = np.unique(topics, return_counts=True)[1].max() / len(topics)
    assert names["few"].score(texts, topics) > largest + 0.2
    assert names["spread"].score(texts, topics) > largest + 0.2
