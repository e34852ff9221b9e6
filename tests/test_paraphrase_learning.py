"""The miner with examples: thresholds that are learned, scores, communities, and texts in a pipeline."""

import unicodedata
import warnings
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold

from skko import ParaphraseMiner, make_paraphrase_miner
from skko.exceptions import SkkoWarning
from skko.metrics import pair_scores, pair_threshold
from skko.paraphrase import deduplicate, lexical_overlap
from skko.paraphrase.deduplication import stand_ins
from skko.paraphrase.groups import communities
from skko.similarity import PAIR
from tests.mining import THRESHOLD, WHOLE, as_set, brute_force, cosine, groups_of_four, with_copies


def noisy_groups(seed, spread=0.7):
    X, y = groups_of_four(4, spread, seed)
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(len(y)) < 0.2, -1, y)
    copied = rng.integers(len(y), size=6)
    return np.concatenate([X, X[copied]]), np.concatenate([y, y[copied]])


def at_every_threshold(X, y, top_k):
    """Scores at every threshold that makes a difference, the highest first."""
    scored = [(i, j, np.float32(cosine(X[i], X[j]))) for i, j in brute_force(X, -1.0, top_k)]
    pairs = np.array(sorted(scored, key=lambda pair: -pair[2]), dtype=PAIR)
    return [pair_scores(pairs[pairs["score"] >= cut], y) for cut in np.unique(pairs["score"])[::-1]]


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2]))
@settings(deadline=None, max_examples=25)
def test_the_learned_threshold_has_the_best_f1_of_all(seed, top_k):
    X, y = noisy_groups(seed)
    miner = ParaphraseMiner(threshold="auto", top_k=top_k).fit(X, y)
    assert pair_scores(miner.pairs_, y).f1 == pytest.approx(max(s.f1 for s in at_every_threshold(X, y, top_k)))
    assert miner.pairs_["score"][-1] >= miner.threshold_
    again = ParaphraseMiner(threshold=miner.threshold_, top_k=top_k).fit(X)
    np.testing.assert_array_equal(again.pairs_, miner.pairs_)
    np.testing.assert_array_equal(miner.fit_predict(X, y), again.labels_)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.8, 1.0]))
@settings(deadline=None, max_examples=25)
def test_the_learned_threshold_has_the_most_pairs_at_a_precision(seed, precision):
    X, y = noisy_groups(seed)
    scored = at_every_threshold(X, y, None)
    enough = [s for s in scored if s.precision >= precision]
    miner = ParaphraseMiner(threshold="auto", precision=precision)
    if not enough:
        with pytest.warns(SkkoWarning, match="No threshold has a precision"):
            miner.fit(X, y)
        assert pair_scores(miner.pairs_, y).precision == pytest.approx(max(s.precision for s in scored))
        return
    found = pair_scores(miner.fit(X, y).pairs_, y)
    assert found.precision >= precision
    assert found.recall == pytest.approx(max(s.recall for s in enough))


@pytest.mark.parametrize("precision", [None, 0.3, 0.95])
@pytest.mark.parametrize("spread", [0.2, 0.6])
def test_many_rows_teach_what_every_pair_would(precision, spread):
    X, y = groups_of_four(360, spread)  # more than a million pairs
    everything = ParaphraseMiner(threshold=-1).fit(X).pairs_
    true = y[everything["i"]] == y[everything["j"]]
    assert len(true) == 1440 * 1439 / 2 > 1e6
    expected = pair_threshold(everything["score"], true, precision=precision)
    miner = ParaphraseMiner(threshold="auto", precision=precision)
    if precision and expected.precision < precision:
        with pytest.warns(SkkoWarning, match="No threshold has a precision"):
            miner.fit(X, y)
    else:
        miner.fit(X, y)
    assert miner.threshold_ == expected.threshold
    assert len(miner.pairs_) < len(everything) / 20


def test_a_threshold_is_learned_from_judged_pairs():
    X, y = groups_of_four(10, spread=0.4)
    judged = [(i, j, int(y[i] == y[j])) for i, j in combinations(range(40), 2) if (i + j) % 3]
    scores = np.array([cosine(X[i], X[j]) for i, j, _ in judged])
    same = np.array([label == 1 for *_, label in judged])

    def f1(threshold):
        return 2 * (same & (scores >= threshold)).sum() / (same.sum() + (scores >= threshold).sum())

    miner = ParaphraseMiner(threshold="auto").fit(X, judged)
    assert f1(miner.threshold_) == pytest.approx(max(map(f1, scores)))
    strict = ParaphraseMiner(threshold="auto", precision=1.0).fit(X, np.array(judged))
    assert strict.threshold_ > scores[~same].max() - 1e-6
    assert miner.mine(X[:5], X[5:])["score"].min() >= np.float32(miner.threshold_)


LEARNED_FROM = {
    "nothing": (None, "requires y to be passed"),
    "no group of two": (range(8), "no two of n_samples=8 are of one"),
    "all alone": ([-1] * 8, "no two of n_samples=8"),
    "too few groups": ([1, 1, 2], "inconsistent numbers of samples"),
    "no paraphrase": ([(0, 1, 0), (2, 3, 0)], "none in y is a paraphrase"),
    "a row beyond": ([(0, 8, 1)], "rows from 0 to 8, and X has 8"),
    "a row before": ([(-1, 2, 1)], "rows from -1 to 2"),
    "a grade": ([(0, 1, 5)], "1 or 0"),
}


@pytest.mark.parametrize(("y", "message"), LEARNED_FROM.values(), ids=LEARNED_FROM)
def test_what_no_threshold_can_be_learned_from(y, message):
    with pytest.raises(ValueError, match=message):
        ParaphraseMiner(threshold="auto").fit(np.eye(8), y)


def test_two_lists_need_a_learned_threshold_to_be_learned():
    with pytest.raises(ValueError, match="is learned in fit"):
        ParaphraseMiner(threshold="auto").mine(np.eye(3), np.eye(3))


def test_score_is_the_average_precision_if_wanted():
    X, y = groups_of_four(10, spread=0.4)
    miner = ParaphraseMiner(threshold=0.2, scoring="average_precision").fit(X)
    assert miner.score(X, y) == pair_scores(miner.pairs_, y).average_precision


def test_a_search_whose_folds_split_every_group_says_so():
    X, y = groups_of_four(12, spread=0.1)
    search = GridSearchCV(ParaphraseMiner(), {"threshold": [0.8, 0.9]}, cv=KFold(2, shuffle=True, random_state=0))
    with pytest.warns(SkkoWarning, match=r"the folds cut each group.*GroupKFold"):
        search.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Whole groups, and the rows that were fitted themselves.
        search = GridSearchCV(ParaphraseMiner(), {"threshold": [0.8, 0.9]}, cv=GroupKFold(3), return_train_score=True)
        search.fit(X, y, groups=y)
        ParaphraseMiner().fit(X, y).score(X[:8], y[:8])
        ParaphraseMiner().fit(X).score(X, y)


@given(WHOLE, THRESHOLD)
@settings(deadline=None)
def test_communities_do_not_chain(X, threshold):
    miner = ParaphraseMiner(threshold=threshold, grouping="communities").fit(X)
    pairs = as_set(miner.pairs_)
    partners = {row: {a + b - row for a, b in pairs if row in (a, b)} for row in range(len(X))}
    free, expected = set(range(len(X))), {}
    while any(partners[row] & free for row in free):  # by definition, each time over all
        centre = max(sorted(free), key=lambda row: len(partners[row] & free))
        for row in [centre, *(partners[centre] & free)]:
            expected[row] = centre
        free -= {centre, *partners[centre]}
    number: dict[int, int] = {}
    labels = [number.setdefault(expected[row], len(number)) if row in expected else -1 for row in range(len(X))]
    assert miner.labels_.tolist() == labels


def test_a_chain_is_one_component_and_two_communities():
    angles = np.radians([0, 20, 40, 60, 80])
    X = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert ParaphraseMiner(threshold=0.9).fit_predict(X).tolist() == [0] * 5
    assert ParaphraseMiner(threshold=0.9, grouping="communities").fit_predict(X).tolist() == [0, 0, 0, 1, 1]
    assert communities(np.empty(0, PAIR), 3).tolist() == [-1] * 3


TEXTS = [
    "배송이 너무 늦어요",
    "배송이 너무  늦어요!!",
    "택배가 아직 안 왔어요",
    "환불해 주세요",
    "Refund",
    "refund.",
    "ㅠ",
    "",
    "!",
]


@given(
    st.lists(st.text(alphabet="가나다aA \u1100\u1161!", max_size=6) | st.sampled_from(TEXTS), min_size=2, max_size=6)
)
@settings(deadline=None)
def test_overlap_is_the_shared_part_of_the_bigrams(texts):
    def bigrams(text):
        letters = "".join(c for c in unicodedata.normalize("NFC", text).lower() if c.isalnum()) or text.strip()
        return {a + b for a, b in pairwise(letters)} or {letters}

    pairs = np.array([(i, j, 0) for i, j in combinations(range(len(texts)), 2)], dtype=PAIR)
    sets = [bigrams(text) for text in texts]
    expected = [len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j, _ in pairs.tolist()]
    np.testing.assert_allclose(lexical_overlap(texts, pairs), expected)


def test_a_text_that_comes_very_often_costs_no_pairs():
    texts = ["환불해 주세요", "배송이 늦어요"] + ["환불해 주세요"] * 30_000
    found = deduplicate(texts, threshold=0.9, model="skko-mini")
    assert found.texts == texts[:2]
    assert found.kept_as.tolist() == [0, 1] + [0] * 30_000
    assert (found.scores == 1).all()


def test_more_pairs_than_fit_are_refused_before_memory_is_gone():
    with pytest.raises(ValueError, match="Raise the threshold"):
        ParaphraseMiner(threshold=0.9).fit(np.ones((20_000, 2)))
    assert not len(ParaphraseMiner(threshold=0.9).fit(np.zeros((20_000, 2))).pairs_)


def test_overlap_of_no_pairs():
    assert lexical_overlap(TEXTS, np.empty(0, PAIR)).shape == (0,)


def test_the_table_has_the_texts_and_leaves_near_copies_out_if_told():
    X = np.array([[1, 0], [1, 0], [1, 0.2], [0, 1]])
    miner = ParaphraseMiner(threshold=0.9).fit(X)
    table = miner.to_frame(pd.Series(TEXTS[:4], index=[3, 2, 1, 0]))
    assert table.columns.tolist() == ["i", "j", "score", "text_i", "text_j", "overlap"]
    assert table[["i", "j"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 2]]
    assert table["text_i"].tolist() == [TEXTS[0], TEXTS[0], TEXTS[1]]
    assert table["text_j"].tolist() == [TEXTS[1], TEXTS[2], TEXTS[2]]
    np.testing.assert_allclose(table["overlap"], [1, 1 / 14, 1 / 14])  # 어요
    fewer = miner.to_frame(TEXTS[:4], max_overlap=0.8)
    assert fewer[["i", "j"]].to_numpy().tolist() == [[0, 2], [1, 2]]
    assert fewer.index.tolist() == [0, 1]
    assert miner.to_frame().columns.tolist() == ["i", "j", "score"]
    assert len(ParaphraseMiner().fit(np.eye(4)).to_frame(TEXTS[:4], max_overlap=0.5)) == 0


def test_a_table_of_other_texts_is_refused():
    miner = ParaphraseMiner().fit(np.eye(4))
    with pytest.raises(ValueError, match="There are 3 texts and 4 rows were fitted"):
        miner.to_frame(TEXTS[:3])
    with pytest.raises(ValueError, match="pass the texts too"):
        miner.to_frame(max_overlap=0.5)
    with pytest.raises(TypeError, match="single str"):
        miner.to_frame("text")


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.6, 0.9]))
@settings(deadline=None)
def test_of_each_text_the_nearest_that_stays_stands_for_it(seed, threshold):
    X = with_copies(seed, 14, n_different=10)
    pairs = ParaphraseMiner(threshold=threshold).fit(X).pairs_
    kept_as, scores = stand_ins(pairs, len(X))
    score = {(pair["i"], pair["j"]): pair["score"] for pair in pairs}
    stay: list[int] = []
    for row in range(len(X)):
        near = [one for one in stay if (one, row) in score]
        if near:
            best = min(near, key=lambda one: (-score[one, row], one))
            assert (kept_as[row], scores[row]) == (best, score[best, row])
        else:
            stay.append(row)
            assert (kept_as[row], scores[row]) == (row, 1)


def test_texts_are_deduplicated_and_it_says_which(tiny_a):
    texts = ["환불해 주세요", "배송이 늦어요", "환불해 주세요", "나는 오늘 영화를 보았다", " 배송이 늦어요 "]
    found = deduplicate(texts, threshold=0.999, model=str(tiny_a), device="cpu")
    assert found.texts == [texts[0], texts[1], texts[3]]
    assert found.kept.tolist() == [0, 1, 3]
    assert found.kept_as.tolist() == [0, 1, 0, 3, 1]
    assert found.to_frame().to_numpy().tolist() == [[2, 0, 1], [4, 1, 1]]
    again = deduplicate(pd.Series(texts), miner=make_paraphrase_miner(str(tiny_a), threshold=-1, device="cpu"))
    assert (again.kept_as == 0).all()
    assert deduplicate([]).texts == []
    with pytest.raises(TypeError, match="texts is a single str"):
        deduplicate("환불해 주세요")


@pytest.mark.filterwarnings("ignore:No threshold has:skko.exceptions.SkkoWarning")  # of random vectors, few have
def test_a_pipeline_learns_the_threshold_and_is_scored_by_whole_groups(tiny_a):
    texts = ["환불해 주세요", "환불해 주세요!", "배송이 늦어요", "배송이 늦어요.", "영화를 보았다", "영화를 보았다!"]
    groups = [0, 0, 1, 1, 2, 2]
    miner = make_paraphrase_miner(str(tiny_a), threshold="auto", device="cpu").fit(texts, groups)
    assert -1 <= miner["mine"].threshold_ < 1
    grid = {"mine__precision": [None, 0.9]}
    search = GridSearchCV(miner, grid, cv=GroupKFold(3)).fit(texts, groups, groups=groups)
    assert 0 <= search.best_score_ <= 1
