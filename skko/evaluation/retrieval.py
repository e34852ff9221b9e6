"""evaluate_retrieval: how well a system finds what is relevant."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from skko.embedding import KoEmbeddingTransformer
from skko.evaluation._meter import Meter
from skko.evaluation._search import Seen, embedders, rank_by_embedding, rank_by_features, rank_by_search
from skko.evaluation.data import as_rows, passages, relevant_ids
from skko.evaluation.report import EvaluationReport, describe_run, digest
from skko.exceptions import SkkoWarning
from skko.metrics import judged_ranks, retrieval_scores
from skko.metrics.ranks import Order
from skko.metrics.retrieval import Convention
from skko.models import ModelSpec
from skko.validation import check_texts

_METRICS = ("accuracy", "precision", "recall", "ndcg", "mrr", "map")


def evaluate_retrieval(
    system: Any,
    queries: Any,
    corpus: Any,
    qrels: Mapping[Any, Any],
    *,
    k: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    similarity: Sequence[str] = ("cosine", "dot"),
    convention: Convention = "sentence_transformers",
    order: Order = "best_first",
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    name: str | None = None,
    data: str = "retrieval set",
) -> EvaluationReport:
    """Evaluate how well a system finds relevant passages.

    Parameters
    ----------
    system : str, ModelSpec, transformer or searcher
        The name of a model, whose preset says its prompts; a :class:`~skko.KoEmbeddingTransformer`; any other
        scikit-learn transformer of texts, such as ``TfidfVectorizer()``, which is fitted on the corpus and compared by
        cosine; or anything with ``search(queries, top_k)``, which is fitted on the corpus if it has ``fit``.
    queries : mapping of id to str, or sequence of str
        Queries; those of a sequence have their position as id.
    corpus : mapping of id to str, sequence of str, or StreamedCorpus
        Passages. For the name of a model and an embedder they are read in blocks, so that a corpus from files need not
        fit into memory; their vectors are kept in the cache.
    qrels : mapping
        Relevant passages by the id of the query: ids, ids with grades, or lists of ids that stand for each other.
        Queries without a relevant passage are left out.
    k : sequence of int, or mapping of metric to sequence of int, or None, default=None
        Cuts. None has those of the model card: accuracy, precision and recall at 1, 3, 5 and 10, nDCG and MRR at 10 and
        MAP at 100.
    similarity : sequence of {"cosine", "dot"}, default=("cosine", "dot")
        What an embedder's vectors are compared by.
    convention : {"sentence_transformers", "trec", "autorag"}, default="sentence_transformers"
        Whose definitions of the metrics, as in :func:`~skko.metrics.retrieval_scores`.
    order : {"best_first", "worst_first"}, default="best_first"
        What stands first in a ranking; the second reproduces a mistake.
    query_prompt, passage_prompt : str or None, default=None
        Prompts of an embedder; None takes the preset's, or the embedder's own.
    name : str or None, default=None
        What to call the system; None is the model's name, or the class.
    data : str, default="retrieval set"
        What to call the data.

    Returns
    -------
    EvaluationReport
        Scores such as ``"cosine_ndcg@10"``, of a searcher ``"ndcg@10"``, with a value for each query.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text, no query has a relevant passage, or the system can neither search nor transform.

    Warns
    -----
    SkkoWarning
        If relevant passages are not in the corpus, so that nobody can find them.

    Examples
    --------
    >>> from skko.evaluation import evaluate_retrieval
    >>> corpus = {"d1": "배송이 늦어요", "d2": "환불해 주세요", "d3": "로그인이 안 돼요"}
    >>> report = evaluate_retrieval("skko-mini", {"q": "물건이 아직 안 왔어요"}, corpus, {"q": ["d1"]})
    >>> report.scores["cosine_accuracy@3"]
    1.0
    """
    meter = Meter()
    asked = {one: text for one, text in _queries(queries).items() if relevant_ids(qrels.get(one, ()))}
    if not asked:
        raise ValueError("No query has a relevant passage: do qrels use the ids of queries?")
    cuts = _cuts(k)
    deepest = max(max(at) for at in cuts.values())
    seen = Seen({one for query in asked for one in relevant_ids(qrels[query])})
    prompts = query_prompt, passage_prompt
    rankings, about = _rank(system, list(asked.values()), passages(corpus), seen, deepest, tuple(similarity), prompts)
    _warn_of_missing(seen)
    # What is not in the corpus counts as not found, by a row that nobody returns.
    for one in sorted(seen.wanted - seen.rows.keys(), key=str):
        seen.rows[one] = seen.n_passages + len(seen.rows)
    relevant = [as_rows(qrels[query], seen.rows) for query in asked]
    items = {}
    for kind, rows in rankings.items():
        ranks = judged_ranks(rows, relevant)
        for metric, at in cuts.items():
            scores = retrieval_scores(ranks, at, metrics=[metric], convention=convention, order=order).per_query
            items.update({f"{kind}_{one}" if kind else one: values for one, values in scores.items()})
    return EvaluationReport(
        task="retrieval",
        system=name or about.pop("name"),
        data=data,
        scores={one: float(values.mean()) for one, values in items.items()},
        main_score=_main_score(items),
        items=items,
        settings={"convention": convention, "order": order, **about.pop("settings", {})},
        provenance=describe_run(
            **about,
            data_digest=digest([seen.digest, *((one, text, _judged(qrels[one])) for one, text in asked.items())]),
            n_queries=len(asked),
            n_queries_left_out=len(_queries(queries)) - len(asked),
            n_passages=seen.n_passages,
            **meter.read(),
        ),
    )


def _rank(
    system: Any, queries: list[str], corpus: Any, seen: Seen, k: int, similarity: tuple[str, ...], prompts: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rankings by kind of similarity, and what is known of the system."""
    if isinstance(system, (str, ModelSpec, KoEmbeddingTransformer)):
        unknown = set(similarity) - {"cosine", "dot"}
        if unknown or not similarity:
            raise ValueError(f"similarity must be of 'cosine' and 'dot', got {similarity!r}.")
        query, passage = embedders(system, *prompts)
        rankings = rank_by_embedding(query, passage, queries, corpus, seen, k, similarity)
        return rankings, describe_embedders(query, passage)
    about = {"name": type(system).__name__, "settings": {"system": repr(system)}}
    if callable(getattr(system, "search", None)):
        return rank_by_search(system, queries, corpus, seen, k), about
    if callable(getattr(system, "transform", None)):
        return rank_by_features(system, queries, corpus, seen, k), about
    raise TypeError(
        f"{type(system).__name__} can neither search(queries, top_k) nor transform texts. Pass the name of a model, an "
        "embedder, a vectoriser or a searcher."
    )


def describe_embedders(query: KoEmbeddingTransformer, passage: KoEmbeddingTransformer) -> dict[str, Any]:
    """Say which model two fitted embedders have, and how they use it.

    Parameters
    ----------
    query, passage : KoEmbeddingTransformer
        The embedders.

    Returns
    -------
    dict
        Name, model, revision, fingerprint and settings.
    """
    spec = query.model if isinstance(query.model, ModelSpec) else ModelSpec(query.model)
    chosen = {
        "query_prompt": query.prompt,
        "passage_prompt": passage.prompt,
        **{one: query.get_params()[one] for one in ("max_length", "truncate_dim", "dtype", "backend")},
    }
    return {
        "name": spec.name,
        "model": spec.name,
        "revision": spec.revision,
        "fingerprint": query.model_fingerprint_,
        "dimension": query.embedding_dim_,
        "settings": chosen,
    }


def _queries(queries: Any) -> dict[Any, str]:
    rows = dict(queries) if isinstance(queries, Mapping) else dict(enumerate(check_texts(queries, name="queries")))
    return dict(zip(rows, check_texts(list(rows.values()), name="queries"), strict=True))


def _judged(judgements: Any) -> list[str]:
    """Judgements in an order of their own."""
    return sorted(map(str, judgements.items() if isinstance(judgements, Mapping) else judgements))


def _cuts(k: Any) -> dict[str, list[int]]:
    if k is None:
        sets = {name: [1, 3, 5, 10] for name in ("accuracy", "precision", "recall")}
        return {**sets, "ndcg": [10], "mrr": [10], "map": [100]}
    cuts = k if isinstance(k, Mapping) else dict.fromkeys(_METRICS, k)
    return {name: sorted(at) for name, at in cuts.items() if len(at)}


def _main_score(items: Mapping[str, Any]) -> str:
    """NDCG at 10 by cosine, or what comes nearest to it."""
    wanted = [name for name in items if "ndcg" in name] or list(items)
    return next((name for name in wanted if name.endswith("@10")), wanted[-1])


def _warn_of_missing(seen: Seen) -> None:
    missing = sorted(seen.wanted - seen.rows.keys(), key=str)
    if missing:
        warnings.warn(
            f"{len(missing):,} of {len(seen.wanted):,} relevant passages are not in the corpus ({missing[0]!r} is the "
            "first), and count as not found. Do qrels use the ids of the corpus?",
            SkkoWarning,
            stacklevel=3,
        )
