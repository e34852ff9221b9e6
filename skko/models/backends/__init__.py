"""Backends: each turns a ModelSpec into an Encoder. To add one, write its module and a line in the table."""

from collections.abc import Callable

from skko.models.backends.openvino import OpenVINOEncoder
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.encoder import Encoder
from skko.models.spec import ModelSpec

BACKENDS: dict[str, Callable[[ModelSpec], Encoder]] = {
    "torch": SentenceTransformerEncoder,
    "openvino": OpenVINOEncoder,
}

__all__ = ["BACKENDS"]
