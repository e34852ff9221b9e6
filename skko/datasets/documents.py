"""Public Korean documents: petitions, articles, and passages with queries."""

import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from skko.datasets._fetching import DataHome, find_file
from skko.optional import import_optional

_MONTHS = ("2019-04", "2019-05", "2019-06")
_BLOCK_ROWS = 8_192


@dataclass(frozen=True)
class AutoragBenchmark:
    """Queries, passages, and which passages answer which query.

    Attributes
    ----------
    queries : pandas.DataFrame
        ``qid``, ``query``, ``retrieval_gt`` (list of lists of ``doc_id``: the passages that answer, in groups of which
        any will do) and ``generation_gt`` (list of str: answers).
    passages : pandas.DataFrame
        ``doc_id`` and ``contents``.
    folder : pathlib.Path
        Where the files are, for :func:`skko.evaluation.read_autorag`.
    """

    queries: pd.DataFrame
    passages: pd.DataFrame
    folder: Path


def fetch_petitions(
    months: Sequence[str] = _MONTHS, *, data_home: DataHome = None, download_if_missing: bool = True
) -> pd.DataFrame:
    """Fetch petitions to the president of Korea: long texts with categories and dates.

    Parameters
    ----------
    months : sequence of str, default=("2019-04", "2019-05", "2019-06")
        Some of these months: 494, 714 and 572 petitions.
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        Months in the order given: ``category`` (one of 17), ``begin`` and ``end`` (datetime), ``content``,
        ``num_agree`` (int, people who signed), ``petition_idx`` (str), ``status`` and ``title``.

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.
    ValueError
        If a month is none of these, or there is none.

    Notes
    -----
    Licence: KOGL type 1. Kim, https://github.com/lovit/petitions_archive. Petitioners chose the categories themselves,
    often with no great care. Titles and contents may begin or end with white space.

    Examples
    --------
    >>> from skko.datasets import fetch_petitions
    >>> fetch_petitions(["2019-06"]).shape  # doctest: +SKIP
    (572, 8)
    """
    if not months:
        raise ValueError(f"Name at least one month: months must be some of {list(_MONTHS)}.")
    months = [months] if isinstance(months, str) else months
    paths = [find_file("petitions", month, data_home, download_if_missing) for month in months]
    # str.splitlines would also cut at separators inside a text.
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line]
    frame = pd.DataFrame([json.loads(line) for line in lines])
    return frame.assign(**{name: pd.to_datetime(frame[name], format="%Y-%m-%d") for name in ("begin", "end")})


def fetch_kowiki(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch articles of the Korean Wikipedia of 2022.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Without effect: no address has this file.

    Returns
    -------
    pandas.DataFrame
        110,000 rows in the order of their ids: ``id`` (int, Wikipedia's page), ``title`` and ``text`` (200 to 2,000
        characters).

    Raises
    ------
    DataNotAvailableError
        If ``kowiki/kowiki_110k.jsonl.xz`` is not below ``data_home``. It has to be put there: it was made from the
        articles in https://github.com/97danielj/WordEmbedding of at least 200 characters, cut at 2,000.
    DataFileError
        If the file is there and is not that one.

    Notes
    -----
    Licence: CC BY-SA 3.0, by the authors of Wikipedia. Where markup was removed, ``(, `` and ``( )`` are left. How the
    110,000 were chosen among all articles is not recorded, so the file cannot be made again byte for byte.

    Examples
    --------
    >>> from skko.datasets import fetch_kowiki
    >>> fetch_kowiki(data_home="data").loc[0, "title"]  # doctest: +SKIP
    '나라 목록'
    """
    path = find_file("kowiki", "all", data_home, download_if_missing)
    blocks = []
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        # Block by block, for as Python strings the texts take more than twice what they take in a frame.
        while block := [json.loads(line) for line in islice(lines, _BLOCK_ROWS)]:
            blocks.append(pd.DataFrame(block))
    return pd.concat(blocks, ignore_index=True).astype({"id": int})


def fetch_autorag(*, data_home: DataHome = None, download_if_missing: bool = True) -> AutoragBenchmark:
    """Fetch AutoRAG's Korean embedding benchmark: queries over documents of finance, law, trade and offices.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    AutoragBenchmark
        114 queries and 720 passages.

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.
    MissingDependencyError
        If pyarrow is not installed (extra ``parquet``).

    Notes
    -----
    Licence: none is stated. https://github.com/Marker-Inc-Korea/AutoRAG-example-korean-embedding-benchmark. Train and
    tune nothing on it: models are compared by it.

    Examples
    --------
    >>> from skko.datasets import fetch_autorag
    >>> from skko.evaluation import evaluate_autorag, read_autorag
    >>> data = read_autorag(fetch_autorag().folder)  # doctest: +SKIP
    >>> evaluate_autorag("skko-mini", data).scores["recall@1"]  # doctest: +SKIP
    """
    import_optional("pyarrow", extra="parquet", purpose="read parquet files")
    asked, found = (find_file("autorag", part, data_home, download_if_missing) for part in ("queries", "passages"))
    queries = pd.read_parquet(asked, columns=["qid", "query", "retrieval_gt", "generation_gt"])
    queries = queries.assign(
        retrieval_gt=queries["retrieval_gt"].map(lambda groups: [list(group) for group in groups]),
        generation_gt=queries["generation_gt"].map(list),
    )
    return AutoragBenchmark(queries, pd.read_parquet(found, columns=["doc_id", "contents"]), asked.parent)
