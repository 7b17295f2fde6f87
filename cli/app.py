"""The ``moodring`` command: thin, and the only place where the rooms are put together.

Heavy libraries are imported inside the commands: every process that is spawned imports this module first.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .. import __version__
from ..configs.schema.errors import ConfigError, MoodringError
from .bench import bench_app
from .lab import calibrate_sync, check, doctor, enrol, streams
from .live import demo, live, monitor, replay, screenshots
from .options import CONFIGS, ConfigArgument, EegStreamOption, SetOption
from .output import JsonOption, JsonOutOption, check_model_out, check_writable, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..configs.schema.evaluate import Condition
    from ..configs.schema.live import ModelsSection
    from ..models.contract import Estimate, Recording

app = typer.Typer(
    name="moodring",
    help="Decode a person's emotion live from EEG, face video and speech; replay, train, evaluate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(bench_app, name="bench", no_args_is_help=True)


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


# Help lists the commands in the order in which they come here.
app.command()(demo)
app.command()(live)
app.command()(monitor)
app.command()(replay)


@app.command()
def decode(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="A session folder, XDF, media or sound file.")],
    bundle: Annotated[list[Path] | None, typer.Option(metavar="BUNDLE", help="Decode with this one instead.")] = None,
    out: JsonOutOption = None,
    journal: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with this decisions.jsonl.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="CONFIG", help="As the session was decoded with.")] = None,
    eeg: EegStreamOption = None,
    overrides: SetOption = None,
) -> None:
    """Decode a recording again, as fast as possible, and compare with what was said live."""
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..configs.schema.session_folder import CONFIG_FILE, DECISIONS_FILE
    from ..models.contract import SIMULATED
    from ..models.io.journal import read_journal
    from ..offline.decoding import decode as again
    from ..offline.recordings.open import open_recording
    from ..realtime.recorder.voices import with_kept_voices
    from ..realtime.screens.wording import at_the_end
    from ..realtime.ui.run_with_screen import in_short

    check_writable(out, (session, *(each for each in (journal, config) if each is not None)))
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
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A speech bundle: a path, emodb or simulated.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sound files or films.")],
    json_file: JsonOption = None,
    labels: Annotated[
        Literal["auto"] | None, typer.Option(help="auto: names of EMO-DB, RAVDESS, SAVEE and eNTERFACE tell the truth.")
    ] = None,
) -> None:
    """Say which emotion sound files express, as a live session would; with the truth known, how well."""
    from ..models.decoders.speech import SpeechDecoder
    from ..models.device import best_device
    from ..models.io.bundle import load_bundle, speech_bundle_path
    from ..offline.decoding import predict as room

    check_writable(json_file, files)
    decoder = SpeechDecoder(load_bundle(speech_bundle_path(bundle), "speech"), best_device())
    said = []
    for one in room.predict_files(decoder, files, labels == "auto"):
        said.append(one)
        typer.echo(room.in_words(one))
        for line in filter(None, (one.error, one.warning)):
            typer.echo(f"moodring: {line}", err=True)
    for line in room.about_truth(said, decoder.head.classes) if labels == "auto" else ():
        typer.echo(line)
    write_json(json_file, room.as_plain(said, labels == "auto"))
    if bad := sum(one.error is not None for one in said):
        raise MoodringError(f"{bad} of {len(said)} file(s) had an error; see the lines above")


app.command()(enrol)
app.command()(streams)
app.command()(doctor)
app.command()(check)
app.command(name="calibrate-sync")(calibrate_sync)


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
    from ..offline.recordings.recording import write_session
    from ..offline.simulate import BENCHMARK, EASY
    from ..offline.simulate import simulate as simulate_person

    chosen = BENCHMARK if difficulty == BENCHMARK.name else EASY
    for person in range(seed, seed + participants):
        recording = simulate_person(person, seconds, chosen)
        folder = write_session(recording, out / recording.name, protocol=f"simulated, difficulty {difficulty}")
        typer.echo(f"wrote {folder}")


@app.command()
def train(
    config: ConfigArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="BUNDLE",
            help="The bundle to write (.safetensors; a pool: .json). One that is there is replaced, other files never.",
        ),
    ],
    overrides: SetOption = None,
) -> None:
    """Train a model as a config says; interrupted runs go on where they stopped."""
    from ..configs.schema.load import read

    kind = read(config).get("kind")
    check_model_out(out, ".json" if kind == "pooling" else ".safetensors", [config])
    try:
        _train(kind, config, out, tuple(overrides or ()))
    except KeyboardInterrupt:
        if kind != "voices":
            typer.echo("interrupted: the same command goes on where this one stopped", err=True)
        raise


def _train(kind: Any, config: Path, out: Path, overrides: tuple[str, ...]) -> None:
    from ..configs.schema.load import load

    if kind == "video_eeg":
        from ..configs.schema.train_video_eeg import TrainVideoEegConfig
        from ..offline.training.video_eeg.train import train_video_eeg

        train_video_eeg(load(config, TrainVideoEegConfig, overrides), out, typer.echo)
    elif kind == "speech":
        from ..configs.schema.train_speech import TrainSpeechConfig
        from ..offline.training.speech.train import train_speech

        train_speech(load(config, TrainSpeechConfig, overrides), out, typer.echo)
    elif kind == "recogniser":
        from ..configs.schema.train_recogniser import TrainRecogniserConfig
        from ..offline.training.recogniser.train import train_recogniser

        train_recogniser(load(config, TrainRecogniserConfig, overrides), out, typer.echo)
    elif kind == "voices":
        from ..configs.schema.train_voices import TrainVoicesConfig
        from ..offline.training.speaker.train import train_voices

        train_voices(load(config, TrainVoicesConfig, overrides), out, typer.echo)
    elif kind == "pooling":
        from ..configs.schema.train_pooling import TrainPoolingConfig
        from ..offline.training.pooling.train import train_pooling

        loaded = load(config, TrainPoolingConfig, overrides)
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
    from ..configs.schema.load import read

    paper = config.is_dir() or read(config).get("kind") == "paper"
    name, text, values = (_evaluate_paper if paper else _evaluate_people)(config, tuple(overrides or ()))
    typer.echo(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "evaluation.md").write_text(f"# {name}\n\n{text}\n", encoding="utf-8")
    write_json(json_file, json.loads(json.dumps(values, default=lambda array: array.tolist())))


def _evaluate_people(config: Path, overrides: tuple[str, ...]) -> tuple[str, str, Any]:
    from dataclasses import asdict

    from ..configs.schema.evaluate import EvaluateConfig
    from ..configs.schema.load import load
    from ..offline.evaluation.evaluate import evaluate, table

    loaded = load(config, EvaluateConfig, overrides)
    result = evaluate(loaded, partial(_decode_condition, models=loaded.models), partial(typer.echo, err=True))
    return loaded.name, table(result), asdict(result)


def _evaluate_paper(config: Path, overrides: tuple[str, ...]) -> tuple[str, str, Any]:
    from dataclasses import asdict

    from ..configs.schema.paper import load_systems
    from ..offline.evaluation.paper_speech import evaluate_systems
    from ..offline.evaluation.paper_table import row, table

    rows = [row(result) for result in evaluate_systems(load_systems(config, overrides), partial(typer.echo, err=True))]
    return "The paper's systems on raw speech", table(rows), {"rows": [asdict(one) for one in rows]}


@app.command()
def reference(
    out: JsonOutOption = None,
) -> None:
    """Measure how hard the benchmark's people are for plain methods: band power + LDA, single frames."""
    from dataclasses import asdict

    from ..offline.simulate.reference import reference_figures

    figures = asdict(reference_figures())
    typer.echo(json.dumps(figures, indent=1))
    write_json(out, figures)


app.command()(screenshots)


def _decode_condition(
    recording: Recording, condition: Condition, models: ModelsSection
) -> tuple[Sequence[Estimate], float]:
    """Decode a person with the engine under a condition of the evaluation; runs in the evaluation's processes."""
    import torch

    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..offline.decoding.decode import decode as run

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
    from ..offline.decoding.compare import as_plain, compare, in_lines

    comparison = compare(ours, theirs)
    for line in in_lines(comparison, first, second):
        typer.echo(line)
    return as_plain(comparison, first, second)


def _with_bundles(models: ModelsSection, bundles: list[Path]) -> ModelsSection:
    """Put each given bundle into the place that its kind belongs to."""
    from ..models.io.bundle import load_bundle

    kinds: dict[str, Any] = {load_bundle(path).spec.kind: str(path) for path in bundles}
    return models.model_copy(update=kinds)
