"""Segments of a person's speech in files, cut as in a live session."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, SpeechSegment
from ...models.decoders.speech import UtteranceCutter
from ...models.decoders.voice_activity import VoiceActivity
from ..recordings.sound import stream_sound

_SILENCE_S = 1.0


def speech_in_files(paths: Sequence[Path]) -> tuple[SpeechSegment, ...]:
    """Return the segments of speech in sound files or films, each file on its own.

    Raises
    ------
    MoodringError
        A file cannot be read, or is a copy of another, which would count twice.
    """
    cutter, silence = UtteranceCutter(VoiceActivity()), np.zeros(round(_SILENCE_S * AUDIO_RATE_HZ), np.float32)
    found: list[SpeechSegment] = []
    seen: dict[bytes, Path] = {}
    real = [os.path.realpath(path) for path in paths]
    for number, path in enumerate(paths):
        if real[number] in real[:number]:
            raise MoodringError(f"sound file '{path}' is named twice; it counts once, name it once")
    for path in paths:
        cutter.reset()
        at, content = 0, hashlib.sha256()
        for block in (silence, *stream_sound(path), silence):
            # At 16 bits, so that a WAV and a FLAC file of one recording have the same hash.
            content.update(np.rint(block * 32_768).astype(np.int32).tobytes())
            found.extend(cutter.feed(block, at / AUDIO_RATE_HZ))
            at += len(block)
        found.extend(cutter.close())
        other = seen.get(content.digest())
        if other is not None:
            raise MoodringError(f"'{path}' and '{other}' are the same recording, which counts once; leave one out")
        seen[content.digest()] = path
    return tuple(found)
