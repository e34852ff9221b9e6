"""The steps of ``skko demo``, each a few lines of the public API."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import confusion_matrix, normalized_mutual_info_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_predict, cross_val_score

from skko.classification import make_text_classifier
from skko.cli.demo_data import DemoData
from skko.clustering import Topic, UMAPReducer, make_topic_clusterer, topic_keywords
from skko.embedding import KoEmbeddingTransformer, encode_counts
from skko.exceptions import DataFileError
from skko.metrics import pair_scores
from skko.paraphrase import make_paraphrase_miner
from skko.plotting import TopicMapDisplay
from skko.similarity import top_k
from skko.text.normalization import normalise

_CANDIDATES: dict[str, list[Any]] = {"classify__C": [0.3, 1.0, 3.0, 10.0]}
_FOLDS = 5
_SEED = 0
_SHOWN = 5


def run_steps(data: DemoData, *, model: str, threshold: float, out: Path) -> dict[str, Any]:
    """Classify, cluster, mine, search and draw.

    Parameters
    ----------
    data : DemoData
        Texts and what is known of them.
    model : str
        Embedding model.
    threshold : float
        Least cosine of a paraphrase.
    out : pathlib.Path
        Folder for the map; made if it is not there.

    Returns
    -------
    dict
        Everything found, ready for JSON.
    """
    before = encode_counts()
    out.mkdir(parents=True, exist_ok=True)  # first of all: nothing is computed for a folder that cannot be
    KoEmbeddingTransformer(model).fit([])  # a missing model is told once, and not by every fold of the search
    result: dict[str, Any] = {"data": data.name, "model": model, "n_texts": len(data.texts)}
    result |= _classify(data, model)
    labels, topics, found = _cluster(data, model)
    result |= found
    result |= _mine(data, model, threshold)
    result |= _search(data, model)
    result["map"] = _draw(data, model, labels, topics, out / "topic_map.png")
    counts = encode_counts() - before
    return result | {"texts_encoded": counts.texts_encoded, "model_loads": counts.model_loads}


def _classify(data: DemoData, model: str) -> dict[str, Any]:
    """Search C by cross-validation in which no text, and no paraphrase of it, is on both sides."""
    if data.labels is None:
        return {"best_score": None, "baseline_score": None}
    names, counts = np.unique(data.labels, return_counts=True)
    rare = {str(name): int(count) for name, count in zip(names, counts, strict=True) if count < _FOLDS}
    rows = np.flatnonzero(~np.isin(data.labels, list(rare)))
    labels = data.labels[rows]
    if len(np.unique(labels)) < 2:
        raise DataFileError(
            f"Classification needs 2 labels with {_FOLDS} texts each, and {data.name} has "
            f"{len(np.unique(labels))}. Leave --label out, or name another column."
        )
    texts = [data.texts[row] for row in rows]
    together = _together(data)[rows]
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    search = GridSearchCV(make_text_classifier(model), _CANDIDATES, cv=folds).fit(texts, labels, groups=together)
    options = {"groups": together, "cv": folds}
    predicted = cross_val_predict(search.best_estimator_, texts, labels, **options)
    baseline = cross_val_score(DummyClassifier(), texts, labels, **options)
    classes = np.unique(labels)
    return {
        "n_folds": _FOLDS,
        "n_candidates": len(search.cv_results_["params"]),
        "best_params": search.best_params_,
        "best_score": float(search.best_score_),
        "baseline_score": float(baseline.mean()),
        "labels_left_out": rare,
        "classes": classes.tolist(),
        "confusion": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def _together(data: DemoData) -> NDArray[np.intp]:
    """Number of the set that each text shares a fold with: its copies, and its paraphrases where they are known."""
    texts = normalise(data.texts)
    keys = (
        texts if data.groups is None else [g if g >= 0 else t for g, t in zip(data.groups.tolist(), texts, strict=True)]
    )
    position: dict[Any, int] = {}
    return np.array([position.setdefault(key, len(position)) for key in keys])


def _cluster(data: DemoData, model: str) -> tuple[NDArray[np.int64], list[Topic], dict[str, Any]]:
    clusterer = make_topic_clusterer(model, random_state=_SEED)
    labels = clusterer.fit_predict(data.texts)
    topics = topic_keywords(data.texts, labels)
    found: dict[str, Any] = {
        "n_topics": len(topics),
        "noise": float((labels == -1).mean()),
        "topics": [{"topic": t.label, "size": t.size, "keywords": list(t.keywords)} for t in topics],
    }
    if data.labels is not None:
        found["topics_nmi"] = float(normalized_mutual_info_score(data.labels, labels))
    return labels, topics, found


def _mine(data: DemoData, model: str, threshold: float) -> dict[str, Any]:
    miner = make_paraphrase_miner(model, threshold=threshold).fit(data.texts)
    pairs = miner["mine"].pairs_
    found: dict[str, Any] = {
        "threshold": threshold,
        "n_pairs": len(pairs),
        "pairs": [
            {"score": round(float(p["score"]), 3), "texts": [data.texts[p["i"]], data.texts[p["j"]]]}
            for p in pairs[:_SHOWN]
        ],
    }
    if data.groups is not None:
        scores = pair_scores(pairs, data.groups)
        found |= {"pairs_precision": scores.precision, "pairs_recall": scores.recall}
    return found


def _search(data: DemoData, model: str) -> dict[str, Any]:
    embed = make_paraphrase_miner(model)[:-1].fit(data.texts)
    nearest, scores = top_k(embed.transform([data.query]), embed.transform(data.texts), _SHOWN + 1)
    hits = [
        {"score": round(float(score), 3), "text": data.texts[row]}
        for row, score in zip(nearest[0], scores[0], strict=True)
        if data.texts[row] != data.query
    ]
    return {"query": data.query, "hits": hits[:_SHOWN]}


def _draw(data: DemoData, model: str, labels: NDArray[np.int64], topics: list[Topic], path: Path) -> str:
    import matplotlib

    matplotlib.use("Agg")  # a file is wanted, and there may be no screen
    vectors = make_paraphrase_miner(model)[:-1].fit_transform(data.texts)
    places = UMAPReducer(2, min_dist=0.1, random_state=_SEED).fit_transform(vectors)
    names = {topic.label: " ".join(topic.keywords[:3]) or str(topic.label) for topic in topics}
    with warnings.catch_warnings():
        # Emoji and rare letters in keywords are not in every font; the map stays readable.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        TopicMapDisplay.from_predictions(places, labels, names=names).save(path)
    return str(path)
