"""The page for browsers over scripted engines, served in this process."""

import asyncio
import http.client
import socket
import threading
from importlib import resources

from moodring.realtime.ipc.engine_feeds import Followed
from moodring.realtime.web.server import PageServer
from moodring.realtime.web.watch import PageWatch

TOKEN = "only-for-this-test-0123456789"


def page():
    return resources.files("moodring.realtime.web").joinpath("page.html").read_text(encoding="utf-8")


class Engines:
    """Engines whose state a test sets."""

    def __init__(self):
        self.shown = ()
        self.closed = False

    def look(self):
        return self.shown

    def close(self):
        self.closed = True

    def show(self, *snapshots, **changes):
        """Show a snapshot for each engine; None for one that has not answered yet."""
        self.shown = tuple(
            Followed(f"e{index}", f"room-{index + 1}", snapshot, **{"silent_s": 0.0, "why": "", **changes})
            for index, snapshot in enumerate(snapshots)
        )


class WebStand:
    """A server of the page on a port of its own; use as a context manager."""

    def __init__(self, engines, *, port=0, every_s=0.02, clock=None, **watch):
        self.engines = engines
        self._watch = PageWatch(engines, **watch)
        self._port, self._every_s, self._clock = port, every_s, clock
        self._over = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(20.0)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._over.set()
        self._thread.join(20.0)
        assert not self._thread.is_alive()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/#{TOKEN}"

    async def _serve(self):
        clock = {} if self._clock is None else {"clock": self._clock}
        self.server = server = PageServer(page(), TOKEN, self._watch.message, **clock)
        listening = await server.listen("127.0.0.1", self._port)
        self.port = listening.sockets[0].getsockname()[1]
        async with listening:
            self._ready.set()
            await server.watch(self._over.is_set, self._every_s)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=5.0)

    def get(self, path, token=None, method="GET", **headers):
        """An open answer: status, headers, and the response to read from."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20.0)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, headers=headers)
        return connection.getresponse()

    def raw(self, request):
        """All that is answered to some bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20.0) as made:
            made.sendall(request)
            made.shutdown(socket.SHUT_WR)
            parts = []
            while part := made.recv(65536):
                parts.append(part)
        return b"".join(parts)
