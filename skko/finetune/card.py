"""The model card of tuned weights, and the copy that it goes with."""

import json
import shutil
from pathlib import Path
from typing import Any

from skko.models.spec import MINI

_CARD = """\
---
language: ko
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, feature-extraction, skko]
{base_model}---

# {base}, tuned

Tuned by [skko](https://github.com/skko/skko) {skko} on {n_examples:,} examples ({kind}), {n_rows:,} rows as the loss
reads them. Their content has the SHA-256 `{sha256}`. The licences of the base model and of the examples apply.

```python
from skko import KoEmbeddingTransformer

vectors = KoEmbeddingTransformer("path/of/this/directory").fit_transform(["배송이 늦어요", "환불해 주세요"])
```

`SentenceTransformer("path/of/this/directory")` loads it as well.

## Scores

{scores}

## Parameters

| parameter | value |
| --- | --- |
{parameters}

{steps:,} steps in {seconds:,.0f} s; last loss {loss}. {versions}.
"""


def save_model(directory: Path, path: Path, facts: dict[str, Any]) -> None:
    """Copy a model and put its card beside it.

    Parameters
    ----------
    directory : pathlib.Path
        The tuned model.
    path : pathlib.Path
        Where to; must not exist, or be empty.
    facts : dict
        What is known of it.

    Raises
    ------
    FileExistsError
        If there is something at ``path``.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} exists and is not an empty directory. Name another one, or remove it.")
    shutil.copytree(directory, path, dirs_exist_ok=True)
    (path / "README.md").write_text(model_card(facts), encoding="utf-8")


def model_card(facts: dict[str, Any]) -> str:
    """Write the card of a tuned model.

    Parameters
    ----------
    facts : dict
        Base, data, settings, scores, history and versions.

    Returns
    -------
    str
        Markdown with metadata as the hub reads it.
    """
    base, data, settings = facts["base"], facts["data"], facts["settings"]
    local = base == MINI or Path(base).expanduser().is_dir()
    losses = [entry["loss"] for entry in facts["history"] if "loss" in entry]
    versions = facts["versions"]
    return _CARD.format(
        base=Path(base).name if local else base,
        base_model="" if local else f"base_model: {base}\n",
        skko=versions["skko"],
        n_examples=data["examples"],
        kind=data["kind"],
        n_rows=data["rows"],
        sha256=data["sha256"],
        scores=_scores(facts),
        parameters="\n".join(f"| {name} | `{json.dumps(value)}` |" for name, value in settings.items()),
        steps=max((int(entry["step"]) for entry in facts["history"]), default=0),
        seconds=facts["seconds"],
        loss=f"{losses[-1]:.4f}" if losses else "not reported",
        versions=", ".join(f"{name} {number}" for name, number in versions.items() if name != "skko"),
    )


def _scores(facts: dict[str, Any]) -> str:
    if "best_score" not in facts:
        return "None was measured: there was no `eval_set`."
    held_out, metric = facts["held_out"], facts["settings"]["metric"]
    return (
        f"On {held_out['examples']:,} examples held out ({held_out['kind']}, SHA-256 `{held_out['sha256']}`), by which "
        "the best weights were chosen:\n\n"
        f"| model | {metric} |\n| --- | --- |\n"
        f"| base | {facts['base_score']:.4f} |\n| tuned | {facts['best_score']:.4f} |"
    )
