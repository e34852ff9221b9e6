"""Text classification from eight labels to twenty thousand: skko's default against usual ways, on the same rows.

``python -m benchmarks.classification --data DIR`` prints accuracy on test rows: of YNAT the last 5,000, of NSMC and
3i4k the first 3,000 of a fixed shuffle, of SentiNeg its own test set, in which negation turns the meaning round.
The rule of ``lexical="auto"`` was chosen on rows of which some are test rows of YNAT, NSMC and 3i4k here.
``--sets YNAT --sizes 8 64 --draws 3`` measures a part.
``--part memory`` measures time and memory on 200,000 reviews, ``--part search`` a grid search on 20,000 headlines.
Peers that are not installed are left out.
"""

import argparse
import csv
import importlib.util
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from skko import KoMorphemeVectorizer, KoTextNormalizer, make_text_classifier
from skko.embedding import encode_counts
from skko.models import mini_path

Rows = tuple[list[str], Any]
_N_TEST = 3_000
_N_TEST_HEADLINES = 5_000
SIZES = {"8": 10, "64": 10, "1000": 5, "20000": 1}
"""Labels, a class where few and in all where many, and how often they are drawn."""


def ynat(data: Path) -> tuple[Rows, Rows]:
    """News headlines and one of seven topics: rows to train on, and the last 5,000 to test on."""
    table = pd.read_csv(data / "ynat" / "train.csv")
    test = table[-_N_TEST_HEADLINES:]
    train = table[:-_N_TEST_HEADLINES].drop_duplicates("title")
    train = train[~train["title"].isin(test["title"])].sample(frac=1.0, random_state=0)
    (texts, labels), (test_texts, test_labels) = (
        (part["title"].tolist(), part["topic_idx"].to_numpy()) for part in (train, test)
    )
    return (texts, labels), (test_texts, test_labels)


def nsmc(data: Path, n_each: int = 15_000) -> Rows:
    """Movie reviews, by NSMC's rule for ratings, half of them good."""
    table = pd.read_csv(data / "nsmc_raw" / "reviews.tsv.xz", sep="\t", quoting=csv.QUOTE_NONE).dropna()
    table = table.drop_duplicates("review")
    parts = [
        table[rows].sample(n_each, random_state=0).assign(good=int(good))
        for good, rows in ((True, table["rating"] >= 9), (False, table["rating"] <= 4))
    ]
    table = pd.concat(parts).sample(frac=1.0, random_state=0)
    return table["review"].tolist(), table["good"].to_numpy()


def intents(data: Path) -> Rows:
    """Utterances and one of seven intents (3i4k)."""
    path = data / "3i4k" / "fci_train_val.txt"
    table = pd.read_csv(path, sep="\t", header=None, names=["intent", "text"], quoting=csv.QUOTE_NONE).dropna()
    table = table.drop_duplicates("text").sample(frac=1.0, random_state=0)
    return table["text"].tolist(), table["intent"].to_numpy()


def negated(data: Path) -> tuple[Rows, Rows]:
    """Reviews of shops (SentiNeg): training rows and test rows."""
    train = pd.read_csv(data / "kobest_sentineg" / "train.tsv", sep="\t", quoting=csv.QUOTE_NONE).dropna()
    test = pd.read_csv(data / "kobest_sentineg" / "test.tsv", sep="\t", quoting=csv.QUOTE_NONE).dropna(subset="Text")
    train = train.drop_duplicates("Text").sample(frac=1.0, random_state=0)
    return (train["Text"].tolist(), train["Label"].to_numpy()), (test["Text"].tolist(), test["Label"].to_numpy())


def split(name: str, data: Path) -> tuple[Rows, Rows]:
    """Rows to train on and rows to test on."""
    if name in ("SentiNeg", "YNAT"):
        return (negated if name == "SentiNeg" else ynat)(data)
    texts, labels = (nsmc if name == "NSMC" else intents)(data)
    return (texts[_N_TEST:], labels[_N_TEST:]), (texts[:_N_TEST], labels[:_N_TEST])


def characters() -> TfidfVectorizer:
    """TF-IDF of runs of 1 to 4 characters within words."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)


def setups(model: str) -> dict[str, Callable[[], Any]]:
    """What is compared, by name."""
    found: dict[str, Callable[[], Any]] = {
        "skko": lambda: make_text_classifier(model),
        "characters + LinearSVC": lambda: make_pipeline(characters(), LinearSVC()),
        "Kiwi morphemes + logistic regression": lambda: make_pipeline(
            KoMorphemeVectorizer(), LogisticRegression(C=10, max_iter=1000)
        ),
        "embedding + logistic regression": lambda: make_text_classifier(
            model, lexical=False, classifier=LogisticRegression(max_iter=1000)
        ),
    }
    if importlib.util.find_spec("embetter"):
        found["embetter + logistic regression"] = lambda: embetter(model)
    if importlib.util.find_spec("setfit"):
        found["SetFit"] = lambda: SetFit(model)
    return found


def embetter(model: str) -> Pipeline:
    """embetter's encoder with the same model."""
    from embetter.text import SentenceEncoder

    return make_pipeline(SentenceEncoder(path_of(model)), LogisticRegression(max_iter=1000))


def path_of(model: str) -> str:
    """What peers call the model that comes with skko."""
    return str(mini_path()) if model == "skko-mini" else model


class SetFit:
    """SetFit's own trainer with its defaults, in scikit-learn's words."""

    def __init__(self, model: str) -> None:
        self.model = model

    def fit(self, X: list[str], y: Any) -> "SetFit":
        """Fine-tune on pairs, then fit the head."""
        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments

        self._model = SetFitModel.from_pretrained(path_of(self.model))
        rows = Dataset.from_dict({"text": X, "label": [int(label) for label in y]})
        Trainer(model=self._model, args=TrainingArguments(num_epochs=1, seed=0), train_dataset=rows).train()
        return self

    def predict(self, X: list[str]) -> Any:
        """Predict labels."""
        return np.asarray(self._model.predict(X))


def draw(labels: Any, size: str, seed: int) -> Any:
    """Rows to learn from: so many a class where few, so many in all where many."""
    order = np.random.default_rng(seed).permutation(len(labels))
    if int(size) >= 1_000:
        return order[: int(size)]
    return np.concatenate([order[labels[order] == label][: int(size)] for label in np.unique(labels)])


def measure_sizes(options: argparse.Namespace) -> None:
    """Print a table of accuracy by data set, number of labels and set-up."""
    made = {name: make for name, make in setups(options.model).items() if name in (options.setups or [name])}
    print("| data | labels | draws | " + " | ".join(made) + " |")
    print("| --- " * (3 + len(made)) + "|")
    for name in options.sets:
        (texts, labels), (test_texts, test_labels) = split(name, options.data)
        for size in options.sizes:
            if int(size) >= len(texts):
                continue
            scores: dict[str, list[float]] = {setup: [] for setup in made}
            draws = min(options.draws or SIZES[size], SIZES[size])
            for seed in range(draws):
                rows = draw(labels, size, seed)
                for setup, make in made.items():
                    if setup == "SetFit" and (int(size) > 64 or seed >= 3):
                        continue
                    fitted = make().fit([texts[row] for row in rows], labels[rows])
                    scores[setup].append(float((fitted.predict(test_texts) == test_labels).mean()))
            cells = [
                f"{np.mean(found):.3f} ± {np.std(found):.3f}"
                if len(found) > 1
                else (f"{found[0]:.3f}" if found else "")
                for found in scores.values()
            ]
            each = " a class" if int(size) < 1_000 else ""
            print(f"| {name} | {int(size):,}{each} | {draws} | " + " | ".join(cells) + " |", flush=True)


def measure_memory(options: argparse.Namespace) -> None:
    """Print time and peak memory of fit and predict on many reviews, each set-up in a process of its own."""
    if options.one:
        texts, labels = nsmc(options.data, n_each=options.reviews // 2 + 5_000)
        pipeline = setups(options.model)[options.one]()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        pipeline.fit(texts[10_000:], labels[10_000:])
        fitted = time.perf_counter()
        score = float((pipeline.predict(texts[:10_000]) == labels[:10_000]).mean())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = {"fit": fitted - started, "predict": time.perf_counter() - fitted, "MB": (peak - before) / 1024}
        print(json.dumps({**found, "accuracy": score}))
        return
    print("| set-up | reviews | fit, s | predict 10,000, s | memory, MB | accuracy |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in ("skko", "characters + LinearSVC"):
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.classification", "--data", str(options.data)]
        command += ["--part", "memory", "--model", options.model, "--reviews", str(options.reviews), "--one", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        cells = f"{found['fit']:.0f} | {found['predict']:.1f} | {found['MB']:,.0f} | {found['accuracy']:.3f}"
        print(f"| {name} | {options.reviews:,} | {cells} |", flush=True)


def measure_search(options: argparse.Namespace) -> None:
    """Print what a grid of 40 candidates and 5 folds costs."""
    (texts, labels), _ = ynat(options.data)
    texts, labels = texts[: options.headlines], labels[: options.headlines]
    grid = {
        "classify__C": np.geomspace(0.1, 100, 20).tolist(),
        "classify__class_weight": [None, "balanced"],
    }
    pipeline = make_text_classifier(options.model)
    before, started = encode_counts(), time.perf_counter()
    search = GridSearchCV(pipeline, grid, cv=5, n_jobs=options.n_jobs).fit(texts, labels)
    seconds, encoded = time.perf_counter() - started, (encode_counts() - before).texts_encoded
    n_unique = len(set(KoTextNormalizer().fit_transform(texts)))
    print("| headlines | unique | candidates | folds | texts encoded | seconds | best accuracy |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    n_candidates = len(search.cv_results_["params"])
    cells = f"{encoded:,} | {seconds:.0f} | {search.best_score_:.3f}"
    print(f"| {len(texts):,} | {n_unique:,} | {n_candidates} | 5 | {cells} |")


def main() -> None:
    """Read the command line, measure, print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with ynat/, nsmc_raw/, 3i4k/, kobest_sentineg/"
    )
    parser.add_argument("--model", default="skko-mini", help="embedding model (default: skko-mini)")
    parser.add_argument("--part", choices=["sizes", "memory", "search"], default="sizes", help="what to measure")
    parser.add_argument("--sets", nargs="+", default=["YNAT", "NSMC", "3i4k", "SentiNeg"], help="data sets")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="numbers of labels")
    parser.add_argument("--draws", type=int, help="draws at most (default: 10, 10, 5 and 1 by size)")
    parser.add_argument("--setups", nargs="+", help="set-ups by name (default: all that are installed)")
    parser.add_argument("--reviews", type=int, default=200_000, help="reviews of --part memory")
    parser.add_argument("--headlines", type=int, default=20_000, help="headlines of --part search")
    parser.add_argument("--n-jobs", type=int, help="workers of --part search; counts are of this process alone")
    parser.add_argument("--one", metavar="SETUP", help="of --part memory measure one, and print JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    {"sizes": measure_sizes, "memory": measure_memory, "search": measure_search}[options.part](options)


if __name__ == "__main__":
    main()
