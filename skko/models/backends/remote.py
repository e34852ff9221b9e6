"""Models behind a service: texts packed into requests by its limits, several at a time, vectors in order."""

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skko.config import get_config
from skko.exceptions import ModelNotAvailableError, TruncationWarning
from skko.models.backends.remote_clients import Client, open_client
from skko.models.identity import model_fingerprint
from skko.models.presets import find_preset
from skko.models.service import Service, find_service
from skko.models.spec import ModelFacts, ModelSpec
from skko.models.usage import count_usage

INPUT_TYPES = ("search_query", "search_document", "classification", "clustering")
_SIDES = ("query", "passage")
# Requests that wait for a service at a time.
_CONCURRENCY = 8


@dataclass(frozen=True)
class RemoteTexts:
    """Texts for a service.

    Attributes
    ----------
    texts : list of str
        The texts, behind the prompt where that is text.
    lengths : ndarray of int, shape (n_texts,)
        Bytes of each. No tokeniser of a service makes more tokens than that.
    prompt : str
        The prompt where it is no text.
    n_truncated : int
        Always 0: a service says only when it is asked.
    """

    texts: list[str]
    lengths: NDArray[np.int64]
    prompt: str
    n_truncated: int = 0


class RemoteEncoder:
    """A model behind a service.

    Parameters
    ----------
    spec : ModelSpec
        What :func:`~skko.models.service.find_service` knows.

    Attributes
    ----------
    facts : ModelFacts
        Its dimension is that of the preset, or else of a first vector that the service is asked for.
    batch_tokens : int
        Bytes of text that are sent before their vectors are put into the cache.

    Raises
    ------
    ModelNotAvailableError
        If the service has to be asked and cannot be.
    ValueError
        If the spec asks for a backend, dtype or revision, which are the service's to choose.
    """

    batch_tokens: ClassVar[int] = 1 << 20

    def __init__(self, spec: ModelSpec) -> None:
        service = find_service(spec.name)
        if service is None:
            raise ValueError(f"{spec.name!r} is no model of a service.")
        if (spec.backend, spec.dtype, spec.revision) != ("torch", "float32", None):
            raise ValueError(f"{service.label} chooses backend, dtype and revision of {spec.name!r}: leave them out.")
        self._service, self._name = service, spec.name
        preset = find_preset(spec.name)
        self._dimension = None if preset is None else preset.dimension
        if self._dimension is None:
            tokens = self.tokenise(["차원"], prompt=service.default_prompt, max_length=None)
            self._dimension = self.embed(tokens, np.zeros(1, dtype=np.intp)).shape[1]
        self.facts = ModelFacts(
            fingerprint=model_fingerprint(spec, service.identity),
            dimension=self._dimension,
            max_length=None,
            default_prompt=service.default_prompt,
        )

    def tokenise(self, texts: Sequence[str], *, prompt: str, max_length: int | None) -> RemoteTexts:
        """Make texts ready.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Texts.
        prompt : str
            Text to put before each; for Cohere the input type, for Upstage the side.
        max_length : int or None
            Must be None: only the service can count its tokens.

        Returns
        -------
        RemoteTexts
            The texts with their lengths.

        Raises
        ------
        ValueError
            If a text is empty, or prompt or ``max_length`` is not the service's.
        """
        service = self._service
        if max_length is not None:
            raise ValueError(f"{service.label} counts tokens itself: leave max_length out, and split long texts.")
        _check_prompt(service, prompt)
        made = [prompt + text for text in texts] if service.prompt_means == "text" else list(texts)
        if n_empty := made.count(""):
            raise ValueError(f"{service.label} takes no empty text, and {n_empty:,} of {len(made):,} are. Drop them.")
        lengths = np.fromiter((len(text.encode()) for text in made), dtype=np.int64, count=len(made))
        return RemoteTexts(made, lengths, prompt)

    def embed(self, tokens: RemoteTexts, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Ask for vectors, several requests at a time.

        Parameters
        ----------
        tokens : RemoteTexts
            What :meth:`tokenise` returned.
        rows : ndarray of int, shape (n_rows,)
            Which of its texts.

        Returns
        -------
        ndarray of float32, shape (n_rows, dimension)
            Vectors as the service gives them.

        Raises
        ------
        ModelNotAvailableError
            If the service refuses, does not answer after all retries, or answers nonsense.
        """
        client = self._client
        requests = list(self._requests(tokens, rows))
        pool = ThreadPoolExecutor(min(_CONCURRENCY, len(requests)) or 1, thread_name_prefix="skko-remote")
        try:
            parts = list(pool.map(lambda request: self._ask(client, tokens, request), requests))
        finally:
            pool.shutdown(cancel_futures=True)  # after an error nobody pays for another request
        return np.concatenate(parts) if parts else np.empty((0, self._dimension or 0), dtype=np.float32)

    def _ask(self, client: Client, tokens: RemoteTexts, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        model, kind = self._service.model, tokens.prompt
        if self._service.prompt_means == "model":
            model = f"{model}-{kind}"
        answer = client.embed(model, [tokens.texts[row] for row in rows], kind)
        expected = (len(rows), self._dimension or answer.vectors.shape[-1])
        if answer.vectors.shape != expected or not np.isfinite(answer.vectors).all():
            raise ModelNotAvailableError(
                f"{self._service.label} answered with numbers of shape {answer.vectors.shape} where finite ones of "
                f"shape {expected} are due. Is {model!r} the model that was meant?"
            )
        count_usage(self._name, texts=len(rows), tokens=answer.tokens)
        if answer.truncated:
            warnings.warn(
                f"{self._service.label} cut at least one of {len(rows):,} texts. Split long texts.",
                TruncationWarning,
                stacklevel=2,
            )
        return answer.vectors

    def _requests(self, tokens: RemoteTexts, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Rows in runs that the service takes in one request."""
        start, size = 0, 0
        for place, row in enumerate(rows):
            cost = int(tokens.lengths[row])
            if place > start and (place - start == self._service.max_inputs or size + cost > self._service.max_tokens):
                yield rows[start:place]
                start, size = place, 0
            size += cost
        if len(rows):
            yield rows[start:]

    @cached_property
    def _client(self) -> Client:
        if get_config()["offline"]:
            raise ModelNotAvailableError(
                f"{self._service.label} was not asked, as skko is offline (SKKO_OFFLINE, or set_config(offline=True)). "
                "Vectors in the cache need no service."
            )
        return open_client(self._service)


def _check_prompt(service: Service, prompt: str) -> None:
    allowed = {"input_type": INPUT_TYPES, "model": _SIDES}.get(service.prompt_means)
    if allowed is not None and prompt not in allowed:
        raise ValueError(f"The prompt of {service.label} must be one of {allowed}, got {prompt!r}.")
