"""The fine-tuner as a scikit-learn step: what it learns from, what it makes, and what it does only once."""

import json
import pickle
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skko import KoEmbeddingTransformer, config_context, datasets
from skko.exceptions import ModelNotAvailableError, SkkoWarning
from skko.finetune import KoEmbeddingFineTuner, _static_table
from tests.finetuning import build_small_static, one_thread  # noqa: F401

INQUIRIES = datasets.load_inquiries()
TEXTS, TOPICS = INQUIRIES.texts[::4], INQUIRIES.topics[::4]
OTHERS, OTHER_TOPICS = INQUIRIES.texts[1::4], INQUIRIES.topics[1::4]
PAIRS = list(zip(TEXTS[:140:2], TEXTS[1:140:2], strict=True))
SAME = [int(a == b) for a, b in zip(TOPICS[:140:2], TOPICS[1:140:2], strict=True)]
TRIPLETS = [
    (*pair, *others) for pair, others in zip(PAIRS, zip(OTHERS[:140:2], OTHERS[1:140:2], strict=True), strict=True)
]


@pytest.fixture
def trainings(fresh_cache, monkeypatch):
    """How many trainings there have been, and how many steps."""
    done = {"trainings": 0, "steps": 0}
    train, step = SentenceTransformerTrainer.train, SentenceTransformerTrainer.training_step

    def count_training(self, *args, **kwargs):
        done["trainings"] += 1
        return train(self, *args, **kwargs)

    def count_step(self, *args, **kwargs):
        done["steps"] += 1
        return step(self, *args, **kwargs)

    monkeypatch.setattr(SentenceTransformerTrainer, "train", count_training)
    monkeypatch.setattr(SentenceTransformerTrainer, "training_step", count_step)
    return done


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    return build_small_static(tmp_path_factory.mktemp("models") / "small")


def tuner_of(base: str, **params) -> KoEmbeddingFineTuner:
    usual = {"epochs": 1, "batch_size": 32, "learning_rate": 0.01, "pairs_per_text": 2, "show_progress": False}
    return KoEmbeddingFineTuner(base, **{**usual, **params})


def test_it_learns_and_what_it_saves_is_a_plain_model(trainings, tmp_path):
    held_out = INQUIRIES.texts[1::2], INQUIRIES.topics[1::2]
    tuner = tuner_of("skko-mini", epochs=3, batch_size=64)
    tuner.fit(INQUIRIES.texts[::2], INQUIRIES.topics[::2], eval_set=held_out)
    assert tuner.best_score_ > tuner.base_score_ + 0.03
    assert tuner.score(*held_out) == tuner.best_score_
    vectors = tuner.transform(OTHERS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)

    assert tuner.get_feature_names_out()[-1] == "koembeddingfinetuner255"
    assert tuner.transform([]).shape == (0, 256)

    tuner.save(tmp_path / "tuned")
    plain = SentenceTransformer(str(tmp_path / "tuned"), device="cpu")
    np.testing.assert_allclose(plain.encode(OTHERS), vectors, atol=1e-6)
    np.testing.assert_allclose(
        KoEmbeddingTransformer(str(tmp_path / "tuned")).fit_transform(OTHERS), vectors, atol=1e-6
    )

    card = (tmp_path / "tuned" / "README.md").read_text(encoding="utf-8")
    result = json.loads((Path(tuner.model_).parent / "result.json").read_text(encoding="utf-8"))
    assert card.startswith("---\nlanguage: ko\n")
    for fact in (result["data"]["sha256"], result["held_out"]["sha256"], f"| tuned | {tuner.best_score_:.4f} |"):
        assert fact in card
    assert '| loss | `"cosine_similarity"` |' in card
    with pytest.raises(FileExistsError, match="not an empty directory"):
        tuner.save(tmp_path / "tuned")


KINDS = {
    "labelled": (TEXTS, TOPICS),
    "pairs": (PAIRS, None),
    "triplets": (TRIPLETS, None),
    "judged": (PAIRS, SAME),
    "scored": (PAIRS, np.linspace(0, 5, len(PAIRS))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_examples_changes_the_weights(kind, trainings, small):
    X, y = KINDS[kind]
    tuner = tuner_of(small, batch_size=8).fit(X, y)
    tuned, base = SentenceTransformer(tuner.model_), SentenceTransformer(small)
    change = next(tuned.parameters()) - next(base.parameters())
    assert 1e-3 < float(change.detach().norm()) < 1e3
    assert np.isfinite([entry["loss"] for entry in tuner.history_]).all()


def test_a_transformer_learns_from_texts_alone_by_dropout(trainings, tiny_a, small):
    tuner = KoEmbeddingFineTuner(str(tiny_a), epochs=6, batch_size=16, learning_rate=3e-4, mini_batch_size=8)
    losses = [entry["loss"] for entry in tuner.fit(TEXTS).history_]
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.1
    with pytest.raises(ValueError, match="no dropout"):
        tuner_of(small).fit(TEXTS)


def test_the_same_is_not_trained_twice(trainings, small):
    tuner = tuner_of(small).fit(TEXTS, TOPICS)
    again = clone(tuner).set_params(mini_batch_size=7).fit(TEXTS, TOPICS)  # a setting that only costs
    assert trainings["trainings"] == 1
    assert again.model_ == tuner.model_
    others = [clone(tuner).set_params(random_state=1), clone(tuner).set_params(learning_rate=0.02)]
    assert len({other.fit(TEXTS, TOPICS).model_ for other in others} | {tuner.model_}) == 3
    clone(tuner).fit(TEXTS[:-1], TOPICS[:-1])
    assert trainings["trainings"] == 4


def test_weights_are_outside_the_pickle(trainings, fresh_cache, small):
    tuner = tuner_of(small).fit(TEXTS, TOPICS)
    pickled = pickle.dumps(tuner)
    assert len(pickled) < 5_000
    assert Path(tuner.model_).is_relative_to(fresh_cache)
    np.testing.assert_array_equal(pickle.loads(pickled).transform(OTHERS), tuner.transform(OTHERS))
    Path(tuner.model_).rename(fresh_cache / "elsewhere")
    with pytest.raises(ModelNotAvailableError, match="Call fit again"):
        tuner.transform(OTHERS)


def test_a_search_trains_each_candidate_once_a_fold(trainings, small):
    pipeline = make_pipeline(tuner_of(small, pairs_per_text=1), LogisticRegression())
    grid = {"koembeddingfinetuner__learning_rate": [0.01, 0.02], "koembeddingfinetuner__loss": ["auto", "cosent"]}
    found = GridSearchCV(pipeline, grid, cv=2).fit(TEXTS, TOPICS)
    assert trainings["trainings"] == 4 * 2 + 1
    assert GridSearchCV(pipeline, grid, cv=2).fit(TEXTS, TOPICS).best_score_ == found.best_score_
    assert trainings["trainings"] == 4 * 2 + 1
    assert found.best_estimator_.predict(OTHERS).shape == (len(OTHERS),)


def test_a_search_scores_the_tuner_itself(trainings, small):
    found = GridSearchCV(tuner_of(small, batch_size=8), {"epochs": [1, 2]}, cv=2).fit(PAIRS)
    assert trainings["trainings"] == 5
    assert 0 < found.best_score_ <= 1


def test_a_batch_larger_than_the_data_is_shrunk_and_said(trainings, small):
    with pytest.warns(SkkoWarning, match=r"batch_size=32,768 was asked for and 7 is used, as there are 70 rows"):
        tuner = tuner_of(small, batch_size=32768).fit(PAIRS)
    assert tuner.batch_size_ == 7
    with pytest.warns(SkkoWarning, match="a static model: 0.01 is usual"):
        tuner_of(small, learning_rate=3e-5, batch_size=8).fit(PAIRS)


@pytest.mark.filterwarnings("ignore:The tuned model is no better")
def test_training_stops_where_nothing_is_gained_and_keeps_the_best(trainings, small):
    labels = np.random.default_rng(0).permutation(OTHER_TOPICS)  # about which nothing can be learnt
    tuner = tuner_of(small, epochs=30, patience=2).fit(TEXTS, TOPICS, eval_set=(OTHERS, labels))
    scores = [entry["score"] for entry in tuner.history_ if "score" in entry]
    assert len(scores) == np.argmax(scores) + 1 + 2 < 30
    assert tuner.best_score_ == pytest.approx(max(scores), abs=1e-4)
    assert tuner.best_score_ != pytest.approx(scores[-1], abs=1e-4)


def test_no_gain_is_said(trainings, small):
    with pytest.warns(SkkoWarning, match="no better than its base on eval_set: ndcg"):
        tuner_of(small, learning_rate=30.0).fit(TEXTS, TOPICS, eval_set=(OTHERS, OTHER_TOPICS))


def test_adapters_are_merged_into_a_plain_model(trainings, tiny_a, tmp_path, small):
    pytest.importorskip("peft")
    tuner = KoEmbeddingFineTuner(str(tiny_a), epochs=1, batch_size=8, learning_rate=1e-2, lora={"r": 4})
    tuner.fit(PAIRS[:32]).save(tmp_path / "tuned")
    before, after = (load_file(path / "model.safetensors") for path in (tiny_a, tmp_path / "tuned"))
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {
        name
        for name in before
        if ".layer." in name and name.endswith("weight") and before[name].ndim == 2 and "LayerNorm" not in name
    } | (changed & {"pooler.dense.weight"})
    query = "encoder.layer.0.attention.self.query.weight"
    assert torch.linalg.matrix_rank(after[query] - before[query], rtol=1e-3) <= 4
    np.testing.assert_allclose(
        SentenceTransformer(str(tmp_path / "tuned"), device="cpu").encode(OTHERS), tuner.transform(OTHERS), atol=1e-5
    )
    with pytest.raises(ValueError, match=r"none\. Pass lora=None"):
        tuner_of(small, lora=True).fit(PAIRS)


def test_first_dimensions_are_trained_to_stand_alone(trainings, small):
    few = {"truncate_dim": 4, "epochs": 10, "batch_size": 35}
    plain = tuner_of(small, **few).fit(PAIRS)
    nested = tuner_of(small, **few, matryoshka_dims=(4,)).fit(PAIRS)
    assert nested.transform(OTHERS).shape == (len(OTHERS), 4)
    assert nested.score(PAIRS) > plain.score(PAIRS) + 0.15  # measured: .86 to .92, and .42 to .62


def test_long_texts_are_cut_in_training_alone(trainings, tiny_a, small):
    params = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3}
    tuner = KoEmbeddingFineTuner(str(tiny_a), max_length=4, **params).fit(PAIRS[:16])
    assert SentenceTransformer(tuner.model_, device="cpu").max_seq_length == 128
    with pytest.raises(ValueError, match="the model reads 128 tokens"):
        KoEmbeddingFineTuner(str(tiny_a), max_length=999, **params).fit(PAIRS[:16])
    with pytest.raises(ValueError, match="no limit that could be set"):
        tuner_of(small, max_length=4).fit(PAIRS)


def test_randomness_of_the_caller_is_left_alone(trainings, small):
    np.random.seed(7)
    torch.manual_seed(7)
    expected = np.random.rand(), torch.rand(1).item()
    np.random.seed(7)
    torch.manual_seed(7)
    tuner_of(small).fit(TEXTS, TOPICS)
    assert (np.random.rand(), torch.rand(1).item()) == expected


def test_weights_that_are_no_numbers_are_an_error(trainings, fresh_cache, small):
    with pytest.raises(ValueError, match="Training diverged"):
        tuner_of(small, learning_rate=1e38, loss="multiple_negatives_ranking").fit(PAIRS)
    assert not list(fresh_cache.rglob("result.json"))


def test_callbacks_are_told_of_every_step(trainings, small):
    steps = []

    class Recorder:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context, *, metadata=None):
            if context.task_name == "tuning-step":
                steps.append(metadata["step"])

    tuner_of(small).set_callbacks(Recorder()).fit(TEXTS, TOPICS)
    assert steps == list(range(1, trainings["steps"] + 1))


@pytest.mark.parametrize("loss", ["auto", "cosent"])
def test_rows_that_no_text_uses_are_no_work_and_stay(loss, trainings, small, tmp_path, monkeypatch):
    examples = (PAIRS, np.array(SAME, dtype=float)) if loss == "cosent" else (PAIRS,)
    trained = []
    step = SentenceTransformerTrainer.training_step

    def sized(self, model, *args, **kwargs):
        trained.append(next(model.parameters()).shape[0])
        return step(self, model, *args, **kwargs)

    monkeypatch.setattr(SentenceTransformerTrainer, "training_step", sized)
    quick = load_file(Path(tuner_of(small, loss=loss).fit(*examples).model_) / "model.safetensors")
    n_rows = set(trained)
    trained.clear()
    monkeypatch.setattr(_static_table, "rows_in_use", lambda *_: nullcontext())
    with config_context(cache_dir=tmp_path):
        slow = load_file(Path(tuner_of(small, loss=loss).fit(*examples).model_) / "model.safetensors")
    (whole,) = set(trained)
    assert max(n_rows) < whole / 20
    for name, weights in slow.items():
        torch.testing.assert_close(quick[name], weights)
