"""Losses and lessons of the training of skko-mini, against their definitions written out."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from training import lessons, losses, questions
from training.bags import Bags
from training.corpus import Corpus
from training.learn import Material, Recipe, gather, learn, refine
from training.lessons import Articles, Pairs, Runs, twins

SIZES = {256: 1.0, 128: 0.5, 64: 0.25}


def vectors(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 256)).astype(np.float32))


def cosine(a: torch.Tensor, b: torch.Tensor, size: int) -> float:
    a, b = a[:size].double(), b[:size].double()
    return float(a @ b / a.norm() / b.norm())


def nll(scores: list[float], right: int) -> float:
    return math.log(sum(map(math.exp, scores))) - scores[right]


def test_ranking_is_cross_entropy_both_ways_in_every_size():
    left, right = vectors(4, 0), vectors(4, 1)
    expected = 0.0
    for size, weight in SIZES.items():
        scores = [[losses.SCALE * cosine(a, b, size) for b in right] for a in left]
        forth = np.mean([nll(row, i) for i, row in enumerate(scores)])
        back = np.mean([nll([row[j] for row in scores], j) for j in range(4)])
        expected += weight * (forth + back) / 2
    assert losses.ranking(left, right).item() == pytest.approx(expected / 1.75, rel=1e-5)


def test_twins_are_no_negatives():
    left, right = vectors(3, 0), vectors(3, 1)
    left[2], right[2] = left[0], right[1]
    rows = twins(np.array([7, 8, 7]), np.array([1, 2, 2]))
    assert rows.tolist() == [[False, False, True], [False, False, True], [True, True, False]]
    without = losses.ranking(left, right, twins=torch.from_numpy(rows))
    assert without.isfinite()
    assert without < losses.ranking(left, right)


def test_cosent_counts_every_pair_of_pairs_in_the_wrong_order():
    left, right, judgements = vectors(5, 0), vectors(5, 1), torch.tensor([0.0, 3.0, 3.0, 5.0, 1.0])
    expected = 0.0
    for size, weight in SIZES.items():
        cosines = [losses.SCALE * cosine(a, b, size) for a, b in zip(left, right, strict=True)]
        wrong = [math.exp(cosines[j] - cosines[i]) for i in range(5) for j in range(5) if judgements[i] > judgements[j]]
        expected += weight * math.log(1 + sum(wrong)) / 10
    assert losses.cosent(left, right, judgements).item() == pytest.approx(expected / 1.75, rel=1e-5)


def test_distance_is_zero_only_at_the_teacher():
    teacher = torch.nn.functional.normalize(vectors(8, 0), dim=-1)
    assert losses.distance(3 * teacher, teacher).item() == pytest.approx(0, abs=1e-5)
    assert losses.distance(vectors(8, 1), teacher).item() > 0.5


def test_likeness_is_cross_entropy_of_whom_the_teacher_finds_like_whom():
    student, teacher = vectors(5, 0), torch.nn.functional.normalize(vectors(5, 1)[:, :100], dim=-1)
    expected = 0.0
    for size, weight in SIZES.items():
        for i in range(5):
            others = [j for j in range(5) if j != i]
            scores = [losses.SCALE * cosine(student[i], student[j], size) for j in others]
            shares = [math.exp(20 * float(teacher[i] @ teacher[j])) for j in others]
            terms = (share * nll(scores, k) for k, share in enumerate(shares))
            expected += weight * sum(terms) / sum(shares) / 5
    assert losses.likeness(student, teacher).item() == pytest.approx(expected / 1.75, rel=1e-5)


def test_likeness_is_least_at_the_teacher():
    teacher = torch.nn.functional.normalize(vectors(8, 0), dim=-1)
    student = teacher.clone().requires_grad_()
    losses.likeness(student, teacher).backward()
    assert student.grad.isfinite().all()
    assert losses.likeness(teacher, teacher) < losses.likeness(vectors(8, 1), teacher)


BAGS = Bags.from_lists([[i] * (i % 5) for i in range(40)])


def test_gather_takes_runs_of_texts():
    runs = Runs(np.array([3, 10, 5, 0]), np.array([6, 11, 6, 1]))
    ids, offsets = gather(BAGS, runs, longest=6, dropout=0.0, rng=np.random.default_rng(0))
    ends = [*offsets.tolist()[1:], len(ids)]
    found = [ids[start:end].tolist() for start, end in zip(offsets.tolist(), ends, strict=True)]
    assert found == [[3, 3, 3, 4, 4, 4], [], [], []]


def test_gather_leaves_a_share_out_of_each_text():
    bags = Bags.from_lists([[i] * 1000 for i in range(5)])
    runs = Runs.of(np.arange(5))
    ids, offsets = gather(bags, runs, longest=1000, dropout=0.25, rng=np.random.default_rng(0))
    ends = [*offsets.tolist()[1:], len(ids)]
    for i, (start, end) in enumerate(zip(offsets.tolist(), ends, strict=True)):
        assert set(ids[start:end].tolist()) == {i}
        assert 690 < end - start < 810


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Sixty articles of a title and six sentences, thirty pairs, and so on: texts are numbers."""
    articles = np.array([(i * 7, i * 7 + 1, i * 7 + 7) for i in range(60)])
    texts = [str(row) for row in range(600)]
    pairs = np.arange(420, 480).reshape(30, 2)
    return Corpus(
        texts=texts,
        analysed=np.arange(600),
        read=np.arange(430, 600),
        headlines=np.arange(500, 540),
        articles=articles,
        pairs={"sae4k": pairs},
        groups=np.arange(480, 580).reshape(10, 10),
        judged=pairs,
        judgements=np.linspace(0, 5, 30),
        labelled={"nsmc": (np.arange(420, 480), np.arange(60) % 2)},
        wordings=np.arange(580, 600),
    )


def test_articles_ask_for_other_sentences_of_their_own(corpus):
    lesson = Articles(corpus, np.arange(60) // 6, share=0.5)
    (asked, _, answers), loss = lesson.draw(np.random.default_rng(0))
    assert loss is losses.worded_ranking
    n_titles = 0
    for question, start, end in zip(asked.starts, answers.starts, answers.ends, strict=True):
        _, first, last = corpus.articles[question // 7]
        assert first <= start < end <= last
        assert not start <= question < end
        n_titles += question % 7 == 0
    assert 15 < n_titles < 45
    assert len(set(asked.starts // 7)) == 60


def test_half_of_the_questions_are_worded(corpus):
    (asked, worded, _), loss = Articles(corpus, np.arange(60) // 6, share=0.5).draw(np.random.default_rng(0))
    assert set(worded.starts) <= set(corpus.wordings)
    assert set(worded.ends - worded.starts) == {0, 1}
    assert 15 < (worded.ends > worded.starts).sum() < 45
    # a worded question is what a tokeniser would make of both parts in one text
    pieces, answers = vectors(600, 0), vectors(60, 1)
    means, ends = torch.zeros(60, 256), torch.zeros(60, 256)
    for row, (question, end, stop) in enumerate(zip(asked.starts, worded.starts, worded.ends, strict=True)):
        ends[row] = pieces[end:stop].sum(dim=0)
        means[row] = pieces[[question, *range(end, stop)]].mean(dim=0)
    torch.testing.assert_close(loss(pieces[asked.starts], ends, answers), losses.ranking(means, answers))


def test_no_wording_of_development_is_trained_on():
    trained_on = questions.wordings()
    assert len(set(trained_on)) == len(trained_on) > 500
    assert not set(questions.HELD_OUT) & set(trained_on)
    assert "의 목적은 무엇인가요?" in trained_on
    assert "의 의미를 알려 주세요" in trained_on


def test_some_articles_of_a_step_are_neighbours(corpus, monkeypatch):
    monkeypatch.setattr(lessons, "_N_ARTICLES", 24)
    monkeypatch.setattr(lessons, "_N_NEIGHBOURHOODS", 2)
    for share, least in ((0.5, 12), (0.0, 0)):
        (asked, _, _), _ = Articles(corpus, np.arange(60) // 6, share).draw(np.random.default_rng(0))
        articles = asked.starts // 7
        assert len(set(articles)) == 24
        sizes = np.sort(np.bincount(articles // 6, minlength=10))
        assert sizes[-2:].sum() >= least


def test_neighbourhoods_are_those_of_the_first_sentences(corpus):
    taught = torch.zeros(600, 8)
    taught[corpus.articles[:30, 1], 0] = taught[corpus.articles[30:, 1], 1] = 1
    shuffled = torch.from_numpy(np.random.default_rng(0).permutation(600))
    found = lessons.neighbourhoods(replace(corpus, analysed=shuffled.numpy()), taught[shuffled].half(), seed=0, size=30)
    assert len(set(found[:30])) == len(set(found[30:])) == 1
    assert found[0] != found[30]


def test_pairs_are_of_one_set(corpus):
    lesson, rng = Pairs(corpus), np.random.default_rng(0)
    kinds = Counter()
    for _ in range(200):
        (left, right), _ = lesson.draw(rng)
        kind = "pairs" if left.starts[0] < 480 else "groups"
        kinds[kind] += 1
        if kind == "groups":
            assert (left.starts // 10 == right.starts // 10).all()
            assert (left.starts != right.starts).all()
        else:
            assert (right.starts == left.starts + 1).all()
    assert kinds["groups"] > kinds["pairs"] > 0


def test_headlines_are_compared_by_what_they_differ_in_and_sentences_as_they_are(corpus):
    teacher = torch.nn.functional.normalize(vectors(600, 5) + 2, dim=-1)
    for lesson, wanted in zip(lessons.alike(corpus, teacher[corpus.read].half()), (True, False), strict=True):
        (runs,), loss = lesson.draw(np.random.default_rng(0))
        headlines = np.isin(runs.starts, corpus.headlines)
        assert headlines.all() if wanted else not headlines.any()
        expected = teacher[runs.starts]
        if wanted:
            expected = torch.nn.functional.normalize(expected - teacher[corpus.headlines].mean(dim=0), dim=-1)
        torch.testing.assert_close(loss.keywords["teacher"], expected, atol=1e-3, rtol=0)


BAGS_OF_CORPUS = Bags.from_lists([[row // 7 if row < 420 else row] for row in range(600)])


def material_of(corpus: Corpus) -> Material:
    taught, read = (torch.nn.functional.normalize(vectors(600, seed), dim=-1).half() for seed in (3, 5))
    return Material(corpus, BAGS_OF_CORPUS, taught, read[corpus.read], lessons.neighbourhoods(corpus, taught, 0))


def trained(corpus: Corpus, steps: int) -> torch.Tensor:
    recipe = Recipe(steps=steps, short_steps=5, learning_rate=1e-2, taught=0.1, labelled={"nsmc": 0.3})
    start = torch.nn.functional.normalize(vectors(600, 4), dim=-1), torch.ones(600)
    return learn(start, material_of(corpus), recipe)


def test_training_is_seeded_and_brings_pairs_together(corpus):
    table = trained(corpus, 30)
    torch.testing.assert_close(table, trained(corpus, 30))
    before, after = (torch.nn.functional.normalize(t, dim=-1) for t in (vectors(600, 4), table))
    groups = torch.from_numpy(corpus.groups)
    means = (torch.einsum("gid,gjd->gij", t[groups], t[groups]).mean() for t in (after, before))
    assert next(means) > next(means) + 0.03  # ten times what chance does


@pytest.mark.parametrize("kind", ["headlines", "sentences"])
def test_refinement_brings_a_table_nearer_to_the_transformer(corpus, kind):
    material, table = material_of(corpus), vectors(600, 4)
    others = {"articles": 0.0, "pairs": 0.0, "judged": 0.0, "taught": 0.0, "labelled": {}}
    recipe = Recipe(steps=20, learning_rate=1e-2, dropout=0.0, **others, **{kind: 1.0})
    refined = refine(table, material, recipe)
    lesson = dict(zip(("headlines", "sentences"), lessons.alike(corpus, material.read), strict=True))[kind]
    (runs,), loss = lesson.draw(np.random.default_rng(0))
    assert loss(refined[runs.starts]) < loss(table[runs.starts]) - 0.1
    unread = np.setdiff1d(np.arange(420, 600), corpus.read)
    torch.testing.assert_close(refined[unread], table[unread])
