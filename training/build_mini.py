"""Build skko-mini: ``python -m training.build_mini --data DIR --out skko/models/mini [--work DIR] [--seed 0]``."""

import argparse
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training import evaluate, sources
from training.bags import Bags, embed
from training.card import write_card
from training.corpus import Corpus, build_corpus
from training.distil import distil, initial_table, tokenise
from training.kiwi_vectors import LARGEST_ERROR, largest_error, recover_vectors
from training.morphemes import analyse, make_kiwi
from training.save import save_model, size_of
from training.sif import sif_table
from training.subwords import fallback_rate, train_tokenizer
from training.tune import blend, tune

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

N_THREADS = 2


@dataclass(frozen=True, slots=True)
class Build:
    """Where one build reads and writes, and its seed."""

    data: Path
    out: Path
    work: Path
    seed: int


def build(run: Build) -> None:
    """Run every step and write the model.

    Parameters
    ----------
    run : Build
        Folders and seed.
    """
    torch.set_num_threads(N_THREADS)
    torch.manual_seed(run.seed)
    say = _clock()
    kiwi = make_kiwi(N_THREADS)
    vectors = _vectors(kiwi, run)
    say("recovered the morpheme vectors")
    corpus = build_corpus(run.data, seed=run.seed)
    say(f"read {len(corpus.texts):,} texts and {len(corpus.pairs):,} pairs")
    morphemes = analyse(kiwi, corpus.texts, len(vectors), run.work / f"morphemes-{_digest(corpus)}.npz")
    say(f"analysed into {len(morphemes.ids):,} content morphemes")
    teacher = _teacher(vectors, morphemes, corpus, run)
    say("tuned the teacher")
    tokenizer = _tokenizer(corpus, run)
    say("trained the vocabulary")
    start = initial_table(teacher, kiwi, tokenizer)
    bags = tokenise(tokenizer, corpus.texts)
    student = distil(start, bags, embed(teacher, morphemes), corpus.pairs, seed=run.seed)
    say("distilled")
    _finish(student, tokenizer, run)
    say(f"wrote {run.out}, {size_of(run.out) / 1e6:.1f} MB")


def _vectors(kiwi: "Kiwi", run: Build) -> NDArray[np.float32]:
    """Recover the vectors, or read them, and in both cases compare them with Kiwi's own cosines."""
    cache = run.work / f"vectors-{version('kiwipiepy_model')}-{run.seed}.npy"
    if not cache.exists():
        np.save(cache, recover_vectors(kiwi, seed=run.seed))
    vectors: NDArray[np.float32] = np.load(cache)
    error = largest_error(kiwi, vectors)
    print(f"  {len(vectors):,} vectors, largest error of a cosine {error:.1e}", flush=True)
    if error > LARGEST_ERROR:
        raise RuntimeError(f"The vectors differ from Kiwi's cosines by {error:.1e}, more than {LARGEST_ERROR:.0e}.")
    return vectors


def _teacher(vectors: NDArray[np.float32], morphemes: Bags, corpus: Corpus, run: Build) -> torch.Tensor:
    untuned = sif_table(vectors, morphemes)
    cache = run.work / f"tuned-{_digest(corpus)}-{run.seed}.pt"
    if not cache.exists():
        torch.save(tune(untuned, morphemes, corpus.pairs, seed=run.seed), cache)
    return blend(untuned, torch.load(cache))


def _tokenizer(corpus: Corpus, run: Build) -> Tokenizer:
    cache = run.work / f"tokenizer-{_digest(corpus)}.json"
    if not cache.exists():
        train_tokenizer(corpus.texts).save(str(cache))
    return Tokenizer.from_file(str(cache))


def _finish(student: torch.Tensor, tokenizer: Tokenizer, run: Build) -> None:
    """Save the model, measure what was saved, and write its card."""
    save_model(student, tokenizer, run.out)
    headlines = sources.headlines(run.data, held_out=True)["title"].tolist()
    unknown, spelled = fallback_rate(tokenizer, headlines)
    print(f"  held-out headlines: {unknown:.2%} of tokens unknown, {spelled:.2%} bytes", flush=True)
    scores = evaluate.evaluate(run.out, run.data)
    table = evaluate.markdown(scores)
    write_card(run.out, table)
    print(table, flush=True)


def _digest(corpus: Corpus) -> str:
    """Name of a corpus, so that cached results are only used for the texts that they came from."""
    return hashlib.blake2b("\0".join(corpus.texts).encode(), digest_size=6).hexdigest()


def _clock() -> Callable[[str], None]:
    started = time.perf_counter()

    def say(what: str) -> None:
        print(f"[{time.perf_counter() - started:5.0f} s] {what}", flush=True)

    return say


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--work", type=Path, help="folder of intermediate results, kept for the next build")
    parser.add_argument("--seed", type=int, default=0, help="seed of every random choice")
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        build(Build(options.data, options.out, work, options.seed))


if __name__ == "__main__":
    main()
