"""evaluate_retrieval, its reports, and their comparison."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from skko import KoEmbeddingTransformer
from skko.datasets import load_inquiries
from skko.evaluation import (
    EvaluationReport,
    StreamedCorpus,
    autorag_table,
    compare,
    evaluate_autorag,
    evaluate_retrieval,
    read_autorag,
)
from skko.exceptions import DataFileError, SkkoWarning


@pytest.fixture(scope="module")
def task():
    """Each paraphrase group's first text asks for the others."""
    inquiries = load_inquiries()
    queries, corpus, qrels = {}, {}, {}
    for row, (text, group) in enumerate(zip(inquiries.texts, inquiries.groups.tolist(), strict=True)):
        if group >= 0 and f"q{group}" not in queries:
            queries[f"q{group}"] = text
        else:
            corpus[f"d{row}"] = text
            if group >= 0:
                qrels.setdefault(f"q{group}", {})[f"d{row}"] = 1
    queries["q-none"] = "관련 문서가 없는 질문"
    return queries, corpus, qrels


@pytest.fixture(scope="module")
def report(task):
    return evaluate_retrieval("skko-mini", *task, data="inquiries")


@pytest.mark.parametrize("model", ["tiny_a", "skko-mini"])
def test_the_figures_are_those_of_sentence_transformers(task, model, request):
    from sentence_transformers import SentenceTransformer, util
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    from skko.models import mini_path

    path = str(mini_path() if model == "skko-mini" else request.getfixturevalue(model))
    queries, corpus, qrels = task
    evaluator = InformationRetrievalEvaluator(
        queries,
        corpus,
        {q: set(d) for q, d in qrels.items()},
        score_functions={"cosine": util.cos_sim, "dot": util.dot_score},
    )
    expected = evaluator(SentenceTransformer(path, device="cpu"))
    found = evaluate_retrieval(path, *task).scores
    assert len(found) == 30
    # One place in a ranking may change with the last bit of a vector.
    assert found == pytest.approx({name: expected[name] for name in found}, abs=2e-3)
    assert sum(found[name] == pytest.approx(expected[name]) for name in found) >= 24


def test_queries_without_relevant_passages_are_left_out_and_counted(task, report):
    assert report.provenance["n_queries"] == len(task[0]) - 1
    assert report.provenance["n_queries_left_out"] == 1
    assert report.provenance["n_passages"] == len(task[1])
    assert all(len(values) == len(task[0]) - 1 for values in report.items.values())


def test_a_report_says_where_it_comes_from(report):
    assert report.system == report.provenance["model"] == "skko-mini"
    assert len(report.provenance["fingerprint"]) == 64
    assert len(report.provenance["data_digest"]) == 32
    assert report.provenance["versions"]["numpy"] == np.__version__
    assert report.main_score == "cosine_ndcg@10"


def test_a_report_is_frozen_and_can_be_kept(report, tmp_path):
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.system = "other"
    report.save(tmp_path / "보고서.json")
    again = EvaluationReport.load(tmp_path / "보고서.json")
    assert again.scores == report.scores
    assert again.provenance == report.provenance
    assert all(np.array_equal(again.items[name], values) for name, values in report.items.items())
    assert json.loads(report.to_json())["format"] == 1
    frame = report.to_frame()
    assert frame.loc["skko-mini", "cosine_mrr@10"] == report.scores["cosine_mrr@10"]
    assert f"| cosine_mrr@10 | {report.scores['cosine_mrr@10']:.4f} |" in report.to_markdown()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "task": "x"}'])
def test_what_is_no_report_is_an_error(content, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataFileError, match=r"a\.json"):
        EvaluationReport.load(path)


def test_a_report_can_be_drawn(report):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    ax = report.plot()
    assert len(ax.patches) == len(report.scores)
    pyplot.close(ax.figure)


def test_a_corpus_is_read_in_blocks_and_need_not_be_a_dictionary(task, report, monkeypatch):
    queries, corpus, qrels = task
    reads = []

    def read():
        reads.append(1)
        yield from corpus.items()

    monkeypatch.setattr("skko.evaluation._search._BLOCK", 37)
    streamed = evaluate_retrieval("skko-mini", queries, StreamedCorpus(read), qrels)
    assert reads == [1]
    assert streamed.scores == report.scores
    assert streamed.provenance["data_digest"] == report.provenance["data_digest"]
    rows = {one: row for row, one in enumerate(corpus)}
    listed = evaluate_retrieval(
        "skko-mini",
        list(queries.values()),
        list(corpus.values()),
        {row: [rows[one] for one in qrels[query]] for row, query in enumerate(queries) if query in qrels},
    )
    assert listed.scores == report.scores


def test_a_second_evaluation_encodes_nothing(task, counting, tiny_a):
    evaluate_retrieval(str(tiny_a), *task)
    n_texts, _ = counting()
    again = evaluate_retrieval(str(tiny_a), *task)
    assert counting()[0] == n_texts == len({*task[1].values(), *list(task[0].values())[:-1]})
    assert again.provenance["texts_encoded"] == 0


class Scaled(KoEmbeddingTransformer):
    """Vectors of other lengths, so that a dot product is no cosine."""

    def transform(self, X):
        vectors = super().transform(X)
        return vectors * np.array([1 + len(text) % 7 for text in X], dtype=np.float32)[:, None]


@pytest.mark.parametrize("block", [16, 10_000])
def test_cosine_and_dot_differ_where_lengths_do(task, monkeypatch, block):
    monkeypatch.setattr("skko.evaluation._search._BLOCK", block)
    queries, corpus, qrels = task
    found = evaluate_retrieval(Scaled("skko-mini"), queries, corpus, qrels)
    assert found.scores["cosine_ndcg@10"] != found.scores["dot_ndcg@10"]
    plain = Scaled("skko-mini", normalize=False).fit([])
    asked = [one for one in queries if one in qrels]
    wanted = plain.transform([queries[one] for one in asked])
    order = np.argsort(-(wanted.astype(float) @ plain.transform(list(corpus.values())).T.astype(float)), kind="stable")
    ids = np.array(list(corpus))
    hits = [ids[row[0]] in qrels[query] for row, query in zip(order, asked, strict=True)]
    assert found.items["dot_accuracy@1"].tolist() == [float(hit) for hit in hits]


class Search:
    """A searcher that returns what it was told to."""

    def __init__(self, answer):
        self.answer = answer

    def search(self, queries, top_k):
        assert top_k == 100
        return self.answer


@dataclasses.dataclass
class Hit:
    index: int
    score: float


@pytest.mark.parametrize(
    "answer",
    [
        [[2, 0], [1]],
        np.array([[2, 0], [1, -1]]),
        (np.array([[2, 0], [1, -1]]), np.array([[0.9, 0.8], [0.7, 0.0]])),
        (np.array([[0.9, 0.8], [0.7, 0.0]]), np.array([[2, 0], [1, -1]])),
        [[(2, 0.9), (0, 0.8)], [(1, 0.7)]],
        [[Hit(2, 0.9), Hit(0, 0.8)], [Hit(1, 0.7)]],
    ],
    ids=["lists", "array", "rows and scores", "scores and rows", "pairs", "objects"],
)
def test_searchers_may_answer_in_several_forms(answer):
    found = evaluate_retrieval(Search(answer), ["a", "b"], ["x", "y", "z"], {0: [0], 1: [1]})
    assert found.system == "Search"
    assert found.items["mrr@10"].tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        ([[0]], ValueError, "1 rankings for 2 queries"),
        ([["x"], ["y"]], TypeError, "row of the corpus"),
        ([[9], [1]], ValueError, "row 9 of a corpus of 3"),
        ([[0, 0], [1]], ValueError, "twice"),
    ],
)
def test_wrong_answers_are_named(answer, error, message):
    with pytest.raises(error, match=message):
        evaluate_retrieval(Search(answer), ["a", "b"], ["x", "y", "z"], {0: [0], 1: [1]})


def test_vectorisers_are_fitted_on_the_corpus(task, monkeypatch):
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3))
    found = evaluate_retrieval(vectoriser, *task)
    assert not hasattr(vectoriser, "vocabulary_")
    assert found.scores["cosine_recall@10"] > 0.5
    monkeypatch.setattr("skko.evaluation._search._DENSE", 3_000)
    assert evaluate_retrieval(vectoriser, *task).scores == found.scores


def test_errors_name_the_cause(task):
    queries, corpus, qrels = task
    with pytest.raises(ValueError, match="No query has a relevant passage"):
        evaluate_retrieval("skko-mini", queries, corpus, {"other": ["d1"]})
    with pytest.raises(TypeError, match="neither search"):
        evaluate_retrieval(object(), *task)
    with pytest.raises(ValueError, match="row 1"):
        evaluate_retrieval("skko-mini", queries, {"a": "가", "b": None}, qrels)
    with pytest.raises(ValueError, match="twice"):
        evaluate_retrieval("skko-mini", ["가"], StreamedCorpus(lambda: iter([("d", "가"), ("d", "나")])), {0: ["d"]})
    with pytest.warns(SkkoWarning, match="1 of 2 relevant passages are not in the corpus"):
        found = evaluate_retrieval("skko-mini", ["가"], {"d": "가"}, {0: ["d", "없다"]})
    assert found.scores["cosine_recall@10"] == 0.5


def test_prompts_of_a_preset_are_used(tiny_a, monkeypatch):
    from skko.models import presets

    known = presets.ModelPreset(str(tiny_a), 48, 128, "cls", "", "", query_prompt="query: ", passage_prompt="passage: ")
    monkeypatch.setitem(presets._BY_NAME, str(tiny_a), known)
    found = evaluate_retrieval(str(tiny_a), ["환불"], ["환불해 주세요", "날씨"], {0: [0]})
    assert (found.settings["query_prompt"], found.settings["passage_prompt"]) == ("query: ", "passage: ")
    bare = evaluate_retrieval(
        str(tiny_a), ["환불"], ["환불해 주세요", "날씨"], {0: [0]}, query_prompt="", passage_prompt=""
    )
    assert (bare.settings["query_prompt"], bare.settings["passage_prompt"]) == ("", "")


def test_compare_is_a_paired_bootstrap(task, report):
    other = evaluate_retrieval(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)), *task, name="TF-IDF")
    found = compare(report, other, "cosine_recall@10")
    step = other.items["cosine_recall@10"] - report.items["cosine_recall@10"]
    assert found.difference == pytest.approx(step.mean())
    assert (found.better, found.worse) == ((step > 0).sum(), (step < 0).sum())
    # The interval of a mean of many items is near the normal one.
    half = 1.96 * step.std() / np.sqrt(len(step))
    assert found.low == pytest.approx(step.mean() - half, abs=half / 5)
    assert found.high == pytest.approx(step.mean() + half, abs=half / 5)
    assert compare(report, other, "cosine_recall@10") == found
    same = compare(report, report)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert "items" in str(found)


def test_only_what_is_comparable_is_compared(task, report):
    queries, corpus, qrels = task
    fewer = evaluate_retrieval("skko-mini", queries, dict(list(corpus.items())[1:]), qrels)
    with pytest.raises(ValueError, match="different data"):
        compare(report, fewer)
    with pytest.raises(ValueError, match="has no 'f1'"):
        compare(report, report, "f1")
    with pytest.raises(ValueError, match="different tasks"):
        compare(report, dataclasses.replace(report, task="sts"))
    with pytest.raises(ValueError, match="cannot be drawn again"):
        compare(dataclasses.replace(report, items={}), report)


@pytest.fixture
def benchmark_folder(tmp_path):
    """A set in AutoRAG's layout."""
    pytest.importorskip("pyarrow")
    asked = {
        "qid": ["q1", "q2"],
        "query": ["배송이 늦어요", "환불해 주세요"],
        "retrieval_gt": [[["d1"]], [["d3", "d2"], ["d4"]]],
    }
    found = {"doc_id": [f"d{i}" for i in range(1, 13)], "contents": [f"문서 {i}" for i in range(1, 13)]}
    pd.DataFrame(asked).to_parquet(tmp_path / "qa_v4.parquet")
    pd.DataFrame(found).to_parquet(tmp_path / "ocr_corpus_v3.parquet")
    return tmp_path


def test_autorag_in_both_orders(benchmark_folder):
    data = read_autorag(benchmark_folder)
    assert data.qrels == {"q1": [["d1"]], "q2": [["d3", "d2"], ["d4"]]}
    best = evaluate_autorag("skko-mini", data)
    worst = evaluate_autorag("skko-mini", data, order="worst_first")
    assert len(best.scores) == 24
    assert all(
        best.scores[name] == worst.scores[name]
        for name in best.scores
        if name.startswith(("f1", "recall", "precision"))
    )
    searched = evaluate_autorag(Search10([[9, 0], [2, 3]]), data, order="worst_first", name="둘")
    assert searched.items["mrr@10"].tolist() == [1.0, (1 / 2 + 1) / 2]
    table = autorag_table([worst, searched], published=True, order="worst_first")
    assert table.index[:3].tolist() == ["skko-mini", "둘", "paraphrase-multilingual-mpnet-base-v2"]
    with pytest.raises(ValueError, match="worst_first, not best_first"):
        autorag_table([worst])


class Search10(Search):
    def search(self, queries, top_k):
        assert top_k == 10
        return self.answer


def test_a_missing_benchmark_says_where_it_comes_from(tmp_path):
    with pytest.raises(FileNotFoundError, match="AutoRAG-example-korean-embedding-benchmark"):
        read_autorag(tmp_path)
