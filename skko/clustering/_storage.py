"""Topic models in files that run nothing when they are read."""

import json
from collections.abc import Collection
from copy import copy
from dataclasses import asdict, replace
from os import PathLike
from typing import Any

import numpy as np

from skko.clustering._description import Description
from skko.clustering.keywords import Topic, TopicTable
from skko.saved import load_safely, save_safely

_WHAT = "a topic model"
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
    said: Description = model._described
    # skops makes a node of every string, which is slow and large for vocabularies.
    words = {"terms": said.terms.tolist(), "topics": [asdict(topic) for topic in said.topics]}
    bare = copy(model)
    bare._described = replace(said, topics=TopicTable(()), terms=np.empty(0, dtype=object))
    bare.topics_ = TopicTable(())
    save_safely({"words": json.dumps(words, ensure_ascii=False), "model": bare}, path, what=_WHAT, level=1)


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
    with load_safely(path, known=_KNOWN, trusted=trusted, what=_WHAT) as content:
        model, words = content["model"], json.loads(content["words"])
        table = TopicTable(tuple(_topic(topic) for topic in words["topics"]))
        terms = np.array(words["terms"], dtype=object)
        model._described = replace(model._described, topics=table, terms=terms)
        model.topics_ = table
    return model


def _topic(facts: dict[str, Any]) -> Topic:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in facts.items()}
    return Topic(**values)
