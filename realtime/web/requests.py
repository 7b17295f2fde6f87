"""What browsers may ask of the page, in HTTP/1.1: requests read within limits, answers with strict headers."""

import hashlib
import hmac
import re
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_REQUEST = 8192
_PHRASES = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    503: "Service Unavailable",
}
_WINDOW_S = 60.0
_MOST_REQUESTS = 240
_MOST_WRONG = 10
_MOST_ADDRESSES = 1024


class BadRequestError(ValueError):
    """What came is no HTTP request."""


@dataclass(frozen=True)
class Request:
    """A request: its method, its path without a query, and its headers by their names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def token(self) -> str:
        """The token that it gives, as ``Authorization: Bearer TOKEN``; empty without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


def parse_request(head: bytes) -> Request:
    """Return the request of the bytes up to its empty line.

    Raises
    ------
    BadRequestError
        They are no request of HTTP/1.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError("a line such as 'GET / HTTP/1.1' was expected")
    headers = {}
    for line in filter(None, lines):
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequestError("headers such as 'Host: lab' were expected")
        headers[name.lower()] = value.strip()
    return Request(parts[0], parts[1].partition("?")[0], headers)


def answer(status: int, body: bytes = b"", kind: str = "text/plain; charset=utf-8", **more: str) -> bytes:
    """Return a whole answer; ``more`` are further headers, with ``_`` for ``-``."""
    return head(status, kind, Content_Length=str(len(body)), **more) + body


def head(status: int, kind: str, **more: str) -> bytes:
    """Return the head of an answer, whose body may follow in parts."""
    headers = {
        "Content-Type": kind,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Connection": "close",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def policy_of(page: str) -> str:
    """Return the Content-Security-Policy that lets a page run its own script and style, and nothing else."""
    script, style = (_hashes(page, tag) for tag in ("script", "style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(page: str, tag: str) -> str:
    texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)


class Door:
    """Decides whether an address may ask, and whether its token is right.

    An address that has tried ten wrong tokens within a minute gets no answer to a right one either, until the minute is
    over: a token cannot be found by trying.

    Parameters
    ----------
    token : str
    """

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)
        self._asked: dict[str, deque[float]] = {}
        self._wrong: dict[str, deque[float]] = {}

    def busy(self, address: str, now_s: float) -> bool:
        """Return whether an address asks too often; counts the request."""
        return not _within(self._asked, address, now_s, _MOST_REQUESTS)

    def open_to(self, address: str, token: str, now_s: float) -> bool | None:
        """Return whether a token is right; None where the address has given too many wrong ones."""
        wrong = self._wrong.get(address)
        if wrong is not None and len(_recent(wrong, now_s)) >= _MOST_WRONG:
            return None
        if hmac.compare_digest(_digest(token), self._digest):
            return True
        if token:  # to come without one is to ask for the way in, not to guess
            _within(self._wrong, address, now_s, _MOST_WRONG)
        return False


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _recent(times: deque[float], now_s: float) -> deque[float]:
    while times and times[0] < now_s - _WINDOW_S:
        times.popleft()
    return times


def _within(known: dict[str, deque[float]], address: str, now_s: float, most: int) -> bool:
    """Note that something happened, and return whether it has not happened too often."""
    if address not in known and len(known) >= _MOST_ADDRESSES:
        for old in [one for one, times in known.items() if not _recent(times, now_s)]:
            del known[old]
        if len(known) >= _MOST_ADDRESSES:
            return False
    times = _recent(known.setdefault(address, deque(maxlen=most + 1)), now_s)
    times.append(now_s)
    return len(times) <= most
