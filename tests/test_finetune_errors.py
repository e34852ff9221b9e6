"""What a fine-tuner cannot do: it says so, and what to do instead, before any training."""

import pytest
from sentence_transformers import SentenceTransformerTrainer

from skko import config_context
from skko.finetune import KoEmbeddingFineTuner
from tests.finetuning import build_small_static, one_thread  # noqa: F401

PAIRS = [
    ("배송이 늦어요", "언제 와요?"),
    ("환불해 주세요", "돈을 돌려주세요"),
    ("비밀번호를 잊었어요", "로그인이 안 돼요"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return build_small_static(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(autouse=True)
def no_training(fresh_cache, monkeypatch):
    def train(self, *args, **kwargs):
        raise AssertionError("it trains")

    monkeypatch.setattr(SentenceTransformerTrainer, "train", train)


def tuner_of(base, **params):
    return KoEmbeddingFineTuner(base, **{"epochs": 1, "batch_size": 2, "learning_rate": 0.01, **params})


def test_parameters_that_the_loss_does_not_have_are_named(small):
    with pytest.raises(ValueError, match=r"has no parameters \['temprature'\] \(loss_params\), but \[.*'scale'"):
        tuner_of(small, loss_params={"temprature": 0.05}).fit(PAIRS)


def test_parameters_without_a_fixed_content_are_refused(small):
    with pytest.raises(ValueError, match="loss_params and lora must hold numbers"):
        tuner_of(small, loss_params={"similarity_fct": max}).fit(PAIRS)


def test_a_service_is_no_base():
    with pytest.raises(ValueError, match="computed by a service, and its weights cannot be tuned"):
        tuner_of("openai:text-embedding-3-small").fit(PAIRS)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([("같은 글", f"다른 글 {number}") for number in range(4)], None),
        # One class has no two texts, so that all pairs are of the other.
        (["가", "나", "다", "라"], ["하나", "하나", "하나", "둘"]),
    ],
)
def test_rows_that_all_share_a_text_or_a_label_fill_no_batch(small, X, y):
    ranked = tuner_of(small, loss="multiple_negatives_ranking")
    with pytest.raises(ValueError, match=r'no two can be in a batch.*batch_sampler="random"'):
        ranked.fit(X, y)
    with pytest.raises(AssertionError, match="it trains"):
        ranked.set_params(batch_sampler="random").fit(X, y)


@pytest.mark.parametrize("eval_set", [PAIRS, (PAIRS, None, None), {"X": PAIRS}])
def test_an_eval_set_is_a_tuple(small, eval_set):
    with pytest.raises(ValueError, match=r"eval_set must be a tuple, \(X,\) or \(X, y\)"):
        tuner_of(small).fit(PAIRS, eval_set=eval_set)


def test_a_place_that_cannot_be_written_is_named_with_the_remedy(small, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with config_context(cache_dir=tmp_path / "taken"), pytest.raises(OSError, match=r"cannot be written to .*taken.*"):
        tuner_of(small, cache=False).fit(PAIRS)
    with config_context(cache_dir=tmp_path / "taken"), pytest.raises(OSError, match="SKKO_CACHE_DIR or set_config"):
        tuner_of(small, cache=False).fit(PAIRS)
