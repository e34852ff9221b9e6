"""A local server that speaks the model hub's protocol: revisions, file lists, files with their commit and hash."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DOWN = "http://127.0.0.1:9"


def hub_settings(home: Path, address: str) -> dict[str, str]:
    """Variables of a process that asks the hub of an address, and keeps what it gives in a folder of its own."""
    return {"HF_HOME": str(home), "HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}


@contextmanager
def serve_hub(models: dict[str, Path], *, damaged: str = "", commit: str = COMMIT) -> Iterator[tuple[str, list[str]]]:
    """Serve directories under their model names; yields the address and the growing list of requests.

    The file named ``damaged`` is sent with one byte changed.
    """
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *args: object) -> None:
            pass

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path).strip("/")
            requests.append(f"{self.command} /{path}")
            for name, directory in models.items():
                if path.startswith(f"api/models/{name}"):
                    return self._send_json(_description(name, directory, path, commit))
                if path.startswith(f"{name}/resolve/"):
                    filename = path.removeprefix(f"{name}/resolve/").partition("/")[2]
                    return self._send_file(directory / filename)
            return self._send(404, b'{"error":"Repository not found"}', {"X-Error-Code": "RepoNotFound"})

        def _send_file(self, file: Path) -> None:
            if not file.is_file():
                return self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if file.name == damaged:
                content = content[:-1] + bytes([content[-1] ^ 1])
            return self._send(200, content, {"ETag": f'"{digest}"', "X-Repo-Commit": commit})

        def _send_json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _description(name: str, directory: Path, path: str, commit: str) -> object:
    files = sorted(file for file in directory.rglob("*") if file.is_file())
    names = [file.relative_to(directory).as_posix() for file in files]
    if "/tree/" in path:
        return [
            {"type": "file", "path": name, "size": file.stat().st_size, "oid": "0" * 40}
            for name, file in zip(names, files, strict=True)
        ]
    siblings = [_sibling(name, file) for name, file in zip(names, files, strict=True)]
    return {"id": name, "modelId": name, "sha": commit, "siblings": siblings}


def _sibling(name: str, file: Path) -> dict[str, object]:
    if file.suffix != ".safetensors":
        return {"rfilename": name}
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"rfilename": name, "lfs": {"sha256": digest, "size": file.stat().st_size, "pointerSize": 134}}
