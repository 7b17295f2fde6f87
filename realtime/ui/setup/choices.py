"""What can be chosen as a source: the text for the user, and the values for the config."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ...lab.discover import LslStream
from ...lab.survey import Survey
from .. import strings

_EEG_TYPE = "EEG"
_NO_EEG = ("VideoFrames", "Audio", "LoudspeakerAudio", "Emotion", "EmotionTruth", "Markers")


@dataclass(frozen=True)
class Choice:
    """A source.

    Attributes
    ----------
    text : str
    values : dict
        Of its section in the config; empty leaves the section out.
    facts : dict
        Name, type and source id of a stream that was found.
    """

    KEYS: ClassVar[tuple[str, ...]] = ("stream", "camera", "microphone")

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, section: Mapping[str, Any], device: str) -> "Choice":
        """Return the source that a section of a config names."""
        values = {key: section[key] for key in cls.KEYS if section.get(key) is not None}
        if not values:
            return nothing()
        if "stream" in values:
            words = " ".join(f"{key} {value}" for key, value in values["stream"].items() if value)
            return cls(strings.SETUP_STREAM.format(name=words), values)
        return cls(f"{values.get(device)}", values)

    def is_meant_by(self, other: "Choice") -> bool:
        """Return whether a config that names ``other`` finds this source."""
        query = other.values.get("stream")
        if query and self.facts:
            return all(not value or self.facts.get(key) == value for key, value in query.items())
        return self.values == other.values

    def missing(self) -> "Choice":
        """Return the same, said to be not there."""
        return replace(self, text=strings.SETUP_NOT_THERE.format(name=self.text.removesuffix(strings.SETUP_MISSING)))


def nothing() -> Choice:
    """Return the choice of no source."""
    return Choice(strings.SETUP_NONE)


def eeg_streams(streams: Sequence[LslStream]) -> list[Choice]:
    """Return the streams that may be EEG, those of the type first."""
    fitting = [one for one in streams if one.nominal_rate_hz > 0 and one.channels > 0 and one.type not in _NO_EEG]
    ordered = sorted(fitting, key=lambda one: one.type != _EEG_TYPE)
    return [_stream(one, strings.SETUP_STREAM_CHANNELS.format(name=one.name, count=one.channels)) for one in ordered]


def cameras(survey: Survey) -> list[Choice]:
    """Return the cameras of this machine, and the video streams of the network."""
    own = [
        Choice(strings.SETUP_CAMERA.format(index=one.index, width=one.width, height=one.height), {"camera": one.index})
        for one in survey.cameras or ()
    ]
    return own + _of_type(survey, "VideoFrames")


def microphones(survey: Survey) -> list[Choice]:
    """Return the microphones of this machine, and the sound streams of the network."""
    own = [Choice(one.name, {"microphone": one.name}) for one in survey.microphones or ()]
    return own + _of_type(survey, "Audio")


def _of_type(survey: Survey, kind: str) -> list[Choice]:
    return [_stream(one, one.name) for one in survey.streams or () if one.type == kind]


def _stream(stream: LslStream, name: str) -> Choice:
    """Return the choice of a stream, by its name where it has one."""
    query = {"name": stream.name} if stream.name else {"source_id": stream.source_id}
    facts = {"name": stream.name, "type": stream.type, "source_id": stream.source_id}
    return Choice(strings.SETUP_STREAM.format(name=name), {"stream": query}, facts)
