"""What was once learned of a model by loading it, so that vectors in the cache need no model in memory."""

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from skko.config import get_config
from skko.folders import private_folder
from skko.models.identity import local_content, model_fingerprint
from skko.models.spec import ModelFacts, ModelSpec


def recall_facts(spec: ModelSpec) -> ModelFacts | None:
    """Return the facts of a model that was loaded on this machine before.

    Parameters
    ----------
    spec : ModelSpec
        The model.

    Returns
    -------
    ModelFacts or None
        None if it never was, or is not on this machine, or other weights have come in its place since.
    """
    path = _path(spec)
    if path is None:
        return None
    try:
        return ModelFacts(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there, or not what was written: it is learned again
        return None


def remember_facts(spec: ModelSpec, facts: ModelFacts) -> None:
    """Keep the facts of a model that has just been loaded; where that cannot be done, it costs only time.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    facts : ModelFacts
        Its facts.
    """
    path = _path(spec)
    if path is None:
        return
    with suppress(OSError):
        private_folder(path.parent)
        descriptor, written = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(facts), file)
        Path(written).replace(path)  # whole or not at all, whoever else writes it


def _path(spec: ModelSpec) -> Path | None:
    """Where the facts of a model are kept."""
    content = local_content(spec)
    if content is None:
        return None
    return Path(get_config()["cache_dir"]) / "models" / f"{model_fingerprint(spec, content)}.json"
