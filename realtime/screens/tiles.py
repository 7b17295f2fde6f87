"""The terminal's screen of several engines: a tile for each."""

import time
from collections.abc import Callable, Sequence

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from ...configs.schema.foreign_text import visible
from ...models.contract import HeadOutput
from ..ipc.engine_feeds import Followed, FollowedEngines
from ..ipc.snapshot import Snapshot
from . import wording
from .plain_line import line, notices
from .terminal import ASCII, STYLES, UNICODE, Glyphs, Visible
from .wording import StatusText

TILE_WIDTH = 39
_SCREEN_S, _LINES_S = 0.5, 2.0
_AXES = ("valence", "arousal")


def run_tiles(
    engines: FollowedEngines,
    console: Console | None = None,
    *,
    goes_on: Callable[[], bool] = lambda: True,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Show several engines until Ctrl-C; blocks.

    On a terminal the tiles stay in place; elsewhere (a file, a pipe) one plain line for each comes every two seconds.

    Parameters
    ----------
    engines : FollowedEngines
        Closed at the end.
    console : Console or None
        None is standard output.
    goes_on : callable
        Whether there is anything to show; asked before each picture.
    wait : callable
        How to let some seconds pass.
    """
    console = console or Console()
    try:
        if console.is_terminal:
            glyphs = ASCII if console.options.ascii_only else UNICODE
            with Live(console=console, screen=True, auto_refresh=False) as live:
                while goes_on():
                    live.update(Visible(tiles(engines.look(), glyphs)), refresh=True)
                    wait(_SCREEN_S)
        else:
            while goes_on():
                for text in lines(engines.look()):
                    console.print(text, soft_wrap=True, markup=False, highlight=False)
                wait(_LINES_S)
    except KeyboardInterrupt:
        return  # the usual way to leave a screen; the engines go on
    finally:
        engines.close()


def lines(engines: Sequence[Followed]) -> tuple[str, ...]:
    """Return each engine as one line of plain text."""
    if not engines:
        return ("waiting for engines; start them with 'moodring live'",)
    return tuple(visible(f"{_who(one)}: {line(one.snapshot, one.silent_s, one.why)}") for one in engines)


def tiles(engines: Sequence[Followed], glyphs: Glyphs = UNICODE) -> RenderableType:
    """Return the engines as tiles of 39 characters, two side by side on a terminal of 80."""
    if not engines:
        return Text(f"{glyphs.marks['idle']} {lines(())[0]}", "bright_black")
    answering = sum(one.snapshot is not None and not (one.gone or one.ended) for one in engines)
    head = Text(f"moodring  {answering} of {len(engines)} engines answer", "bold")
    return Group(head, Columns([_tile(one, glyphs) for one in engines], width=TILE_WIDTH, padding=(0, 1)))


def _who(one: Followed) -> str:
    participant = "" if one.snapshot is None else one.snapshot.participant
    return one.name if participant in ("", "unknown", one.name) else f"{participant} ({one.name})"


def _tile(one: Followed, glyphs: Glyphs) -> RenderableType:
    snapshot = one.snapshot
    if snapshot is None:
        rows = [_text(StatusText("waiting for it" + (f": {one.why}" if one.why else ""), "idle"), glyphs)]
        return _panel(one, rows)
    phase = StatusText(f"not answered for {one.silent_s:.0f} s", "bad") if one.gone else wording.phase(snapshot)
    rows = [_text(phase, glyphs, f"  {wording.clock(snapshot.elapsed_s)}")]
    if (recording := wording.recording(snapshot)) is not None:
        rows.append(_text(recording, glyphs))
    rows += [_answer(axis, snapshot) for axis in _AXES]
    rows += [_text(wording.speech(snapshot), glyphs, lead="voice   ")]
    if any(head.name == wording.FACE for head in snapshot.heads):
        rows.append(_text(wording.face_expression(snapshot), glyphs, lead="face    "))
    rows.append(_sources(snapshot, glyphs))
    told = notices(snapshot)
    if told:
        more = f" (+{len(told) - 1})" if len(told) > 1 else ""
        rows.append(_text(StatusText(f"{told[0][: TILE_WIDTH - 6 - len(more)]}{more}", "warn"), glyphs))
    return _panel(one, rows)


def _panel(one: Followed, rows: Sequence[Text]) -> Panel:
    border = "bold red" if one.gone else "bright_black"
    return Panel(Group(*rows), title=_who(one)[: TILE_WIDTH - 6], title_align="left", border_style=border)


def _text(status: StatusText, glyphs: Glyphs, after: str = "", lead: str = "") -> Text:
    text = Text(lead, no_wrap=True, overflow="ellipsis")
    text.append(f"{glyphs.marks[status.tone]} {status.text}", STYLES[status.tone])
    return text.append(after, "bright_black")


def _answer(axis: str, snapshot: Snapshot) -> Text:
    """Return the newest answer on an axis with its probability, or why there is none."""
    output = None if snapshot.estimate is None else snapshot.estimate.head(axis)
    text = Text(f"{axis} ", no_wrap=True, overflow="ellipsis")
    if output is None or output.probabilities is None:
        return text.append((output.abstained if output is not None else None) or "no estimate yet", "bright_black")
    return text.append(wording.answer(output.kept) or str(output.best), "bold").append(_share(output), "bright_black")


def _share(output: HeadOutput) -> str:
    return f"  {output.best} {max(output.probabilities or (0.0,)):.0%}"


def _sources(snapshot: Snapshot, glyphs: Glyphs) -> Text:
    """Return the mark and name of each source, and the state of those that are not simply live."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for status in snapshot.sources:
        if not status.configured:
            continue
        health = wording.health(status)
        told = "" if health.tone == "good" else f" {health.text}"
        text.append(f"{glyphs.marks[health.tone]} {wording.source_title(status.modality)}{told}  ", STYLES[health.tone])
    return text
