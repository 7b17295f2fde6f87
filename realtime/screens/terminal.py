"""The terminal dashboard: the content of the window in 80 x 24 characters, or lines in a file."""

import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ...configs.schema.foreign_text import visible
from ...models.contract import BANDS, LEVELS, FloatArray, SourceStatus
from ..ipc.snapshot import Snapshot
from ..ipc.snapshot_feed import SnapshotSource
from . import evidence, wording
from .history import History, empty, extended
from .plain_line import followed, head_words, line, notices
from .wording import Tone

WIDTH = 80
SPARK_S = 60.0
GONE_FOR_GOOD_S = 5.0
STYLES: dict[Tone, str] = {"good": "green", "warn": "yellow", "bad": "bold red", "idle": "bright_black"}
_LEVEL_LINES = 7
_SPARE_LINES = 3  # of 24, for notices, what is pooled, and what would be said without a part
_LEVEL_STYLES = ("blue", "white", "yellow")


@dataclass(frozen=True)
class Glyphs:
    """Characters of bars and sparklines."""

    blocks: str
    sparks: str
    marks: dict[Tone, str]


UNICODE = Glyphs("▏▎▍▌▋▊▉█", "▁▂▃▄▅▆▇█", wording.MARKS)
ASCII = Glyphs("#", ".:-=+*#@", {"good": "*", "warn": "!", "bad": "X", "idle": "o"})


def run_dashboard(
    source: SnapshotSource,
    console: Console | None = None,
    *,
    close_after_s: float | None = None,
    close_when_ended: bool = True,
    goes_on: Callable[[], bool] = lambda: True,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> int:
    """Show an engine until it ends or Ctrl-C; blocks.

    On a terminal the picture stays in place and moves four times a second; elsewhere (a file, a pipe) one plain line
    comes per second.

    Parameters
    ----------
    source : SnapshotSource
        Closed at the end.
    console : Console or None
        None is standard output.
    close_after_s : float or None
        Seconds after which it ends by itself.
    close_when_ended : bool
        End once the session has, or its engine has been gone for a few seconds.
    goes_on : callable
        Whether there is anything to show; asked before each picture.
    clock, wait : callable
        Monotonic seconds, and how to let some pass.

    Returns
    -------
    int
        The exit status, 0.
    """
    console = console or Console()
    screen = _Screen(console) if console.is_terminal else _Lines(console)
    start = received_s = clock()
    snapshot: Snapshot | None = None
    try:
        with screen:
            while goes_on() and (close_after_s is None or clock() - start < close_after_s):
                newest = source.snapshot()
                if newest is not None:
                    snapshot, received_s = newest, clock()
                screen.show(snapshot, clock() - received_s, source.why_silent())
                over = snapshot is not None and (snapshot.phase == "ended" or clock() - received_s > GONE_FOR_GOOD_S)
                if close_when_ended and over:
                    break
                wait(screen.step_s)
    except KeyboardInterrupt:
        # The usual way to leave a screen; the engine goes on.
        return 0
    finally:
        source.close()
    return 0


class _Screen:
    """Redraws in place on the terminal's alternate screen."""

    step_s = 0.25

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._history = empty()
        self._glyphs = ASCII if console.options.ascii_only else UNICODE

    def __enter__(self) -> "_Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot | None, silent_s: float, why: str) -> None:
        """Draw the present picture."""
        if snapshot is not None:
            self._history = extended(self._history, snapshot)
        self._live.update(Visible(picture(snapshot, self._history, silent_s, self._glyphs, why)), refresh=True)


class Visible:
    """A renderable whose foreign text is written out, so that nothing in it acts on the terminal."""

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it."""
        for segment in console.render(self._renderable, options):
            shown = "\n".join(map(visible, segment.text.split("\n")))
            yield segment if segment.control else Segment(shown, segment.style)


class _Lines:
    """Prints lines."""

    step_s = 1.0

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, snapshot: Snapshot | None, silent_s: float, why: str) -> None:
        """Print one line."""
        text = (
            visible(line(snapshot, silent_s, why))
            .encode(self._console.encoding, "replace")
            .decode(self._console.encoding)
        )
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)


# ----------------------------------------------------------------------------------------------------- picture


def picture(
    snapshot: Snapshot | None, history: History, silent_s: float = 0.0, glyphs: Glyphs = UNICODE, why: str = ""
) -> RenderableType:
    """Return a snapshot as a renderable for a terminal of at least 80 x 24 characters."""
    if snapshot is None:
        return Text(f"{glyphs.marks['idle']} {line(None, why=why)}", style="bright_black")
    rows: list[RenderableType] = [_head(snapshot, silent_s, glyphs)]
    rows += [Text(f"{glyphs.marks['warn']} {text}", "yellow", no_wrap=True) for text in notices(snapshot)]
    rows.append(
        _side_by_side(
            _level_panel("valence", snapshot, history, glyphs),
            _level_panel("arousal", snapshot, history, glyphs),
        )
    )
    told = evidence.ablations(snapshot.estimate, WIDTH)
    if told and len(notices(snapshot)) + bool(wording.pooled_answers(snapshot.estimate)) < _SPARE_LINES:
        rows.append(Text(told, "bright_black", no_wrap=True, overflow="ellipsis"))
    if snapshot.estimate is not None and (pooled := wording.pooled(snapshot.estimate)):
        rows.append(Text.assemble(("pooled ", "bold magenta"), pooled, no_wrap=True, overflow="ellipsis"))
    rows.append(_side_by_side(_voice_panel(snapshot, glyphs), _attention_panel(snapshot, glyphs)))
    rows += [
        Text.assemble((f"{wording.title(head)}: ", "bold"), head_words(head, output), no_wrap=True, overflow="ellipsis")
        for head, output in wording.further_heads(snapshot)
    ]
    rows.append(_sources(snapshot, glyphs))
    rows.append(_figures(snapshot))
    return Group(*rows)


def _side_by_side(left: RenderableType, right: RenderableType) -> RenderableType:
    return Columns([left, right], width=WIDTH // 2 - 1, padding=(0, 1))


def _head(snapshot: Snapshot, silent_s: float, glyphs: Glyphs) -> Text:
    status_text = wording.phase(snapshot)
    if silent_s > 1.0 and snapshot.phase != "ended":
        status_text = wording.StatusText(f"engine has not answered for {silent_s:.0f} s", "bad")
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("moodring", "bold").append(f"  {snapshot.engine[:20]}  ", "bright_black")
    text.append(f"{glyphs.marks[status_text.tone]} {status_text.text}", STYLES[status_text.tone])
    if (recording := wording.recording(snapshot)) is not None:
        text.append(f"  {glyphs.marks[recording.tone]} {recording.text}", STYLES[recording.tone])
    return text


def _level_panel(axis: str, snapshot: Snapshot, history: History, glyphs: Glyphs) -> Panel:
    estimate = snapshot.estimate
    head = None if estimate is None else estimate.answer(axis)
    members, values = ((), None) if head is None else (head.kept, head.probabilities)
    reason = "" if estimate is None or head is None else wording.doubt(estimate, head)
    output = None if estimate is None else estimate.head(axis)
    if output is not None and not output.answered:
        return _unanswered(axis, output.abstained or "no answer")
    answer = Text(wording.answer(members) if head else "no estimate yet", "bold" if head else "bright_black")
    width = WIDTH // 2 - 5
    shares = history.valence if axis == "valence" else history.arousal
    lines = [
        answer,
        Text(reason, "bright_black", no_wrap=True, overflow="ellipsis"),
        *(
            _bar(LEVELS[i], None if values is None else values[i], i in members, _LEVEL_STYLES[i], glyphs)
            for i in (2, 1, 0)
        ),
        Text(spark(history.times_s, shares[:, 2] - shares[:, 0], width - 5, glyphs) + " said", "cyan", no_wrap=True),
        _truth(0 if axis == "valence" else 1, history, width, glyphs),
    ]
    return Panel(Group(*lines), title=f"{axis.capitalize()}, felt", title_align="left", border_style="bright_black")


def _unanswered(axis: str, why: str) -> Panel:
    """Return the panel of a head that abstains: its reason, in the room of an answer."""
    rows = textwrap.wrap(why, WIDTH // 2 - 5)
    lines = [*rows, *[""] * _LEVEL_LINES][:_LEVEL_LINES]
    texts = [Text(line, "yellow", no_wrap=True, overflow="ellipsis") for line in lines]
    return Panel(Group(*texts), title=f"{axis.capitalize()}, felt", title_align="left", border_style="bright_black")


def _truth(which: int, history: History, width: int, glyphs: Glyphs) -> Text:
    """Return the line under the sparkline: the true value where known, else the range."""
    if not len(history.truth):
        return Text(f"low to high, last {SPARK_S:.0f} s", "bright_black", no_wrap=True)
    drawn = spark(history.truth_times_s, history.truth[:, which], width - 5, glyphs)
    return Text(drawn + " true", "bright_black", no_wrap=True)


def spark(times_s: Sequence[float] | np.ndarray, values: FloatArray, width: int, glyphs: Glyphs = UNICODE) -> str:
    """Return the last minute of a value in -1..1 as a sparkline, the newest on the right."""
    if not len(values):
        return " " * width
    moments = np.linspace(times_s[-1] - SPARK_S, times_s[-1], width)
    index = np.searchsorted(times_s, moments, side="right") - 1
    steps = np.clip((values + 1) / 2 * len(glyphs.sparks), 0, len(glyphs.sparks) - 1).astype(int)
    return "".join(glyphs.sparks[steps[i]] if i >= 0 else " " for i in index)


def _bar(name: str, share: float | None, member: bool, style: str, glyphs: Glyphs, width: int = 18) -> Text:
    text = Text(no_wrap=True)
    text.append(f"{name[:9]:9} ", "bold" if member else "")
    text.append(f"{'' if share is None else _blocks(share, width, glyphs):{width}}", style)
    return text.append("" if share is None else f" {share:4.0%}", "bold" if member else "")


def _blocks(share: float, width: int, glyphs: Glyphs) -> str:
    eighths = round(min(max(share, 0.0), 1.0) * width * len(glyphs.blocks))
    whole, rest = divmod(eighths, len(glyphs.blocks))
    return glyphs.blocks[-1] * whole + (glyphs.blocks[rest - 1] if rest else "")


def _voice_panel(snapshot: Snapshot, glyphs: Glyphs) -> Panel:
    status_text = wording.speech(snapshot)
    output = None if snapshot.estimate is None else snapshot.estimate.answer("speech")
    spoken = output.probabilities if output is not None and status_text.tone == "good" else None
    best = None if spoken is None else max(range(len(spoken)), key=spoken.__getitem__)
    lines = [Text(status_text.text, "bold" if spoken else "bright_black")]
    for i, name in enumerate(snapshot.classes("speech")[:4]):
        lines.append(_bar(name, None if spoken is None else spoken[i], i == best, "cyan", glyphs))
    return Panel(Group(*lines), title="Expressed in the voice", title_align="left", border_style="bright_black")


def _attention_panel(snapshot: Snapshot, glyphs: Glyphs) -> Panel:
    glimpsed = snapshot.glimpsed_fraction
    share = "no frame looked at yet" if glimpsed is None else f"{glimpsed:.1%} of the frames looked at"
    bands = snapshot.band_attention
    lines = [Text(share), *(_bar(n, bands[i] if bands else None, False, "cyan", glyphs) for i, n in enumerate(BANDS))]
    face = followed(snapshot)
    last = Text("EEG bands, last half second", "bright_black") if face is None else _told(face, glyphs)
    last.no_wrap, last.overflow = True, "ellipsis"
    lines.append(last)
    return Panel(Group(*lines), title="Attention", title_align="left", border_style="bright_black")


def _told(status_text: wording.StatusText, glyphs: Glyphs) -> Text:
    return Text(f"{glyphs.marks[status_text.tone]} {status_text.text}", STYLES[status_text.tone])


def _sources(snapshot: Snapshot, glyphs: Glyphs) -> Table:
    table = Table.grid(padding=(0, 2))
    # Where the row is too long, its figures are cut, not its name.
    table.add_column(min_width=max((len(wording.source_title(one.modality)) for one in snapshot.sources), default=0))
    for status in snapshot.sources:
        status_text = wording.health(status)
        state = Text(f"{glyphs.marks[status_text.tone]} {status_text.text}", STYLES[status_text.tone], no_wrap=True)
        title = Text(wording.source_title(status.modality), "bold", no_wrap=True)
        table.add_row(title, state, *_source_figures(status))
    return table


def _source_figures(status: SourceStatus) -> tuple[Text, ...]:
    if not status.configured:
        return (Text("left out of the config", "bright_black"),)
    if (line := wording.trouble(status)) and status.health != "recovered":
        return (Text(line, no_wrap=True, overflow="ellipsis"),)
    rate = wording.rate(status)
    if status.modality == "speech" and status.figures.drift_ppm is not None:
        rate += f" {status.figures.drift_ppm:+.0f} ppm"
    words = (rate, wording.lost(status), wording.age(status.age_s), wording.delay(status))
    return tuple(Text(word, no_wrap=True) for word in words)


def _figures(snapshot: Snapshot) -> Text:
    latency = snapshot.latency_ms
    delay = "–" if latency is None else f"{latency.p50:.0f}/{latency.p99:.0f} ms"
    ages = wording.information_ages(snapshot).replace(" / ", "/")
    words = f"{wording.clock(snapshot.elapsed_s)} · latency {delay} · age {ages}"
    return Text(
        f"{words} · {snapshot.decisions} decisions, {snapshot.skipped_decisions} skipped · {snapshot.device}",
        "bright_black",
        no_wrap=True,
        overflow="ellipsis",
    )
