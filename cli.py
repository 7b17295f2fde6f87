"""The ``moodring`` command: thin, and the only place where the rooms are put together.

Heavy libraries are imported inside the commands: every process that is spawned imports this module first.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import __version__
from .cli_bench import bench_app
from .cli_results import JsonOption, check_writable, write_json
from .configs.errors import ConfigError, MoodringError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .configs.evaluate import Condition
    from .configs.live import ModelsSection
    from .models.contract import Estimate, Recording, SpeechSegment

STARTED_S = time.time()
CONFIGS = Path(__file__).parent / "configs"
DEMO_S = 600.0
SPARE_S = 20.0  # the simulated participant stays until the engine has gone

app = typer.Typer(
    name="moodring",
    help="Decode a person's emotion live from EEG, face video and speech; replay, train, evaluate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(bench_app, name="bench", no_args_is_help=True)

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file; configs/ holds some to copy.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the config.")
]
HeadlessOption = Annotated[bool, typer.Option("--headless", help="No screen: a line now and then.")]
EegStreamOption = Annotated[
    str | None, typer.Option("--eeg", metavar="STREAM", help="Which EEG stream of an XDF file with several.")
]
DurationOption = Annotated[
    float | None,
    typer.Option(min=3.0, metavar="S", help="Decode for so many seconds, from when the sources are there."),
]
RecordOption = Annotated[
    Path | None, typer.Option("--record", metavar="DIR", help="Record the session into a new folder under this one.")
]
ScreenshotOption = Annotated[Path | None, typer.Option(metavar="PNG", help="Save a picture of the window.")]


def main() -> None:
    """Run the command line; a known error is one line and an exit status, never a traceback."""
    try:
        app()
    except MoodringError as error:
        typer.echo(f"moodring: {error}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"moodring {__version__}")
        raise typer.Exit


@app.command()
def demo(
    headless: HeadlessOption = False,
    duration: DurationOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Which simulated participant.")] = 7,
    json_file: JsonOption = None,
    screenshot: ScreenshotOption = None,
    record: RecordOption = None,
) -> None:
    """Show everything at work: a simulated participant over LSL, decoded live."""
    from .configs.live import LiveConfig, SessionSection, StreamQuery
    from .configs.load import load
    from .configs.lsl import own_session
    from .offline.replay import ReplayOptions
    from .offline.replay_process import SimulatedSource, start_replay
    from .realtime.job import EngineJob
    from .realtime.launch import children_leave_interrupts_to_us
    from .realtime.ui.attend import Look, attend

    lsl = own_session("demo")
    markers = [StreamQuery(name="simulated_markers")]
    about = SessionSection(participant=f"sim-{seed:03}", task="demo", markers=markers)
    config = load(CONFIGS / "demo.toml", LiveConfig).model_copy(update={"lsl": lsl, "session": about})
    source = SimulatedSource(seed, DEMO_S if duration is None else duration + SPARE_S)
    typer.echo(f"simulated participant {seed}: EEG, face and speech over LSL; Ctrl+C ends the demo")
    with ExitStack() as stack:
        with children_leave_interrupts_to_us():
            stack.enter_context(start_replay(source, ReplayOptions(lsl=lsl)))
        look = Look(headless, screenshot, window_is_all=True)
        attend(EngineJob(config, duration or DEMO_S, json_file, STARTED_S, record=record), look, typer.echo)


@app.command()
def live(
    config: ConfigArgument,
    headless: HeadlessOption = False,
    duration: DurationOption = None,
    json_file: JsonOption = None,
    screenshot: ScreenshotOption = None,
    record: RecordOption = None,
    overrides: SetOption = None,
) -> None:
    """Decode a lab's own streams, camera and microphone, as a config names them."""
    from .configs.live import LiveConfig
    from .configs.load import load
    from .realtime.job import EngineJob
    from .realtime.ui.attend import Look, attend

    loaded = load(config, LiveConfig, overrides or ())
    job = EngineJob(loaded, duration, json_file, STARTED_S, record=record)
    attend(job, Look(headless, screenshot), typer.echo)


@app.command()
def monitor(
    engine: Annotated[str | None, typer.Argument(metavar="ENGINE", help="Its name; else the newest one.")] = None,
    headless: HeadlessOption = False,
) -> None:
    """Attach a screen to a running engine; closing it leaves the engine alone."""
    from .realtime.channel import attach
    from .realtime.dashboard import run_dashboard
    from .realtime.follow import Follower
    from .realtime.ui.display import display_available

    with attach(engine) as client:
        name = client.card.name
    if headless or not display_available():
        run_dashboard(Follower(name))
        return
    from .realtime.ui.app import run_window

    sys.exit(run_window(Follower(name)))


@app.command()
def replay(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A session folder, XDF, media or sound file.")],
    speed: Annotated[float, typer.Option(min=0.1, max=20.0, help="Times as fast.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Start again at the end.")] = False,
    start: Annotated[float, typer.Option(min=0.0, metavar="S", help="Begin so far into the recording.")] = 0.0,
    only: Annotated[str | None, typer.Option(metavar="KINDS", help="Such as eeg,face,speech.")] = None,
    patience: Annotated[float, typer.Option(min=1.0, metavar="S", help="How long to wait for consumers.")] = 600.0,
    eeg: EegStreamOption = None,
    prefix: Annotated[str | None, typer.Option(metavar="NAME", help="Streams are called NAME_eeg and so on.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="CONFIG", help="Whose [lsl] section holds: session_id, known_peers …")
    ] = None,
) -> None:
    """Publish a recording over LSL on its original timeline; it starts once its streams are being read.

    While it runs, type (or pipe in): pause, resume, seek SECONDS, speed FACTOR; Enter alone pauses and goes on.
    """
    from .configs.live import LiveConfig, LslSection
    from .configs.load import load
    from .offline.replay import ReplayOptions
    from .offline.replay_process import start_replay
    from .offline.replay_terminal import obey_typed_lines
    from .offline.streams import STREAM_KINDS
    from .realtime.launch import children_leave_interrupts_to_us

    kinds = STREAM_KINDS if only is None else tuple(kind for kind in STREAM_KINDS if kind in only.split(","))
    unknown = set() if only is None else set(only.split(",")) - set(STREAM_KINDS)
    if unknown or not kinds:
        raise ConfigError(f"--only '{only}': expected some of {','.join(STREAM_KINDS)}, separated by commas")
    lsl = LslSection() if config is None else load(config, LiveConfig).lsl
    options = ReplayOptions(
        only=kinds, prefix=prefix, speed=speed, loop=loop, start_s=start, patience_s=patience, eeg_stream=eeg, lsl=lsl
    )
    with ExitStack() as stack:
        with children_leave_interrupts_to_us():
            child = stack.enter_context(start_replay(source, options))
        names = child.wait_ready(60.0)
        typer.echo(f"streams: {', '.join(names)}; waiting until they are read (moodring live CONFIG)")
        obey_typed_lines(child.send, typer.echo)
        child.wait_started(patience + 10.0)
        typer.echo("playing; Ctrl+C stops; type pause, resume, seek SECONDS or speed FACTOR")
        while (published := child.wait(0.1)) is None:
            for moved in child.answers():
                typer.echo(str(moved))
    if published is not None:
        typer.echo("sent: " + ", ".join(f"{count} of {name}" for name, count in published.samples.items()))


@app.command()
def decode(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="A session folder, XDF, media or sound file.")],
    bundle: Annotated[list[Path] | None, typer.Option(metavar="BUNDLE", help="Decode with this one instead.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the results here, as JSON.")] = None,
    journal: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with this decisions.jsonl.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="CONFIG", help="As the session was decoded with.")] = None,
    eeg: EegStreamOption = None,
    overrides: SetOption = None,
) -> None:
    """Decode a recording again, as fast as possible, and compare with what was said live."""
    from .configs.live import LiveConfig
    from .configs.load import load
    from .configs.session_folder import CONFIG_FILE, DECISIONS_FILE
    from .models.contract import SIMULATED
    from .offline.open import open_recording
    from .realtime import decode as again
    from .realtime.journal import read_journal
    from .realtime.recorder.voices import with_kept_voices
    from .realtime.ui.attend import in_short
    from .realtime.wording import at_the_end

    recorded = session / CONFIG_FILE
    chosen = config or (recorded if recorded.is_file() else CONFIGS / "demo.toml")
    loaded = load(chosen, LiveConfig, overrides or ())
    earlier = journal or (found if (found := session / DECISIONS_FILE).is_file() else None)
    said = None if earlier is None else read_journal(earlier)
    if chosen == recorded and not any(each.startswith("speech.") for each in overrides or ()):
        loaded = with_kept_voices(loaded, session)
    if loaded.journal is not None and loaded.journal.exists():
        # What was written live is evidence: decoding again adds nothing to it.
        typer.echo(f"note: journal '{loaded.journal}' exists and is left as it is; --set journal=FILE writes another")
        loaded = loaded.model_copy(update={"journal": None})
    other = loaded.model_copy(update={"models": _with_bundles(loaded.models, bundle or [])})
    check_writable(out)
    recording = open_recording(session, eeg=eeg)
    named = (
        recorded.is_file() or config is not None or bundle or any("models.speech" in each for each in overrides or ())
    )
    if not named and recording.origin != SIMULATED:
        other = other.model_copy(update={"models": other.models.model_copy(update={"speech": "emodb"})})
    began_s = time.monotonic()
    decoded = again.decode(recording, other)
    took_s = time.monotonic() - began_s
    for notice in sorted({notice for estimate in decoded.estimates for notice in estimate.notices}):
        typer.echo(f"note: {notice}")
    typer.echo(f"{in_short(decoded.summary)}; decoded in {took_s:.1f} s")
    typer.echo(at_the_end(decoded.estimates))
    against, name = (said, "the journal") if said is not None else (None, "the config's bundles")
    if against is None and bundle:
        against = again.decode(recording, loaded.model_copy(update={"journal": None})).estimates
    compared = None if against is None else _compare(decoded.estimates, against, "this decoding", name)
    write_json(out, {**decoded.summary, "comparison": compared})


@app.command()
def predict(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A speech bundle: a path, or a shipped one's name.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sound files or films.")],
    json_file: JsonOption = None,
    labels: Annotated[
        Literal["auto"] | None, typer.Option(help="auto: names of EMO-DB, RAVDESS, SAVEE and eNTERFACE tell the truth.")
    ] = None,
) -> None:
    """Say which emotion sound files express, as a live session would; with the truth known, how well."""
    from .models.bundle import bundle_path, load_bundle
    from .models.device import best_device
    from .models.speech import SpeechDecoder
    from .offline import predict as room

    decoder = SpeechDecoder(load_bundle(bundle_path(bundle), "speech"), best_device())
    said = []
    for one in room.predict_files(decoder, files, labels == "auto"):
        said.append(one)
        typer.echo(room.in_words(one))
        for line in filter(None, (one.error, one.warning)):
            typer.echo(f"moodring: {line}", err=True)
    plain = room.as_plain(said, labels == "auto")
    if plain.get("uar") is not None:
        typer.echo(f"UAR {plain['uar']:.3f} over {plain['n']} files; a file without speech counts as wrong")
    write_json(json_file, plain)
    if bad := sum(one.error is not None for one in said):
        raise MoodringError(f"{bad} of {len(said)} file(s) had an error; see the lines above")


@app.command()
def enrol(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The enrolment to write (.safetensors).")],
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Of this one person alone.")] = None,
    microphone: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Listen to this one: a name, an index, or 'default'.")
    ] = None,
    stream: Annotated[str | None, typer.Option(metavar="NAME", help="Or to this LSL audio stream.")] = None,
    seconds: Annotated[float, typer.Option(min=20.0, max=600.0, metavar="S", help="How long to listen.")] = 45.0,
) -> None:
    """Learn one person's voice, so that live sessions keep others out (speech.enrolment, speech.others).

    Let the person read in a plain voice, then lively, loudly, softly: what was never heard is not known again.
    """
    from .models import voices

    if sum(map(bool, (files, microphone, stream))) != 1:
        raise ConfigError("enrol needs one of: sound files, --microphone DEVICE, --stream NAME")
    background = voices.shipped_voices()
    if files:
        from .offline.enrol import spoken_in

        segments, what = spoken_in(files), "the files" if len(files) > 1 else f"'{files[0]}'"
    else:
        segments, what = _spoken_live(microphone, stream, seconds)
    means, spec = voices.enrol(segments, background, what)
    voices.save_enrolment(out, means, spec)
    typer.echo(f"wrote {out}: {spec.speech_s:.0f} s of speech at {spec.level_db:.0f} dB; name it as speech.enrolment")


def _spoken_live(microphone: str | None, stream: str | None, seconds: float) -> tuple[tuple[SpeechSegment, ...], str]:
    from .configs.live import LiveConfig, LslSection, SpeechSection, StreamQuery
    from .realtime.build import build_posts
    from .realtime.clock import LslClock
    from .realtime.enrol import spoken_into
    from .realtime.lsl_settings import apply_lsl_settings

    device = int(microphone) if microphone is not None and microphone.isdecimal() else microphone
    query = None if stream is None else StreamQuery(name=stream)
    section, clock = SpeechSection(microphone=device, stream=query), LslClock()
    apply_lsl_settings(LslSection())
    post = build_posts(LiveConfig(speech=section), clock)[2]
    if post.source is None:
        raise ConfigError("enrol needs a microphone or a stream")
    typer.echo(f"{post.title}: please speak for {seconds:.0f} s")
    return spoken_into(post.source, post.title, seconds, clock, typer.echo), post.title


@app.command()
def streams(
    listen: Annotated[float, typer.Option(min=0.0, max=60.0, metavar="S", help="How long to count samples.")] = 2.0,
) -> None:
    """List what can be connected: LSL streams with their observed rates, cameras, microphones."""
    from rich.console import Console
    from rich.table import Table

    from .configs.live import LslSection
    from .realtime import discover
    from .realtime.lsl_settings import apply_lsl_settings

    apply_lsl_settings(LslSection())
    console = Console()
    found = discover.lsl_streams(listen_s=listen)
    table = Table(title="LSL streams", title_justify="left")
    for heading in ("name", "type", "source id", "host", "channels", "nominal Hz", "observed Hz"):
        table.add_column(heading, overflow="fold")
    for stream in found:
        silent = "a replay, begins when read" if stream.replay else "nothing came"
        observed = silent if stream.observed_rate_hz is None else f"{stream.observed_rate_hz:.1f}"
        nominal = "irregular" if stream.nominal_rate_hz == 0 else f"{stream.nominal_rate_hz:g}"
        table.add_row(
            stream.name, stream.type, stream.source_id, stream.host, str(stream.channels), nominal, observed
        )  # fmt: skip
    console.print(table if found else "LSL streams: none found. Start the device's LSL app; see `moodring doctor`.")
    cameras = discover.cameras()
    console.print(
        "cameras: " + (", ".join(f"{c.index} ({c.width}x{c.height}, {c.rate_hz:g} Hz)" for c in cameras) or "none")
    )
    try:
        microphones = discover.microphones()
    except MoodringError as error:
        console.print(f"microphones: {error}")
    else:
        names = (f"{m.index} '{m.name}'" + (" (default)" if m.default else "") for m in microphones)
        console.print("microphones: " + (", ".join(names) or "none"), markup=False)


@app.command()
def doctor() -> None:
    """Examine this machine: versions, devices, libraries, an LSL loopback."""
    from .configs.live import LslSection
    from .realtime.doctor import examine
    from .realtime.lsl_settings import apply_lsl_settings

    apply_lsl_settings(LslSection())
    broken = 0
    for finding in examine():
        broken += finding.essential and not finding.ok
        mark = "ok  " if finding.ok else ("FAIL" if finding.essential else "note")
        typer.echo(f"{mark}  {finding.what}: {finding.text}")
        if finding.cure:
            typer.echo(f"      -> {finding.cure}")
    if broken:
        raise MoodringError(f"{broken} essential part(s) are missing; follow the arrows above")
    typer.echo("moodring can run here.")


@app.command()
def check(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Look, before the participant comes, for every source the config names and whether it fits the model."""
    from .configs.live import LiveConfig
    from .configs.load import load
    from .realtime.lsl_settings import apply_lsl_settings
    from .realtime.preflight import inspect

    problems = 0
    loaded = load(config, LiveConfig, overrides or ())
    apply_lsl_settings(loaded.lsl)
    for finding in inspect(loaded):
        problems += not finding.ok
        typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.text}")
    if problems:
        raise MoodringError(f"{problems} of the configured parts are not ready; see the lines marked FAIL")
    typer.echo("Everything the config names is there and fits.")


@app.command(name="calibrate-sync")
def calibrate_sync(
    config: ConfigArgument,
    repeats: Annotated[int, typer.Option(min=5, max=200, help="How many flashes and beeps.")] = 20,
    blinks: Annotated[int, typer.Option(min=5, max=100, help="How many blinks to ask for.")] = 15,
    photodiode: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Of the EEG stream: a photodiode on the screen.")
    ] = None,
    loudspeaker: Annotated[str, typer.Option(metavar="DEVICE", help="A PortAudio output.")] = "default",
    headless: Annotated[bool, typer.Option("--headless", help="No flashes.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the random pauses.")] = 0,
    json_file: JsonOption = None,
    overrides: SetOption = None,
) -> None:
    """Measure the devices' delays by flash, beep and blink, and print the lines for the config."""
    from .configs.live import LiveConfig
    from .configs.load import load
    from .realtime.sync.calibrate import Procedure
    from .realtime.sync.report import table, toml_lines, values
    from .realtime.ui.rig import calibrate_here

    loaded = load(config, LiveConfig, overrides or ())
    report = calibrate_here(loaded, Procedure(repeats, blinks, photodiode, seed), loudspeaker, headless, typer.echo)
    for line in [*table(report), "", f"For '{config}':", *(toml_lines(report) or ["(nothing was measured)"])]:
        typer.echo(line)
    write_json(json_file, values(report))
    if all(row.delay is None for row in report.rows) and report.eeg_after_face is None:
        raise MoodringError("no device's delay could be measured; each line above says why")


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write session folders into.")],
    participants: Annotated[int, typer.Option(min=1, help="How many people.")] = 1,
    seconds: Annotated[float, typer.Option(min=12.0, max=3600.0, help="How long each session is.")] = 180.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the first person; the next ones count up.")] = 1,
    difficulty: Annotated[
        Literal["benchmark", "easy"], typer.Option(help="How hard they are to read; the benchmark is frozen.")
    ] = "benchmark",
) -> None:
    """Write session folders of simulated participants: EEG, face video, speech and the truth."""
    from .offline.recording import write_session
    from .offline.simulate import BENCHMARK, EASY
    from .offline.simulate import simulate as simulate_person

    chosen = BENCHMARK if difficulty == BENCHMARK.name else EASY
    for person in range(seed, seed + participants):
        recording = simulate_person(person, seconds, chosen)
        folder = write_session(recording, out / recording.name, protocol=f"simulated, difficulty {difficulty}")
        typer.echo(f"wrote {folder}")


@app.command()
def train(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The bundle to write (.safetensors).")],
    overrides: SetOption = None,
) -> None:
    """Train a model as a config says; interrupted runs go on where they stopped."""
    from .configs.load import load, read
    from .configs.train_speech import TrainSpeechConfig
    from .configs.train_video_eeg import TrainVideoEegConfig

    kind = read(config).get("kind")
    if kind == "video_eeg":
        from .offline.training.video_eeg import train_video_eeg

        train_video_eeg(load(config, TrainVideoEegConfig, overrides or ()), out, typer.echo)
    elif kind == "speech":
        from .offline.training.speech import train_speech

        train_speech(load(config, TrainSpeechConfig, overrides or ()), out, typer.echo)
    elif kind == "recogniser":
        from .configs.train_recogniser import TrainRecogniserConfig
        from .offline.training.recogniser import train_recogniser

        train_recogniser(load(config, TrainRecogniserConfig, overrides or ()), out, typer.echo)
    elif kind == "voices":
        from .configs.train_voices import TrainVoicesConfig
        from .offline.training.voices import train_voices

        train_voices(load(config, TrainVoicesConfig, overrides or ()), out, typer.echo)
    elif kind == "pooling":
        from .configs.train_pooling import TrainPoolingConfig
        from .offline.training.pooling import train_pooling

        loaded = load(config, TrainPoolingConfig, overrides or ())
        train_pooling(loaded, out, partial(_decode_whole, models=loaded.models), typer.echo)
    else:
        expected = '"video_eeg", "speech", "recogniser", "voices" or "pooling"'
        raise ConfigError(f"config '{config}': kind is {kind!r}; expected {expected}")


@app.command()
def evaluate(
    config: ConfigArgument,
    json_file: JsonOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the table here as evaluation.md.")
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Judge models on people they were never trained on, and print how well, with baselines and intervals.

    CONFIG may be a folder of the paper's speech systems: all of them in one table.
    """
    from .configs.load import read

    paper = config.is_dir() or read(config).get("kind") == "paper"
    name, text, values = (_evaluate_paper if paper else _evaluate_people)(config, tuple(overrides or ()))
    typer.echo(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "evaluation.md").write_text(f"# {name}\n\n{text}\n", encoding="utf-8")
    write_json(json_file, json.loads(json.dumps(values, default=lambda array: array.tolist())))


def _evaluate_people(config: Path, overrides: tuple[str, ...]) -> tuple[str, str, Any]:
    from dataclasses import asdict

    from .configs.evaluate import EvaluateConfig
    from .configs.load import load
    from .offline.evaluate import evaluate, table

    loaded = load(config, EvaluateConfig, overrides)
    result = evaluate(loaded, partial(_decode_condition, models=loaded.models), partial(typer.echo, err=True))
    return loaded.name, table(result), asdict(result)


def _evaluate_paper(config: Path, overrides: tuple[str, ...]) -> tuple[str, str, Any]:
    from dataclasses import asdict

    from .configs.paper import load_systems
    from .offline.paper import evaluate_systems
    from .offline.paper_table import row, table

    rows = [row(result) for result in evaluate_systems(load_systems(config, overrides), partial(typer.echo, err=True))]
    return "The paper's systems on raw speech", table(rows), {"rows": [asdict(one) for one in rows]}


@app.command()
def reference(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the figures here, as JSON.")] = None,
) -> None:
    """Measure how hard the benchmark's people are for plain methods: band power + LDA, single frames."""
    from dataclasses import asdict

    from .offline.simulate.reference import reference_figures

    figures = asdict(reference_figures())
    typer.echo(json.dumps(figures, indent=1))
    write_json(out, figures)


@app.command()
def screenshots(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the pictures go.")],
) -> None:
    """Take the README's picture of the window, from a demo of 100 s."""
    folder.mkdir(parents=True, exist_ok=True)
    demo(headless=True, duration=100.0, screenshot=folder / "window.png")


def _decode_condition(
    recording: Recording, condition: Condition, models: ModelsSection
) -> tuple[Sequence[Estimate], float]:
    """Decode a person with the engine under a condition of the evaluation; runs in the evaluation's processes."""
    import torch

    from .configs.live import LiveConfig
    from .configs.load import load
    from .realtime.decode import decode as run

    torch.set_num_threads(1)
    policy = condition if condition in {"uniform", "random"} else models.policy
    config = load(CONFIGS / "demo.toml", LiveConfig)
    chosen = config.model_copy(update={"models": models.model_copy(update={"policy": policy})})
    decoded = run(recording, chosen)
    return decoded.estimates, decoded.glimpsed_fraction or 0.0


def _decode_whole(recording: Recording, models: ModelsSection) -> Sequence[Estimate]:
    """Decode a person with the engine, the voice too; runs in the processes of a fit."""
    return _decode_condition(recording, "full", models)[0]


def _compare(ours: Sequence[Estimate], theirs: Sequence[Estimate], first: str, second: str) -> dict[str, Any]:
    """Say how two decodings of one session differ, and give it as plain numbers."""
    from .realtime.compare import as_plain, compare, in_lines

    comparison = compare(ours, theirs)
    for line in in_lines(comparison, first, second):
        typer.echo(line)
    return as_plain(comparison, first, second)


def _with_bundles(models: ModelsSection, bundles: list[Path]) -> ModelsSection:
    """Put each given bundle into the place that its kind belongs to."""
    from .models.bundle import load_bundle

    kinds: dict[str, Any] = {load_bundle(path).spec.kind: str(path) for path in bundles}
    return models.model_copy(update=kinds)
