"""Public pairs of Korean sentences: judged, entailed, paraphrased, answered, summed up."""

from typing import Literal

import pandas as pd

from skko.datasets._fetching import DataHome, fetch_tsv, find_file


def fetch_korsts(
    subset: Literal["train", "dev"] = "train", *, data_home: DataHome = None, download_if_missing: bool = True
) -> pd.DataFrame:
    """Fetch KorSTS: sentence pairs whose likeness people judged.

    Parameters
    ----------
    subset : {"train", "dev"}, default="train"
        ``"train"``: 5,749 pairs, machine-translated. ``"dev"``: 1,500, translated by people.
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        ``genre``, ``filename``, ``year`` and ``id`` (str, for ids begin with zeros), ``score`` (float, from 0 to 5)
        and ``sentence1``, ``sentence2``.

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0. Ham and others, 2020, https://arxiv.org/abs/2004.03289. Readers that give a meaning to
    quotation marks lose rows of this file; here none is lost.

    Examples
    --------
    >>> from skko.datasets import fetch_korsts
    >>> fetch_korsts("dev").shape  # doctest: +SKIP
    (1500, 7)
    """
    frame = fetch_tsv("korsts", subset, data_home, download_if_missing)
    return frame.assign(score=frame["score"].astype(float))


def fetch_xnli(
    subset: Literal["dev", "test"] = "dev", *, data_home: DataHome = None, download_if_missing: bool = True
) -> pd.DataFrame:
    """Fetch KorNLI's XNLI: premises, each with what follows, what contradicts it, and what does neither.

    Parameters
    ----------
    subset : {"dev", "test"}, default="dev"
        ``"dev"``: 2,490 pairs. ``"test"``: 5,010. Both were translated by people.
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        ``sentence1`` (premise), ``sentence2`` (hypothesis) and ``gold_label`` (``"entailment"``, ``"neutral"`` or
        ``"contradiction"``, as many of each).

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0, by its translators; XNLI itself, which it translates, is CC BY-NC 4.0. Ham and others, 2020,
    https://arxiv.org/abs/2004.03289. Readers that give a meaning to quotation marks lose more than a third of
    ``"dev"``.

    Examples
    --------
    >>> from skko.datasets import fetch_xnli
    >>> fetch_xnli("dev")["gold_label"].value_counts().tolist()  # doctest: +SKIP
    [830, 830, 830]
    """
    return fetch_tsv("xnli", subset, data_home, download_if_missing)


def fetch_question_pair(
    subset: Literal["train", "validation"] = "train", *, data_home: DataHome = None, download_if_missing: bool = True
) -> pd.DataFrame:
    """Fetch Question_pair: pairs of everyday sentences that say the same, or do not.

    Parameters
    ----------
    subset : {"train", "validation"}, default="train"
        6,136 pairs or 682.
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        ``question1``, ``question2`` and ``same`` (bool).

    Raises
    ------
    DataNotAvailableError
        If a file is not there and cannot be downloaded, or may not.
    DataFileError
        If a file is there and is not the published one.

    Notes
    -----
    Licence: MIT. Song, https://github.com/songys/Question_pair. The files name their label ``is_duplicate`` and write 0
    where two sentences say the same; ``same`` is True there.

    Examples
    --------
    >>> from skko.datasets import fetch_question_pair
    >>> int(fetch_question_pair()["same"].sum())  # doctest: +SKIP
    4169
    """
    frame = fetch_tsv("question_pair", subset, data_home, download_if_missing)
    return frame[["question1", "question2"]].assign(same=frame["is_duplicate"] == "0")


def fetch_chatbot(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch Chatbot_data: everyday questions and consoling answers.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        11,823 rows: ``question``, ``answer`` and ``label`` (int: 0 everyday life, 1 parting, 2 love).

    Raises
    ------
    DataNotAvailableError
        If the file is not there and cannot be downloaded, or may not.
    DataFileError
        If the file is there and is not the published one.

    Notes
    -----
    Licence: MIT. Song, https://github.com/songys/Chatbot_data. One label of the file has spaces behind it, which would
    make a fourth class of it.

    Examples
    --------
    >>> from skko.datasets import fetch_chatbot
    >>> fetch_chatbot()["label"].nunique()  # doctest: +SKIP
    3
    """
    path = find_file("chatbot", "all", data_home, download_if_missing)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    frame.columns = ["question", "answer", "label"]
    return frame.assign(label=frame["label"].str.strip().astype(int))


def fetch_sae4k(*, data_home: DataHome = None, download_if_missing: bool = True) -> pd.DataFrame:
    """Fetch sae4K: questions and commands, each with the phrase that it comes down to.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool, default=True
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pandas.DataFrame
        30,837 rows: ``sentence``, ``key_phrase`` and ``label`` (int: 0 yes-no question, 1 alternative question, 2
        wh-question, 3 prohibition, 4 requirement, 5 strong requirement).

    Raises
    ------
    DataNotAvailableError
        If the file is not there and cannot be downloaded, or may not.
    DataFileError
        If the file is there and is not the published one.

    Notes
    -----
    Licence: CC BY-SA 4.0. Cho and others, 2019, https://arxiv.org/abs/1912.00342. The file begins with a byte-order
    mark, which must not become part of the first sentence. 1,284 rows repeat others.

    Examples
    --------
    >>> from skko.datasets import fetch_sae4k
    >>> fetch_sae4k().loc[0, "key_phrase"]  # doctest: +SKIP
    '한달동안 학교에서 메일 온 적 있는지'
    """
    columns = ["sentence", "key_phrase", "label"]
    frame = fetch_tsv("sae4k", "all", data_home, download_if_missing, columns)
    return frame.assign(label=frame["label"].astype(int))
