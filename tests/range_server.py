"""Files over HTTP on the loopback interface: in parts, with connections that break, or without parts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Files:
    """What is served: bytes by path. `breaks` answers are cut off halfway, then all is well again."""

    def __init__(self, base: str, files: Mapping[str, bytes], *, ranges: bool) -> None:
        self.base = base
        self.files = dict(files)
        self.ranges = ranges
        self.breaks = 0
        self.sent_bytes = 0


@contextmanager
def file_server(files: Mapping[str, bytes], *, ranges: bool = True) -> Iterator[Files]:
    """Serves for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            body = here.files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            whole = here.files.get(self.path)
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            body = whole or b""
            status = 404 if whole is None else 200
            if asked and whole is not None and here.ranges:
                start, end = int(asked[1]), int(asked[2] or len(whole) - 1) + 1
                status, body = (206, whole[start:end]) if start < len(whole) else (416, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if here.breaks and len(body) > 1:
                here.breaks -= 1
                body = body[: len(body) // 2]
                self.close_connection = True
            here.sent_bytes += len(body)
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = Files(f"http://127.0.0.1:{server.server_port}", files, ranges=ranges)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
