"""A person's voice from files: what is spoken in them, cut as a live session cuts it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..models.contract import AUDIO_RATE_HZ, SpeechSegment
from ..models.speech import UtteranceCutter
from ..models.voice_activity import VoiceActivity
from .sound import stream_sound

_SILENCE_S = 1.0


def spoken_in(paths: Sequence[Path]) -> tuple[SpeechSegment, ...]:
    """Cut what is spoken in sound files or films, each file on its own.

    Raises
    ------
    MoodringError
        A file cannot be read.
    """
    cutter, silence = UtteranceCutter(VoiceActivity()), np.zeros(round(_SILENCE_S * AUDIO_RATE_HZ), np.float32)
    found: list[SpeechSegment] = []
    for path in paths:
        cutter.reset()
        at = 0
        for block in (silence, *stream_sound(path), silence):
            found.extend(cutter.feed(block, at / AUDIO_RATE_HZ))
            at += len(block)
        found.extend(cutter.close())
    return tuple(found)
