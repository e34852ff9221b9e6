"""Models behind a service: what their names mean, and what each service allows."""

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Service:
    """One model of one service.

    Attributes
    ----------
    label : str
        What to call the service.
    model : str
        The service's own name of the model.
    endpoint : str
        Its address.
    protocol : {"openai", "cohere"}
        How it is spoken to.
    key_variable : str
        Environment variable that holds its key.
    key_required : bool
        Whether it answers nobody without one.
    max_inputs : int
        Most texts in a request.
    max_tokens : int
        Most tokens in a request.
    prompt_means : {"text", "input_type", "model"}
        Whether a prompt is put before the text, is Cohere's input type, or chooses between Upstage's two models.
    default_prompt : str
        The prompt if none is asked for.
    """

    label: str
    model: str
    endpoint: str
    protocol: Literal["openai", "cohere"] = "openai"
    key_variable: str = "SKKO_API_KEY"
    key_required: bool = True
    max_inputs: int = 32
    max_tokens: int = 300_000
    prompt_means: Literal["text", "input_type", "model"] = "text"
    default_prompt: str = ""

    @property
    def identity(self) -> str:
        """What tells its vectors from those of others.

        Returns
        -------
        str
            Address and model.
        """
        return f"{self.protocol}:{self.endpoint}#{self.model}"


def find_service(name: str) -> Service | None:
    """Find the service that a model's name means.

    Parameters
    ----------
    name : str
        Name of a model.

    Returns
    -------
    Service or None
        None for a model that runs on this machine.

    Raises
    ------
    ValueError
        If it is an address without a model, or with a password.

    Notes
    -----
    Limits are those that the services stated in 2025: OpenAI takes 2,048 texts and 300,000 tokens a request, Cohere 96
    texts, Upstage 100 texts and 204,800 tokens. Text Embeddings Inference takes 32 texts unless it is told otherwise,
    and vLLM and Infinity take more. ``OPENAI_BASE_URL``, ``UPSTAGE_BASE_URL`` and ``CO_API_URL`` lead to a proxy.

    Examples
    --------
    >>> find_service("http://localhost:8080/v1#BAAI/bge-m3").model
    'BAAI/bge-m3'
    >>> find_service("dragonkue/bge-m3-ko") is None
    True
    """
    if name.startswith(("http://", "https://")):
        return _own_server(name)
    kind, colon, model = name.partition(":")
    if not colon or not model:
        return None
    if kind == "openai":
        endpoint = _endpoint("OPENAI_BASE_URL", "https://api.openai.com/v1")
        return Service("OpenAI", model, endpoint, key_variable="OPENAI_API_KEY", max_inputs=2_048)
    if kind == "cohere":
        return Service(
            "Cohere",
            model,
            _endpoint("CO_API_URL", "https://api.cohere.com"),
            protocol="cohere",
            key_variable="CO_API_KEY",
            max_inputs=96,
            prompt_means="input_type",
            default_prompt="clustering",
        )
    if kind == "upstage":
        one_side = model.endswith(("-query", "-passage"))
        return Service(
            "Upstage",
            model,
            _endpoint("UPSTAGE_BASE_URL", "https://api.upstage.ai/v1"),
            key_variable="UPSTAGE_API_KEY",
            max_inputs=100,
            max_tokens=204_800,
            prompt_means="text" if one_side else "model",
            default_prompt="" if one_side else "passage",
        )
    return None


def _own_server(name: str) -> Service:
    address, _, model = name.partition("#")
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None or parts.query:
        raise ValueError(
            "The address of a model must hold neither user, password nor query, as it stands in reports: put the key "
            "into the environment variable SKKO_API_KEY."
        )
    if not model or not parts.hostname:
        raise ValueError(f"{name!r} does not say which model: pass http://host:port/v1#model.")
    return Service(f"The server {parts.netloc}", model, address.rstrip("/"), key_required=False)


def _endpoint(variable: str, default: str) -> str:
    return (os.environ.get(variable) or default).rstrip("/")
