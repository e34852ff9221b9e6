"""What the pieces of skko-mini find without its vectors: ``python -m training.pieces --data DIR`` prints a table.

A mean of vectors counts the pieces of a text. Here each piece is a dimension of its own: none gets lost among 256, and
texts are alike by the pieces that they share alone. Logarithms of counts are what no mean can have.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import Tokenizer

from benchmarks.mini import Encoder
from skko.models import mini_path
from training import evaluate, sources
from training.save import load_model

_COUNTED_LENGTH = 1000


def pieces(
    tokenizer: Tokenizer, weights: NDArray[np.float32] | None = None, *, logarithms: bool = False
) -> TfidfVectorizer:
    """Make a vectoriser that gives each piece of a text a dimension.

    Parameters
    ----------
    tokenizer : Tokenizer
        The tokeniser of the pieces.
    weights : ndarray of float32, shape (n_pieces,), optional
        What each piece weighs; by default its inverse document frequency, once the vectoriser is fitted.
    logarithms : bool, default=False
        Whether a piece that occurs n times counts 1 + ln n and not n.

    Returns
    -------
    TfidfVectorizer
        Ready to transform where weights are given.
    """

    def cut(text: str) -> list[str]:
        tokens: list[str] = tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens

    vocabulary = tokenizer.get_vocab()
    vectorizer = TfidfVectorizer(
        analyzer=cut, lowercase=False, vocabulary=vocabulary, sublinear_tf=logarithms, dtype=np.float32
    )
    if weights is not None:
        vectorizer.idf_ = weights
    return vectorizer


def measure(model: Path, data: Path) -> dict[str, evaluate.Scores]:
    """Search by the model, and by its pieces in four ways.

    Parameters
    ----------
    model : Path
        Its directory.
    data : Path
        Folder of the data sets.

    Returns
    -------
    dict of str to dict
        Scores by way.
    """
    table, tokenizer = load_model(model)
    lengths = table.norm(dim=1).numpy()
    articles = [article.text[:_COUNTED_LENGTH] for article in sources.articles(data)]
    rare = pieces(tokenizer).fit(articles).idf_
    ways: dict[str, evaluate.Encode] = {"vectors": Encoder(str(model))}
    for name, weights in (("its weights", lengths), ("inverse document frequency", rare)):
        for logarithms in (False, True):
            way = f"pieces by {name}{', logarithms' * logarithms}"
            ways[way] = pieces(tokenizer, weights, logarithms=logarithms).transform
    return {name: evaluate.retrieval(way, data) | evaluate.autorag(way, data) for name, way in ways.items()}


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--model", type=Path, default=mini_path(), help="a static model's directory")
    options = parser.parse_args()
    found = measure(options.model, options.data)
    print("| measure |", " | ".join(found), "|")
    print("| --- |", " | ".join("---" for _ in found), "|")
    for score in next(iter(found.values())):
        print(f"| {score} |", " | ".join(f"{scores[score]:.3f}" for scores in found.values()), "|")


if __name__ == "__main__":
    main()
