"""Score a model: ``python -m training.evaluate --model DIR --data DIR`` prints a table in Markdown.

KorSTS dev, the held-out headlines of YNAT, the held-out articles of Wikipedia and the held-out groups of ParaKQC are
for development. AutoRAG is for the final report only: nothing may be chosen by it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from training import sources
from training.speed import headlines_per_second

Encode = Callable[[list[str]], NDArray[np.float32]]
Scores = dict[str, float]

N_DRAWS = 10
N_LABELS = 8
RANKS = (1, 3, 5, 10)


def sts(encode: Encode, data: Path) -> Scores:
    """Spearman correlation of cosines with people's judgements, on KorSTS dev."""
    table = sources.read_table(data / "kornlu" / "sts-dev.tsv")
    left, right = encode(table["sentence1"].tolist()), encode(table["sentence2"].tolist())
    cosines = np.einsum("ij,ij->i", left, right)
    return {"KorSTS dev, Spearman": float(spearmanr(cosines, table["score"].astype(float)).statistic)}


def held_out_retrieval(encode: Encode, data: Path) -> Scores:
    """Share of held-out articles whose first passage is nearest to the title, and to the second passage."""
    found = [article for article in sources.articles(data, held_out=True) if len(article.passages) == 2]
    titles = encode([article.title for article in found])
    first, second = (encode([article.passages[i] for article in found]) for i in (0, 1))
    return {
        "Wikipedia title to passage, recall@1": _hits(titles, first),
        "Wikipedia passage to passage, recall@1": _hits(second, first),
    }


def _hits(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> float:
    blocks = np.array_split(np.arange(len(queries)), max(1, len(queries) // 1024))
    best = np.concatenate([(queries[block] @ documents.T).argmax(axis=1) for block in blocks])
    return float((best == np.arange(len(queries))).mean())


def held_out_paraphrases(encode: Encode, data: Path) -> Scores:
    """Share of held-out ParaKQC questions whose nearest other question is a paraphrase of theirs."""
    texts = sources.held_out_paraphrases(data)
    groups = np.arange(len(texts)) // sources.GROUP_SIZE
    vectors = encode(texts)
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    return {"ParaKQC held out, precision@1": float((groups[similarities.argmax(axis=1)] == groups).mean())}


def few_shot_topics(encode: Encode, data: Path) -> Scores:
    """Accuracy of logistic regression on YNAT's held-out headlines, with 8 labels a class, mean of 10 draws."""
    from sklearn.linear_model import LogisticRegression

    train, test = sources.headlines(data), sources.headlines(data, held_out=True)
    X_test = encode(test["title"].tolist())
    accuracies = []
    for draw in range(N_DRAWS):
        few = train.groupby("topic_idx").sample(N_LABELS, random_state=draw)
        classifier = LogisticRegression(C=10.0, max_iter=1000).fit(encode(few["title"].tolist()), few["topic_idx"])
        accuracies.append(classifier.score(X_test, test["topic_idx"]))
    return {"YNAT, 8 labels a class, accuracy": float(np.mean(accuracies))}


def autorag(encode: Encode, data: Path) -> Scores:
    """Recall of AutoRAG's Korean benchmark: 114 queries, 720 passages."""
    corpus = pd.read_parquet(data / "autorag" / "ocr_corpus_v3.parquet")
    questions = pd.read_parquet(data / "autorag" / "qa_v4.parquet")
    wanted = [{name for group in groups for name in group} for groups in questions["retrieval_gt"]]
    similarities = encode(questions["query"].tolist()) @ encode(corpus["contents"].tolist()).T
    names = corpus["doc_id"].to_numpy()[np.argsort(-similarities, axis=1, kind="stable")]
    recalls = {
        rank: np.mean([len(gold & set(row[:rank])) / len(gold) for gold, row in zip(wanted, names, strict=True)])
        for rank in RANKS
    }
    return {f"AutoRAG recall@{rank}": float(recall) for rank, recall in recalls.items()}


def markdown(scores: Scores) -> str:
    """Lay scores out as a table."""
    rows = [f"| {name} | {f'{value:,.0f}' if value > 1 else f'{value:.3f}'} |" for name, value in scores.items()]
    return "\n".join(["| measure | score |", "| --- | --- |", *rows])


def development(encode: Encode, data: Path) -> Scores:
    """Every score that choices may be made by."""
    return (
        sts(encode, data)
        | held_out_retrieval(encode, data)
        | held_out_paraphrases(encode, data)
        | few_shot_topics(encode, data)
    )


def evaluate(directory: Path, data: Path) -> Scores:
    """Load a model and measure all of it.

    Parameters
    ----------
    directory : Path
        A sentence-transformers directory.
    data : Path
        Folder of the data sets.

    Returns
    -------
    dict of str to float
        Scores by name.
    """
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(directory), device="cpu").float()

    def encode(texts: list[str]) -> NDArray[np.float32]:
        return np.asarray(model.encode(texts, batch_size=512), dtype=np.float32)

    return development(encode, data) | autorag(encode, data) | headlines_per_second(model, data)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="sentence-transformers directory")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    options = parser.parse_args()
    print(markdown(evaluate(options.model, options.data)))


if __name__ == "__main__":
    main()
