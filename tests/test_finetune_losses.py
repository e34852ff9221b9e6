"""Gradient caching against the loss computed in one piece, and the batches that it gets."""

import copy

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses

from skko.finetune import _gradient_cache
from skko.finetune._gradient_cache import CachedLoss, CachedRankingLoss
from skko.finetune._trainer import _InTurns, _make_loss, _NoDuplicates
from skko.finetune.losses import LOSSES
from skko.finetune.settings import Settings
from skko.models import mini_path
from tests.finetuning import one_thread  # noqa: F401

WORDS = "배송 환불 로그인 영화 날씨 한국어 문장 정말 오늘 나는".split()


def texts(n_texts: int, seed: int) -> list[str]:
    """Of one to twelve words: padding would be most of a mini-batch that is not sorted."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(1, 13))) for _ in range(n_texts)]


def load(path, dropout: float = 0.0) -> SentenceTransformer:
    model = SentenceTransformer(str(path), device="cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    return model.train()


def settings(loss: str, **changes) -> Settings:
    usual = {
        **{"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "warmup_ratio": 0.0},
        **{"batch_sampler": "no_duplicates", "pairs_per_text": 2, "matryoshka_dims": None, "lora": None},
        **{"max_length": None, "prompt": "", "dtype": "float32", "metric": "auto", "patience": None},
        **{"eval_steps": None, "seed": 0, "device": "cpu", "mini_batch_size": 3, "checkpoint_minutes": 10.0},
    }
    return Settings(**{**usual, "show_progress": False, "loss": loss, **changes})


def batch(model, loss: str, n_rows: int = 10):
    form = LOSSES[loss].form
    n_columns = {"class": 1, "pair": 2, "triplet": 3, "rank": 4}[form]
    features = [model.preprocess(texts(n_rows, seed)) for seed in range(n_columns)]
    labels = {"class": torch.arange(n_rows) % 3, "pair": (torch.arange(n_rows) % 2).float()}.get(form)
    return features, labels


def gradients(model, loss, features, labels):
    model.zero_grad()
    value = loss([dict(column) for column in features], labels)
    value.backward()
    return value.item(), {
        name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None
    }


def assert_same(cached, plain):
    assert cached[0] == pytest.approx(plain[0], rel=1e-5)
    assert cached[1].keys() == plain[1].keys()
    whole = torch.cat([gradient.ravel() for gradient in plain[1].values()])
    error = torch.cat([(cached[1][name] - plain[1][name]).ravel() for name in plain[1]])
    assert whole.norm() > 0
    assert error.norm() <= 1e-5 * whole.norm()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("base", ["tiny", "mini"])
def test_cached_losses_have_the_value_and_gradient_of_the_whole_batch(name, base, tiny_a):
    model = load(tiny_a if base == "tiny" else mini_path())
    features, labels = batch(model, name)
    plain = getattr(losses, LOSSES[name].class_name)(model, **LOSSES[name].params)
    assert_same(
        gradients(model, _make_loss(model, settings(name)), features, labels), gradients(model, plain, features, labels)
    )


@pytest.mark.parametrize("name", ["multiple_negatives_ranking", "cosent"])
@pytest.mark.parametrize("base", ["tiny", "mini"])
def test_matryoshka_is_the_sum_over_its_dimensions(name, base, tiny_a):
    model = load(tiny_a if base == "tiny" else mini_path())
    dimension = model.get_embedding_dimension()
    features, labels = batch(model, name)
    plain = losses.MatryoshkaLoss(model, getattr(losses, LOSSES[name].class_name)(model), [dimension, 16, 8])
    cached = _make_loss(model, settings(name, matryoshka_dims=(16, 8)))
    assert_same(gradients(model, cached, features, labels), gradients(model, plain, features, labels))


def test_parts_of_the_similarities_make_the_whole(tiny_a, monkeypatch):
    model = load(tiny_a)
    features, labels = batch(model, "multiple_negatives_ranking")
    whole = gradients(model, _make_loss(model, settings("multiple_negatives_ranking")), features, labels)
    monkeypatch.setattr(_gradient_cache, "_SIMILARITIES", 50)  # one row of similarities at a time
    assert_same(gradients(model, _make_loss(model, settings("multiple_negatives_ranking")), features, labels), whole)


class Kept:
    """How many bytes a graph keeps for its backward pass, at most."""

    def __init__(self):
        self.now = self.most = 0

    def __call__(self, tensor):
        return Held(self, tensor)


class Held:
    def __init__(self, kept, tensor):
        self.kept, self.tensor, self.size = kept, tensor, tensor.element_size() * tensor.nelement()
        kept.now += self.size
        kept.most = max(kept.most, kept.now)

    def __del__(self):
        self.kept.now -= self.size


def test_memory_does_not_grow_with_the_batch(tiny_a):
    model = load(tiny_a)
    found = {}
    for n_rows in (64, 512):
        features, _ = batch(model, "multiple_negatives_ranking", n_rows)
        for name, loss in {
            "cached": CachedRankingLoss(model, losses.MultipleNegativesRankingLoss(model), 16),
            "whole": losses.MultipleNegativesRankingLoss(model),
        }.items():
            kept = Kept()
            with torch.autograd.graph.saved_tensors_hooks(kept, lambda held: held.tensor):
                loss([dict(column) for column in features], None).backward()
            found[name, n_rows] = kept.most
    assert found["whole", 512] > 7 * found["whole", 64]
    assert found["cached", 512] < 2 * found["cached", 64]
    assert found["cached", 512] < found["whole", 512] / 20


def test_dropout_is_the_same_in_both_passes(tiny_a):
    model = load(tiny_a, dropout=0.3)
    features, _ = batch(model, "cosine_similarity", n_rows=3)  # one mini-batch of each column
    drawn = []
    handle = model[0].register_forward_hook(
        lambda module, inputs, output: drawn.append(output["token_embeddings"].detach())
    )
    loss = CachedLoss(model, losses.CosineSimilarityLoss(model), 3)
    loss([dict(column) for column in features[:2]], torch.ones(3)).backward()
    handle.remove()
    first, second = drawn[:2], drawn[2:]
    assert len(second) == 2
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], model(dict(features[0]))["token_embeddings"])


def test_mini_batches_are_cut_from_sorted_texts(tiny_a):
    model = load(tiny_a)
    features, labels = batch(model, "multiple_negatives_ranking", n_rows=30)
    shapes = []
    handle = model[0].register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0]["input_ids"].shape)))
    loss = CachedRankingLoss(model, losses.MultipleNegativesRankingLoss(model), 5)
    with torch.no_grad():
        loss([dict(column) for column in features], labels)
    handle.remove()
    assert {rows for rows, _ in shapes} == {5}
    for column, start in zip(features, range(0, len(shapes), 6), strict=True):
        lengths = column["attention_mask"].sum(dim=1).sort(descending=True).values
        assert [width for _, width in shapes[start : start + 6]] == lengths[::5].tolist()


def test_under_autocast_the_loss_is_that_of_float32(tiny_a):
    model = load(tiny_a)
    rows = torch.randn(2, 2048, 48, generator=torch.Generator().manual_seed(0))
    rows = torch.nn.functional.normalize(rows + 2 * rows.roll(1, dims=0), dim=2)

    ours = [column.clone().requires_grad_() for column in rows]
    loss = CachedRankingLoss(model, losses.MultipleNegativesRankingLoss(model, scale=50.0), 64)
    loss._orders = [torch.arange(2048)] * 2
    with torch.autocast("cpu", dtype=torch.float16):
        loss.calculate_loss([[column] for column in ours], with_backward=True)
    exact = [column.clone().requires_grad_() for column in rows]
    losses.MultipleNegativesRankingLoss(model, scale=50.0).compute_loss_from_embeddings(exact, None).backward()
    for one, other in zip(ours, exact, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-9)


def test_a_column_that_no_loss_reads_is_named(tiny_a):
    model = load(tiny_a)
    features, _ = batch(model, "triplet")
    loss = CachedLoss(model, losses.CosineSimilarityLoss(model), 3)
    with pytest.raises(ValueError, match=r"did not use input column\(s\) 2"):
        loss(features, torch.ones(10))


def sampler_of(codes, **params):
    dataset = Dataset.from_dict({"text": [""] * len(codes)})
    return _NoDuplicates(dataset, codes=codes, drop_last=True, generator=torch.Generator(), seed=1, **params)


def test_no_two_rows_of_a_batch_share_a_code():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 60, size=(200, 3))
    sampler = sampler_of(codes, batch_size=8)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 25
    for members in batches:
        assert len(members) == 8
        for place, one in enumerate(members):
            for other in members[:place]:
                assert not set(codes[one].tolist()) & set(codes[other].tolist())
    assert len({row for members in batches[:20] for row in members}) == 160  # none twice before all have been tried
    sampler.set_epoch(1)
    assert list(sampler) != batches
    sampler.set_epoch(0)
    assert list(sampler) == batches


def test_processes_share_the_batch_that_one_would_have():
    codes = np.random.default_rng(0).integers(0, 60, size=(200, 3))
    whole = sampler_of(codes, batch_size=8)
    parts = _InTurns(whole, 2)
    assert (parts.batch_size, len(parts)) == (4, 2 * len(whole))
    assert [first + second for first, second in zip(*[iter(parts)] * 2, strict=True)] == list(whole)


def test_settings_that_only_cost_are_not_in_the_name():
    one = settings("cosent")
    assert one.key("base", "data") == settings("cosent", mini_batch_size=9, checkpoint_minutes=1.0).key("base", "data")
    changed = [settings("angle"), settings("cosent", learning_rate=1e-4), settings("cosent", seed=1)]
    keys = {setting.key("base", "data") for setting in [one, *changed]} | {
        one.key("other", "data"),
        one.key("base", "b"),
    }
    assert len(keys) == 6
    with pytest.raises(ValueError, match="must hold numbers"):
        settings("cosent", loss_params={"similarity_fct": copy.copy}).key("base")
