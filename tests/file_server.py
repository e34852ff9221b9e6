"""A local server that gives out files, some of them badly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, what was asked, and how the server behaves.

    ``cut`` files end in the middle. ``held`` files stop in the middle until ``released`` is set; ``halfway`` says that
    one has come so far.
    """

    files: dict[str, bytes]
    address: str = ""
    requests: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    halfway: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve_files(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve files by their path."""
    served = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.strip("/")
            served.requests.append(name)
            content = served.files.get(name)
            self.send_response(200 if content is not None else 404)
            content = content if content is not None else b"404: Not Found"
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = len(content) // 2
            self.wfile.write(content[:half])
            if name in served.held:
                self.wfile.flush()
                served.halfway.set()
                served.released.wait(60)
            if name in served.cut:
                self.close_connection = True
                return
            try:
                self.wfile.write(content[half:])
            except OSError:  # whoever asked has gone
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        served.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
