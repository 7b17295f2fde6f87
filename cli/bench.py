"""The ``moodring bench`` commands: each measures this machine and prints what it found."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import CONFIGS
from .output import JsonOption, say, say_all, write_json

bench_app = typer.Typer(help="Measure this machine: how old samples are, what they cost, whether any is lost.")

SecondsOption = Annotated[
    float | None, typer.Option(min=3.0, metavar="S", help="How long to measure.", show_default=False)
]


@bench_app.command("replay")
def bench_replay(
    source: Annotated[Path | None, typer.Argument(metavar="[SOURCE]", help="Else a simulated participant.")] = None,
    json_file: JsonOption = None,
    seconds: Annotated[float, typer.Option(min=12.0, max=3600.0, metavar="S", help="At most so much of it.")] = 60.0,
    speed: Annotated[float, typer.Option(min=0.1, max=20.0, help="Times as fast.")] = 1.0,
) -> None:
    """Replay a recording and read it as a consumer does: how right the stamps are, and when samples come."""
    from ..configs.schema.liblsl import own_session
    from ..offline.replay.bench import bench_replay as measure
    from ..offline.replay.process import SimulatedSource
    from ..offline.replay.publish import ReplayOptions

    lsl = own_session("bench")
    chosen = SimulatedSource(7, seconds * speed) if source is None else source
    result = measure(chosen, ReplayOptions(speed=speed, lsl=lsl), seconds)
    _output(result, json_file)


@bench_app.command("ingest")
def bench_ingest(
    json_file: JsonOption = None,
    seconds: SecondsOption = None,
    stream: Annotated[str | None, typer.Option(metavar="NAME", help="Measure on this stream of the network.")] = None,
    index_channel: Annotated[int, typer.Option(min=0, help="Of that stream: carries the sample's index.")] = 0,
) -> None:
    """Age of the newest sample and processor time, beside a bare loop and mne-lsl, or on a stream of yours."""
    from ..configs.schema.live import LslSection
    from ..realtime.bench import ingest

    took_s = ingest.SECONDS if seconds is None else seconds
    if stream is not None:
        figures = ingest.stream(stream, took_s, LslSection(), index_channel)
    else:
        figures = ingest.compare(took_s)
    _output(figures, json_file)


@bench_app.command("soak")
def bench_soak(json_file: JsonOption = None, seconds: SecondsOption = None) -> None:
    """Decode 64 channels at 1 kHz for ten minutes: what is lost, whether memory grows, what is left behind."""
    from ..realtime.bench import soak

    figures = soak.soak(soak.SECONDS if seconds is None else seconds, lambda line: say(line, err=True))
    _output(figures, json_file)


@bench_app.command("ui")
def bench_ui(json_file: JsonOption = None, seconds: SecondsOption = None) -> None:
    """Draw the live page of a full session: frames a second, stalls of its thread, processor time, memory."""
    from ..realtime.ui import bench

    figures = bench.bench_ui(bench.SECONDS if seconds is None else seconds, lambda line: say(line, err=True))
    _output(figures, json_file)


@bench_app.command("view")
def bench_view(
    session: Annotated[
        Path | None,
        typer.Argument(metavar="[SESSION]", help="Else one is made: 64 channels at 1 kHz, film of 1280x720, sound."),
    ] = None,
    json_file: JsonOption = None,
    seconds: Annotated[float, typer.Option(min=12.0, metavar="S", help="Of the session that is made.")] = 3600.0,
) -> None:
    """Open a long session on the replay page, seek and play: how long until it is drawn, and how often it is."""
    from tempfile import TemporaryDirectory

    from ..offline.viewing.long_session import write_long_session
    from ..realtime.ui.display import display_available, offscreen
    from ..realtime.ui.replay.bench import bench_view as measure
    from .view import replay_tools

    with ExitStack() as stack:
        if not display_available():
            stack.enter_context(offscreen())
        if session is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="moodring-bench-")))
            say(f"making a session of {seconds:g} s", err=True)
            session = write_long_session(folder / "session", seconds)
        _output(measure(replay_tools(), session, lambda line: say(line, err=True)), json_file)


@bench_app.command("speech")
def bench_speech(
    json_file: JsonOption = None,
    seconds: SecondsOption = None,
    bundle: Annotated[
        str, typer.Option(metavar="BUNDLE", help="A speech bundle: a path, emodb or simulated.")
    ] = "emodb",
    sound: Annotated[Path | None, typer.Option(metavar="FILE", help="Hear this; else a simulated voice.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated voice.")] = 7,
    enrolment: Annotated[Path | None, typer.Option(metavar="FILE", help="Let this voice alone pass.")] = None,
) -> None:
    """Speech from a microphone's blocks on: cost, when estimates come, memory over a simulated hour."""
    from ..models.io.bundle import speech_bundle_path
    from ..offline.recordings.sound import load_sound
    from ..offline.simulate.voice import simulate_voice
    from ..realtime.bench import speech

    samples = simulate_voice(seed, speech.PACED_S) if sound is None else load_sound(sound)
    took_s = speech.SECONDS if seconds is None else seconds
    figures = speech.measure(speech_bundle_path(bundle), samples, took_s, lambda line: say(line, err=True), enrolment)
    _output(figures, json_file)


@bench_app.command("images")
def bench_images(json_file: JsonOption = None, seconds: SecondsOption = None) -> None:
    """Scalp images by the cached matrix, beside SciPy's interpolation anew for each image: time and error."""
    from ..realtime.bench import images

    _output(images.measure(images.SECONDS if seconds is None else seconds), json_file)


@bench_app.command("decode")
def bench_decode(
    json_file: JsonOption = None,
    seconds: SecondsOption = None,
    backbone: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="compact, vgg16 or face; all unless said.", show_default=False),
    ] = None,
) -> None:
    """Cost of a look of the attention model and of reading a face, first and steady, and steps of training."""
    from ..models.io.bundle import bundled, load_bundle
    from ..offline.simulate import simulate
    from ..realtime.bench import decode
    from ..realtime.bench.decode import MEASURED

    chosen = tuple(name for name in MEASURED if backbone is None or name in backbone)
    if unknown := set(backbone or ()) - {*MEASURED, "face"}:
        known = ", ".join((*MEASURED, "face"))
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}; known are {known}", param_hint="--backbone")
    took_s = decode.SECONDS if seconds is None else seconds
    bundle = load_bundle(bundled("attention"), "attention")
    face = load_bundle(bundled("face"), "face_expression") if backbone is None or "face" in backbone else None
    _output(
        decode.measure(bundle, face, simulate(7, 12.0), took_s, chosen, lambda line: say(line, err=True)), json_file
    )


@bench_app.command("crowd")
def bench_crowd(
    json_file: JsonOption = None,
    seconds: SecondsOption = None,
    participants: Annotated[int, typer.Option(min=1, max=64, help="How many, with an engine each.")] = 8,
    apart: Annotated[
        bool, typer.Option("--apart", help="Engines of commands of their own, which share no libraries in memory.")
    ] = False,
    face: Annotated[
        str, typer.Option(metavar="BUNDLE", help="As models.face of a config; none leaves it out.")
    ] = "face",
    speech_bundle: Annotated[str, typer.Option("--speech", metavar="BUNDLE", help="As models.speech.")] = "emodb",
) -> None:
    """Several participants at once, an engine each: time to an estimate, lost samples, processor, memory."""
    from ..configs.schema.live import ModelsSection
    from ..offline.simulate import simulate
    from ..realtime.bench import crowd

    took_s = crowd.SECONDS if seconds is None else seconds
    models = ModelsSection(face=face, speech=speech_bundle)
    figures = crowd.measure(
        simulate(7, 30.0), participants, took_s, lambda line: say(line, err=True), models=models, together=not apart
    )
    _output(figures, json_file)


@bench_app.command("lag")
def bench_lag(
    json_file: JsonOption = None,
    seconds: SecondsOption = None,
    people: Annotated[int, typer.Option(min=1, help="How many simulated people.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the first of them; the next count up.")] = 2001,
) -> None:
    """Response lag: from a step of a simulated person's emotion to half of the change in the estimate."""
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..offline.decoding.response_lag import SECONDS, measure

    config = load(CONFIGS / "demo.toml", LiveConfig)
    took_s = SECONDS if seconds is None else seconds
    _output(measure(config, range(seed, seed + people), took_s, lambda line: say(line, err=True)), json_file)


def _output(figures: dict[str, Any], json_file: Path | None) -> None:
    say_all(json.dumps(figures, indent=1))
    write_json(json_file, figures)
