"""The names and version of what a session folder holds.

``session.toml`` says who, when and what; ``config.toml`` is the config as run; ``versions.json`` names software and
devices; ``notes.jsonl``, ``log.jsonl`` and ``decisions.jsonl`` have one JSON object a line; ``voices/`` has copies of
the enrolments that the config names.

``streams/part-001.xdf`` holds every stream: what was decoded and how it arrived
(:mod:`moodring.models.io.source_streams`), markers, truth, estimates; another part follows where the recorder died.
``video/`` holds pictures and sound as Matroska. What was made of a recording afterwards lies beside it: ``ratings/``,
``decoded/``. Simulated sessions are written in the same layout; they have no config.
"""

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Literal

from pydantic import Field

from .load import Section

VERSION: Literal[2] = 2
"""1 had the EEG in a file of its own, LabRecorder's parts, and indices of the films as CSV."""

SESSION_FILE = "session.toml"
CONFIG_FILE = "config.toml"
VERSIONS_FILE = "versions.json"
NOTES_FILE = "notes.jsonl"
LOG_FILE = "log.jsonl"
DECISIONS_FILE = "decisions.jsonl"
REPORT_FILE = "report.html"
STREAMS_FOLDER = "streams"
VIDEO_FOLDER = "video"
PART_FILE = "part-{:03}.xdf"
CAMERA_FILE = "camera.mkv"
MICROPHONE_FILE = "microphone.mkv"
LOUDSPEAKER_FILE = "loudspeaker.mkv"
MEDIA_FILES = {"face": CAMERA_FILE, "speech": MICROPHONE_FILE, "loudspeaker": LOUDSPEAKER_FILE}
"""In which Matroska file the pictures or the sound of a source are."""
VOICES_FOLDER = "voices"
ENROLMENT_FILE = "participant.safetensors"
OTHER_VOICE_FILE = "other-{}.safetensors"
RATINGS_FOLDER = "ratings"
RATING_FILE = "rating-{:03}.xdf"
"""What somebody rated along the recording, afterwards; a file for each time."""
DECODINGS_FOLDER = "decoded"
DECODING_FILE = "{}.jsonl"
"""Estimates of decoding again with other models, a line each as in the journal; a file for each bundle."""
LONGEST_REST_S = 3600.0
HEALTH_SUFFIX = "_health"
"""Suffix of the name of the marker stream of health."""
MARKS_SUFFIX = "_marks"
"""Suffix of the name of the marker stream of what the experimenter marks."""


class SessionFile(Section):
    """Contents of ``session.toml``; times are seconds on the clock of the stamps.

    ``t0_s`` is missing where the session ended before its first decision was planned, ``ended_at`` where nobody was
    left to write it. ``missing_streams`` are sources and marker streams that the config named and that never came.
    """

    version: Literal[2]
    name: str
    participant: str
    origin: str
    t0_s: Annotated[float, Field(allow_inf_nan=False)] | None = None
    rest_s: Annotated[float, Field(ge=0.0, le=LONGEST_REST_S)]
    recorded_at: str = ""
    ended_at: str = ""
    task: str = ""
    protocol: str = ""
    consent: str = ""
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: str = ""
    handedness: str = ""
    missing_streams: list[str] = []


def package_versions(*packages: str) -> dict[str, str | None]:
    """Return the versions of installed packages; None for those that are not."""
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def plain_name(text: str) -> str:
    """Return a name that any file system takes, without a way out of its folder; several texts may have the same."""
    name = re.sub(r"[^\w.+-]+", "_", text, flags=re.ASCII).strip("._")[:80]
    reserved = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, flags=re.IGNORECASE)
    return f"_{name}" if reserved else name or "session"


def folder_name(text: str) -> str:
    """Return the name of a folder for a text; two texts that are not empty never have the same.

    Where it is not the text itself, six signs of the text's SHA-256 stand behind it.
    """
    name = plain_name(text)
    return name if name == text or not text else f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
