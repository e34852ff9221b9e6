"""Train the table of pieces, and with it the weight of each piece, on all lessons at once."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from training import losses
from training.bags import Bags
from training.corpus import Corpus, Rows
from training.lessons import Articles, Judged, Labelled, Lesson, Pairs, Runs, Taught, alike

_N_REPORTS = 10


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train; training/README.md has what was tried.

    Attributes
    ----------
    steps : int
        Number of steps, each of which looks at all lessons.
    short_steps : int
        Of a second training, which learns less by heart.
    short_share : float
        Weight of its table in the mean of the two.
    learning_rate, weight_learning_rate, head_learning_rate : float
        Of Adam for the directions of the pieces, for the logarithms of their weights, and for the heads of the labelled
        sets; they rise over the first steps and fall linearly to 0.
    articles, pairs, judged, taught, headlines, sentences : float
        Weights of the losses.
    labelled : dict of str to float
        Weights of the labelled sets.
    near : float
        Share of a step's articles that come from a few neighbourhoods.
    dropout : float
        Share of the pieces of a text that a step leaves out.
    longest : int
        Pieces of a text that a step looks at.
    seed : int
        Seed of every draw.
    """

    steps: int = 8_000
    short_steps: int = 500
    short_share: float = 0.2
    learning_rate: float = 3e-3
    weight_learning_rate: float = 1e-2
    head_learning_rate: float = 2e-2
    articles: float = 1.0
    pairs: float = 0.5
    judged: float = 0.2
    taught: float = 0.5
    headlines: float = 0.0
    sentences: float = 0.0
    labelled: dict[str, float] = field(default_factory=lambda: {"nsmc": 0.3, "ynat": 0.1})
    near: float = 0.5
    dropout: float = 0.1
    longest: int = 256
    seed: int = 0


REFINEMENT = Recipe(steps=200, learning_rate=1e-3, weight_learning_rate=3e-3, headlines=0.5, sentences=0.25)
"""How to go on with a trained table."""


@dataclass(frozen=True, slots=True)
class Material:
    """What every training learns from.

    Attributes
    ----------
    corpus : Corpus
        Texts, and what belongs together.
    bags : Bags, length n_texts
        The texts as pieces.
    taught : Tensor of float16, shape (n_analysed, dimension)
        The first teacher's vectors of ``corpus.analysed``.
    read : Tensor of float16, shape (n_read, dimension_of_the_transformer)
        The transformer's vectors of ``corpus.read``.
    near : ndarray of int64, shape (n_articles,)
        Neighbourhood of each article.
    """

    corpus: Corpus
    bags: Bags
    taught: torch.Tensor
    read: torch.Tensor
    near: Rows


def learn(start: tuple[torch.Tensor, torch.Tensor], material: Material, recipe: Recipe) -> torch.Tensor:
    """Train a table twice, long and briefly, and take the mean of both.

    The long training finds texts best, the brief one tells classes apart by few labels, and their mean does nearly
    both, for they start at the same table (Wortsman et al., "Model soups", 2022).

    Parameters
    ----------
    start : tuple of Tensor
        Unit vectors of the pieces, and their weights.
    material : Material
        What to learn from.
    recipe : Recipe
        How.

    Returns
    -------
    Tensor of float32, shape (n_pieces, dimension)
        The table.
    """
    brief = train(start, material, replace(recipe, steps=recipe.short_steps))
    long = train(start, material, recipe)
    # Rows grow with the steps, and only their lengths beside each other matter.
    brief *= long.norm(dim=1).mean() / brief.norm(dim=1).mean()
    return (1 - recipe.short_share) * long + recipe.short_share * brief


def refine(table: torch.Tensor, material: Material, recipe: Recipe) -> torch.Tensor:
    """Train a table on for some steps, in which the transformer teaches, too.

    Parameters
    ----------
    table : Tensor of float32, shape (n_pieces, dimension)
        A trained table.
    material : Material
        What to learn from.
    recipe : Recipe
        How.

    Returns
    -------
    Tensor of float32, shape (n_pieces, dimension)
        The table.
    """
    weights = table.norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    scale = weights.median()
    refined = train((table / weights[:, None], weights / scale), material, recipe)
    # Rows keep their size: who tunes the model later takes steps that are as large beside them as before.
    return refined.mul(scale)


def train(start: tuple[torch.Tensor, torch.Tensor], material: Material, recipe: Recipe) -> torch.Tensor:
    """Train a table.

    Parameters
    ----------
    start : tuple of Tensor
        Unit vectors of the pieces, and their weights.
    material : Material
        What to learn from.
    recipe : Recipe
        How.

    Returns
    -------
    Tensor of float32, shape (n_pieces, dimension)
        The table: directions times weights.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    directions, weights = torch.nn.Parameter(start[0].clone()), torch.nn.Parameter(start[1].log())
    corpus = material.corpus
    labelled = {name: Labelled(*corpus.labelled[name], start[0].shape[1]) for name in recipe.labelled}
    headlines, sentences = alike(corpus, material.read)
    offered: dict[str, tuple[float, Lesson]] = {
        "articles": (recipe.articles, Articles(corpus, material.near, recipe.near)),
        "pairs": (recipe.pairs, Pairs(corpus)),
        "judged": (recipe.judged, Judged(corpus)),
        "taught": (recipe.taught, Taught(corpus.analysed, material.taught, losses.distance)),
        "headlines": (recipe.headlines, headlines),
        "sentences": (recipe.sentences, sentences),
        **{name: (recipe.labelled[name], lesson) for name, lesson in labelled.items()},
    }
    lessons = {name: (weight, lesson) for name, (weight, lesson) in offered.items() if weight}
    groups = [([directions], recipe.learning_rate), ([weights], recipe.weight_learning_rate)]
    groups += [(list(lesson.head.parameters()), recipe.head_learning_rate) for lesson in labelled.values()]
    settings = [{"params": parameters, "lr": rate} for parameters, rate in groups]
    optimiser = torch.optim.Adam(settings, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(_share_of_rate, steps=recipe.steps))
    started, report = time.perf_counter(), max(1, recipe.steps // _N_REPORTS)
    passed: dict[str, list[float]] = {name: [] for name in lessons}
    for step in range(1, recipe.steps + 1):
        drawn = {name: lesson.draw(rng) for name, (_, lesson) in lessons.items()}
        runs = [side for sides, _ in drawn.values() for side in sides]
        found = _embed(directions, weights.exp(), material.bags, runs, recipe, rng)
        total = torch.zeros(())
        for name, (sides, loss) in drawn.items():
            value = loss(*(next(found) for _ in sides))
            total = total + lessons[name][0] * value
            passed[name].append(value.item())
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % report == 0:
            means = ", ".join(f"{name} {np.mean(values[-report:]):.3f}" for name, values in passed.items())
            print(f"  step {step:,}: {means}, {time.perf_counter() - started:.0f} s", flush=True)
    return (directions * weights.exp()[:, None]).detach()


def _share_of_rate(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def _embed(
    directions: torch.Tensor,
    weights: torch.Tensor,
    bags: Bags,
    runs: list[Runs],
    recipe: Recipe,
    rng: np.random.Generator,
) -> Iterator[torch.Tensor]:
    """Weighted sum of each text's pieces, for all texts of a step at once: one gradient of the table's size, not ten.

    Weights are looked up a piece: their product with all directions, and its gradients, were a third of a step.
    """
    starts, ends = (np.concatenate([getattr(run, side) for run in runs]) for side in ("starts", "ends"))
    ids, offsets = gather(bags, Runs(starts, ends), longest=recipe.longest, dropout=recipe.dropout, rng=rng)
    sums = embedding_bag(ids, directions, offsets, mode="sum", per_sample_weights=weights[ids])
    yield from torch.split(sums, [len(run.starts) for run in runs])


def gather(
    bags: Bags, runs: Runs, *, longest: int, dropout: float, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather runs of texts as the input of an embedding bag.

    Parameters
    ----------
    bags : Bags
        Texts as pieces.
    runs : Runs
        Which.
    longest : int
        Pieces of a run that are kept, from its beginning.
    dropout : float
        Share of the pieces that are left out.
    rng : Generator
        Chooses them.

    Returns
    -------
    ids : Tensor of int64
        Pieces, one run after the other.
    offsets : Tensor of int64, shape (n_runs,)
        Where each run starts.
    """
    first = bags.offsets[runs.starts]
    lengths = np.minimum(bags.offsets[runs.ends] - first, longest)
    stops = np.cumsum(lengths)
    ids = bags.ids[np.arange(stops[-1]) + np.repeat(first - (stops - lengths), lengths)]
    kept = rng.random(len(ids), dtype=np.float32) >= dropout
    offsets = np.concatenate([[0], np.cumsum(kept)])[stops - lengths]
    return torch.from_numpy(ids[kept].astype(np.int64)), torch.from_numpy(offsets)
