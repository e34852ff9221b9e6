"""Public Korean texts with labels: topics, intents, paraphrase groups, sentiment, ratings."""

from typing import Literal

import pandas as pd

from skko.datasets._fetching import DataHome, fetch_tsv, find_file

_GROUP_SIZE = 10
_TOPICS = ("IT과학", "경제", "사회", "생활문화", "세계", "스포츠", "정치")


def fetch_parakqc(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch ParaKQC: questions and commands to an assistant, in groups of ten paraphrases.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        10,000 rows: ``topic`` (int: 0 mail, 1 schedule, 2 smart home, 3 weather), ``act`` (int: 0 alternative question,
        1 wh-question, 2 prohibition, 3 strong requirement), ``text`` and ``group`` (int, from 0 to 999).

    Raises
    ------
    DataNotAvailableError
        If the file is not there and cannot be downloaded, or may not.
    DataFileError
        If the file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0. Cho and others, 2020, https://aclanthology.org/2020.lrec-1.842. 13 rows repeat others of
    their group. KLUE-STS has sentences of this set in its development part.

    Examples
    --------
    >>> from skko.datasets import fetch_parakqc
    >>> fetch_parakqc()["group"].nunique()  # doctest: +SKIP
    1000
    """
    frame = fetch_tsv("parakqc", "all", data_home, download_if_missing, ["topic", "act", "text"])
    return _grouped(frame.astype({"topic": int, "act": int}))


def fetch_stylekqc(
    subset: Literal["train", "dev", "test"] = "train", *, data_home: DataHome = None, download_if_missing: bool = True
) -> pd.DataFrame:
    """Fetch StyleKQC: requests in groups of ten that say the same in several styles.

    Parameters
    ----------
    subset : {"train", "dev", "test"}, default="train"
        24,000 requests, 1,200 or 4,800.
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        ``topic`` (int, from 0 to 5; the files do not name them), ``sentence`` and ``group`` (int, from 0).

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0. Cho and others, 2022, https://github.com/cynthia/stylekqc. The sentences follow templates:
    classifiers look better on them than they are.

    Examples
    --------
    >>> from skko.datasets import fetch_stylekqc
    >>> fetch_stylekqc("dev").shape  # doctest: +SKIP
    (1200, 3)
    """
    return _grouped(fetch_tsv("stylekqc", subset, data_home, download_if_missing).astype({"topic": int}))


def fetch_intents(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch 3i4K: spoken utterances and their intents.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        55,134 rows, the training part: ``label`` (int: 0 fragment, 1 statement, 2 question, 3 command, 4 rhetorical
        question, 5 rhetorical command, 6 depends on intonation) and ``text``, without punctuation.

    Raises
    ------
    DataNotAvailableError
        If the file is not there and cannot be downloaded, or may not.
    DataFileError
        If the file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0. Cho and others, 2018, https://arxiv.org/abs/1811.04231. 3i4K is no Python name, hence this
    one. The largest class has 17 times as many texts as the smallest, and 3,307 texts repeat others: a random split
    puts copies on both sides.

    Examples
    --------
    >>> from skko.datasets import fetch_intents
    >>> fetch_intents()["label"].value_counts()[5]  # doctest: +SKIP
    979
    """
    frame = fetch_tsv("3i4k", "train", data_home, download_if_missing, ["label", "text"])
    return frame.astype({"label": int})


def fetch_ynat(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch headlines of KLUE-YNAT with their topics, in the split of a Dacon contest.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Without effect: no address of this file is known.

    Returns
    -------
    pandas.DataFrame
        30,000 rows: ``index`` (int, the contest's number), ``title``, ``topic_idx`` (int, from 0 to 6) and ``topic``
        (its name).

    Raises
    ------
    DataNotAvailableError
        If ``ynat/train.csv`` is not below ``data_home``. It has to be put there: it is 30,000 of the contest's 45,654
        headlines, from https://github.com/hjjang-ai/ESAA.
    DataFileError
        If the file is there and is not that one.

    Notes
    -----
    Licence: CC BY-SA 4.0. Park and others, 2021, https://arxiv.org/abs/2105.09680. 14 of 100 titles have hanja, as in
    北 or 美. It is easier than KLUE's own split: figures on it are not comparable with KLUE's.

    Examples
    --------
    >>> from skko.datasets import fetch_ynat
    >>> fetch_ynat(data_home="data")["topic"].nunique()  # doctest: +SKIP
    7
    """
    path = find_file("ynat", "all", data_home, download_if_missing)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    frame = frame.astype({"index": int, "topic_idx": int})
    return frame.assign(topic=[_TOPICS[number] for number in frame["topic_idx"]])


def fetch_sentineg(
    subset: Literal["train", "dev", "test"] = "train", *, data_home: DataHome = None, download_if_missing: bool = True
) -> pd.DataFrame:
    """Fetch KoBEST SentiNeg: reviews of shops, good or bad, with negations in its test.

    Parameters
    ----------
    subset : {"train", "dev", "test"}, default="train"
        3,649 reviews, 400 or 397.
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        ``id`` (int), ``text`` and ``label`` (int: 1 good, 0 bad); of ``"test"`` also ``text_origin`` and
        ``label_origin``, the review before its meaning was turned, and ``category_neg`` (int, how it was).

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0, by its paper. Jang and others, 2022, https://arxiv.org/abs/2204.04541. Each review of
    the test is one of training (same id) that a negation or another word turned round, with the other label: by design
    a classifier that knows words alone does badly.

    Examples
    --------
    >>> from skko.datasets import fetch_sentineg
    >>> reviews = fetch_sentineg("test")  # doctest: +SKIP
    >>> bool((reviews["label"] != reviews["label_origin"]).all())  # doctest: +SKIP
    True
    """
    frame = fetch_tsv("sentineg", subset, data_home, download_if_missing).rename(columns=str.lower)
    columns = ["id", "text", "label", *(["text_origin", "label_origin", "category_neg"] if subset == "test" else [])]
    return frame[columns].astype({name: int for name in columns if not name.startswith("text")})


def fetch_nsmc(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch the raw reviews of NSMC: films, ratings and what people wrote.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Without effect: no address has this file.

    Returns
    -------
    pandas.DataFrame
        658,995 rows: ``movie_id`` (int), ``rating`` (int, from 1 to 10) and ``review``.

    Raises
    ------
    DataNotAvailableError
        If ``nsmc_raw/reviews.tsv.xz`` is not below ``data_home``. It has to be put there: it was made from the files
        ``raw/*.json`` of https://github.com/e9t/nsmc, each review once.
    DataFileError
        If the file is there and is not that one.

    Notes
    -----
    Licence: CC0. Park, https://github.com/e9t/nsmc. By the rule of its author, ratings from 9 on are positive, up to 4
    negative, and the others neither. NSMC's usual training and test files are not this one, and share reviews with it.

    Examples
    --------
    >>> from skko.datasets import fetch_nsmc
    >>> reviews = fetch_nsmc(data_home="data")  # doctest: +SKIP
    >>> clear = reviews[(reviews["rating"] >= 9) | (reviews["rating"] <= 4)]  # doctest: +SKIP
    """
    return fetch_tsv("nsmc", "all", data_home, download_if_missing).astype({"movie_id": int, "rating": int})


def _grouped(frame: pd.DataFrame) -> pd.DataFrame:
    """Number the groups of ten rows that follow each other."""
    return frame.assign(group=[row // _GROUP_SIZE for row in range(len(frame))])
