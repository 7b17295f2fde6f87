"""The commands of a running session: demo, live, monitor, replay, and the screenshot of the window."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..configs.schema.errors import ConfigError
from .options import (
    CONFIGS,
    ConfigsArgument,
    DurationOption,
    EegStreamOption,
    ExtensionOption,
    HeadlessOption,
    RecordOption,
    ScreenshotOption,
    SetOption,
    load_extensions,
)
from .output import JsonOption, say, write_json

if TYPE_CHECKING:
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.web import WebSection

STARTED_S = time.time()
DEMO_S = 600.0
SPARE_S = 20.0  # the simulated participant outlasts the engine


def demo(
    headless: HeadlessOption = False,
    duration: DurationOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Which simulated participant.")] = 7,
    json_file: JsonOption = None,
    screenshot: ScreenshotOption = None,
    record: RecordOption = None,
    me: Annotated[
        bool, typer.Option("--me", help="This machine's webcam and microphone in place of the simulation.")
    ] = False,
    no_microphone: Annotated[bool, typer.Option("--no-microphone", help="With --me: the camera alone.")] = False,
    no_camera: Annotated[bool, typer.Option("--no-camera", help="With --me: the microphone alone.")] = False,
    overrides: SetOption = None,
) -> None:
    """Decode a simulated participant live over LSL, and show it; or, with --me, whoever sits before this machine.

    With --me nothing is recorded unless --record is given, and nothing leaves the machine.
    """
    from ..configs.schema.liblsl import own_session
    from ..configs.schema.live import LiveConfig, SessionSection, StreamQuery
    from ..configs.schema.load import load
    from ..offline.replay.process import SimulatedSource, start_replay
    from ..offline.replay.publish import ReplayOptions
    from ..processes import hold_interrupts
    from ..realtime.engine.job import EngineJob
    from ..realtime.ui.run_with_screen import ScreenOptions, run_with_screen

    lsl = own_session("demo")
    if me:
        if no_microphone and no_camera:
            raise ConfigError("--no-microphone and --no-camera leave nothing to decode; give one of them")
        without = {"speech": None} if no_microphone else {"face": None} if no_camera else {}
        mine = load(CONFIGS / "me.toml", LiveConfig, overrides or ()).model_copy(update={"lsl": lsl, **without})
        say("what your face and your voice express, by this machine's camera and microphone; Ctrl+C ends it")
        options = ScreenOptions(headless, screenshot, window_is_all=True)
        run_with_screen(EngineJob(mine, duration or DEMO_S, json_file, STARTED_S, record=record), options, say)
        return
    if overrides or no_microphone or no_camera:
        raise ConfigError(
            "--set, --no-microphone and --no-camera change what --me decodes; the simulated participant's config is "
            "configs/demo.toml: "
            "copy it, or give --me"
        )
    markers = [StreamQuery(name="simulated_markers")]
    about = SessionSection(participant=f"sim-{seed:03}", task="demo", markers=markers)
    config = load(CONFIGS / "demo.toml", LiveConfig).model_copy(update={"lsl": lsl, "session": about})
    source = SimulatedSource(seed, DEMO_S if duration is None else duration + SPARE_S)
    say(f"simulated participant {seed}: EEG, face and speech over LSL; Ctrl+C ends the demo")
    with ExitStack() as stack:
        with hold_interrupts():
            stack.enter_context(start_replay(source, ReplayOptions(lsl=lsl)))
        options = ScreenOptions(headless, screenshot, window_is_all=True)
        run_with_screen(EngineJob(config, duration or DEMO_S, json_file, STARTED_S, record=record), options, say)


def set_up(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="Shown first; else the last session's.")
    ] = None,
) -> None:
    """Set up a session in a window: devices, electrodes, models, participant; then run it."""
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..realtime.ui.run_app import run_app

    run_app(None if config is None else load(config, LiveConfig), say)


def live(
    configs: ConfigsArgument = None,
    headless: HeadlessOption = False,
    duration: DurationOption = None,
    json_file: JsonOption = None,
    screenshot: ScreenshotOption = None,
    record: RecordOption = None,
    extension: ExtensionOption = None,
    protocol: Annotated[
        Path | None, typer.Option(metavar="TOML", help="Show this protocol to the participant (docs/protocol.md).")
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Decode a lab's own streams, camera and microphone, as a config names them; several participants, as several do.

    Several configs are decoded at the same time, by an engine each, in one window with a tile for each.
    """
    if not configs:
        if headless or screenshot is not None or json_file is not None or protocol is not None:
            raise ConfigError(
                "live without CONFIG opens the set-up page; --headless, --json, --protocol and --screenshot need one"
            )
        set_up()
        return
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..realtime.engine.job import EngineJob
    from ..realtime.ui.run_with_screen import ScreenOptions, run_with_screen

    loaded = _with_pages([load(path, LiveConfig, overrides or ()) for path in configs])
    extensions = load_extensions(extension or ())
    alone = len(loaded) == 1
    if protocol is not None:
        loaded = [
            one.model_copy(update={"protocol": one.protocol.model_copy(update={"file": protocol})}) for one in loaded
        ]
    if not alone and any(one.protocol.file is not None for one in loaded):
        raise ConfigError("a protocol is shown to one participant; give one config, or leave the protocol out")
    jobs = [
        EngineJob(one, duration, json_file if alone else None, STARTED_S, record=record, extensions=extensions)
        for one in loaded
    ]
    with ExitStack() as stack:
        for section in dict.fromkeys(one.web for one in loaded if one.web.address is not None):
            stack.enter_context(_page(section))
        if alone:
            run_with_screen(jobs[0], ScreenOptions(headless, screenshot), say)
            return
        from ..realtime.screens.run_together import run_together

        if screenshot is not None:
            raise ConfigError("--screenshot is of the window, which shows one participant; leave it out, or one config")
        from ..realtime.ui.tiles.run import show_beside

        write_json(json_file, run_together(jobs, say, headless=headless, show=show_beside))


def _with_pages(configs: list[LiveConfig]) -> list[LiveConfig]:
    """Return the configs with tokens for their pages, one for all that open the same; refuse names that come twice."""
    names = [config.name for config in configs]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ConfigError(f"two of these configs are named '{twice}'; screens tell engines apart by 'name': change one")
    pages = {config.web: config.web.with_token() for config in configs}
    return [config.model_copy(update={"web": pages[config.web]}) for config in configs]


@contextmanager
def _page(section: WebSection) -> Iterator[None]:
    """Serve the page for browsers that a config opens, and say where."""
    from ..processes import hold_interrupts
    from ..realtime.web.process import WebPage

    with ExitStack() as stack:
        with hold_interrupts():
            page = stack.enter_context(WebPage(section))
        say(page.wait_ready())
        yield


def monitor(
    engine: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ENGINE]...", help="Their names; else the newest.", show_default=False),
    ] = None,
    headless: HeadlessOption = False,
    everything: Annotated[bool, typer.Option("--all", help="A tile for every engine that runs, or starts.")] = False,
    control: Annotated[
        bool, typer.Option("--control", help="A window that may also mark, record and end the session.")
    ] = False,
) -> None:
    """Attach a screen to a running engine, or one with a tile for each of several; closing it leaves them alone."""
    from ..realtime.ipc.channel import attach
    from ..realtime.ipc.engine_feeds import EngineFeeds
    from ..realtime.ipc.run_dir import find, running
    from ..realtime.ipc.snapshot_feed import SnapshotFeed
    from ..realtime.screens.terminal import run_dashboard
    from ..realtime.screens.tiles import run_tiles
    from ..realtime.ui.display import display_available
    from ..realtime.ui.live.commander import Commander
    from ..realtime.ui.tiles.run import run_tiles_window

    names = tuple(dict.fromkeys(engine or ()))
    terminal = headless or not display_available()
    if control and terminal:
        raise ConfigError("--control needs a window, and a terminal only watches; leave it out, or give a display")
    if everything and names:
        raise ConfigError(f"--all shows every engine, and {', '.join(names)} was named; give one of both")
    if everything or len(names) > 1:
        for name in names:
            find(name)  # raises where there is none
        engines = EngineFeeds(lambda card: everything or card.name in names)
        if terminal:
            run_tiles(engines)
        else:
            run_tiles_window(engines, Commander if control else None)
        return
    with attach(names[0] if names else None) as client:
        name = client.card.name
    others = [card.name for card in running() if card.name != name]
    if others and not names:
        say(
            f"showing '{name}', the newest; also running: {', '.join(others)} (moodring monitor NAME, or --all)",
            err=True,
        )
    if terminal:
        run_dashboard(SnapshotFeed(name))
        return
    from ..realtime.ui.app import run_window

    sys.exit(run_window(SnapshotFeed(name), commands=Commander(name) if control else None))


def replay(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="A session folder, XDF, media or sound file; a corpus with --trial."),
    ],
    trial: Annotated[
        str | None, typer.Option(metavar="NAME", help="The trial of the corpus in the folder SOURCE (docs/corpora.md).")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which corpus it is, where its folder fits several.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=20.0, help="Times as fast.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Start again at the end.")] = False,
    start: Annotated[float, typer.Option(min=0.0, metavar="S", help="Begin so far into the recording.")] = 0.0,
    only: Annotated[
        str | None, typer.Option(metavar="KINDS", help="Such as eeg,face,speech or a signal's name.")
    ] = None,
    patience: Annotated[float, typer.Option(min=1.0, metavar="S", help="How long to wait for consumers.")] = 600.0,
    eeg: EegStreamOption = None,
    prefix: Annotated[str | None, typer.Option(metavar="NAME", help="Streams are called NAME_eeg and so on.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="CONFIG", help="Whose section 'lsl' holds: session_id, known_peers …")
    ] = None,
) -> None:
    """Publish a recording over LSL on its original timeline; it starts once its streams are being read.

    While it runs, type (or pipe in): pause, resume, seek SECONDS, speed FACTOR; Enter alone pauses and goes on.
    """
    from ..configs.schema.live import LiveConfig, LslSection
    from ..configs.schema.load import load
    from ..models.io.stream_descriptions import STREAM_KINDS
    from ..offline.replay.process import TrialSource, start_replay
    from ..offline.replay.publish import ReplayOptions
    from ..offline.replay.typed_commands import announcement, read_commands
    from ..processes import hold_interrupts

    kinds = None if only is None else tuple(dict.fromkeys(filter(None, only.split(","))))
    if kinds == ():
        raise ConfigError(f"--only '{only}': expected some of {','.join(STREAM_KINDS)}, separated by commas")
    lsl = LslSection() if config is None else load(config, LiveConfig).lsl
    options = ReplayOptions(
        only=kinds, prefix=prefix, speed=speed, loop=loop, start_s=start, patience_s=patience, eeg_stream=eeg, lsl=lsl
    )
    with ExitStack() as stack:
        with hold_interrupts():
            chosen = source if trial is None else TrialSource(source, trial, corpus)
            child = stack.enter_context(start_replay(chosen, options))
        names = child.wait_ready(60.0)
        for line in announcement(names):
            say(line)
        read_commands(child.send, say)
        child.wait_started(patience + 10.0)
        say("playing; Ctrl+C stops; type pause, resume, seek SECONDS or speed FACTOR")
        while (published := child.wait(0.1)) is None:
            for moved in child.answers():
                say(str(moved))
    if published is not None:
        say("sent: " + ", ".join(f"{count} of {name}" for name, count in published.samples.items()))


def screenshots(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the pictures go.")],
    seconds: Annotated[
        float, typer.Option(min=10.0, max=600.0, metavar="S", help="How much of a session they show.")
    ] = 80.0,
    seed: Annotated[int, typer.Option(min=0, help="Which simulated participant.")] = 7,
) -> None:
    """Save pictures of every page, light and dark, at four sizes, and a moving one, of a simulated session."""
    from tempfile import TemporaryDirectory

    from ..configs.schema.liblsl import own_session
    from ..configs.schema.live import LiveConfig, SessionSection
    from ..configs.schema.load import load
    from ..offline.replay.process import SimulatedSource, start_replay
    from ..offline.replay.publish import ReplayOptions
    from ..processes import hold_interrupts
    from ..realtime.engine.job import EngineJob
    from ..realtime.ui.run_pictures import run_pictures
    from .view import replay_tools

    folder.mkdir(parents=True, exist_ok=True)
    lsl = own_session("screenshots")
    about = SessionSection(participant=f"sim-{seed:03}", task="demo")
    config = load(CONFIGS / "demo.toml", LiveConfig).model_copy(update={"lsl": lsl, "session": about})
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory()))
        with hold_interrupts():
            # It outlasts the pictures, which take longer the slower the machine is.
            stack.enter_context(start_replay(SimulatedSource(seed, seconds + DEMO_S), ReplayOptions(lsl=lsl)))
        job = EngineJob(config, started_wall_s=time.time(), record=place)
        count = run_pictures(job, folder, seconds, lambda line: say(line, err=True), replay_tools())
    say(f"{count} pictures in {folder}")
