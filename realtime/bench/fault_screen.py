"""A screen in a process of its own, to be killed."""

import io
from multiprocessing.connection import Connection
from typing import Any

from rich.console import Console

from ..ipc.snapshot_feed import Follower
from ..screens.terminal import run_dashboard


def watch_engine(engine: str, orders: "Connection[Any, Any]") -> None:
    """Show an engine on a terminal that nobody reads; says True once it is there."""
    follower = Follower(engine)
    while follower.snapshot() is None and not orders.poll(0.05):
        pass
    orders.send_bytes(b"true")
    run_dashboard(follower, Console(file=io.StringIO(), force_terminal=True, width=100), close_when_ended=False)
