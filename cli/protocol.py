"""The commands of an experiment's protocol: check it before the session, show it again, begin with an example."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from .output import say

protocol_app = typer.Typer(help="Check a protocol, show it in a session that runs, or begin with an example.")


@protocol_app.command("check")
def check_protocol(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL", help="A TOML file (docs/protocol.md).")],
    participant: Annotated[str, typer.Option(metavar="NAME", help="Whose order is shown.")] = "unknown",
    session: Annotated[str, typer.Option(metavar="NAME", help="The same, of which session.")] = "01",
) -> None:
    """Check a protocol and every stimulus of it, and list what a participant would be shown."""
    from ..configs.schema.protocol.read_protocol import read_protocol
    from ..realtime.lab.protocol.plan import plan_of
    from ..realtime.lab.protocol.stimulus_files import check_stimuli

    read = read_protocol(protocol)
    stimuli = check_stimuli(read)
    plan = plan_of(read, stimuli, participant, session)
    for one in stimuli.values():
        say(f"ok    {one.kind} {one.name}: '{one.file}', {one.seconds:.1f} s")
    shown = [one.stimulus.name for one in plan.screens if one.stimulus is not None]
    for unused in stimuli.keys() - set(shown):
        say(f"note  {unused} is in no step")
    say(f"order for {participant}: {' '.join(shown) or 'no stimuli'}")
    rests_s = sum(one.seconds or 0.0 for one in plan.screens if one.kind == "rest")
    counts = Counter(one.kind for one in plan.screens)
    say(
        f"protocol '{plan.name}': {plan.trials} stimuli, {counts['rating']} ratings, {rests_s:.0f} s of rest, "
        f"{counts['pause']} pause(s); about {plan.seconds / 60:.0f} min"
    )


@protocol_app.command("example")
def example_protocol(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
) -> None:
    """Write an example protocol with stimuli that are made on the spot."""
    from ..realtime.lab.protocol.example import write_example

    path = write_example(folder)
    say(f"wrote '{path}' and its stimuli; `moodring protocol check {path}` lists what is shown")


@protocol_app.command("show")
def show_protocol(
    engine: Annotated[str | None, typer.Argument(metavar="[ENGINE]", help="Its name; else the newest.")] = None,
    protocol: Annotated[
        Path | None, typer.Option(metavar="TOML", help="Another protocol than the session's own.")
    ] = None,
) -> None:
    """Open the window on a session that is recorded, and show its protocol: again, where a window was closed."""
    from ..configs.schema.errors import ConfigError
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..configs.schema.session_folder import CONFIG_FILE
    from ..realtime.ipc.channel import attach
    from ..realtime.lab.protocol.job import job_of, planned
    from ..realtime.ui.display import display_available

    with attach(engine) as client:
        name, recording = client.card.name, client.snapshot().recording
    if recording is None:
        raise ConfigError(f"engine '{name}' records nothing, so whose protocol it would be is not known; record it")
    config = load(Path(recording.folder) / CONFIG_FILE, LiveConfig)
    if protocol is not None:
        config = config.model_copy(update={"protocol": config.protocol.model_copy(update={"file": protocol})})
    job = job_of(config)
    if job is None:
        raise ConfigError(f"the config of engine '{name}' names no protocol; name one: --protocol FILE")
    if not display_available():
        raise ConfigError(f"protocol '{job.file}' needs a display, and there is none")
    planned(job.file, job.participant, job.session)
    from ..realtime.ui.app import Closing, show_engine

    show_engine(name, Closing(close_when_ended=True), protocol=job)
