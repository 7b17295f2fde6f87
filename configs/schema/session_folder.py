"""The names and version of what a session folder holds.

``session.toml`` says who, when and what; ``config.toml`` is the config as run; ``versions.json`` names software and
devices; ``notes.jsonl``, ``log.jsonl`` and ``decisions.jsonl`` have one JSON object a line; ``streams/`` holds XDF,
``video/`` the camera and the microphone, ``voices/`` copies of the enrolments that the config names.

A session that was recorded live has files that survive the death of any process: the EEG as the engine got it in
``streams/eeg.samples`` (a line of JSON, then rows of one stamp and one value per channel), XDF in parts, and films
with an index as CSV beside them.
"""

import re
from typing import Annotated, Literal

from pydantic import Field

from .load import Section

VERSION: Literal[1] = 1

SESSION_FILE = "session.toml"
CONFIG_FILE = "config.toml"
VERSIONS_FILE = "versions.json"
NOTES_FILE = "notes.jsonl"
LOG_FILE = "log.jsonl"
DECISIONS_FILE = "decisions.jsonl"
REPORT_FILE = "report.html"
STREAMS_FOLDER = "streams"
VIDEO_FOLDER = "video"
EEG_FILE = "eeg.xdf"
CAMERA_FILE = "camera.mkv"
SAMPLES_FILE = "eeg.samples"
CAMERA_INDEX_FILE = "camera.csv"
MICROPHONE_FILE = "microphone.mkv"
MICROPHONE_INDEX_FILE = "microphone.csv"
LOUDSPEAKER_FILE = "loudspeaker.mkv"
LOUDSPEAKER_INDEX_FILE = "loudspeaker.csv"
VOICES_FOLDER = "voices"
ENROLMENT_FILE = "participant.safetensors"
OTHER_VOICE_FILE = "other-{}.safetensors"
PART_NAME = "part"
SPARE_NAME = "spare"
HEALTH_SUFFIX = "_health"
"""How the name of the marker stream of health ends."""

VIDEO_INDEX_TYPE = "VideoIndex"
VIDEO_INDEX_CHANNELS = ("frame",)
"""One sample a frame, stamped at its capture: which frame of the file it is."""

AUDIO_INDEX_TYPE = "AudioIndex"
AUDIO_INDEX_CHANNELS = ("first_sample", "sample_count", "last_stamp_s")
"""One sample a block of sound, stamped at the capture of its first sample."""

LOUDSPEAKER_INDEX_TYPE = "LoudspeakerIndex"
"""As ``AudioIndex``, of what the loudspeaker played."""


class SessionFile(Section):
    """What ``session.toml`` says; times are seconds on the clock of the stamps.

    ``t0_s`` is missing where the session ended before its first decision was planned, ``ended_at`` where nobody was
    left to write it.
    """

    version: Literal[1]
    name: str
    participant: str
    origin: str
    t0_s: Annotated[float, Field(allow_inf_nan=False)] | None = None
    rest_s: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    recorded_at: str = ""
    ended_at: str = ""
    task: str = ""
    protocol: str = ""
    consent: str = ""


class SamplesHeader(Section):
    """The first line of ``eeg.samples``, as JSON; rows follow as :func:`row_layout` says."""

    name: str
    rate_hz: float
    jitter_s: float = 0.0
    channel_names: tuple[str, ...]


def row_layout(channels: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Lay out a row of ``eeg.samples``, as NumPy's dtype takes it."""
    return [("stamp_s", "<f8", ()), ("values", "<f4", (channels,))]


def folder_name(text: str) -> str:
    """Make a name that any file system takes of any text, without a way out of its folder."""
    name = re.sub(r"[^\w.+-]+", "_", text, flags=re.ASCII).strip("._")[:80]
    reserved = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, flags=re.IGNORECASE)
    return f"_{name}" if reserved else name or "session"
