"""Predict the emotion that sound files express, with voice activity, segments and decoder of a live session.

A file is fed block by block, with silence before and after it. The decoder's estimates at the end of each utterance are
pooled to one prediction per file. A decoder that adapts hears each speaker's files one after the other.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, SIMULATED, SURE, FloatArray, HeadOutput
from ...models.decoders.session_models import DEMONSTRATION
from ...models.decoders.speech import SpeechDecoder
from ...models.decoders.voice_adaptation import VoiceHistory
from ...models.io.bundle import Bundle
from ..datasets.open_corpus import parse_file_name
from ..evaluation.metrics import SMALLEST_PROBABILITY, uar
from ..recordings.sound import fault, stream_sound
from .sound_findings import SoundFindings
from .speakers import ONE_SPEAKER, speaker_in

NO_VOICE = "no voice is enrolled here: all voices in a file are read as one person's"
_SILENCE_S = 1.0  # longer than the pause that closes an utterance
_NO_LABEL = ""


@dataclass(frozen=True)
class Adapted:
    """What a prediction was adapted to.

    Attributes
    ----------
    speaker : str
        As the files' names or a table tell, else :data:`~.speakers.ONE_SPEAKER`.
    utterances : int
        Heard of the speaker before this file, of which the latest 64 count.
    """

    speaker: str
    utterances: int


@dataclass(frozen=True)
class AdaptedSpeaker:
    """What the predictions for one speaker's files were adapted to.

    Attributes
    ----------
    speaker : str
    files : int
    utterances : int
        Heard of the speaker before the last of these files, of which the latest 64 count.
    """

    speaker: str
    files: int
    utterances: int

    def in_words(self) -> str:
        """Return a line for the terminal."""
        who = "one speaker for all files" if self.speaker == ONE_SPEAKER else f"speaker {self.speaker}"
        files = "1 file" if self.files == 1 else f"{self.files} files, the last one"
        heard = {0: "no utterance", 1: "1 utterance"}.get(self.utterances, f"{self.utterances} utterances")
        return f"adapted to {who}: {files} after {heard} heard before it"


@dataclass(frozen=True)
class Prediction:
    """Prediction for one file.

    Attributes
    ----------
    file : str
        Path as given.
    duration_s : float or None
        None where the file cannot be read.
    classes : tuple of str
    probabilities : tuple of float or None
        Of the whole file; None without speech.
    segments : tuple of HeadOutput
        One per second of speech; times count from the file's start.
    truth : str or None
        Label in its name.
    error : str or None
        A line: why there is no prediction, or no label in its name.
    warning : str or None
        A line: faults of a file that could be read; see :class:`SoundFindings`.
    adapted : Adapted or None
        None without adaptation.
    """

    file: str
    duration_s: float | None = None
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None
    segments: tuple[HeadOutput, ...] = ()
    truth: str | None = None
    error: str | None = None
    warning: str | None = None
    adapted: Adapted | None = None

    @property
    def label(self) -> str | None:
        """The most probable class; None without speech."""
        return None if self.probabilities is None else self.classes[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float | None:
        """The probability of the label; None without speech."""
        return None if self.probabilities is None else max(self.probabilities)

    @property
    def unsure(self) -> bool:
        """Whether no class has half of the probability: by the model's own account the label is likely wrong."""
        return self.confidence is not None and self.confidence < SURE


def predict_files(
    decoder: SpeechDecoder,
    paths: Iterable[Path],
    with_truth: bool = False,
    speakers: Mapping[str, str] | None = None,
) -> Iterator[Prediction]:
    """Yield the prediction for each file; one that cannot be read has an ``error``.

    Parameters
    ----------
    decoder : SpeechDecoder
        Reset before each file; where it adapts, to what was heard of the file's speaker in the files before.
    paths : iterable of Path
    with_truth : bool
        Whether to read the label from names in the style of EMO-DB, RAVDESS, SAVEE or eNTERFACE'05. Other names have
        none; an unknown code in such a name is an ``error`` beside the prediction.
    speakers : mapping of str to str, optional
        Who speaks in a file, by its real path; without it, what the names in those styles say.
    """
    heard: dict[str, VoiceHistory] = {}
    for path in paths:
        # Unlike Path.resolve, it accepts circular links.
        speaker = speaker_in(path) if speakers is None else speakers[os.path.realpath(path)]
        before = heard.get(speaker, decoder.start_voice)
        try:
            prediction = predict_file(decoder, path, before)
        except MoodringError as error:
            prediction = Prediction(str(path), error=str(error))
        else:
            if before is not None and decoder.voice is not None:
                prediction = replace(prediction, adapted=Adapted(speaker, len(before)))
                heard[speaker] = decoder.voice
        yield _with_truth(prediction, path) if with_truth else prediction


def predict_file(decoder: SpeechDecoder, path: Path, voice: VoiceHistory | None = None) -> Prediction:
    """Decode a file block by block and pool the estimates of its utterances.

    ``voice`` is what was heard of its speaker before, for a decoder that adapts.

    Raises
    ------
    MoodringError
        It is missing or holds no sound; see :func:`stream_sound`.
    """
    decoder.reset(voice)
    samples, findings = 0, SoundFindings()

    def blocks() -> Iterator[FloatArray]:
        nonlocal samples
        for block in stream_sound(path, findings.take):
            samples += len(block)
            findings.hear(block)
            yield block

    estimates = _decoded(decoder, blocks())
    if estimates and not any(one.answered for one in estimates):
        raise MoodringError(f"sound file '{path}': {estimates[-1].abstained}; use another bundle")
    duration_s = samples / AUDIO_RATE_HZ
    cut = fault(path)
    wrong = [*([] if cut is None else [f"{cut}; what is there was used"]), *findings.in_words()]
    return Prediction(
        file=str(path),
        duration_s=duration_s,
        classes=decoder.head.classes,
        probabilities=pooled(estimates),
        segments=_own_seconds(estimates, duration_s),
        warning=f"sound file '{path}' {'; '.join(wrong)}" if wrong else None,
    )


def pooled(estimates: Sequence[HeadOutput]) -> tuple[float, ...] | None:
    """Return the pooled class probabilities of a file's utterances.

    The log-probabilities at the end of each utterance are averaged, weighted by its length, and normalised: a weighted
    geometric mean, which treats utterances as independent evidence of one emotion.

    Parameters
    ----------
    estimates : sequence of HeadOutput
        All estimates of the decoder, in order.

    Returns
    -------
    tuple of float or None
        None without utterances.
    """
    logs: list[FloatArray] = []
    weights_s: list[float] = []
    start_s: float | None = None
    for estimate in estimates:
        begin_s, end_s = estimate.stretch_s
        start_s = begin_s if start_s is None else start_s
        if estimate.final and estimate.probabilities is not None:
            logs.append(np.log(np.maximum(estimate.probabilities, SMALLEST_PROBABILITY)))
            weights_s.append(end_s - start_s)
            start_s = None
    if not logs:
        return None
    mean = np.average(np.stack(logs), axis=0, weights=weights_s)
    return tuple(float(probability) for probability in softmax(mean))


def score(predictions: Sequence[Prediction]) -> tuple[float | None, int]:
    """Return the unweighted average recall and the number of files in it.

    Files with a label in their name and without an error count. A file without speech counts as wrong; so does one with
    a label that is no class of the bundle.
    """
    counted = [one for one in predictions if one.truth is not None and one.error is None]
    if not counted:
        return None, 0
    names = [str(one.truth) for one in counted] + [one.label or _NO_LABEL for one in counted]
    truth, predicted = np.split(np.unique(names, return_inverse=True)[1], 2)
    return uar(truth, predicted), len(counted)


def uar_lines(predictions: Sequence[Prediction], known: Sequence[str]) -> tuple[str, ...]:
    """Return lines of text on the unweighted average recall, or why there is none.

    Parameters
    ----------
    predictions : sequence of Prediction
        With labels from the names.
    known : sequence of str
        The bundle's classes.
    """
    recall, n = score(predictions)
    if recall is None:
        labelled = sum(one.truth is not None for one in predictions)
        why = (
            "no file whose name tells its truth was read without an error"
            if labelled
            else "no name tells a truth in the style of EMO-DB, RAVDESS, SAVEE or eNTERFACE'05"
        )
        return (f"no UAR: {why}",)
    truths = [one.truth for one in predictions if one.truth is not None and one.error is None]
    foreign = sorted(set(truths) - set(known))
    lines = [f"UAR {recall:.3f} over {n} files; a file without speech counts as wrong"]
    if foreign:
        count = sum(truth in foreign for truth in truths)
        lines.append(f"the bundle does not know {', '.join(foreign)}: {count} file(s) of such truth count as wrong")
    return tuple(lines)


def adapted_speakers(predictions: Sequence[Prediction]) -> tuple[AdaptedSpeaker, ...]:
    """Return what was adapted to, speaker by speaker in the order of their first files; nothing without adaptation."""
    found: dict[str, AdaptedSpeaker] = {}
    for one in predictions:
        if one.adapted is not None:
            speaker = one.adapted.speaker
            files = found[speaker].files if speaker in found else 0
            found[speaker] = AdaptedSpeaker(speaker, files + 1, one.adapted.utterances)
    return tuple(found.values())


def as_plain(
    predictions: Sequence[Prediction], bundle: Bundle, config: Mapping[str, Any], with_truth: bool = False
) -> dict[str, Any]:
    """Return the content of ``moodring predict --json``.

    Parameters
    ----------
    predictions : sequence of Prediction
    bundle : Bundle
        That they were made with.
    config : mapping of str to plain values
        What the command was asked.
    with_truth : bool
        Whether labels were read from the names.
    """
    plain: dict[str, Any] = {
        "files": [_plain(one, with_truth) for one in predictions],
        "domain": list(bundle.spec.domain),
        "bundles": [{"file": bundle.name, "sha256": bundle.sha256}],
        "config": dict(config),
        "notices": list(notices(bundle)),
    }
    if speakers := adapted_speakers(predictions):
        plain["adapted"] = [asdict(one) for one in speakers]
    if with_truth:
        recall, n = score(predictions)
        plain |= {"uar": None if recall is None else round(recall, 6), "n": n}
    return plain


def heading(bundle: Bundle) -> str:
    """Return the line on the bundle that predictions are made with: file, hash, domain, construct."""
    head = bundle.spec.head("speech")
    domain = ", ".join(bundle.spec.domain)
    return f"bundle {bundle.name} (SHA-256 {bundle.sha256[:12]}): {head.construct} emotion; domain: {domain}"


def notices(bundle: Bundle) -> tuple[str, ...]:
    """Return what holds for all predictions with a bundle."""
    simulated = (DEMONSTRATION,) if SIMULATED in bundle.spec.domain else ()
    return (*simulated, NO_VOICE, f"for voices unlike '{', '.join(bundle.spec.domain)}' it is less often right")


def in_words(prediction: Prediction) -> str:
    """Return a line for the terminal."""
    if prediction.duration_s is None:
        return f"{prediction.file}: not read"
    if prediction.label is None or prediction.probabilities is None:
        outcome = "no speech"
    else:
        sure = "not sure: " if prediction.unsure else ""
        outcome = f"{sure}{prediction.label} (confidence {prediction.confidence:.2f})"
    truth = f", truth {prediction.truth}" if prediction.truth is not None else ""
    return f"{prediction.file}: {outcome}{truth}"


def _decoded(decoder: SpeechDecoder, blocks: Iterable[FloatArray]) -> list[HeadOutput]:
    silence = np.zeros(round(_SILENCE_S * AUDIO_RATE_HZ), np.float32)
    estimates = list(decoder.feed(silence, -_SILENCE_S))
    at = 0
    for block in blocks:
        estimates.extend(decoder.feed(block, at / AUDIO_RATE_HZ))
        at += len(block)
    estimates.extend(decoder.feed(silence, at / AUDIO_RATE_HZ))
    return [*estimates, *decoder.close()]


def _own_seconds(estimates: Sequence[HeadOutput], duration_s: float) -> tuple[HeadOutput, ...]:
    """Return one estimate per second of speech; the estimate at an utterance's end replaces a repeated one."""
    seconds: list[HeadOutput] = []
    for estimate in estimates:
        if seconds and not seconds[-1].final and estimate.stretch_s[0] <= seconds[-1].stretch_s[0]:
            seconds.pop()
        seconds.append(estimate)
    return tuple(
        replace(one, start_s=max(one.stretch_s[0], 0.0), end_s=min(one.stretch_s[1], duration_s)) for one in seconds
    )


def _with_truth(prediction: Prediction, path: Path) -> Prediction:
    try:
        parsed = parse_file_name(path)
    except MoodringError as error:
        return replace(prediction, error=prediction.error or str(error))
    return replace(prediction, truth=None if parsed is None else parsed.emotion)


def _plain(prediction: Prediction, with_truth: bool) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "file": prediction.file,
        "duration_s": None if prediction.duration_s is None else round(prediction.duration_s, 4),
        "label": prediction.label,
        "confidence": prediction.confidence,
        "unsure": prediction.unsure,
        "probabilities": _named(prediction.classes, prediction.probabilities or ()),
        "segments": [
            {
                "start_s": round(one.stretch_s[0], 4),
                "end_s": round(one.stretch_s[1], 4),
                "probabilities": _named(one.classes, one.probabilities or ()),
            }
            for one in prediction.segments
        ],
    }
    if prediction.adapted is not None:
        plain["adapted"] = asdict(prediction.adapted)
    if with_truth:
        plain["truth"] = prediction.truth
    for name, line in (("error", prediction.error), ("warning", prediction.warning)):
        if line is not None:
            plain[name] = line
    return plain


def _named(classes: Sequence[str], probabilities: Sequence[float]) -> Mapping[str, float]:
    return {} if not probabilities else dict(zip(classes, (round(p, 6) for p in probabilities), strict=True))
