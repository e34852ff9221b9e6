"""Fine-tuning: gradient caching, skko-mini before and after, first dimensions, the card's step, few labels and SetFit.

``python -m benchmarks.finetune --data DIR [--measure NAME ...]`` prints the tables of results/finetune.md. What costs
memory runs in a process of its own. ``gpu`` is left out without CUDA, and SetFit where it is not installed.
"""

import argparse
import importlib.util
import os
import platform
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline

from benchmarks.finetune_step import measure_cache, measure_gpu
from skko import KoEmbeddingTransformer
from skko.datasets import fetch_chatbot, fetch_intents, fetch_korsts, fetch_parakqc, fetch_question_pair
from skko.exceptions import SkkoWarning
from skko.finetune import KoEmbeddingFineTuner, make_few_shot_classifier
from skko.models import mini_path
from training import evaluate, sources
from training.save import load_model, save_model

MEASURES = ("cache", "mini", "nested", "gpu", "few-shot")
STATIC_RATE, N_DRAWS, N_TEST = 1e-3, 3, 5_000
NESTED = (256, 128, 64, 32)


def training_pairs(data: Path) -> list[tuple[str, str]]:
    """Pairs of question_pair that say the same, of chatbot, and of paraKQC's first 800 groups; none is held out."""
    asked = pd.concat([fetch_question_pair("train", data_home=data), fetch_question_pair("validation", data_home=data)])
    asked = asked[asked["same"]]
    chatbot = fetch_chatbot(data_home=data)
    texts = fetch_parakqc(data_home=data)["text"].tolist()
    texts = texts[: sources.N_PARAKQC_GROUPS * sources.GROUP_SIZE]
    pairs = list(zip(asked["question1"], asked["question2"], strict=True))
    pairs += zip(chatbot["question"], chatbot["answer"], strict=True)
    pairs += zip(texts[::2], texts[1::2], strict=True)
    sts = fetch_korsts("dev", data_home=data)
    hidden = {*sts["sentence1"], *sts["sentence2"], *sources.held_out_paraphrases(data)}
    return [(a, b) for a, b in dict.fromkeys(pairs) if a != b and not {a, b} & hidden]


def worth(embed: Any, data: Path) -> dict[str, float]:
    """What vectors are worth on what was held out."""
    sts = fetch_korsts("dev", data_home=data)
    left, right = embed(sts["sentence1"].tolist()), embed(sts["sentence2"].tolist())
    texts = sources.held_out_paraphrases(data)
    vectors, groups = embed(texts), np.arange(len(texts)) // sources.GROUP_SIZE
    above = np.triu_indices(len(texts), 1)
    same = groups[above[0]] == groups[above[1]]
    return {
        "KorSTS dev, Spearman": float(spearmanr((left * right).sum(axis=1), sts["score"]).statistic),
        "paraKQC, last 200 groups, average precision": float(
            average_precision_score(same, (vectors @ vectors.T)[above])
        ),
    }


def mini(data: Path) -> None:
    """skko-mini on the three sets, of all of which it has learnt before; nothing was chosen by AutoRAG."""
    pairs = training_pairs(data)
    tuner = KoEmbeddingFineTuner("skko-mini", epochs=3, batch_size=512, learning_rate=STATIC_RATE, device="cpu")
    started = time.perf_counter()
    tuner.fit(pairs)
    seconds = time.perf_counter() - started
    steps = max(int(entry["step"]) for entry in tuner.history_)
    retrieval = "AutoRAG recall@1"
    before, after = (
        worth(embed, data) | {retrieval: evaluate.autorag(embed, data)[retrieval]}
        for embed in (KoEmbeddingTransformer(one, cache=False).fit([]).transform for one in ("skko-mini", tuner.model_))
    )
    print("\n## skko-mini, tuned on question_pair, chatbot and paraKQC's first 800 groups\n")
    print(f"{len(pairs):,} pairs, {tuner.loss_}, {tuner.epochs} epochs, batches of {tuner.batch_size_}, learning rate")
    print(f"{tuner.learning_rate:g}: {steps} steps in {seconds:.0f} s. skko-mini has learnt from these sets before.")
    print("Nothing was chosen by AutoRAG.\n")
    print("| measure | before | after |\n| --- | --- | --- |")
    for name, score in before.items():
        print(f"| {name} | {score:.3f} | {after[name]:.3f} |")


def turned_mini(folder: Path) -> str:
    """skko-mini turned at random: all cosines as they are, and the first dimensions worth no more than others."""
    table, tokenizer = load_model(mini_path())
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(NESTED[0], NESTED[0])))
    save_model(table @ table.new_tensor(turn), tokenizer, folder)
    return str(folder)


def nested(data: Path) -> None:
    """What first dimensions are worth that were trained to stand alone, and that were not."""
    pairs = training_pairs(data)
    print("\n## First dimensions: skko-mini turned at random, tuned on the same pairs\n")
    print(f"3 epochs, batches of 512, learning rate {STATIC_RATE:g}; average precision of paraKQC's last 200 groups,")
    print("and Spearman's correlation of KorSTS dev. skko-mini's own first dimensions stand alone already, hence the")
    print("turn.\n")
    print("| dimensions | before | tuned | with `matryoshka_dims` | KorSTS before | tuned | with `matryoshka_dims` |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        model = turned_mini(Path(folder) / "turned")
        usual = {"epochs": 3, "batch_size": 512, "learning_rate": STATIC_RATE, "device": "cpu"}
        tuned = [KoEmbeddingFineTuner(model, matryoshka_dims=dims, **usual).fit(pairs) for dims in (None, NESTED)]
        for dimension in NESTED:
            found = [
                worth(KoEmbeddingTransformer(one, truncate_dim=dimension, cache=False).fit([]).transform, data)
                for one in (model, *(tuner.model_ for tuner in tuned))
            ]
            names = ("paraKQC, last 200 groups, average precision", "KorSTS dev, Spearman")
            cells = " | ".join(f"{scores[name]:.3f}" for name in names for scores in found)
            print(f"| {dimension} | {cells} |")


def labelled(name: str, data: Path) -> pd.DataFrame:
    """Texts and labels: of YNAT those that skko-mini never saw, the held-out ones first, or of 3i4k in random order."""
    if name == "YNAT":
        others = sources.headlines(data)[sources.N_YNAT_TAUGHT :]
        table = pd.concat([sources.headlines(data, held_out=True), others], ignore_index=True)
        return table.rename(columns={"title": "text", "topic_idx": "label"})
    table = fetch_intents(data_home=data)
    return table.drop_duplicates("text").sample(frac=1.0, random_state=0, ignore_index=True)


def fit_setfit(train: pd.DataFrame) -> Any:
    """SetFit with the same recipe, rate and head."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel(
        model_body=SentenceTransformer(str(mini_path()), device="cpu"), model_head=LogisticRegression(max_iter=1000)
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=16,
            num_epochs=1,
            num_iterations=20,
            body_learning_rate=STATIC_RATE,
            seed=0,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        Trainer(model=model, args=arguments, train_dataset=Dataset.from_pandas(train, preserve_index=False)).train()
    return model


def few_shot(data: Path) -> None:
    """Accuracy and seconds with few labels: the head alone, skko's recipe, and SetFit's own."""
    print("\n## Few labels: skko-mini, 5,000 texts to test, means of 3 draws\n")
    print(f"One epoch, batches of 16, 20 partners of each kind a text, learning rate {STATIC_RATE:g}, the head of")
    print("scikit-learn: SetFit's recipe, and the same in both.\n")
    print("| data | labels a class | classifier | accuracy | least and most | CPU seconds to fit |")
    print("| --- | --- | --- | --- | --- | --- |")
    names = ["head alone", "skko"] + (["SetFit"] if importlib.util.find_spec("setfit") else [])
    for source in ("YNAT", "3i4k"):
        table = labelled(source, data)
        test, rest = table[:N_TEST], table[N_TEST:]
        for n_labels in (8, 16):
            found: dict[str, list[tuple[float, float]]] = {}
            for draw in range(N_DRAWS):
                train = rest.groupby("label").sample(n_labels, random_state=draw)[["text", "label"]]
                for name in names:
                    found.setdefault(name, []).append(fit_and_score(name, train, test, draw))
            for name, runs in found.items():
                scores, seconds = np.array(runs).T
                spread = f"{scores.min():.3f} {scores.max():.3f}"
                print(
                    f"| {source} | {n_labels} | {name} | {scores.mean():.3f} | {spread} | {seconds.mean():.1f} |",
                    flush=True,
                )


def fit_and_score(name: str, train: pd.DataFrame, test: pd.DataFrame, draw: int) -> tuple[float, float]:
    """Accuracy, and CPU seconds to fit."""
    started = time.process_time()
    if name == "SetFit":
        model = fit_setfit(train)
    elif name == "skko":
        model = make_few_shot_classifier("skko-mini", learning_rate=STATIC_RATE, random_state=draw, device="cpu")
        model.fit(train["text"], train["label"])
    else:
        model = make_pipeline(KoEmbeddingTransformer("skko-mini", cache=False), LogisticRegression(max_iter=1000))
        model.fit(train["text"], train["label"])
    seconds = time.process_time() - started
    predicted = np.asarray(model.predict(test["text"].tolist()))
    return float((predicted.astype(str) == test["label"].to_numpy().astype(str)).mean()), seconds


def main() -> None:
    """Read the command line, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--measure", nargs="+", choices=MEASURES, default=list(MEASURES), help="what to measure")
    parser.add_argument("--turns", type=int, default=2, help="turns of the cached losses")
    options = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "sentence-transformers", "transformers"))
    print(f"# Fine-tuning\n\n`python -m benchmarks.finetune --data DIR --measure {' '.join(options.measure)}`")
    print(f"with {versions}, CPython {platform.python_version()}, {os.cpu_count()} cores.", flush=True)
    warnings.simplefilter("ignore", SkkoWarning)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SKKO_CACHE_DIR"] = folder  # else a second run would find what the first has trained
        work = {"cache": lambda: measure_cache(options.data, options.turns), "mini": lambda: mini(options.data)}
        work |= {"nested": lambda: nested(options.data), "gpu": measure_gpu, "few-shot": lambda: few_shot(options.data)}
        for name in options.measure:
            work[name]()


if __name__ == "__main__":
    main()
