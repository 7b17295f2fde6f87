"""Speaker verification files: the background of voices and enrolments; and the gate that uses them.

Both are ``.safetensors`` with a spec as JSON in the metadata; nothing in them is executed or unpickled. An enrolment
names the background that it was made with, for it means nothing with another one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ...configs.schema.errors import MoodringError
from ...configs.schema.load import Section
from ...configs.schema.regular_files import read_regular
from ..contract import AUDIO_RATE_HZ, FloatArray, SpeechSegment
from ..io.bundle import bundled
from ..io.files import PRIVATE_FILE, write_file
from ..signals.speech import speaker_verification
from ..signals.speech.duplicate_audio import duplicated_fraction
from ..signals.speech.microphone_level import CLIPPED_AT, CLIPPED_FRACTION, rms_db
from ..signals.speech.speaker_verification import (
    N_CEPSTRA,
    Array,
    Background,
    CepstraState,
    GateState,
    Thresholds,
    Verdict,
)
from ..signals.speech.voice_summary import VOICE_NUMBERS, functional_weights
from .recogniser import history_of
from .voice_adaptation import MOST_UTTERANCES, VoiceHistory

SHORTEST_ENROLMENT_S = 20.0
ANOTHER_VOICE = "another voice"
UNCLEAR_VOICE = "too little to tell whose voice"
_KEY = "moodring_voices"
_MOST_BYTES = 64 << 20


class BackgroundSpec(Section):
    """Metadata of a background; ``thresholds`` are for one, two, and three or more seconds."""

    kind: Literal["background"] = "background"
    format: Literal[1] = 1
    domain: str
    seed: int
    data_sha256: str
    thresholds: tuple[float, float, float]


class EnrolmentSpec(Section):
    """Metadata of an enrolment: its background, amount of speech and level, and the version of its voice numbers.

    Those of format 1 hold no voice numbers.
    """

    kind: Literal["enrolment"] = "enrolment"
    format: Literal[1, 2] = 2
    voice_numbers: int | None = None
    background_sha256: str
    speech_s: Annotated[float, Field(ge=SHORTEST_ENROLMENT_S)]
    level_db: Annotated[float, Field(le=0.0)]


Spec = TypeVar("Spec", BackgroundSpec, EnrolmentSpec)


@dataclass(frozen=True)
class Voices:
    """The background as loaded."""

    background: Background
    spec: BackgroundSpec
    sha256: str


@dataclass(frozen=True)
class Enrolment:
    """An enrolment as loaded: adapted means ``(k, 18)``, what was heard of the voice, and its file."""

    means: Array
    spec: EnrolmentSpec
    sha256: str
    name: str
    voice: VoiceHistory = field(default_factory=VoiceHistory)


def shipped_voices() -> Voices:
    """Load the shipped background."""
    return load_voices(bundled("voices"))


def load_voices(path: Path) -> Voices:
    """Read a background.

    Raises
    ------
    MoodringError
        The file is missing, damaged, or something else.
    """
    spec, arrays, sha256 = _load(path, BackgroundSpec, "a background of voices")
    k = arrays["weights"].size if "weights" in arrays else 0
    shapes = {"weights": (k,), "means": (k, N_CEPSTRA), "variances": (k, N_CEPSTRA)}
    _check_shapes(path, arrays, shapes | {"centre": (N_CEPSTRA,), "scale": (N_CEPSTRA,)})
    if any((arrays[name] <= 0.0).any() for name in ("weights", "variances", "scale")):
        raise MoodringError(f"'{path}': weights, variances and scale must be above 0; train it again")
    return Voices(Background(**arrays), spec, sha256)


def save_voices(path: Path, background: Background, spec: BackgroundSpec) -> str:
    """Write a background in one move; return its SHA-256."""
    names = ("weights", "means", "variances", "centre", "scale")
    return _save(path, spec, {name: np.asarray(getattr(background, name)) for name in names})


def load_enrolment(path: Path, voices: Voices) -> Enrolment:
    """Read an enrolment.

    Raises
    ------
    MoodringError
        The file is missing, damaged, something else, or made with another background.
    """
    spec, arrays, sha256 = _load(path, EnrolmentSpec, "an enrolment")
    if spec.background_sha256 != voices.sha256:
        raise MoodringError(
            f"enrolment '{path}' was made with another background of voices ({spec.background_sha256[:12]}, this "
            f"moodring has {voices.sha256[:12]}); run 'moodring enrol' again"
        )
    expected = {"means": voices.background.means.shape}
    if spec.format == 1:
        _check_shapes(path, arrays, expected)
        return Enrolment(arrays["means"], spec, sha256, path.name)
    if spec.voice_numbers != VOICE_NUMBERS:
        raise MoodringError(
            f"enrolment '{path}' was made with version {spec.voice_numbers} of what is measured of a voice, this "
            f"moodring measures version {VOICE_NUMBERS}; run 'moodring enrol' again"
        )
    n = min(len(arrays.get("voice", ())), MOST_UTTERANCES)
    _check_shapes(path, arrays, expected | {"voice": (n, len(functional_weights()))})
    return Enrolment(arrays["means"], spec, sha256, path.name, VoiceHistory(arrays["voice"]))


def save_enrolment(path: Path, means: Array, spec: EnrolmentSpec, voice: VoiceHistory) -> str:
    """Write an enrolment in one move; return its SHA-256."""
    return _save(path, spec, {"means": means, "voice": voice.numbers}, PRIVATE_FILE)


def enrol(segments: Sequence[SpeechSegment], voices: Voices, what: str) -> tuple[Array, EnrolmentSpec, VoiceHistory]:
    """Return the enrolment of a person's speech, and its history, which adaptation starts from.

    Parameters
    ----------
    segments : sequence of SpeechSegment
        As :class:`~moodring.models.decoders.speech.UtteranceCutter` cut them.
    voices : Voices
    what : str
        Where they came from, for the error's line.

    Raises
    ------
    MoodringError
        No speech, less than 20 s of it (what is there again counts once), or clipped.
    """
    pieces = [one.samples[: one.n_samples] * np.float32(one.rms) for one in segments]
    speech_s = sum(map(len, pieces)) / AUDIO_RATE_HZ
    if not speech_s:
        raise MoodringError(f"{what}: no speech was found; an enrolment needs {SHORTEST_ENROLMENT_S:g} s of it")
    if speech_s < SHORTEST_ENROLMENT_S:
        raise MoodringError(
            f"{what}: {speech_s:.1f} s of speech, an enrolment needs {SHORTEST_ENROLMENT_S:g} s; let the person "
            "say more"
        )
    once_s = speech_s * (1.0 - duplicated_fraction(pieces))
    if once_s < SHORTEST_ENROLMENT_S:
        raise MoodringError(
            f"{what}: {speech_s:.1f} s of speech, of which {speech_s - once_s:.1f} s are the same recording again; an "
            f"enrolment needs {SHORTEST_ENROLMENT_S:g} s that are not; let the person say more"
        )
    sound = np.concatenate(pieces)
    clipped = float(np.mean(np.abs(sound) >= CLIPPED_AT))
    if clipped >= CLIPPED_FRACTION:
        raise MoodringError(f"{what}: clipping ({clipped:.1%} of samples); lower the gain and record it again")
    rows, state = [], CepstraState()
    for one, piece in zip(segments, pieces, strict=True):
        found, state = speaker_verification.cepstra(piece, CepstraState() if one.first else state)
        rows.append(found)
    means = speaker_verification.map_adapt(voices.background, np.concatenate(rows)).astype(np.float32)
    level_db = min(rms_db(sound), 0.0)
    spec = EnrolmentSpec(
        background_sha256=voices.sha256,
        speech_s=round(speech_s, 2),
        level_db=round(level_db, 1),
        voice_numbers=VOICE_NUMBERS,
    )
    return means, spec, history_of(segments)


class VoiceGate:
    """Verifies the speaker of an utterance segment by segment.

    Parameters
    ----------
    voices : Voices
    own : Enrolment
    others : sequence of Enrolment
        Who else may be heard: what one of them explains better is not the enrolled voice.
    """

    def __init__(self, voices: Voices, own: Enrolment, others: Sequence[Enrolment] = ()) -> None:
        self._background = voices.background
        self._thresholds = Thresholds(voices.spec.thresholds)
        self._means = (own.means, *(other.means for other in others))
        self.enrolments = (own, *others)
        self._state = GateState()

    def step(self, segment: SpeechSegment) -> Verdict | None:
        """Return the verdict on the next segment; None, without a change, where it has no samples of its own."""
        if segment.first:
            self.reset()
        if not segment.n_samples:
            return None
        samples = segment.samples[: segment.n_samples] * np.float32(segment.rms)
        verdict, self._state = speaker_verification.step(
            self._state, samples, self._background, self._means, self._thresholds
        )  # fmt: skip
        return verdict

    def reset(self) -> None:
        """Reset at the end of an utterance."""
        self._state = GateState()


def load_gate(own: Path, others: Sequence[Path] = ()) -> VoiceGate:
    """Load the enrolments of a session's config.

    Raises
    ------
    MoodringError
        As :func:`load_enrolment`; or the participant's own enrolment is among the others'.
    """
    voices = shipped_voices()
    loaded = load_enrolment(own, voices)
    known = [load_enrolment(path, voices) for path in others]
    for path, other in zip(others, known, strict=True):
        if other.sha256 == loaded.sha256:
            raise MoodringError(
                f"speech.others names '{path}', which is the participant's own enrolment '{own}': nothing of what they "
                "say would be told from it; name other people's"
            )
    return VoiceGate(voices, loaded, known)


def _save(path: Path, spec: Section, arrays: Mapping[str, Array], mode: int | None = None) -> str:
    # One key only: safetensors writes several in random order, and the same voice shall be the same file.
    metadata = {_KEY: json.dumps(spec.model_dump(mode="json"), sort_keys=True, allow_nan=False)}
    content = save({name: np.ascontiguousarray(array, np.float32) for name, array in sorted(arrays.items())}, metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content, mode=mode)
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be written: {error.strerror}; free or choose another place") from error
    return hashlib.sha256(content).hexdigest()


def _load(path: Path, schema: type[Spec], what: str) -> tuple[Spec, dict[str, Any], str]:
    if not path.is_file():
        raise MoodringError(f"'{path}' does not exist; {what} (.safetensors) was expected: 'moodring enrol' writes one")
    try:
        raw = read_regular(path, _MOST_BYTES)
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
        sha256 = hashlib.sha256(raw).hexdigest()
    except (OSError, SafetensorError) as error:
        raise MoodringError(f"'{path}' is truncated or no .safetensors file ({error}); {what} was expected") from error
    if _KEY not in metadata:
        raise MoodringError(f"'{path}' is not a file about voices; {what} was expected ('moodring enrol' writes one)")
    try:
        spec = schema.model_validate_json(metadata[_KEY], strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MoodringError(f"'{path}' is not {what} of this moodring ('{place}': {first['msg']})") from None
    if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values()):
        raise MoodringError(f"'{path}': finite float32 arrays were expected; make it again")
    return spec, arrays, sha256


def _check_shapes(path: Path, arrays: Mapping[str, FloatArray], expected: Mapping[str, tuple[int, ...]]) -> None:
    came = {name: array.shape for name, array in arrays.items()}
    if came != dict(expected):
        raise MoodringError(f"'{path}': its arrays have shapes {came}, {dict(expected)} were expected; make it again")
