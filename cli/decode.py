"""The commands that decode recordings: decode and predict."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..configs.schema.errors import ConfigError, MoodringError
from .options import EegStreamOption, ExtensionOption, SetOption, load_extensions
from .output import JsonOption, JsonOutOption, check_writable, each_once, say, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..configs.schema.live import LiveConfig, ModelsSection
    from ..models.contract import Estimate, Recording
    from ..models.io.bundle import Bundle
    from ..offline.decoding.predict import Prediction
    from ..offline.decoding.predict_faces import PicturePrediction
    from ..offline.decoding.predict_film_faces import FilmPrediction


def decode(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="A session folder, XDF, media or sound file.")],
    bundle: Annotated[list[Path] | None, typer.Option(metavar="BUNDLE", help="Decode with this one instead.")] = None,
    out: JsonOutOption = None,
    journal: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with this decisions.jsonl.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="CONFIG", help="As the session was decoded with.")] = None,
    eeg: EegStreamOption = None,
    extension: ExtensionOption = None,
    overrides: SetOption = None,
) -> None:
    """Decode a recording again, as fast as possible, and compare with the live estimates."""
    from ..configs.schema.session_folder import DECISIONS_FILE
    from ..models.io.journal import read_journal
    from ..offline.decoding import decode as again
    from ..offline.recordings.open import open_recording
    from ..realtime.screens.at_the_end import answers, summary_line, what_it_rests_on

    check_writable(out, (session, *(path for path in (journal, config) if path is not None)))
    factories = load_extensions(extension or ()).decoders
    # A folder of another version says so before anything in it is read.
    recording = open_recording(session, eeg=eeg)
    loaded = session_config(session, recording, config, overrides or ())
    own = session / DECISIONS_FILE
    journalled = read_journal(journal) if journal is not None else None
    if journal is None and own.is_file():
        journalled = read_journal(own, session)
    chosen = loaded.model_copy(update={"models": with_bundles(loaded.models, bundle or (), recording)})
    began_s = time.monotonic()
    # The session's own journal says from which samples each decision was made.
    followed = journalled if journal in (None, own) else None
    decoded = again.decode(recording, chosen, factories=factories, journal=followed or ())
    took_s = time.monotonic() - began_s
    for notice in sorted({notice for estimate in decoded.estimates for notice in estimate.notices}):
        say(f"note: {notice}")
    say(f"{summary_line(decoded.summary)}; decoded in {took_s:.1f} s")
    for line in (*what_it_rests_on(decoded.summary), *answers(decoded.estimates, decoded.summary, decoded.too_short)):
        say(line)
    compared = None
    if journalled is not None:
        compared = _compare(decoded.estimates, journalled, "this decoding", "the journal")
    elif bundle and (loaded.models.video_eeg != "none" or loaded.models.more):
        unchanged = loaded.model_copy(update={"journal": None})
        configured = again.decode(recording, unchanged, factories=factories, journal=followed or ()).estimates
        compared = _compare(decoded.estimates, configured, "this decoding", "the config's bundles")
    write_json(out, {**decoded.summary, "comparison": compared})


def predict(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="Of speech: a path, emodb or simulated. Of faces: a path, or face.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Sound files or films; for faces: pictures, films, folders, zip archives."
        ),
    ],
    json_file: JsonOption = None,
    labels: Annotated[
        Literal["auto"] | None,
        typer.Option(
            help="auto: names of EMO-DB, RAVDESS, SAVEE and eNTERFACE tell the truth; of pictures, their folders."
        ),
    ] = None,
    allow_simulated: Annotated[
        bool, typer.Option("--allow-simulated", help="Let a bundle of simulated voices classify these files.")
    ] = False,
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt", help="Adapt to each speaker without labels, from the files before and the file itself."
        ),
    ] = False,
    speakers: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Who speaks, with --adapt: columns file, speaker. Else the files' names tell."
        ),
    ] = None,
) -> None:
    """Classify the emotion that sound files or faces express, as a live session would; with truth known, score it."""
    from ..models.decoders.face_expression import KIND as FACE_EXPRESSION
    from ..models.io.bundle import face_bundle_path, load_bundle, speech_bundle_path

    if speakers is not None and not adapt:
        raise ConfigError("--speakers tells whom to adapt to; add --adapt")
    check_writable(json_file, (*files, *(() if speakers is None else (speakers,))))
    path = face_bundle_path(bundle) if bundle == "face" else speech_bundle_path(bundle)
    loaded = load_bundle(path, "speech", FACE_EXPRESSION)
    files, repeats = each_once(files)
    if loaded.spec.kind == FACE_EXPRESSION:
        if adapt:
            raise ConfigError("--adapt adapts to a voice; faces are read as they are: leave it out")
        _predict_faces(loaded, files, repeats, json_file, labels)
    else:
        _predict_speech(loaded, bundle, files, repeats, json_file, labels, allow_simulated, adapt, speakers)


def _predict_faces(
    loaded: Bundle, files: Sequence[Path], repeats: tuple[str, ...], json_file: Path | None, labels: str | None
) -> None:
    from ..models.decoders.face_expression import FaceExpressionDecoder
    from ..models.device import best_device
    from ..offline.decoding import predict_faces as prediction
    from ..offline.decoding import predict_film_faces as film_faces

    device = best_device()
    decoder = FaceExpressionDecoder(loaded, device)
    stills = [path for path in files if not film_faces.is_film(path)]
    say(prediction.heading(loaded))
    for notice in (*prediction.notices(loaded, bool(stills)), *repeats):
        say(f"note: {notice}")
    films = []
    for path in filter(film_faces.is_film, files):
        film = film_faces.predict_film(decoder, path)
        films.append(film)
        for line in film_faces.in_words(film, decoder):
            say(line)
        if film.error is not None:
            say(f"moodring: {film.error}", err=True)
    predictions = []
    for one in prediction.predict_pictures(decoder, stills, labels == "auto"):
        predictions.append(one)
        say(prediction.in_words(one, decoder))
        if one.error is not None:
            say(f"moodring: {one.error}", err=True)
    for line in prediction.score_lines(predictions, decoder) if labels == "auto" and stills else ():
        say(line)
    asked = {"models": {"face": loaded.name, "device": str(device)}, "labels": labels}
    plain = prediction.as_plain(predictions, decoder, loaded, asked, labels == "auto")
    plain["notices"] += repeats
    write_json(json_file, plain | {"films": [film_faces.as_plain(film, decoder) for film in films]})
    _raise_for_errors([*films, *predictions], "picture(s)" if not films else "film(s) and picture(s)")


def _predict_speech(
    loaded: Bundle,
    bundle: str,
    files: Sequence[Path],
    repeats: tuple[str, ...],
    json_file: Path | None,
    labels: str | None,
    allow_simulated: bool,
    adapt: bool,
    speakers: Path | None,
) -> None:
    from ..models.contract import SIMULATED
    from ..models.decoders.origin_guards import missing_model
    from ..models.decoders.speech import SpeechDecoder
    from ..models.decoders.voice_adaptation import VoiceHistory
    from ..models.device import best_device
    from ..offline.decoding import predict as prediction
    from ..offline.decoding.speakers import read_speakers

    told = None if speakers is None else read_speakers(speakers, files)
    if SIMULATED in loaded.spec.domain and not allow_simulated:
        missing = missing_model(loaded.name, loaded.spec, "speech")
        raise ConfigError(f"{missing}; --allow-simulated uses it nevertheless, for a demonstration")
    device = best_device()
    decoder = SpeechDecoder(loaded, device, voice=VoiceHistory() if adapt else None)
    if adapt and not decoder.adapts:
        raise ConfigError(f"bundle '{loaded.name}' cannot adapt to a speaker; leave out --adapt, or use emodb")
    say(prediction.heading(loaded))
    for notice in (*prediction.notices(loaded), *repeats):
        say(f"note: {notice}")
    predictions = []
    for one in prediction.predict_files(decoder, files, labels == "auto", told):
        predictions.append(one)
        say(prediction.in_words(one))
        for line in filter(None, (one.error, one.warning)):
            say(f"moodring: {line}", err=True)
    for speaker in prediction.adapted_speakers(predictions):
        say(speaker.in_words())
    for line in prediction.uar_lines(predictions, decoder.head.classes) if labels == "auto" else ():
        say(line)
    asked = {"models": {"speech": bundle, "device": str(device)}, "labels": labels, "adapt": adapt}
    plain = prediction.as_plain(predictions, loaded, asked, labels == "auto")
    plain["notices"] += repeats
    write_json(json_file, plain)
    _raise_for_errors(predictions, "file(s)")


def _raise_for_errors(predictions: Sequence[Prediction | PicturePrediction | FilmPrediction], what: str) -> None:
    if bad := sum(one.error is not None for one in predictions):
        raise MoodringError(f"{bad} of {len(predictions)} {what} had an error; see the lines above")


def session_config(session: Path, recording: Recording, config: Path | None, overrides: Sequence[str]) -> LiveConfig:
    """Return the config that is named, else the one a session was recorded with, else a neutral one."""
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load, read
    from ..configs.schema.session_folder import CONFIG_FILE
    from ..offline.decoding.decode import default_config
    from ..realtime.recorder.enrolments import with_copied_enrolments

    recorded = session / CONFIG_FILE
    chosen = config or (recorded if recorded.is_file() else None)
    loaded = default_config(recording, overrides) if chosen is None else load(chosen, LiveConfig, overrides)
    if chosen == recorded and not any(override.startswith("journal") for override in overrides):
        # A recording does not choose where on this computer something is written.
        loaded = loaded.model_copy(update={"journal": None})
    if chosen == recorded and not any(
        override.startswith(("speech.enrolment", "speech.others")) for override in overrides
    ):
        loaded = with_copied_enrolments(loaded, session)
    if chosen == recorded and loaded.speech is not None and "adaptation" not in dict(read(recorded).get("speech", {})):
        # Recorded before there was any: it is decoded as it was.
        asked = any(override.startswith("speech.adaptation") for override in overrides)
        speech = loaded.speech.model_copy(update={"adaptation": loaded.speech.adaptation and asked})
        loaded = loaded.model_copy(update={"speech": speech})
    if loaded.journal is not None and loaded.journal.exists():
        # What was written live is evidence: decoding again adds nothing to it.
        say(f"note: journal '{loaded.journal}' exists and is left as it is; --set journal=FILE writes another")
        loaded = loaded.model_copy(update={"journal": None})
    return loaded


def with_bundles(models: ModelsSection, bundles: Sequence[Path], recording: Recording) -> ModelsSection:
    """Return the models with each given bundle in the place of its kind; of other kinds, among ``models.more``.

    Raises
    ------
    ConfigError
        Two bundles of a kind that a session has once, or one that reads nothing of the recording.
    """
    from ..models.io.bundle import SLOTS, load_bundle, models_path, slot_of

    present = tuple(recording.sources)
    kinds: dict[str, str] = {}
    more: dict[Path, str] = {}
    for path in (models_path("more", str(given)) for given in bundles):
        spec = load_bundle(path).spec
        if not set(spec.modalities) & set(present):
            raise ConfigError(
                f"--bundle '{path}' reads {', '.join(spec.modalities)}; recording '{recording.name}' holds "
                f"{', '.join(present) or 'no source'}: decode with a bundle for one of these"
            )
        slot = slot_of(spec.kind)
        if slot in kinds:
            raise ConfigError(f"--bundle '{path}' and '{kinds[slot]}' take one place, models.{slot}; give one of them")
        if slot in SLOTS:
            kinds[slot] = str(path)
        else:
            more[path] = spec.kind
    if more:
        kept = [
            path for path in models.more if load_bundle(models_path("more", str(path))).spec.kind not in more.values()
        ]
        return models.model_copy(update={**kinds, "more": [*kept, *more]})
    return models.model_copy(update=kinds)


def _compare(ours: Sequence[Estimate], theirs: Sequence[Estimate], first: str, second: str) -> dict[str, Any]:
    """Print how two decodings of one session differ, and return it as plain numbers."""
    from ..offline.decoding.compare import as_plain, compare, in_lines

    comparison = compare(ours, theirs)
    for line in in_lines(comparison, first, second):
        say(line)
    return as_plain(comparison, first, second)
