"""The commands that make people and models: simulate, train, reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..configs.schema.errors import ConfigError
from .options import ConfigArgument, SetOption
from .output import (
    JsonOutOption,
    check_model_out,
    say,
    say_all,
    write_json,
)

if TYPE_CHECKING:
    pass

_TABLE = "evaluation.md"


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
    from ..offline.recordings.write_session import write_session
    from ..offline.simulate import BENCHMARK, EASY
    from ..offline.simulate import simulate as simulate_person

    chosen = BENCHMARK if difficulty == BENCHMARK.name else EASY
    for person in range(seed, seed + participants):
        recording = simulate_person(person, seconds, chosen)
        folder = write_session(recording, out / recording.name, protocol=f"simulated, difficulty {difficulty}")
        say(f"wrote {folder}")


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
            say("interrupted: the same command goes on where this one stopped", err=True)
        raise


def _train(kind: Any, config: Path, out: Path, overrides: tuple[str, ...]) -> None:
    from ..configs.schema.load import load

    if kind == "attention":
        from ..configs.schema.train_attention import TrainAttentionConfig
        from ..offline.training.attention.train import train_attention

        train_attention(load(config, TrainAttentionConfig, overrides), out, say)
    elif kind == "speech":
        from ..configs.schema.train_speech import TrainSpeechConfig
        from ..offline.training.speech.train import train_speech

        train_speech(load(config, TrainSpeechConfig, overrides), out, say)
    elif kind == "recogniser":
        from ..configs.schema.train_recogniser import TrainRecogniserConfig
        from ..offline.training.recogniser.train import train_recogniser

        train_recogniser(load(config, TrainRecogniserConfig, overrides), out, say)
    elif kind == "voices":
        from ..configs.schema.train_speech import TrainVoicesConfig
        from ..offline.training.speaker.train import train_voices

        train_voices(load(config, TrainVoicesConfig, overrides), out, say)
    elif kind == "eeg_state":
        from ..configs.schema.train_eeg_state import TrainEegStateConfig
        from ..offline.training.eeg_state.train import train_eeg_state

        train_eeg_state(load(config, TrainEegStateConfig, overrides), out, say)
    elif kind == "pooling":
        from ..configs.schema.train_pooling import TrainPoolingConfig
        from ..offline.training.pooling.train import train_pooling

        train_pooling(load(config, TrainPoolingConfig, overrides), out, say)
    elif kind == "faces":
        from ..configs.schema.train_faces import TrainFacesConfig
        from ..offline.training.face_expression.train import train_faces

        train_faces(load(config, TrainFacesConfig, overrides), out, say)
    else:
        expected = '"attention", "speech", "recogniser", "voices", "eeg_state", "pooling" or "faces"'
        raise ConfigError(f"config '{config}': kind is {kind!r}; expected {expected}")


def reference(
    out: JsonOutOption = None,
) -> None:
    """Measure how hard the benchmark's people are for plain methods: band power + LDA, single frames."""
    from dataclasses import asdict

    from ..offline.simulate.baselines import baseline_figures

    figures = asdict(baseline_figures())
    say_all(json.dumps(figures, indent=1))
    write_json(out, figures)
