"""What examples are, and the rows that each loss makes of them."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skko.finetune.examples import Examples, read_examples
from skko.finetune.losses import LOSSES, draw_pairs, find_loss, make_rows
from skko.finetune.scoring import METRICS, find_metric, score_examples

PAIRS = [("가", "나"), ("다", "라"), ("마", "바")]
TRIPLETS = [(*pair, f"{pair[0]}!", f"{pair[1]}!") for pair in PAIRS]


@pytest.mark.parametrize(
    ("X", "y", "kind"),
    [
        (["가", "나"], None, "texts"),
        (["가", "나"], ["a", "b"], "labelled"),
        ([["가"], ["나"]], [1, 0], "labelled"),
        (PAIRS, None, "pairs"),
        (PAIRS, [1, 0, 1], "judged"),
        (PAIRS, [True, False, True], "judged"),
        (PAIRS, [0, 2.5, 5], "scored"),
        (TRIPLETS, None, "triplets"),
    ],
)
@pytest.mark.parametrize(
    "holder", [list, np.array, pd.DataFrame, lambda X: pl.DataFrame(pd.DataFrame(X).add_prefix("c"))]
)
def test_kinds_by_shape_in_every_holder(X, y, kind, holder):
    examples = read_examples(holder(X), y)
    assert examples.kind == kind
    expected = [[text] if isinstance(text, str) else list(text) for text in X]
    assert [list(row) for row in zip(*examples.columns, strict=True)] == expected
    assert examples.digest == read_examples(X, y).digest


def test_classes_are_numbered():
    assert read_examples(["가", "나", "다"], ["z", "a", "z"]).y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (["가"], None, "1 examples"),
        ([], None, "0 examples"),
        (PAIRS, [1, 0], "3 examples and y has the shape"),
        (TRIPLETS, [1, 0, 1], "need no y"),
        ([("가", "나"), ("다",)], None, "row 1 where 2 texts"),
        ([("가", "나"), ("다", None)], None, "Column 1 of X has a missing text .* row 1"),
        (PAIRS, [1, 0, np.nan], "nan at row 2"),
        (PAIRS, [1, 1, 1], "Every pair of y has 1"),
        (PAIRS, ["a", "b", "c"], "must be numbers"),
        (["가", "나"], ["a", None], "no label .* row 1"),
        (["가", "나"], ["a", "a"], "one class, 'a'"),
    ],
)
def test_what_is_wrong_is_named(X, y, message):
    with pytest.raises(ValueError, match=message):
        read_examples(X, y)


def test_a_row_that_is_no_text_is_a_type_error():
    with pytest.raises(TypeError, match=r"Column 1 of X has 3 .* row 0"):
        read_examples([("가", 3), ("나", "다")])


def test_digests_tell_rows_columns_and_labels_apart():
    digests = {
        read_examples(X, y).digest
        for X, y in [
            (["가", "나"], None),
            (["나", "가"], None),
            (["가나", ""], None),
            (["가", "나"], [0, 1]),
            (["가", "나"], [1, 0]),
            ([("가", "나"), ("다", "라")], None),
            ([("가", "나"), ("다", "라")], [0, 1]),
            ([("가", "나"), ("다", "라")], [0, 0.5]),
            ([("가", "나", "다", "라"), ("마", "바", "사", "아")], None),
            ([("가", "나", "다"), ("라", "마", "바")], None),
        ]
    }
    assert len(digests) == 10


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=30).filter(lambda c: len(set(c)) > 1), st.integers(1, 5))
def test_drawn_pairs_are_true(classes, n_per_text):
    codes = np.unique(classes, return_inverse=True)[1]
    left, right, same = draw_pairs(codes, n_per_text, seed=0)
    assert (left < right).all()
    assert ((codes[left] == codes[right]) == same).all()
    assert len(set(zip(left, right, strict=True))) == len(left)
    sizes = Counter(codes.tolist())
    for text, code in enumerate(codes.tolist()):
        drawn = (left == text) | (right == text)
        assert (drawn & (same == 1)).sum() >= min(1, sizes[code] - 1)  # a text alone in its class has no partner
        assert (drawn & (same == 0)).sum() >= 1
    assert len(left) <= 2 * n_per_text * len(codes)


def test_many_draws_reach_every_pair():
    codes = np.array([0, 0, 0, 1, 1, 2])
    left, _, same = draw_pairs(codes, 200, seed=0)
    assert len(left) == 15
    assert same.sum() == 3 + 1


def test_draws_do_not_grow_with_the_square():
    codes = np.arange(100_000) % 2
    left, _, _ = draw_pairs(codes, 2, seed=0)
    assert len(left) <= 400_000


def test_every_loss_takes_the_kinds_it_names_and_no_others():
    for kind in METRICS:
        assert find_loss("auto", kind) in LOSSES
        for name, loss in LOSSES.items():
            if kind in loss.kinds:
                assert find_loss(name, kind) == name
            else:
                with pytest.raises(ValueError, match="does not learn from"):
                    find_loss(name, kind)


def rows_of(X, y=None, loss="auto", pairs_per_text=3):
    examples = read_examples(X, y)
    return make_rows(examples, find_loss(loss, examples.kind), pairs_per_text=pairs_per_text, seed=0)


def test_rows_of_triplets():
    ranked, single = rows_of(TRIPLETS), rows_of(TRIPLETS, loss="triplet")
    assert list(ranked.columns) == ["anchor", "positive", "negative_1", "negative_2"]
    assert [*zip(*ranked.columns.values(), strict=True)] == TRIPLETS
    assert [*zip(*single.columns.values(), strict=True)] == [row[:2] + row[2:3] for row in TRIPLETS] + [
        row[:2] + row[3:] for row in TRIPLETS
    ]


def test_rows_of_texts_are_each_once():
    assert rows_of(["가", "나", "가"]).columns == {"anchor": ["가", "나"], "positive": ["가", "나"]}


def test_codes_are_equal_where_texts_are():
    codes = rows_of([("가", "나"), ("나", "다"), ("라", "가")]).codes
    texts = ["가", "나", "나", "다", "라", "가"]
    assert [[a == b for a in codes.ravel()] for b in codes.ravel()] == [[a == b for a in texts] for b in texts]


def test_codes_of_labels_are_no_codes_of_texts():
    texts, labels = list("가나다라마바"), [0, 0, 0, 1, 1, 1]
    rows = rows_of(texts, labels, "multiple_negatives_ranking")
    where = dict(zip(texts, labels, strict=True))
    of_class = [where[text] for text in rows.columns["anchor"]]
    assert [where[text] for text in rows.columns["positive"]] == of_class
    assert len(set(rows.codes[:, 2].tolist())) == 2
    assert not set(rows.codes[:, 2].tolist()) & set(rows.codes[:, :2].ravel().tolist())


def test_as_many_pairs_of_labels_are_the_same_as_not():
    texts, labels = [str(number) for number in range(18)], [0] * 3 + [1] * 15
    rows = rows_of(texts, labels, pairs_per_text=20)
    drawn = [*zip(*rows.columns.values(), rows.labels, strict=True)]
    same, other = ([(a, b) for a, b, label in drawn if label == kind] for kind in (1, 0))
    assert len(same) == len(other)
    # The rarer pairs, 45 of both texts in different classes, are each there as often as the others, give or take once.
    assert set(other) == {(a, b) for a in texts[:3] for b in texts[3:]}
    times = [other.count(pair) for pair in set(other)]
    assert max(times) - min(times) <= 1 < max(times)
    assert len(set(same)) == len(same)


def test_scores_that_the_loss_cannot_use():
    with pytest.raises(ValueError, match="needs scores from 0 to 1"):
        rows_of(PAIRS, [0, 2.5, 5], "cosine_similarity")
    assert rows_of(PAIRS, [0, 2.5, 5]).labels == [0, 2.5, 5]


def test_labels_that_are_all_alone():
    with pytest.raises(ValueError, match="No two texts have the same label"):
        rows_of(["가", "나", "다"], [0, 1, 2])


def oracle_ndcg(asked, relevant, k=10):
    """From the ranked lists and sets, one at a time."""
    scores = []
    for ranking, wanted in zip(asked, relevant, strict=True):
        gained = sum(1 / np.log2(place + 2) for place, found in enumerate(ranking[:k]) if found in wanted)
        scores.append(gained / sum(1 / np.log2(place + 2) for place in range(min(k, len(wanted)))))
    return np.mean(scores)


def embedder(texts, dimension=3):
    rng = np.random.default_rng(0)
    table = {text: rng.normal(size=dimension).astype(np.float32) for text in sorted(set(texts))}
    return lambda wanted: np.stack([table[text] for text in wanted])


def test_ndcg_of_pairs_is_that_of_definition():
    rng = np.random.default_rng(1)
    rows = [(f"q{rng.integers(20)}", f"d{rng.integers(40)}", f"n{rng.integers(10)}") for _ in range(60)]
    embed = embedder([text for row in rows for text in row])
    documents = sorted({text for row in rows for text in row[1:]})
    queries = sorted({row[0] for row in rows})
    vectors = embed(documents)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rankings = [[documents[at] for at in np.argsort(-(vectors @ embed([query])[0]))] for query in queries]
    relevant = [{row[1] for row in rows if row[0] == query} for query in queries]
    assert score_examples(read_examples(rows), embed) == pytest.approx(oracle_ndcg(rankings, relevant))


def test_ndcg_of_labels_is_that_of_definition():
    rng = np.random.default_rng(2)
    texts, labels = [f"t{number}" for number in range(40)], rng.integers(0, 6, size=40)
    labels[0] = 99  # alone: asks for nothing
    embed = embedder(texts)
    vectors = embed(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rankings, relevant = [], []
    for row in range(1, 40):
        order = np.argsort(-(vectors @ vectors[row]))
        rankings.append([other for other in order if other != row])
        relevant.append({other for other in range(40) if other != row and labels[other] == labels[row]})
    assert score_examples(read_examples(texts, labels), embed) == pytest.approx(oracle_ndcg(rankings, relevant))


def test_a_text_is_not_found_by_itself_even_among_copies():
    texts = ["가"] * 20 + ["나", "다"]
    labels = [*range(20), 0, 1]
    embed = lambda wanted: np.array([[1.0, 0.0] if text == "가" else [0.0, 1.0] for text in wanted], dtype=np.float32)  # noqa: E731
    assert 0 <= score_examples(read_examples(texts, labels), embed) < 1


def test_scores_of_pairs():
    pairs = [(f"a{number}", f"b{number}") for number in range(30)]
    embed = embedder([text for pair in pairs for text in pair])
    cosines = [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in (embed(pair) for pair in pairs)]
    judged = [int(value > np.median(cosines)) for value in cosines]
    assert score_examples(read_examples(pairs, cosines), embed) == pytest.approx(1)
    assert score_examples(read_examples(pairs, [-value for value in cosines]), embed) == pytest.approx(-1)
    assert score_examples(read_examples(pairs, judged), embed) == 1
    assert score_examples(read_examples(pairs, judged), embed, "average_precision") == 1


def test_metrics_that_do_not_apply():
    with pytest.raises(ValueError, match="Texts alone"):
        find_metric("auto", "texts")
    with pytest.raises(ValueError, match="does not apply"):
        find_metric("spearman", "pairs")


def test_examples_have_a_length():
    assert len(Examples("texts", (["가", "나"],))) == 2
