"""mteb.evaluate, run for real on tasks made of the bundled data, with an encoder of skko."""

import warnings

import numpy as np
import pytest

from skko import KoEmbeddingTransformer
from skko.datasets import load_inquiries
from skko.embedding import encode_counts
from skko.evaluation import as_mteb_encoder, evaluate_retrieval, evaluate_sts
from skko.exceptions import MissingDependencyError

pytest.importorskip("mteb")
# MTEB and what it brings warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore")

INQUIRIES = load_inquiries()


def retrieval_set():
    queries, corpus, qrels = {}, {}, {}
    for row, (text, group) in enumerate(zip(INQUIRIES.texts, INQUIRIES.groups.tolist(), strict=True)):
        if group >= 0 and f"q{group}" not in queries:
            queries[f"q{group}"] = text
        else:
            corpus[f"d{row}"] = text
            if group >= 0:
                qrels.setdefault(f"q{group}", {})[f"d{row}"] = 1
    return {one: text for one, text in queries.items() if one in qrels}, corpus, qrels


def judged_pairs():
    rng = np.random.default_rng(0)
    i, j = rng.integers(len(INQUIRIES.texts), size=(2, 120))
    same = INQUIRIES.topics[i] == INQUIRIES.topics[j]
    return [INQUIRIES.texts[a] for a in i], [INQUIRIES.texts[b] for b in j], same + rng.random(120)


@pytest.fixture(scope="module")
def tasks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from datasets import Dataset, DatasetDict
        from mteb.abstasks.classification import AbsTaskClassification
        from mteb.abstasks.retrieval import AbsTaskRetrieval
        from mteb.abstasks.sts import AbsTaskSTS
        from mteb.abstasks.task_metadata import TaskMetadata

    def about(kind, score):
        return TaskMetadata(
            type=kind,
            name=f"Inquiries{kind}",
            description="The inquiries that come with skko.",
            reference="https://example.com",
            dataset={"path": "none", "revision": "1"},
            category="t2t",
            eval_splits=["test"],
            eval_langs=["kor-Hang"],
            main_score=score,
            date=("2025-01-01", "2025-01-01"),
            domains=[],
            task_subtypes=[],
            license="cc-by-4.0",
            annotations_creators="derived",
            dialect=[],
            modalities=["text"],
            sample_creation="found",
            bibtex_citation="",
        )

    class Retrieval(AbsTaskRetrieval):
        metadata = about("Retrieval", "ndcg_at_10")

        def load_data(self, num_proc=None, **kwargs):
            queries, corpus, qrels = retrieval_set()
            data = {
                "queries": Dataset.from_list([{"id": one, "text": text} for one, text in queries.items()]),
                "corpus": Dataset.from_list([{"id": one, "text": text, "title": ""} for one, text in corpus.items()]),
                "relevant_docs": qrels,
                "top_ranked": None,
            }
            self.dataset = {"default": {"test": data}}
            self.data_loaded = True

    class STS(AbsTaskSTS):
        metadata = about("STS", "cosine_spearman")
        min_score, max_score = 0, 2

        def load_data(self, num_proc=None, **kwargs):
            a, b, judged = judged_pairs()
            split = Dataset.from_dict({"sentence1": a, "sentence2": b, "score": judged.tolist()})
            self.dataset = DatasetDict({"test": split})
            self.data_loaded = True

    class Classification(AbsTaskClassification):
        metadata = about("Classification", "accuracy")

        def load_data(self, num_proc=None, **kwargs):
            codes = np.unique(INQUIRIES.topics, return_inverse=True)[1].tolist()
            both = Dataset.from_dict({"text": list(INQUIRIES.texts), "label": codes})
            self.dataset = DatasetDict({"train": both, "test": both})
            self.data_loaded = True

    return {"retrieval": Retrieval(), "sts": STS(), "classification": Classification()}


def run(encoder, task):
    import mteb

    result = mteb.evaluate(encoder, task, cache=None, show_progress_bar=False, co2_tracker=False)
    return result.task_results[0].scores["test"][0], result


def test_scores_are_those_of_our_own_evaluation(tasks):
    encoder = as_mteb_encoder("skko-mini")
    found, result = run(encoder, tasks["retrieval"])
    ours = evaluate_retrieval("skko-mini", *retrieval_set()).scores
    assert found["ndcg_at_10"] == pytest.approx(ours["cosine_ndcg@10"], abs=2e-3)
    assert found["mrr_at_10"] == pytest.approx(ours["cosine_mrr@10"], abs=2e-3)
    assert found["recall_at_5"] == pytest.approx(ours["cosine_recall@5"], abs=2e-3)
    assert result.model_name == "skko/skko-mini"
    found, _ = run(encoder, tasks["sts"])
    ours = evaluate_sts("skko-mini", *judged_pairs()).scores
    assert found["cosine_spearman"] == pytest.approx(ours["spearman_cosine"], abs=2e-3)
    before = encode_counts()
    found, _ = run(encoder, tasks["classification"])
    assert 0.4 < found["accuracy"] <= 1
    assert (encode_counts() - before).texts_requested > 0


def test_prompts_of_a_preset_by_the_side_of_the_task(tasks, tiny_a, monkeypatch):
    from skko.models import presets

    known = presets.ModelPreset(str(tiny_a), 48, 128, "cls", "", "", "query: ", "passage: ", "query: ")
    monkeypatch.setitem(presets._BY_NAME, str(tiny_a), known)
    queries, corpus, _ = retrieval_set()
    texts_by_prompt: dict[str, set[str]] = {}
    transform = KoEmbeddingTransformer.transform

    def note(self, X):
        texts_by_prompt.setdefault(self.prompt, set()).update(X)
        return transform(self, X)

    monkeypatch.setattr(KoEmbeddingTransformer, "transform", note)
    run(as_mteb_encoder(str(tiny_a)), tasks["retrieval"])
    assert texts_by_prompt == {"query: ": {*queries.values()}, "passage: ": {*corpus.values()}}
    texts_by_prompt.clear()
    run(as_mteb_encoder(KoEmbeddingTransformer(str(tiny_a), prompt="")), tasks["retrieval"])
    assert texts_by_prompt == {"": {*queries.values(), *corpus.values()}}


def test_without_mteb_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(MissingDependencyError, match=r"skko\[mteb\]"):
        as_mteb_encoder("skko-mini")
