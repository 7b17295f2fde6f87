"""Serves the page: one thread, an event loop, a few kinds of answers, limits on all that a browser may do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from .requests import LONGEST_REQUEST, BadRequestError, Door, Request, answer, head, parse_request, policy_of

EVERY_S = 0.5
_MOST_CONNECTIONS = 64
_MOST_PAGES = 16
_REQUEST_S = 5.0
_WRITE_S = 10.0
_MOST_UNREAD = 1 << 20  # bytes that a browser may be behind


class PageServer:
    """The page of some engines, for browsers that have the token.

    Anybody who reaches the address gets the page itself, which holds nothing; what it shows comes from ``/events``,
    which needs the token in a header, so that the token stands in no log, cookie or referrer.

    Parameters
    ----------
    page : str
        HTML with its script and style inside.
    token : str
    message : callable
        Returns what there is to show as one line of JSON; called in a thread of its own, one call at a time.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    pages : int
        How many browsers are being told.
    """

    def __init__(
        self, page: str, token: str, message: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._page = answer(200, page.encode(), "text/html; charset=utf-8", Content_Security_Policy=policy_of(page))
        self._door = Door(token)
        self._message = message
        self._clock = clock
        self._event, self._number = b"", 0
        self._changed = asyncio.Condition()
        self._connections = 0
        self.pages = 0

    async def listen(self, address: str, port: int) -> asyncio.Server:
        """Begin to listen; raises OSError where the address or the port is not free."""
        return await asyncio.start_server(self._accept, address, port, limit=LONGEST_REQUEST)

    async def watch(self, over: Callable[[], bool], every_s: float = EVERY_S) -> None:
        """Bring the message up to date, again and again; when it is over, let go of the browsers."""
        while not over():
            await self._put(f"data: {await asyncio.to_thread(self._message)}\n\n".encode())
            await asyncio.sleep(every_s)
        await self._put(b"")

    async def _put(self, event: bytes) -> None:
        async with self._changed:
            self._number, self._event = self._number + 1, event
            self._changed.notify_all()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, and close it whatever happens."""
        self._connections += 1
        try:
            # A browser that goes away in the middle of anything is nothing to tell of.
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            self._connections -= 1
            writer.close()
            try:
                await asyncio.wait_for(writer.wait_closed(), _WRITE_S)
            except (OSError, TimeoutError):
                writer.transport.abort()  # what it has not read is not kept for it

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str(writer.get_extra_info("peername")[0])
        now_s = self._clock()
        if self._connections > _MOST_CONNECTIONS or self._door.busy(address, now_s):
            await _send(writer, answer(429, b"too many requests; wait a minute\n", Retry_After="60"))
            return
        try:
            request = parse_request(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _REQUEST_S))
        except (BadRequestError, asyncio.LimitOverrunError) as error:
            await _send(writer, answer(400, f"no request that is known here: {error}\n".encode()))
            return
        await self._reply(request, address, writer)

    async def _reply(self, request: Request, address: str, writer: asyncio.StreamWriter) -> None:
        if request.method != "GET":
            await _send(writer, answer(405, b"this page can only be read\n", Allow="GET"))
        elif request.path == "/":
            await _send(writer, self._page)
        elif request.path != "/events":
            await _send(writer, answer(404, b"nothing is here\n"))
        elif (known := self._door.open_to(address, request.token, self._clock())) is None:
            await _send(writer, answer(429, b"too many wrong tokens; wait a minute\n", Retry_After="60"))
        elif not known:
            await _send(writer, answer(401, b"the token is missing or wrong\n", WWW_Authenticate="Bearer"))
        elif self.pages >= _MOST_PAGES:
            await _send(writer, answer(503, b"too many pages are open\n", Retry_After="10"))
        else:
            await self._stream(writer)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """Send every message to a browser; one that does not read is cut off."""
        self.pages += 1
        try:
            await _send(writer, head(200, "text/event-stream; charset=utf-8"))
            async for event in self._events():
                if writer.is_closing() or writer.transport.get_write_buffer_size() > _MOST_UNREAD:
                    writer.transport.abort()
                    return
                await _send(writer, event)
        finally:
            self.pages -= 1

    async def _events(self) -> AsyncIterator[bytes]:
        """Yield the present message, then each that follows, up to the empty one at the end."""
        seen = 0
        while True:
            async with self._changed:
                # By its number: one that came while the one before was being sent is not missed.
                while self._number == seen:
                    await self._changed.wait()
                seen, event = self._number, self._event
            if not event:
                return
            yield event


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await asyncio.wait_for(writer.drain(), _WRITE_S)
