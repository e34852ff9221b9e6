"""embed_corpus: files of texts in, shards of vectors out, on one machine or many."""

from collections.abc import Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

from skko.distributed.corpus import Corpus
from skko.distributed.embeddings import CorpusEmbeddings, open_embeddings
from skko.distributed.engines import make_here, make_on_ray
from skko.distributed.job import Job
from skko.distributed.shards import FORMATS, Format
from skko.embedding import KoEmbeddingTransformer
from skko.models.spec import ModelSpec
from skko.progress import ShowProgress, progress_bar

Engine = Literal["local", "ray"]


def embed_corpus(
    sources: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    text: str | int | None = None,
    id: str | int | None = None,
    format: Format = "npy",
    shard_rows: int = 10_000,
    engine: Engine = "local",
    address: str | None = None,
    workers: int = 1,
    num_cpus: float = 1,
    num_gpus: float = 0,
    show_progress: ShowProgress = "auto",
    reading: dict[str, Any] | None = None,
    **embedding_params: Any,
) -> CorpusEmbeddings:
    """Embed the texts of files into a folder, shard by shard.

    Parameters
    ----------
    sources : path-like or sequence of path-like
        Files (csv, tsv, txt, jsonl, parquet), folders of them, and patterns such as ``news/*.csv``.
    out : path-like
        Folder to write to. One that was begun with the same corpus, model and parameters is gone on with.
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Embedding model, as in :class:`~skko.KoEmbeddingTransformer`.
    text, id : str, int or None, default=None
        Columns of the texts and of their ids, as in :func:`~skko.datasets.stream_texts`. Without a column, the id of a
        text is the name of its file and its row.
    format : {"npy", "parquet"}, default="npy"
        Arrays that can be mapped into memory, with ids beside them, or tables with the columns ``id`` and ``vector``.
    shard_rows : int, default=10000
        Texts of a shard: what is held in memory at a time, and at most lost by a crash.
    engine : {"local", "ray"}, default="local"
        Who computes. Both write the same files.
    address : str or None, default=None
        Of the Ray cluster; None joins the one this process is in, or starts one on this machine.
    workers : int, default=1
        Workers of Ray, each of which holds the model.
    num_cpus, num_gpus : float, default=1 and 0
        What a worker of Ray takes; with half a GPU two share it.
    show_progress : bool or "auto", default="auto"
        Whether to show a bar, with the rate and the time left.
    reading : dict or None, default=None
        Further parameters of :func:`~skko.datasets.stream_texts`: ``format``, ``header``, ``encoding``, ``missing``.
    **embedding_params : dict
        Further parameters of :class:`~skko.KoEmbeddingTransformer`, but for its cache: each text of a shard is embedded
        once, and nothing else is looked up, so that the files depend on nothing but what the manifest names.

    Returns
    -------
    CorpusEmbeddings
        What :func:`open_embeddings` returns.

    Raises
    ------
    DataFileError
        If a file cannot be read, has rows without a text, or ``out`` holds other embeddings.
    FileNotFoundError
        If a source is not there.
    BlockingIOError
        If another process is writing to ``out``.

    See Also
    --------
    open_embeddings : Read them back.

    Notes
    -----
    The corpus is read twice: once to count and check it, once to embed it. With Ray every worker reads it for itself,
    so all nodes need the files, and ``out``, under the same paths.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skko.distributed import embed_corpus
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "문의.csv").write_text("번호,문의\\n7,배송이 늦어요\\n9,환불해 주세요\\n", encoding="utf-8")
    >>> embeddings = embed_corpus(folder / "문의.csv", folder / "vectors", model="skko-mini", text="문의", id="번호")
    >>> embeddings.to_numpy().shape, embeddings.ids()
    ((2, 256), ['7', '9'])
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {FORMATS}, got {format!r}.")
    if engine not in get_args(Engine):
        raise ValueError(f"engine must be one of {get_args(Engine)}, got {engine!r}.")
    for name, value in {"shard_rows": shard_rows, "workers": workers}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    corpus = Corpus.of(sources, text=text, id=id, **(reading or {}))
    embedder = KoEmbeddingTransformer(model, **embedding_params, cache=False, show_progress=False).fit([])
    scan = corpus.scan(show_progress)
    job = Job(corpus, embedder, Path(out).resolve(), scan, shard_rows, format)
    make = make_here
    if engine == "ray":
        make = partial(make_on_ray, address=address, workers=workers, num_cpus=num_cpus, num_gpus=num_gpus)
    with job.opened() as shards:
        missing = [number for number in range(len(job.bounds)) if number not in shards]
        n_rows = sum(job.bounds[number][1] - job.bounds[number][0] for number in missing)
        with progress_bar(n_rows, "embedding", show=show_progress) as bar:
            for shard in make(job, missing) if missing else ():
                shards[shard.number] = shard
                bar.update(shard.n_rows)
        job.finish(shards)
    return open_embeddings(out)
