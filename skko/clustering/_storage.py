"""Topic models in files that run nothing when they are read."""

import json
import zipfile
from collections.abc import Collection
from copy import copy
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from skko._version import __version__
from skko.clustering._description import Description
from skko.clustering.keywords import Topic, TopicTable
from skko.exceptions import DataFileError
from skko.optional import import_optional

_FORMAT = 1
# What a file may hold besides what skops itself knows as safe; a class that is not here is not made.
_KNOWN = frozenset(
    """
    scipy.sparse._csr.csr_matrix
    skko.clustering._density.DensityTree
    skko.clustering._description.Description
    skko.clustering.hdbscan.HDBSCANClusterer
    skko.clustering.keywords.TopicTable
    skko.clustering.reduction.UMAPReducer
    skko.clustering.topic_model.KoTopicModel
    skko.embedding.transformer.KoEmbeddingTransformer
    skko.models.spec.ModelSpec
    skko.text.normalization.KoTextNormalizer
    """.split()
)


def save_model(model: Any, path: str | PathLike[str]) -> None:
    """Write a fitted topic model to a file.

    Parameters
    ----------
    model : KoTopicModel
        The model.
    path : path-like
        The file; one that exists is replaced when the new one is whole.
    """
    skops = import_optional("skops.io", extra="save", purpose="save a topic model")
    path = Path(path)
    said: Description = model._described
    # skops makes a node of every string, which is slow and large for vocabularies.
    words = {"terms": said.terms.tolist(), "topics": [asdict(topic) for topic in said.topics]}
    bare = copy(model)
    bare._described = replace(said, topics=TopicTable(()), terms=np.empty(0, dtype=object))
    bare.topics_ = TopicTable(())
    content = {"format": _FORMAT, "skko": __version__, "words": json.dumps(words, ensure_ascii=False), "model": bare}
    partial = path.with_name(path.name + ".part")
    try:
        skops.dump(content, partial, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_model(path: str | PathLike[str], trusted: Collection[str]) -> Any:
    """Read a topic model from a file.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : collection of str
        Full names of further classes that it may hold.

    Returns
    -------
    KoTopicModel
        The model.

    Raises
    ------
    DataFileError
        If the file is not of a topic model, or holds classes that are not trusted.
    FileNotFoundError
        If there is no such file.
    """
    skops = import_optional("skops.io", extra="save", purpose="load a topic model")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        unknown = skops.get_untrusted_types(file=path)
        strange = sorted(set(unknown) - _KNOWN - set(trusted))
        if not strange:
            content = skops.load(path, trusted=sorted(unknown))
            model, words = content["model"], json.loads(content["words"])
            topics = tuple(_topic(topic) for topic in words["topics"])
            table, terms = TopicTable(topics), np.array(words["terms"], dtype=object)
            model._described = replace(model._described, topics=table, terms=terms)
            model.topics_ = table
            return model
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataFileError(f"{path} is not a topic model that skko saved ({error}).") from error
    raise DataFileError(
        f"{path} holds {', '.join(strange)}, which skko does not know. If you know where the file is from, pass "
        f"trusted={strange}."
    )


def _topic(facts: dict[str, Any]) -> Topic:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in facts.items()}
    return Topic(**values)
