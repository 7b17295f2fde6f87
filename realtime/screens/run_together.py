"""Run several engines at once, one for each participant, under one screen."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from rich.console import Console

from ...configs.schema.errors import MoodringError
from ...processes import hold_interrupts
from ..engine.engine_process import EngineProcess
from ..engine.job import EngineJob
from ..ipc.engine_feeds import EngineFeeds
from .at_the_end import summary_line
from .tiles import run_tiles

_READY_S = 240.0  # several load their libraries at the same time


class Show(Protocol):
    """Protocol of a screen of several engines."""

    def __call__(
        self,
        pids: Sequence[int],
        goes_on: Callable[[], bool],
        say: Callable[[str], None],
        otherwise: Callable[[], None],
    ) -> None:
        """Show the engines of these processes while any goes on; ``otherwise`` is the terminal's screen."""
        ...


def run_together(
    jobs: Sequence[EngineJob], say: Callable[[str], None], *, headless: bool = False, show: Show | None = None
) -> dict[str, Any]:
    """Run an engine for each job until all sessions are over or Ctrl+C is pressed.

    They have the libraries in memory once where the system can. One that fails ends alone: the others go on.

    Parameters
    ----------
    jobs : sequence of EngineJob
        Their configs have different names.
    say : callable
        Told what became of each session.
    headless : bool
        Lines now and then in place of tiles.
    show : callable or None
        Another screen than the terminal's; not used where ``headless``.

    Returns
    -------
    dict
        ``engines``: the summary of each with its name.

    Raises
    ------
    MoodringError
        One failed; the line of each that did.
    """
    names = [job.config.name for job in jobs]
    with ExitStack() as stack:
        with hold_interrupts():
            engines = [stack.enter_context(EngineProcess(job, beside_others=True)) for job in jobs]
        for engine in engines:
            engine.wait_ready(_READY_S)
        ours = {engine.pid for engine in engines}

        def goes_on() -> bool:
            return not all(engine.over(0.0) for engine in engines)

        def on_the_terminal() -> None:
            console = Console(stderr=True, force_terminal=False, width=200) if headless else Console()
            run_tiles(EngineFeeds(lambda card: card.pid in ours), console, goes_on=goes_on)

        if show is None or headless:
            on_the_terminal()
        else:
            show([pid for pid in ours if pid is not None], goes_on, say, on_the_terminal)
        for engine in engines:
            engine.ask_to_stop()
        results = [_result(name, engine) for name, engine in zip(names, engines, strict=True)]
    failures = [result for result in results if isinstance(result, str)]
    summaries = [result for result in results if not isinstance(result, str)]
    for summary in summaries:
        say(f"{summary['engine']}: {summary_line(summary)}")
    if failures:
        raise MoodringError("; ".join(failures))
    return {"engines": summaries}


def _result(name: str, engine: EngineProcess) -> dict[str, Any] | str:
    """Return the summary of an engine, or the line that it failed with."""
    try:
        return {"engine": name, **engine.wait_done()}
    except MoodringError as error:
        return f"{name}: {error}"
