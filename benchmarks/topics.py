"""Topics: skko against BERTopic, on the same texts and the same vectors.

``python -m benchmarks.topics --data DIR`` prints seconds of a fit in a fresh process and of a second one in the same
process, agreement with the true groups, noise, coherence and peak memory. ``--peer-python`` names an interpreter that
has bertopic where this one has not. ``--keywords`` prints the words of seven known topics instead, and ``--grid`` what
a search by validity picks, the labels hidden from it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()  # before anything large is imported: a fresh process pays for its imports

SETS = ("parakqc", "ynat", "kowiki")
SEED = 0
N_KEYWORDS = 10
GRID = {"reduce__n_neighbors": [5, 15, 30], "cluster__min_cluster_size": [5, 10, 20, 40]}
# Characters of texts that coherence is counted on: in a small sample, words of small topics would be missing.
JUDGED = 5_000_000
Fit = Callable[[list[str], Any], tuple[Any, list[list[str]]]]


def fit_skko(texts: list[str], vectors: Any) -> tuple[Any, list[list[str]]]:
    """skko at its defaults, its embedding step replaced by the vectors."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    from skko.clustering import KoTopicModel, make_topic_clusterer

    row = {text: i for i, text in enumerate(texts)}
    given = FunctionTransformer(lambda asked: vectors[[row[text] for text in asked]])
    steps = make_topic_clusterer("skko-mini", random_state=SEED).steps[2:]
    model = KoTopicModel(Pipeline([("embed", given), *steps]), show_progress=False).fit(texts)
    return model.labels_, [list(topic.keywords) for topic in model.topics_]


def fit_bertopic(texts: list[str], vectors: Any) -> tuple[Any, list[list[str]]]:
    """BERTopic at its defaults for Korean."""
    from bertopic import BERTopic

    return _fit_bertopic(BERTopic(language="korean"), texts, vectors)


def fit_bertopic_kiwi(texts: list[str], vectors: Any) -> tuple[Any, list[list[str]]]:
    """BERTopic with nouns by Kiwi, as its users write it."""
    from bertopic import BERTopic

    return _fit_bertopic(BERTopic(language="korean", vectorizer_model=kiwi_vectorizer()), texts, vectors)


def _fit_bertopic(model: Any, texts: list[str], vectors: Any) -> tuple[Any, list[list[str]]]:
    labels, _ = model.fit_transform(texts, embeddings=vectors)
    return labels, _words(model)


def _words(model: Any) -> list[list[str]]:
    found = model.get_topics()
    return [[word for word, _ in found[topic][:N_KEYWORDS] if word] for topic in sorted(found) if topic >= 0]


def kiwi_vectorizer() -> Any:
    """Count nouns, Latin words and hanja."""
    from kiwipiepy import Kiwi
    from sklearn.feature_extraction.text import CountVectorizer

    kiwi = Kiwi()
    tags = {"NNG", "NNP", "XR", "SL", "SH"}

    def nouns(text: str) -> list[str]:
        return [token.form for token in kiwi.tokenize(text) if token.tag in tags]

    return CountVectorizer(analyzer=nouns)


FITS: dict[str, Fit] = {"skko": fit_skko, "BERTopic": fit_bertopic, "BERTopic, Kiwi": fit_bertopic_kiwi}


def fit_alone(name: str, folder: Path) -> None:
    """Fit twice in this process, and write what was found and what it cost."""
    import numpy as np

    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    vectors = np.load(folder / "vectors.npy")
    fit = FITS[name]
    fit(texts, vectors)
    cold = time.perf_counter() - STARTED
    began = time.perf_counter()
    labels, words = fit(texts, vectors)
    costs = {"cold": cold, "warm": time.perf_counter() - began, "peak": peak_memory()}
    found = {"labels": [int(label) for label in labels], "words": words, **costs}
    (folder / "found.json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def peak_memory() -> float:
    """Most memory that this process has held, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def read_texts(name: str, n_texts: int | None, data: Path) -> tuple[list[str], Any]:
    """Texts without copies, and their groups where these are known."""
    import pandas as pd

    from benchmarks.corpus import headlines
    from skko.datasets import fetch_parakqc
    from training import sources

    if name == "parakqc":
        rows = fetch_parakqc(data_home=data)[["text", "group"]]
    elif name == "ynat":
        rows = headlines(data).rename(columns={"title": "text", "topic_idx": "group"})
    else:
        rows = pd.DataFrame({"text": [f"{a.title} {a.text}" for a in sources.articles(data)], "group": None})
    rows = rows.drop_duplicates("text")[:n_texts]
    return rows["text"].tolist(), None if rows["group"].isna().all() else rows["group"].to_numpy()


def coherence(words: list[list[str]], texts: list[str]) -> float:
    """Mean NPMI of the words of topics over whole texts; a word is in a text that has its letters, whoever cut it."""
    import numpy as np

    from skko.metrics import topic_coherence

    order = np.random.default_rng(SEED).permutation(len(texts))
    read = np.cumsum([len(texts[row]) for row in order])
    sample = [texts[row].lower() for row in order[: np.searchsorted(read, JUDGED) + 1]]
    vocabulary = sorted({word for topic in words for word in topic})
    documents = [[word for word in vocabulary if word in text] or [""] for text in sample]
    return float(np.nanmean(topic_coherence(words, documents, window=None)))


def compare(name: str, n_texts: int | None, options: argparse.Namespace) -> None:
    """Measure one set and print its rows."""
    import numpy as np
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    from skko import KoEmbeddingTransformer
    from skko.metrics import topic_diversity

    texts, groups = read_texts(name, n_texts, options.data)
    vectors = KoEmbeddingTransformer(options.model).fit_transform(texts)
    rows = {}
    for contestant in options.contestants:
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "vectors.npy", vectors)
            (Path(folder) / "texts.json").write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
            python = sys.executable if contestant == "skko" else options.peer_python
            subprocess.run([python, "-m", "benchmarks.topics", "--alone", contestant, folder], check=True)
            rows[contestant] = json.loads((Path(folder) / "found.json").read_text(encoding="utf-8"))
    for contestant, found in rows.items():
        labels = np.array(found["labels"])
        agreement = "| |"
        if groups is not None:
            nmi, ari = normalized_mutual_info_score(groups, labels), adjusted_rand_score(groups, labels)
            agreement = f"{nmi:.3f} | {ari:.3f} |"
        ratio = {part: found[part] / rows["skko"][part] if "skko" in rows else 1.0 for part in ("cold", "warm")}
        print(
            f"| {name}, {len(texts):,} | {contestant} | {found['cold']:.1f} ({ratio['cold']:.1f}) | "
            f"{found['warm']:.1f} ({ratio['warm']:.1f}) | {agreement} {(labels < 0).mean():.3f} | {labels.max() + 1} | "
            f"{coherence(found['words'], texts):.3f} | {topic_diversity(found['words']):.3f} | {found['peak']:,.0f} |",
            flush=True,
        )


def grid(name: str, n_texts: int | None, options: argparse.Namespace) -> None:
    """Search two settings by validity, which sees no labels, and print what each would have been worth."""
    import numpy as np
    from sklearn.model_selection import GridSearchCV

    from skko import EmbeddingCache, make_topic_clusterer
    from skko.clustering import clustering_scores
    from skko.embedding import encode_counts

    texts, groups = read_texts(name, n_texts, options.data)
    everything = np.arange(len(texts))
    before, started = encode_counts(), time.perf_counter()
    pipeline = make_topic_clusterer(options.model, random_state=SEED, cache=EmbeddingCache())
    search = GridSearchCV(pipeline, GRID, scoring=clustering_scores, cv=[(everything, everything)], refit=False)
    found = search.fit(texts, groups).cv_results_
    encoded, seconds = (encode_counts() - before).texts_encoded, time.perf_counter() - started
    n_settings = len(found["params"])
    print(f"\n{name}: {n_settings} settings in {seconds:.0f} s, {len(set(texts)):,} texts and {encoded:,} encoded.\n")
    print("| neighbours | least cluster | validity | NMI | noise | topics |\n" + "| --- " * 6 + "|")
    for row in np.argsort(-found["mean_test_validity"], kind="stable"):
        setting = " | ".join(str(found["params"][row][parameter]) for parameter in GRID)
        scores = " | ".join(f"{found[f'mean_test_{score}'][row]:.3f}" for score in ("validity", "nmi", "noise"))
        print(f"| {setting} | {scores} | {found['mean_test_n_clusters'][row]:.0f} |")


def keywords(data: Path) -> None:
    """Print the words of the seven topics of YNAT, by skko and by BERTopic."""
    import numpy as np
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction

    from skko.clustering import topic_keywords

    texts, groups = read_texts("ynat", None, data)
    names = ["IT과학", "경제", "사회", "생활문화", "세계", "스포츠", "정치"]
    ours = [" ".join(topic.keywords) for topic in topic_keywords(texts, groups, n_keywords=N_KEYWORDS)]
    columns = {"skko": ours}
    for name, vectorizer in (("BERTopic", None), ("BERTopic, Kiwi", kiwi_vectorizer())):
        parts = {
            "embedding_model": BaseEmbedder(),
            "umap_model": BaseDimensionalityReduction(),
            "hdbscan_model": BaseCluster(),
            "vectorizer_model": vectorizer,
        }
        model = BERTopic(language="korean", **parts)
        # BERTopic numbers topics by size; what it made of each label is read off its answer.
        given, _ = model.fit_transform(texts, embeddings=np.zeros((len(texts), 2)), y=groups)
        words = dict(enumerate(_words(model)))
        columns[name] = [" ".join(words[int(np.bincount(np.array(given)[groups == g]).argmax())]) for g in range(7)]
    print("| topic | " + " | ".join(columns) + " |\n" + "| --- " * (1 + len(columns)) + "|")
    for topic, row in zip(names, zip(*columns.values(), strict=True), strict=True):
        print(f"| {topic} | " + " | ".join(row) + " |")


def main() -> None:
    """Read the command line, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with parakqc/, ynat/ and kowiki/")
    parser.add_argument("--sets", nargs="*", default=["parakqc", "ynat", "kowiki:100000"], help="NAME or NAME:TEXTS")
    parser.add_argument("--contestants", nargs="*", default=list(FITS), choices=list(FITS), help="who is measured")
    parser.add_argument("--model", default="skko-mini", help="embedding model")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has bertopic")
    parser.add_argument("--keywords", action="store_true", help="print words of known topics; needs bertopic here")
    parser.add_argument("--grid", action="store_true", help="search settings by validity instead")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        fit_alone(options.alone[0], Path(options.alone[1]))
        return
    if options.data is None:
        parser.error("--data names the folder of the texts")
    if options.keywords:
        keywords(options.data)
        return
    measure = grid if options.grid else compare
    if not options.grid:
        print_head()
    for entry in options.sets:
        name, _, count = entry.partition(":")
        measure(name, int(count) if count else None, options)


def print_head() -> None:
    """Print the head of the table of :func:`compare`."""
    print(
        "| texts | what | seconds, fresh process (of skko's) | seconds, warm (of skko's) | NMI | ARI | noise | topics "
        "| coherence | diversity | peak MB |\n" + "| --- " * 11 + "|"
    )


if __name__ == "__main__":
    main()
