"""What identifies a model, and what is known of it without asking it for vectors."""

from dataclasses import dataclass
from pathlib import Path

MINI = "skko-mini"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The name of a model and all that decides which vectors it gives, and where.

    Attributes
    ----------
    name : str
        ``"skko-mini"``, a local directory, or the id of a model on the hub.
    revision : str or None, default=None
        Branch, tag or commit of a hub model; None is its main branch.
    trust_remote_code : bool, default=False
        Whether to run Python code that the model's repository ships. Only for repositories you have read.
    backend : str, default="torch"
        What computes the vectors.
    dtype : str, default="float32"
        Floating-point type of weights and arithmetic.
    device : str, default="cpu"
        Where it runs. The same model on another device is another object in memory and the same vectors.

    Examples
    --------
    >>> ModelSpec("dragonkue/bge-m3-ko", revision="main").name
    'dragonkue/bge-m3-ko'
    """

    name: str
    revision: str | None = None
    trust_remote_code: bool = False
    backend: str = "torch"
    dtype: str = "float32"
    device: str = "cpu"

    @property
    def directory(self) -> Path | None:
        """The directory that holds the model.

        Returns
        -------
        pathlib.Path or None
            None for a model of the hub.
        """
        if self.name == MINI:
            return mini_path()
        path = Path(self.name).expanduser()
        return path.resolve() if path.is_dir() else None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What stays known of a model after its weights have left memory.

    Attributes
    ----------
    fingerprint : str
        Digest of the weights or the resolved commit, with pooling, backend and dtype: equal fingerprints mean equal
        vectors.
    dimension : int
        Length of its vectors.
    max_length : int or None
        Longest input in tokens, special tokens included; None where there is no limit.
    default_prompt : str
        What the model itself puts before every text when no prompt is asked for.
    """

    fingerprint: str
    dimension: int
    max_length: int | None
    default_prompt: str = ""


def mini_path() -> Path:
    """Where the weights of ``skko-mini`` lie: a plain sentence-transformers directory.

    Returns
    -------
    pathlib.Path
        Path of the directory inside the installed package.

    Examples
    --------
    >>> mini_path().name
    'mini'
    """
    return Path(__file__).parent / "mini"
