"""Backends: each turns a ModelSpec into an Encoder. To add one, write its module and a line in the table."""

from collections.abc import Callable

from skko.models.backends.openvino import OpenVINOEncoder
from skko.models.backends.remote import RemoteEncoder
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.backends.static import StaticEncoder, is_static
from skko.models.encoder import Encoder
from skko.models.service import find_service
from skko.models.spec import ModelSpec


def _torch(spec: ModelSpec) -> Encoder:
    """What torch would compute; static models on the CPU do without torch itself."""
    return StaticEncoder(spec) if spec.device == "cpu" and is_static(spec) else SentenceTransformerEncoder(spec)


BACKENDS: dict[str, Callable[[ModelSpec], Encoder]] = {"torch": _torch, "openvino": OpenVINOEncoder}


def load_encoder(spec: ModelSpec) -> Encoder:
    """Load a model by its backend, or open the service that has it.

    Parameters
    ----------
    spec : ModelSpec
        The model.

    Returns
    -------
    Encoder
        The model.
    """
    return BACKENDS[spec.backend](spec) if find_service(spec.name) is None else RemoteEncoder(spec)


def needs_no_device(spec: ModelSpec) -> bool:
    """Tell whether a device would be no help: to a service, and to a static model, which does so little.

    Parameters
    ----------
    spec : ModelSpec
        The model.

    Returns
    -------
    bool
        Whether ``"auto"`` means the CPU.
    """
    return find_service(spec.name) is not None or is_static(spec)


__all__ = ["BACKENDS", "is_static", "load_encoder", "needs_no_device"]
