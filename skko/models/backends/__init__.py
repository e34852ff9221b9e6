"""Backends: each turns a ModelSpec into an Encoder. To add one, write its module and a line in the table."""

from collections.abc import Callable

from skko.models.backends.openvino import OpenVINOEncoder
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.backends.static import StaticEncoder, is_static
from skko.models.encoder import Encoder
from skko.models.spec import ModelSpec


def _torch(spec: ModelSpec) -> Encoder:
    """What torch would compute; static models on the CPU do without torch itself."""
    return StaticEncoder(spec) if spec.device == "cpu" and is_static(spec) else SentenceTransformerEncoder(spec)


BACKENDS: dict[str, Callable[[ModelSpec], Encoder]] = {"torch": _torch, "openvino": OpenVINOEncoder}

__all__ = ["BACKENDS", "is_static"]
