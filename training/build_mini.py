"""Build skko-mini: ``python -m training.build_mini --data DIR --out DIR [--work DIR] [--refine MODEL] [--seed 0]``."""

import argparse
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.mini import markdown, measure
from training import sources
from training.bags import Bags, embed
from training.card import write_card
from training.corpus import Corpus, build_corpus
from training.kiwi_vectors import LARGEST_ERROR, largest_error, recover_vectors
from training.learn import REFINEMENT, Material, Recipe, learn, refine
from training.lessons import neighbourhoods
from training.morphemes import analyse, make_kiwi
from training.save import load_model, save_model, size_of
from training.sif import sif_table
from training.start import start_table, tokenise
from training.subwords import fallback_rate, make_tokenizer
from training.transformer import read

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

N_THREADS = 2


@dataclass(frozen=True, slots=True)
class Build:
    """Where one build reads and writes, the model to go on with, if any, and its seed."""

    data: Path
    out: Path
    work: Path
    refine: Path | None
    seed: int


def build(run: Build) -> None:
    """Run every step and write the model.

    Parameters
    ----------
    run : Build
        Folders and seed.
    """
    torch.set_num_threads(N_THREADS)
    say = _clock()
    kiwi = make_kiwi(N_THREADS)
    vectors = _vectors(kiwi, run)
    say("recovered the morpheme vectors")
    corpus = build_corpus(run.data, seed=run.seed)
    say(f"read {len(corpus.texts):,} texts")
    texts = [corpus.texts[row] for row in corpus.analysed]
    morphemes, surfaces = analyse(kiwi, texts, len(vectors), run.work / f"morphemes-{_digest(texts)}.npz")
    say(f"analysed {len(texts):,} of them into {len(morphemes.ids):,} content morphemes")
    teacher = sif_table(vectors, morphemes)
    taught = embed(teacher, morphemes).half()
    likened = _read(corpus, run)
    say(f"read {len(corpus.read):,} of them by the transformer")
    if run.refine:
        table, tokenizer = load_model(run.refine)
    else:
        tokenizer = make_tokenizer(surfaces)
    bags = _bags(tokenizer, corpus, run)
    say(f"cut all texts into {len(bags.ids):,} pieces")
    near = neighbourhoods(corpus, taught, run.seed)
    material = Material(corpus, bags, taught, likened, near)
    if not run.refine:
        start = start_table(teacher, kiwi, tokenizer, bags, seed=run.seed)
        table = learn(start, material, Recipe(seed=run.seed))
        say("trained")
    table = refine(table, material, replace(REFINEMENT, seed=run.seed))
    say("refined")
    _finish(table, tokenizer, run)
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


def _read(corpus: Corpus, run: Build) -> torch.Tensor:
    texts = [corpus.texts[row] for row in corpus.read]
    return read(texts, run.work / f"read-{_digest(texts)}.npy")


def _bags(tokenizer: Tokenizer, corpus: Corpus, run: Build) -> Bags:
    cache = run.work / f"pieces-{_digest([tokenizer.to_str(), *corpus.texts])}.npz"
    if not cache.exists():
        tokenise(tokenizer, corpus.texts).save(cache)
    return Bags.load(cache)


def _finish(table: torch.Tensor, tokenizer: Tokenizer, run: Build) -> None:
    """Save the model, measure what was saved, and write its card."""
    save_model(table, tokenizer, run.out)
    headlines = sources.headlines(run.data, held_out=True)["title"].tolist()
    unknown, spelled = fallback_rate(tokenizer, headlines)
    print(f"  held-out headlines: {unknown:.2%} of tokens unknown, {spelled:.2%} bytes", flush=True)
    scores = markdown(measure(str(run.out), run.data))
    write_card(run.out, scores)
    print(scores, flush=True)


def _digest(texts: Iterable[str]) -> str:
    """Name of some texts, so that cached results are only used for the texts that they came from."""
    digest = hashlib.blake2b(digest_size=6)
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


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
    parser.add_argument("--refine", type=Path, metavar="MODEL", help="only go on with the training of this model")
    parser.add_argument("--seed", type=int, default=0, help="seed of every random choice")
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        build(Build(options.data, options.out, work, options.refine, options.seed))


if __name__ == "__main__":
    main()
