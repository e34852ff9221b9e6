"""Real Korean texts for the benchmarks, and XLM-RoBERTa with random weights that reads them."""

from pathlib import Path

import numpy as np
import pandas as pd

from skko.datasets import fetch_petitions, fetch_ynat
from tests.tiny import build_xlm_roberta

BASE = {"dimension": 768, "n_layers": 12, "n_heads": 12, "feed_forward": 3072, "spread": 0.05}
"""XLM-RoBERTa base. Wider random weights would make noise of the last bit grow until vectors differ."""


def headlines(data: Path) -> pd.DataFrame:
    """News headlines with one of seven topics, in random order."""
    table = fetch_ynat(data_home=data)
    return table.drop_duplicates("title").sample(frac=1.0, random_state=0, ignore_index=True)


def petitions(data: Path) -> list[str]:
    """Petitions, mostly of some hundred words."""
    contents = fetch_petitions(["2019-06"], data_home=data)["content"]
    return [text for text in contents.str.strip() if text]


def mixed_texts(data: Path, n_texts: int) -> list[str]:
    """Ten headlines to one petition, in random order."""
    n_long = n_texts // 11
    texts = [*headlines(data)["title"][: n_texts - n_long], *petitions(data)[:n_long]]
    return [texts[i] for i in np.random.default_rng(0).permutation(len(texts))]


def uniform_texts(data: Path, n_texts: int) -> list[str]:
    """Headlines of about one length."""
    titles = headlines(data)["title"]
    lengths = titles.str.len()
    return list(titles[lengths.between(28, 30)][:n_texts])


def build_base(path: Path, texts: list[str], max_length: int = 512) -> Path:
    """XLM-RoBERTa of base shape with random weights, and a tokeniser trained on the texts.

    Its vocabulary of 8,000 is smaller than the 250,000 of the original, which a table look-up does not feel.
    """
    return build_xlm_roberta(path, seed=0, corpus=texts[:5_000], vocabulary=8_000, max_length=max_length, **BASE)
