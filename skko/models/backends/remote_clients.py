"""Services by their own clients, which know how to wait and try again."""

import base64
import os
import weakref
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skko.exceptions import ModelNotAvailableError
from skko.models.service import Service
from skko.optional import import_optional

_TIMEOUT = 60.0  # seconds
_RETRIES = 6
_REFUSED = (401, 403)


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n_texts, dimension)
        In the order of the texts.
    tokens : int
        Tokens that the service says it read.
    truncated : bool
        Whether it cut a text.
    """

    vectors: NDArray[np.float32]
    tokens: int
    truncated: bool = False


class Client(Protocol):
    """A connection to a service."""

    def embed(self, model: str, texts: list[str], kind: str) -> Answer:
        """Embed the texts of one request.

        Parameters
        ----------
        model : str
            The service's name of the model.
        texts : list of str
            No more than the service takes.
        kind : str
            What the texts are for, where the service asks.

        Returns
        -------
        Answer
            Their vectors, in order.
        """


def open_client(service: Service) -> Client:
    """Open the client of a service.

    Parameters
    ----------
    service : Service
        The service.

    Returns
    -------
    Client
        A client that may be used by several threads.

    Raises
    ------
    ModelNotAvailableError
        If its key is not in the environment.
    MissingDependencyError
        If its client is not installed.
    """
    key = os.environ.get(service.key_variable, "").strip()
    if not key and service.key_required:
        raise ModelNotAvailableError(
            f"{service.label} wants a key: put it into the environment variable {service.key_variable}."
        )
    return (_Cohere if service.protocol == "cohere" else _OpenAI)(service, key)


class _OpenAI:
    """OpenAI's protocol, which Upstage, Text Embeddings Inference, vLLM and Infinity speak too."""

    def __init__(self, service: Service, key: str) -> None:
        self._openai = import_optional("openai", extra="remote", purpose=f"ask {service.label}")
        self._service, self._key = service, key
        self._client = self._openai.OpenAI(
            # The client wants some key; a server that wants none ignores it.
            api_key=key or "none",
            base_url=service.endpoint,
            timeout=_TIMEOUT,
            max_retries=_RETRIES,
        )
        weakref.finalize(self, self._client.close)

    def embed(self, model: str, texts: list[str], kind: str) -> Answer:
        """Embed the texts of one request."""
        try:
            response = self._client.embeddings.create(model=model, input=texts, encoding_format="base64")
            items = sorted(response.data, key=lambda item: item.index)
            if [item.index for item in items] != list(range(len(texts))):
                raise ValueError(f"{len(items)} vectors for {len(texts)} texts, or numbered otherwise")
            vectors = np.stack([_numbers(item.embedding) for item in items])
        except Exception as error:  # the client's errors, and whatever an answer that is none leads to
            raise _failure(self._service, self._key, error) from None
        return Answer(vectors, int(getattr(response.usage, "prompt_tokens", 0) or 0))


class _Cohere:
    """Cohere's protocol: the input type is told, and answers come in the order of the texts."""

    def __init__(self, service: Service, key: str) -> None:
        cohere = import_optional("cohere", extra="remote", purpose=f"ask {service.label}")
        httpx = import_optional("httpx", extra="remote", purpose=f"ask {service.label}")
        self._service, self._key = service, key
        connection = httpx.Client(timeout=_TIMEOUT, follow_redirects=True)
        weakref.finalize(self, connection.close)  # cohere's client itself cannot be closed
        self._client = cohere.ClientV2(
            api_key=key, base_url=service.endpoint, max_retries=_RETRIES, httpx_client=connection
        )

    def embed(self, model: str, texts: list[str], kind: str) -> Answer:
        """Embed the texts of one request; only if one is too long, let the service cut it, and say so."""
        try:
            try:
                return self._embed(model, texts, kind, "NONE")
            except Exception as error:
                if getattr(error, "status_code", None) != 400 or "too long" not in str(getattr(error, "body", "")):
                    raise
                return self._embed(model, texts, kind, "END")
        except Exception as error:  # as above
            raise _failure(self._service, self._key, error) from None

    def _embed(self, model: str, texts: list[str], kind: str, truncate: str) -> Answer:
        response = self._client.embed(
            model=model,
            texts=texts,
            input_type=kind,
            embedding_types=["base64"],
            truncate=truncate,
            request_options={"retry_remote_protocol_errors": True},
        )
        found = response.embeddings.base64
        if found is None or len(found) != len(texts):
            raise ValueError(f"{len(found or [])} vectors for {len(texts)} texts")
        units = response.meta.billed_units if response.meta else None
        tokens = int(getattr(units, "input_tokens", 0) or 0)
        return Answer(np.stack([_numbers(one) for one in found]), tokens, truncate == "END")


def _numbers(embedding: Any) -> NDArray[np.float32]:
    """Numbers of a vector, in base64 or, from servers that do not know it, as a list."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4").astype(np.float32)
    return np.asarray(embedding, dtype=np.float32)


def _failure(service: Service, key: str, error: Exception) -> ModelNotAvailableError:
    """The error in words that never hold the key: services repeat it, so its cause is not chained."""
    status = getattr(error, "status_code", None)
    if status in _REFUSED:
        return ModelNotAvailableError(
            f"{service.label} refused the key in {service.key_variable} for {service.model!r} (status {status})."
        )
    said = " ".join(str(getattr(error, "body", None) or error).split()) or type(error).__name__
    if key:
        said = said.replace(key, "…")
    where = f" (status {status})" if status else f" ({type(error).__name__})"
    return ModelNotAvailableError(
        f"{service.label} gave no vectors of {service.model!r}{where}: {said[:300]}. Errors that "
        f"may pass were tried {_RETRIES} times more; what was embedded before is in the cache."
    )
