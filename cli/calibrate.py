"""The command that adapts a bundle to one person: calibrate."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..configs.schema.errors import ConfigError, Gathered, MoodringError
from .decode import session_config
from .options import EegStreamOption, SetOption
from .output import JsonOption, check_model_out, check_writable, say, write_json

if TYPE_CHECKING:
    from ..offline.datasets.affect_corpus import Scale


def calibrate(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="A session folder, XDF or EEG file.")],
    bundle: Annotated[str, typer.Option(metavar="BUNDLE", help="attention, workload, or the path of such a bundle.")],
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The person's own bundle (.safetensors).")],
    participant: Annotated[str | None, typer.Option(metavar="NAME", help="Whose session it is.")] = None,
    labels: Annotated[Path | None, typer.Option(metavar="CSV", help="Labels, where the session has none.")] = None,
    scale: Annotated[str, typer.Option(metavar="LOW:HIGH", help="Ends of the scale of ratings.")] = "1:9",
    config: Annotated[Path | None, typer.Option(metavar="CONFIG", help="As the session was decoded with.")] = None,
    eeg: EegStreamOption = None,
    json_file: JsonOption = None,
    overrides: SetOption = None,
) -> None:
    """Adapt a bundle to one person from a rest and a few labelled minutes; keep it only where it is better."""
    from datetime import UTC, datetime

    from ..models.device import best_device
    from ..models.io.bundle import load_bundle, models_path, save_bundle
    from ..models.io.files import PRIVATE_FILE
    from ..offline.calibration.calibrate import CALIBRATING, unready
    from ..offline.calibration.calibrate import calibrate as calibrated
    from ..offline.calibration.evidence import KINDS
    from ..offline.recordings.open import open_recording

    path = models_path("more", bundle)
    inputs = (session, path, *(one for one in (labels, config) if one is not None))
    missing = Gathered(CALIBRATING)
    for check in (partial(check_model_out, out, ".safetensors", inputs), partial(check_writable, json_file, inputs)):
        with missing.checked():
            check()
    with missing.checked():
        ends = _scale(scale)
    with missing.checked():
        base = load_bundle(path, *KINDS)
    if labels is not None and not labels.is_file():
        missing.add([ConfigError(f"labels '{labels}' are not there; give a CSV file (docs/calibrate.md)")])
    with missing.checked():
        recording = open_recording(session, eeg=eeg)
        settings = session_config(session, recording, config, overrides or ())
        if missing:  # else it is told with what the bundle and the labels lack
            missing.add(unready(recording, settings, participant))
    missing.refuse()
    result = calibrated(
        recording,
        settings,
        base,
        best_device(settings.models.device),
        date=datetime.now(UTC).astimezone().date().isoformat(),
        participant=participant,
        labels=labels,
        scale=ends,
    )
    for name in result.left_out:
        say(f"note: {name} stays as it is: its labels are of one class, or do not alternate")
    write_json(json_file, result.as_plain(result.worth.better))
    if not result.worth.better:
        raise MoodringError(f"the adapted model is not better: {result.words()}; '{out}' was not written")
    save_bundle(out, result.bundle.spec, result.bundle.tensors, mode=PRIVATE_FILE)
    say(f"{result.words()}")
    say(f"wrote '{out}', for {result.calibration.participant} alone: set it as {_place(base.spec.kind)}")


def _scale(text: str) -> Scale:
    from ..offline.calibration.labels import parse_scale

    try:
        return parse_scale(text)
    except ValueError:
        raise ConfigError(f"--scale {text!r}: LOW:HIGH was expected, such as 1:9") from None


def _place(kind: str) -> str:
    return "models.video_eeg" if kind == "attention" else "models.more"
