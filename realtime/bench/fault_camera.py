"""A network camera on this machine: pictures as motion JPEG over HTTP, from a process of its own."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

_BOUNDARY = "frame"


def serve_pictures(port: int, jpegs: tuple[bytes, ...], rate_hz: float, orders: "Connection[Any, Any]") -> None:
    """Serve until killed: the target of a process. Says its port once it can be connected to.

    Parameters
    ----------
    port : int
        0 for any that is free.
    jpegs : tuple of bytes
        Shown in turn, again and again.
    rate_hz : float
    orders : Connection
    """
    begin_s = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            self.end_headers()
            number = int((time.monotonic() - begin_s) * rate_hz)
            try:
                while True:
                    self._send(jpegs[number % len(jpegs)])
                    # A real camera drops what it could not send in time.
                    number = max(number + 1, int((time.monotonic() - begin_s) * rate_hz))
                    time.sleep(max(0.0, begin_s + number / rate_hz - time.monotonic()))
            except OSError:
                return

        def _send(self, jpeg: bytes) -> None:
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    orders.send_bytes(json.dumps(server.server_address[1]).encode())
    server.serve_forever()
