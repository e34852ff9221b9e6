"""Models that skko knows by name."""

from dataclasses import dataclass

from skko.models.spec import MINI


@dataclass(frozen=True, slots=True)
class ModelPreset:
    """A model known by name, and what it takes to use it.

    Attributes
    ----------
    name : str
        What to pass as ``model``.
    dimension : int
        Length of its vectors.
    max_length : int or None
        Longest input in tokens; None where there is no limit.
    pooling : str
        How token vectors become one vector.
    licence : str
        Licence of the weights.
    source : str
        Where the weights come from.
    """

    name: str
    dimension: int
    max_length: int | None
    pooling: str
    licence: str
    source: str


_PRESETS = (
    ModelPreset(MINI, 256, None, "mean", "CC-BY-SA-4.0", "inside the wheel"),
    ModelPreset("dragonkue/bge-m3-ko", 1024, 8192, "cls", "Apache-2.0", "Hugging Face hub, 2.3 GB"),
)


def list_models() -> list[ModelPreset]:
    """List the models that skko knows by name.

    Any other sentence-transformers model works too: pass its hub id or its directory.

    Returns
    -------
    list of ModelPreset
        The bundled model first.

    Examples
    --------
    >>> from skko import list_models
    >>> [model.name for model in list_models()]
    ['skko-mini', 'dragonkue/bge-m3-ko']
    """
    return list(_PRESETS)
