"""The process that serves the page: a screen like any other, which an engine never waits for."""

import asyncio
import contextlib
import errno
import math
import os
import time
from importlib import resources
from ipaddress import ip_address
from socket import gaierror

import psutil

from ...configs.schema.errors import MoodringError, failure_of
from ...configs.schema.web import WebSection
from ...processes import Child, ChildHandle, Parent
from ..ipc.engine_feeds import EngineFeeds
from ..ipc.run_dir import page_of, running
from .server import PageServer
from .watch import PageWatch

_GRACE_S = 5.0
_READY_S = 120.0
_TRY_AGAIN_S = 1.0
_LET_GO_S = 2.0
_BESIDE_S = 15.0  # an engine that was started at the same moment loads its libraries
_NICENESS = 5


class WebPage(ChildHandle):
    """The page in a child process; use as a context manager.

    Parameters
    ----------
    section : WebSection
        With address and token.
    """

    def __init__(self, section: WebSection) -> None:
        super().__init__(Child("web page", serve, section, failure=failure_of), _GRACE_S)

    def wait_ready(self) -> str:
        """Wait until browsers can open it, and return what is to be said of that.

        Raises
        ------
        MoodringError
            Address or port cannot be had.
        """
        return str(self._child.wait_for("ready", _READY_S))


def url_of(section: WebSection) -> str:
    """Return the address to type into a browser, token included: what follows ``#`` is not sent over the network."""
    host = f"[{section.address}]" if ":" in str(section.address) else section.address
    return f"http://{host}:{section.port}/#{section.token}"


def serve(parent: Parent, section: WebSection) -> None:
    """Serve the page of all engines that name it, until the parent asks for the end: the target of a child process.

    Send ``{"ready": text}`` once it is open, here or by another process whose engine names the same page; this one then
    takes over when that one ends.
    """
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # decoding goes first
    page = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    name = page_of(section)
    watch = PageWatch(
        EngineFeeds(lambda card: card.page == name), estimates=section.estimates, pictures=section.pictures
    )
    try:
        asyncio.run(_serve(parent, section, PageServer(page, str(section.token), watch.message)))
    finally:
        watch.close()


async def _serve(parent: Parent, section: WebSection, server: PageServer) -> None:
    listening = await _listen(parent, section, server)
    if listening is None:
        return
    parent.send({"ready": f"page for browsers: {url_of(section)}"})
    async with listening:
        await server.watch(parent.ended.is_set)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=_LET_GO_S)


async def _listen(parent: Parent, section: WebSection, server: PageServer) -> asyncio.Server | None:
    """Listen, once the page's own process that may be there has ended; None where the parent has ended before."""
    give_up_s = time.monotonic() + _BESIDE_S
    while not parent.ended.is_set():
        try:
            return await server.listen(str(section.address), section.port)
        except gaierror as error:
            raise MoodringError(_not_here(section)) from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise MoodringError(_not_here(section)) from error
            if error.errno != errno.EADDRINUSE:
                raise MoodringError(
                    f"the page for browsers cannot be opened at {section.address} port {section.port} "
                    f"({os.strerror(error.errno or 0).lower()}); change web.address and web.port, or leave out [web]"
                ) from error
        if _shared(section):
            give_up_s = math.inf
            parent.send({"ready": f"page for browsers, shared with the engines that name it too: {url_of(section)}"})
        elif time.monotonic() > give_up_s:
            raise MoodringError(
                f"port {section.port} of {section.address} is taken, by another program or by a page with another "
                "token; set web.port to another, or give both configs the same [web]"
            )
        await asyncio.sleep(_TRY_AGAIN_S)
    return None


def _shared(section: WebSection) -> bool:
    """Return whether a running engine names the same page, whose process then serves both."""
    return any(card.page == page_of(section) for card in running())


def _not_here(section: WebSection) -> str:
    found = {one.address.partition("%")[0] for ones in psutil.net_if_addrs().values() for one in ones}
    known = []
    for address in found:
        with contextlib.suppress(ValueError):  # of a network card itself
            known.append(str(ip_address(address)))
    return (
        f"web.address {section.address} is none of this computer's addresses, which are {', '.join(sorted(known))}; "
        "give the one of its interface in the lab"
    )
