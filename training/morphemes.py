"""Analyse texts into morphemes, once: analysis is the dearest step of the whole build."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.bags import Bags

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

# Particles (J), endings (E), symbols and the copula carry grammar. Numbers, Latin and hanja stay.
_LEFT_OUT = ("J", "E", "SF", "SP", "SS", "SE", "SO", "SW", "SB", "VCP")
_REPORT_EVERY = 100_000


def make_kiwi(n_threads: int) -> "Kiwi":
    """Load Kiwi without its dictionary of compounds.

    The language model has no vectors for those compounds, but has them for their parts: without the dictionary,
    recall of held-out Wikipedia passages by their titles rose from .28 to .33.

    Parameters
    ----------
    n_threads : int
        Number of threads to analyse with.

    Returns
    -------
    Kiwi
        The analyser.
    """
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=n_threads, load_multi_dict=False)


def analyse(kiwi: "Kiwi", texts: list[str], n_morphemes: int, cache: Path) -> tuple[Bags, Counter[str]]:
    """Find the content morphemes of every text, and how often each morpheme is written how.

    Parameters
    ----------
    kiwi : Kiwi
        The analyser.
    texts : list of str, length n_texts
        Texts.
    n_morphemes : int
        Number of morphemes that have a vector; others are left out.
    cache : Path
        File to read the result from, or to write it to.

    Returns
    -------
    morphemes : Bags, length n_texts
        Ids of content morphemes.
    surfaces : Counter of str
        How often each morpheme stands in the texts, as it is written there and in lower case.
    """
    counted = cache.with_suffix(".json")
    if counted.exists():
        return Bags.load(cache), Counter(json.loads(counted.read_text(encoding="utf-8")))
    started = time.perf_counter()
    lists = []
    surfaces: Counter[str] = Counter()
    for number, (text, tokens) in enumerate(zip(texts, kiwi.tokenize(texts), strict=True), start=1):
        lists.append(content_ids(tokens, n_morphemes))
        surfaces.update(_surfaces(text, tokens))
        if number % _REPORT_EVERY == 0:
            print(f"  analysed {number:,} of {len(texts):,} texts, {time.perf_counter() - started:.0f} s", flush=True)
    bags = Bags.from_lists(lists)
    bags.save(cache)
    counted.write_text(json.dumps(surfaces, ensure_ascii=False), encoding="utf-8")
    return bags, surfaces


def _surfaces(text: str, tokens: list[Any]) -> Iterable[str]:
    """Cut a text where its morphemes start; those that share a syllable (했 = 하 + 었) stay together."""
    starts = sorted({token.start for token in tokens if token.len})
    ends = [token.start + token.len for token in tokens if token.len]
    last = max(ends, default=0)
    for start, end in zip(starts, [*starts[1:], last], strict=True):
        yield from text[start:end].lower().split()


def content_ids(tokens: list[Any], n_morphemes: int) -> NDArray[np.int32]:
    """Pick the ids of the content morphemes of one analysis.

    Parameters
    ----------
    tokens : list of Token
        What Kiwi found in one text.
    n_morphemes : int
        Number of morphemes that have a vector; others are left out.

    Returns
    -------
    ndarray of int32
        Ids in their order.
    """
    ids = [token.id for token in tokens if token.id < n_morphemes and not token.tag.startswith(_LEFT_OUT)]
    return np.array(ids, dtype=np.int32)
