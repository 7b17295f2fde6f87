"""The commands of a running session: demo, live, monitor, replay, and the screenshot of the window."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ..configs.schema.errors import ConfigError
from .options import (
    CONFIGS,
    DurationOption,
    EegStreamOption,
    ExtensionOption,
    HeadlessOption,
    RecordOption,
    ScreenshotOption,
    SetOption,
    load_extensions,
)
from .output import JsonOption, say

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
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="A TOML file; without one the set-up page opens.")
    ] = None,
    headless: HeadlessOption = False,
    duration: DurationOption = None,
    json_file: JsonOption = None,
    screenshot: ScreenshotOption = None,
    record: RecordOption = None,
    extension: ExtensionOption = None,
    overrides: SetOption = None,
) -> None:
    """Decode a lab's own streams, camera and microphone, as a config names them."""
    if config is None:
        if headless or screenshot is not None or json_file is not None:
            raise ConfigError("live without CONFIG opens the set-up page; --headless, --json and --screenshot need one")
        set_up()
        return
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..realtime.engine.job import EngineJob
    from ..realtime.ui.run_with_screen import ScreenOptions, run_with_screen

    loaded = load(config, LiveConfig, overrides or ())
    extensions = load_extensions(extension or ())
    job = EngineJob(loaded, duration, json_file, STARTED_S, record=record, extensions=extensions)
    run_with_screen(job, ScreenOptions(headless, screenshot), say)


def monitor(
    engine: Annotated[str | None, typer.Argument(metavar="ENGINE", help="Its name; else the newest one.")] = None,
    headless: HeadlessOption = False,
) -> None:
    """Attach a screen to a running engine; closing it leaves the engine alone."""
    from ..realtime.ipc.channel import attach
    from ..realtime.ipc.snapshot_feed import SnapshotFeed
    from ..realtime.screens.terminal import run_dashboard
    from ..realtime.ui.display import display_available

    with attach(engine) as client:
        name = client.card.name
    if headless or not display_available():
        run_dashboard(SnapshotFeed(name))
        return
    from ..realtime.ui.app import run_window

    sys.exit(run_window(SnapshotFeed(name)))


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
    """Save pictures of every page of the window, light and dark, at four sizes, of a simulated session."""
    from tempfile import TemporaryDirectory

    from ..configs.schema.liblsl import own_session
    from ..configs.schema.live import LiveConfig, SessionSection
    from ..configs.schema.load import load
    from ..offline.replay.process import SimulatedSource, start_replay
    from ..offline.replay.publish import ReplayOptions
    from ..processes import hold_interrupts
    from ..realtime.engine.job import EngineJob
    from ..realtime.ui.run_pictures import run_pictures

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
        count = run_pictures(job, folder, seconds, lambda line: say(line, err=True))
    say(f"{count} pictures in {folder}")
