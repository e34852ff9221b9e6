"""A server of embeddings that keeps the rules of OpenAI and Cohere, and fails in the ways that they do."""

import base64
import hashlib
import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import numpy as np

INPUT_TYPES = {"search_query", "search_document", "classification", "clustering", "image"}


def tokens_of(text: str) -> int:
    """Tokens as this server counts them: more than one a syllable, as byte-level tokenisers may make of Korean."""
    return max(1, 2 * len(text.encode()) // 3)


class EmbeddingServer:
    """Answers POST /v1/embeddings (OpenAI) and /v2/embed (Cohere) on a port of its own while it is entered.

    ``faults`` are met one a request, first come first served: ("status", code, headers), ("slow", seconds), ("cut",),
    ("garbage",), ("short",), ("nan",). All else is answered by the rules.
    """

    def __init__(
        self, *, key: str | None = "sk-geheim-1234567890", dimension: int = 8, max_inputs: int = 2_048
    ) -> None:
        self.key, self.dimension, self.max_inputs = key, dimension, max_inputs
        self.max_tokens, self.max_tokens_of_text = 300_000, 8_192
        self.shuffled, self.knows_base64 = False, True
        self.faults: deque[tuple[Any, ...]] = deque()
        self.requests: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.seconds = 0.0
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        server = self

        class Handler(_Handler):
            owner = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def answered(self) -> list[dict[str, Any]]:
        """Requests that were answered with vectors."""
        return [one for one in self.requests if one["status"] == 200]

    def vector(self, model: str, kind: str, text: str) -> np.ndarray:
        """The vector of a text: its own, and the same in every run."""
        seed = int.from_bytes(hashlib.blake2b(f"{model}|{kind}|{text}".encode(), digest_size=8).digest(), "big")
        return np.random.default_rng(seed).normal(size=self.dimension).astype("<f4")


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.status, self.message, self.headers = status, message, headers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: EmbeddingServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        owner = self.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with owner.lock:
            owner.at_once += 1
            owner.most_at_once = max(owner.most_at_once, owner.at_once)
            fault = owner.faults.popleft() if owner.faults else ("none",)
            record = {"path": self.path, "body": body, "time": time.monotonic(), "status": 0}
            owner.requests.append(record)
        try:
            time.sleep(owner.seconds)
            if fault[0] == "slow":
                time.sleep(fault[1])
            if fault[0] == "status":
                raise _RefusedError(fault[1], "try again", **(fault[2] if len(fault) > 2 else {}))
            self._authorise()
            answer = self._openai(body, fault[0]) if self.path == "/v1/embeddings" else self._cohere(body, fault[0])
            record["status"] = 200
            self._send(200, b"<html>oops" if fault[0] == "garbage" else json.dumps(answer).encode(), fault[0] == "cut")
        except _RefusedError as refusal:
            record["status"] = refusal.status
            message = {"message": refusal.message, "type": "error"}
            content = {"error": message} if self.path == "/v1/embeddings" else message
            self._send(refusal.status, json.dumps(content).encode(), headers=refusal.headers)
        except OSError:  # the client has gone
            self.close_connection = True
        finally:
            with owner.lock:
                owner.at_once -= 1

    def _send(self, status: int, content: bytes, cut: bool = False, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True

    def _authorise(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given != self.owner.key:
            raise _RefusedError(401, f"Incorrect API key provided: {given}.")  # which repeats it, as services do

    def _check(self, texts: Any, most: int) -> None:
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise _RefusedError(400, "input must be a list of texts")
        if len(texts) > most:
            raise _RefusedError(422, f"batch size {len(texts)} > maximum allowed batch size {most}")
        if "" in texts:
            raise _RefusedError(400, "input cannot be an empty string")

    def _openai(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        owner, texts, model = self.owner, body["input"], body["model"]
        self._check(texts, owner.max_inputs)
        counts = [tokens_of(text) for text in texts]
        if max(counts) > owner.max_tokens_of_text:
            raise _RefusedError(400, f"maximum context length is {owner.max_tokens_of_text} tokens")
        if sum(counts) > owner.max_tokens:
            raise _RefusedError(400, f"max {owner.max_tokens} tokens per request")
        data = [
            {"object": "embedding", "index": i, "embedding": self._coded(owner.vector(model, "", text), body, fault)}
            for i, text in enumerate(texts)
        ]
        if owner.shuffled:
            np.random.default_rng(0).shuffle(data)  # type: ignore[arg-type]
        if fault == "short":
            data = data[:-1]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        return {"object": "list", "data": data, "model": model, "usage": usage}

    def _coded(self, vector: np.ndarray, body: dict[str, Any], fault: str) -> Any:
        if fault == "nan":
            vector = np.full_like(vector, np.nan)
        if self.owner.knows_base64 and body.get("encoding_format") == "base64":
            return base64.b64encode(vector.tobytes()).decode()
        return vector.tolist()

    def _cohere(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        owner, texts, kind = self.owner, body["texts"], body.get("input_type")
        self._check(texts, 96)
        if kind not in INPUT_TYPES:
            raise _RefusedError(400, "input_type is required for v3 models")
        if body["truncate"] == "NONE" and any(tokens_of(text) > 512 for text in texts):
            raise _RefusedError(400, "invalid request: texts contains an element that is too long")
        coded = [base64.b64encode(owner.vector(body["model"], kind, text).tobytes()).decode() for text in texts]
        units = {"input_tokens": sum(min(512, tokens_of(text)) for text in texts)}
        return {
            "id": "1",
            "response_type": "embeddings_by_type",
            "embeddings": {"base64": coded[:-1] if fault == "short" else coded},
            "texts": texts,
            "meta": {"api_version": {"version": "2"}, "billed_units": units},
        }
