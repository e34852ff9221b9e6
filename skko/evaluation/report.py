"""EvaluationReport: scores with all that is needed to believe, keep and compare them."""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko._version import __version__
from skko.exceptions import DataFileError

FORMAT = 1
"""Version of the layout in JSON; a reader of another version refuses."""

_PACKAGES = ("numpy", "scikit-learn", "sentence-transformers", "torch", "kiwipiepy")


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """What was measured of which system, on which data, with what.

    Attributes
    ----------
    task : str
        What was evaluated, such as ``"retrieval"``.
    system : str
        Name of the system.
    data : str
        Name of the data.
    scores : dict of str to float
        Metrics by name.
    main_score : str
        The name of the metric to compare systems by.
    items : dict of str to ndarray, shape (n_items,)
        What the scores were computed from, a value a query, pair or text: what :func:`compare` draws again.
    settings : dict
        Prompts, cuts and other choices.
    provenance : dict
        Revision and fingerprint of the model, digest of the data, versions of libraries, texts encoded, seconds.
    """

    task: str
    system: str
    data: str
    scores: dict[str, float]
    main_score: str
    items: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        pandas.DataFrame
            A row named after the system, a column a metric.
        """
        return pd.DataFrame([self.scores], index=pd.Index([self.system], name="system"))

    def to_markdown(self) -> str:
        """Write the scores as a table in Markdown, with a line about where they come from.

        Returns
        -------
        str
            Lines of text.
        """
        rows = [f"| {name} | {value:.4f} |" for name, value in self.scores.items()]
        head = f"{self.system} on {self.data} ({self.task})"
        return "\n".join([head, "", "| Metric | Value |", "| --- | --- |", *rows, "", self._source()])

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the scores as bars.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from matplotlib import pyplot

        from skko.plotting import korean_text

        with korean_text():
            if ax is None:
                _, ax = pyplot.subplots(figsize=(7, 1 + 0.25 * len(self.scores)), layout="constrained")
            bars = ax.barh(list(self.scores), list(self.scores.values()))
            ax.bar_label(bars, fmt="{:.3f}", padding=2)
            ax.invert_yaxis()
            ax.set_title(f"{self.system}: {self.data}")
        return ax

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns
        -------
        str
            One JSON object, which :meth:`from_json` reads.
        """
        content = {one.name: getattr(self, one.name) for one in fields(self)}
        content["items"] = {name: values.tolist() for name, values in self.items.items()}
        return json.dumps({"format": FORMAT, **content}, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "EvaluationReport":
        """Read what :meth:`to_json` wrote.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        EvaluationReport
            The report.

        Raises
        ------
        DataFileError
            If it is no report, or one of another layout.
        """
        try:
            content = json.loads(text)
            written = content.pop("format")
            if written != FORMAT:
                raise DataFileError(f"The report has layout {written!r}, and this skko reads layout {FORMAT}.")
            content["items"] = {name: np.asarray(values) for name, values in content["items"].items()}
            return cls(**content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, DataFileError):
                raise
            raise DataFileError(f"This is not an evaluation report ({type(error).__name__}: {error}).") from error

    def save(self, path: str | PathLike[str]) -> None:
        """Write the report to a file.

        Parameters
        ----------
        path : path-like
            The file.
        """
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "EvaluationReport":
        """Read a report from a file.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        EvaluationReport
            The report.

        Raises
        ------
        DataFileError
            If it is no report.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except DataFileError as error:
            raise DataFileError(f"{path}: {error}") from error

    def _source(self) -> str:
        known = {name: self.provenance.get(name) for name in ("model", "revision", "data_digest", "skko")}
        known |= self.provenance.get("usage", {})
        return "; ".join(f"{name} {value}" for name, value in known.items() if value)


def describe_run(**known: Any) -> dict[str, Any]:
    """Put together where a result comes from.

    Parameters
    ----------
    **known
        What the evaluation knows of itself.

    Returns
    -------
    dict
        That, and the versions of skko, Python and the libraries that decide scores.
    """
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**known, "skko": __version__, "python": platform.python_version(), "versions": versions}


def digest(parts: Iterable[Any]) -> str:
    """Hash data, so that two reports can tell whether they speak of the same.

    Parameters
    ----------
    parts : iterable
        Texts, numbers, and tuples and mappings of them, in order.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, Mapping):
            part = tuple(part.items())
        whole.update(repr(part).encode("utf-8", "surrogatepass") + b"\0")
    return whole.hexdigest()
