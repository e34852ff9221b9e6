"""Who makes the shards: this process, or the workers of a Ray cluster."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from skko.distributed.corpus import Cursor
from skko.distributed.job import Job
from skko.distributed.shards import Shard
from skko.optional import import_optional


class ShardMaker:
    """Makes shards one after the other, with one model and one pass over the corpus.

    Parameters
    ----------
    job : Job
        What to make.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._bounds, self._cursor = job, job.bounds, Cursor(job.corpus)

    def make(self, number: int) -> Shard:
        """Make a shard; ascending numbers need no second pass.

        Parameters
        ----------
        number : int
            Which.

        Returns
        -------
        Shard
            Its record.
        """
        return self._job.embed(number, *self._cursor.read(*self._bounds[number]))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Make the shards of a batch of Ray Data.

        Parameters
        ----------
        batch : dict of str to ndarray
            ``number`` holds the shards.

        Returns
        -------
        dict of str to list of str
            ``shard`` holds their records, as JSON.
        """
        return {"shard": [json.dumps(asdict(self.make(int(number)))) for number in batch["number"]]}


def make_here(job: Job, numbers: list[int]) -> Iterator[Shard]:
    """Make shards in this process.

    Parameters
    ----------
    job : Job
        What to make.
    numbers : list of int
        Which shards, ascending.

    Yields
    ------
    Shard
        Each as soon as it is on the disk.
    """
    maker = ShardMaker(job)
    for number in numbers:
        yield maker.make(number)


def make_on_ray(
    job: Job, numbers: list[int], *, address: str | None, workers: int, num_cpus: float, num_gpus: float
) -> Iterator[Shard]:
    """Make shards on a Ray cluster, by actors of Ray Data that hold the model and read the corpus themselves.

    Parameters
    ----------
    job : Job
        What to make; every node sees the files and the folder under the same paths.
    numbers : list of int
        Which shards, ascending.
    address : str or None
        Of the cluster, as in ``ray.init``; None joins the one that this process is in or
        that ``RAY_ADDRESS`` names, or starts one on this machine.
    workers : int
        Actors, each with a model.
    num_cpus, num_gpus : float
        What each of them takes; a fraction of a GPU lets several share it.

    Yields
    ------
    Shard
        Each as soon as it is on the disk. What a lost worker was at is made again by another.

    Raises
    ------
    MissingDependencyError
        If Ray is not installed.
    """
    ray = import_optional("ray", extra="ray", purpose="embed on a Ray cluster")
    data = import_optional("ray.data", extra="ray", purpose="embed on a Ray cluster")
    ours = not ray.is_initialized()
    if ours:
        # Without an address Ray would join whatever cluster was last started on this machine.
        wanted = address or os.environ.get("RAY_ADDRESS", "local")
        ray.init(address=wanted, log_to_driver=False, include_dashboard=False if wanted == "local" else None)
    try:
        context = data.DataContext.get_current()
        context.enable_progress_bars = False  # there is one already
        shards = data.from_items([{"number": number} for number in numbers], override_num_blocks=len(numbers))
        made = shards.map_batches(
            ShardMaker,
            fn_constructor_args=(job,),
            batch_size=1,
            concurrency=min(workers, len(numbers)),
            num_cpus=num_cpus,
            num_gpus=num_gpus or None,
        )
        for row in made.iter_rows():
            yield Shard(**json.loads(row["shard"]))
    finally:
        if ours:
            ray.shutdown()
