"""Text classification from eight labels to twenty thousand: skko's default against usual ways, on the same rows.

``python -m benchmarks.classification --data DIR`` prints accuracy on test rows: of YNAT the last 5,000, of NSMC and
3i4k the first 3,000 of a fixed shuffle, of SentiNeg its own test set, in which negation turns the meaning round.
skko-mini has learnt the labels of none of these rows: of YNAT they are all but the first 5,000, of NSMC the reviews of
films that its training held out; the texts of 3i4k it has seen without their labels. ``--sets YNAT --sizes 8 64
--draws 3`` measures a part. Peers that are not installed are left out; ``--peer-python`` names an interpreter that has
SetFit, which is then run there.

``--part choose`` prints the accuracy of fixed lexical weights, for the rule of ``lexical="auto"`` to be chosen by; it
reads no test row. ``--part memory`` measures time and memory on 200,000 reviews, ``--part search`` a grid search on
20,000 headlines.
"""

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
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
from skko.datasets import fetch_intents, fetch_sentineg
from skko.embedding import encode_counts
from skko.models import mini_path
from training import sources

Rows = tuple[list[str], Any]
_N_TEST = 3_000
SIZES = {"8": 10, "64": 10, "1000": 5, "20000": 1}
"""Labels, a class where few and in all where many (all that there are, if fewer), and how often they are drawn."""
_CHOOSING_DRAWS = 5
_SETFIT_DRAWS = 3
_STATIC_RATE = 1e-3
# Petitions of a category, of April and May.
_FREQUENT = 20
_PARTS = ("sizes", "choose", "memory", "search")
_WEIGHTS = (0.0, 0.3, 0.6, 0.9, 1.2, 1.6, 2.2)


def split(name: str, data: Path) -> tuple[Rows, Rows]:
    """Rows to train on and rows to test on, each in random order; no text is in both."""
    train, test = {"YNAT": ynat, "NSMC": nsmc, "3i4k": intents, "SentiNeg": negated}[name](data)
    train = train[~train["text"].isin(test["text"])].drop_duplicates("text").sample(frac=1.0, random_state=0)
    return _rows(train), _rows(test)


def _rows(table: pd.DataFrame) -> Rows:
    return table["text"].tolist(), table["label"].to_numpy(dtype=int)


def ynat(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """News headlines and one of seven topics; those whose topics skko-mini learnt are left out."""
    parts = sources.headlines(data)[sources.N_YNAT_TAUGHT :], sources.headlines(data, held_out=True)
    train, test = (part.rename(columns={"title": "text", "topic_idx": "label"}) for part in parts)
    return train, test


def nsmc(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews of films whose ratings skko-mini did not learn, half of them good by NSMC's rule."""
    table = good_and_bad(sources.reviews(data, held_out=True), 15_000)
    return table[_N_TEST:], table[:_N_TEST]


def good_and_bad(reviews: pd.DataFrame, n_each: int) -> pd.DataFrame:
    """As many good reviews as bad ones."""
    return clear(reviews).groupby("label").sample(n_each, random_state=0).sample(frac=1.0, random_state=0)


def clear(reviews: pd.DataFrame) -> pd.DataFrame:
    """Reviews that are good or bad, of which three quarters are good."""
    found = sources.sentiment(reviews).drop_duplicates("review")
    return found.rename(columns={"review": "text"}).assign(label=found["positive"].astype(int))


def intents(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Utterances and one of seven intents (3i4k); skko-mini has seen these texts without their labels."""
    table = fetch_intents(data_home=data)
    table = table.drop_duplicates("text").sample(frac=1.0, random_state=0)
    return table[_N_TEST:], table[:_N_TEST]


def negated(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews of shops (SentiNeg): its training rows and its test rows."""
    return fetch_sentineg("train", data_home=data), fetch_sentineg("test", data_home=data)


def development(name: str, data: Path) -> tuple[Rows, Rows]:
    """Rows to choose by, none of which is a test row: the last 3,000 training rows are tried on the others.

    Petitions, which are no part of the tables, are of April and May; those of June are tried.
    """
    if name == "petitions":
        return petitions(data)
    (texts, labels), _ = split(name, data)
    n_kept = max(len(texts) - _N_TEST, len(texts) // 2)
    return (texts[:n_kept], labels[:n_kept]), (texts[n_kept:], labels[n_kept:])


def petitions(data: Path) -> tuple[Rows, Rows]:
    """The beginnings of petitions and their categories, of those that are frequent."""
    parts = [pd.DataFrame(list(sources.petitions(data, held_out=held_out))) for held_out in (False, True)]
    counts = parts[0]["category"].value_counts()
    frequent = sorted(set(counts[counts >= _FREQUENT].index) - {"기타"})  # "other"
    found = []
    for part in parts:
        part = part[part["category"].isin(frequent)]
        texts = part["title"] + ". " + part["text"].str[:300]
        found.append(pd.DataFrame({"text": texts, "label": part["category"].map(frequent.index)}))
    train, tried = found
    train = train[~train["text"].isin(tried["text"])].drop_duplicates("text").sample(frac=1.0, random_state=0)
    return _rows(train), _rows(tried)


def characters() -> TfidfVectorizer:
    """TF-IDF of runs of 1 to 4 characters within words."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)


def setups(model: str, peer_python: str | None = None) -> dict[str, Callable[[], Any]]:
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
    if peer_python:
        found["SetFit"] = lambda: Elsewhere(peer_python, "SetFit", model)
    elif importlib.util.find_spec("setfit"):
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
    """SetFit's own trainer in scikit-learn's words, with 20 pairs of each kind a text, as in its paper.

    All pairs, its default, are 172,000 for 64 labels of seven classes; and its rate hardly moves a static table.
    """

    def __init__(self, model: str) -> None:
        self.model = model

    def fit(self, X: list[str], y: Any) -> "SetFit":
        """Fine-tune on pairs, then fit the head."""
        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments

        self._model = SetFitModel.from_pretrained(path_of(self.model))
        rows = Dataset.from_dict({"text": X, "label": [int(label) for label in y]})
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainingArguments(
                output_dir=folder, num_epochs=1, num_iterations=20, body_learning_rate=_STATIC_RATE, seed=0
            )
            Trainer(model=self._model, args=settings, train_dataset=rows).train()
        return self

    def predict(self, X: list[str]) -> Any:
        """Predict labels."""
        return np.asarray(self._model.predict(X))


class Elsewhere:
    """A set-up in another interpreter, which is started for each ``predict`` and fits before it."""

    def __init__(self, python: str, name: str, model: str) -> None:
        self.python, self.name, self.model = python, name, model

    def fit(self, X: list[str], y: Any) -> "Elsewhere":
        """Keep the rows."""
        self._rows = {"texts": X, "labels": y.tolist()}
        return self

    def predict(self, X: list[str]) -> Any:
        """Fit and predict."""
        with tempfile.TemporaryDirectory() as folder:
            content = json.dumps({**self._rows, "asked": X}, ensure_ascii=False)
            (Path(folder) / "rows.json").write_text(content, encoding="utf-8")
            command = [self.python, "-W", "ignore", "-m", "benchmarks.classification", "--model", self.model]
            subprocess.run([*command, "--one", self.name, "--alone", folder], stdout=subprocess.DEVNULL, check=True)
            return np.load(Path(folder) / "predicted.npy")


def fit_alone(options: argparse.Namespace) -> None:
    """Be the other interpreter of ``Elsewhere``."""
    rows = json.loads((options.alone / "rows.json").read_text(encoding="utf-8"))
    fitted = setups(options.model)[options.one]().fit(rows["texts"], np.array(rows["labels"]))
    np.save(options.alone / "predicted.npy", fitted.predict(rows["asked"]))


def draw(labels: Any, size: str, seed: int) -> Any:
    """Rows to learn from: so many a class where few, so many in all where many."""
    order = np.random.default_rng(seed).permutation(len(labels))
    if int(size) >= 1_000:
        return order[: int(size)]
    return np.concatenate([order[labels[order] == label][: int(size)] for label in np.unique(labels)])


def measure_sizes(options: argparse.Namespace) -> None:
    """Print accuracy by data set, number of labels and set-up, then how far skko falls short at each size."""
    made = setups(options.model, options.peer_python)
    made = {name: make for name, make in made.items() if name in (options.setups or [name])}
    print("| data | labels | draws | " + " | ".join(made) + " | skko above the best other |")
    print("| --- " * (4 + len(made)) + "|", flush=True)
    leads: dict[str, list[tuple[float, str]]] = {}
    for name in options.sets:
        (texts, labels), test = split(name, options.data)
        for size in _sizes(options.sizes, labels):
            draws = options.draws or SIZES[size]
            drawn = [draw(labels, size, seed) for seed in range(draws)]
            scores = {}
            for setup, make in made.items():
                used = drawn if setup != "SetFit" else drawn[:_SETFIT_DRAWS] if int(size) < 1_000 else []
                scores[setup] = [_accuracy(make(), [texts[row] for row in rows], labels[rows], test) for rows in used]
            lead = _lead(scores)
            leads.setdefault(size, []).append((lead, name))
            each = f"{size} a class" if int(size) < 1_000 else f"{len(drawn[0]):,}"
            cells = " | ".join(_cell(found) for found in scores.values())
            print(f"| {name} | {each} | {draws} | {cells} | {lead:+.3f} |", flush=True)
    print("\n| labels | skko above the best other, at least | where |\n| --- | --- | --- |")
    for size, found in leads.items():
        lead, name = min(found)
        print(f"| {size} | {lead:+.3f} | {name} |")


def _lead(scores: dict[str, list[float]]) -> float:
    """How far skko is above the best other, each on the draws that both have."""
    ours = scores.get("skko", [])
    others = [found for name, found in scores.items() if name != "skko" and found]
    return min((float(np.mean(np.subtract(ours[: len(found)], found))) for found in others if ours), default=np.nan)


def _accuracy(setup: Any, texts: list[str], labels: Any, test: Rows) -> float:
    asked, expected = test
    return float((setup.fit(texts, labels).predict(asked) == expected).mean())


def _cell(found: list[float]) -> str:
    if len(found) < 2:
        return f"{found[0]:.3f}" if found else ""
    return f"{np.mean(found):.3f} ± {np.std(found):.3f}"


def _sizes(sizes: list[str], labels: Any) -> list[str]:
    """Those that there are labels for; of the largest, all that there are will do."""
    return [size for size in sizes if int(size) < len(labels) or size == sizes[-1]]


def choose_weights(options: argparse.Namespace) -> None:
    """Print the accuracy of fixed lexical weights, and of the choice, on rows to choose by."""
    print("| data | labels | " + " | ".join(f"{weight:g}" for weight in _WEIGHTS) + " | chosen | its weight |")
    print("| --- " * (4 + len(_WEIGHTS)) + "|")
    for name in options.sets:
        (texts, labels), (others, expected) = development(name, options.data)
        for size in _sizes(options.sizes, labels):
            scores = []
            for seed in range(options.draws or min(_CHOOSING_DRAWS, SIZES[size])):
                rows = draw(labels, size, seed)
                scores.append(_with_weights([texts[row] for row in rows], labels[rows], others, expected))
            cells = " | ".join(f"{value:.3f}" for value in np.mean(scores, axis=0))
            print(f"| {name} | {len(rows):,} | {cells} |", flush=True)


def _with_weights(texts: list[str], labels: Any, others: list[str], expected: Any) -> list[float]:
    """Accuracy for each weight, that of the choice, and the weight that was chosen."""
    pipeline = make_text_classifier("skko-mini").fit(texts, labels)
    features = pipeline["features"]
    chosen = [float((pipeline.predict(others) == expected).mean()), features.weights_["characters"]]
    scores = []
    for weight in _WEIGHTS:
        weights = {name: 1.0 if name == "embed" else weight for name in features.weights_}
        pipeline.set_params(features__transformer_weights=weights)
        scores.append(float((pipeline.fit(texts, labels).predict(others) == expected).mean()))
    return scores + chosen


def measure_memory(options: argparse.Namespace) -> None:
    """Print time and peak memory of fit and predict on many reviews, each set-up in a process of its own."""
    if options.one:
        # Only the films whose ratings skko-mini learnt have so many. Its vectors of them tell so much that the words
        # would be left out, which other texts need: their weight is given, as the rule has it for so many labels.
        many = clear(sources.reviews(options.data)).sample(options.reviews, random_state=0)
        test = clear(sources.reviews(options.data, held_out=True)).sample(10_000, random_state=0)
        pipeline = setups(options.model)[options.one]()
        if options.one == "skko":
            pipeline.set_params(features__transformer_weights={"characters": 1.6, "morphemes": 1.6})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        pipeline.fit(many["text"].tolist(), many["label"].to_numpy())
        fitted = time.perf_counter()
        score = float((pipeline.predict(test["text"].tolist()) == test["label"]).mean())
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
    (texts, labels), _ = split("YNAT", options.data)
    texts, labels = texts[: options.headlines], labels[: options.headlines]
    grid = {
        "classify__C": np.geomspace(0.1, 100, 20).tolist(),
        "classify__class_weight": [None, "balanced"],
    }
    before, started = encode_counts(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:  # in which candidates share the features of a fold
        pipeline = make_text_classifier(options.model).set_params(memory=folder)
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
        "--data", type=Path, help="folder with ynat/, nsmc_raw/, 3i4k/, kobest_sentineg/ and petitions/"
    )
    parser.add_argument("--model", default="skko-mini", help="embedding model (default: skko-mini)")
    parser.add_argument("--part", choices=_PARTS, default="sizes", help="what to measure")
    parser.add_argument(
        "--sets",
        nargs="+",
        default=["YNAT", "NSMC", "3i4k", "SentiNeg"],
        help="data sets; of --part choose also petitions",
    )
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="numbers of labels")
    parser.add_argument("--draws", type=int, help="draws (default: 10, 10, 5 and 1 by size)")
    parser.add_argument("--peer-python", help="interpreter that has SetFit (default: this one, if it has)")
    parser.add_argument("--setups", nargs="+", help="set-ups by name (default: all that are installed)")
    parser.add_argument("--reviews", type=int, default=200_000, help="reviews of --part memory")
    parser.add_argument("--headlines", type=int, default=20_000, help="headlines of --part search")
    parser.add_argument("--n-jobs", type=int, help="workers of --part search; counts are of this process alone")
    parser.add_argument("--one", metavar="SETUP", help="of --part memory measure one, and print JSON")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    if options.alone:
        fit_alone(options)
        return
    if options.data is None:
        parser.error("--data names the folder of the texts")
    measures = (measure_sizes, choose_weights, measure_memory, measure_search)
    dict(zip(_PARTS, measures, strict=True))[options.part](options)


if __name__ == "__main__":
    main()
