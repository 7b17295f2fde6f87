"""Frames and blocks of sound as LSL streams, so that the XDF alone tells a film's exact times to any tool.

They carry numbers and stamps, never a picture or a sound. The files' own index is the one that survives everything:
what is on its way over LSL when the engine dies may be lost.
"""

import pylsl

from ...configs.schema import session_folder as names
from ...configs.schema.live import LiveConfig
from ..engine.outlet import source_id

_SUFFIXES: dict[str, str] = {"face": "_video_index", "speech": "_audio_index"}
_KINDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "face": (names.VIDEO_INDEX_TYPE, names.VIDEO_INDEX_CHANNELS, names.CAMERA_FILE),
    "speech": (names.AUDIO_INDEX_TYPE, names.AUDIO_INDEX_CHANNELS, names.MICROPHONE_FILE),
}


def index_name(outlet: str, modality: str) -> str:
    """Name the index stream of a modality beside the stream of estimates."""
    return f"{outlet}{_SUFFIXES[modality]}"


class IndexOutlet:
    """The index of one film; for the thread that writes the film.

    Parameters
    ----------
    config : LiveConfig
        Of the session: its streams are named after that of the estimates.
    modality : "face" or "speech"
    device : str
    """

    def __init__(self, config: LiveConfig, modality: str, device: str) -> None:
        kind, labels, film = _KINDS[modality]
        name = index_name(config.outlet.name, modality)
        own = source_id(name, config.name)
        info = pylsl.StreamInfo(name, kind, len(labels), pylsl.IRREGULAR_RATE, pylsl.cf_double64, own)
        channels = info.desc().append_child("channels")
        for label in labels:
            channels.append_child("channel").append_child_value("label", label)
        about = info.desc().append_child("moodring")
        about.append_child_value("device", device)
        about.append_child_value("file", f"{names.VIDEO_FOLDER}/{film}")
        self._outlet = pylsl.StreamOutlet(info)

    def push(self, row: tuple[float, ...], stamp_s: float) -> None:
        """Send one row of the index, stamped at its capture."""
        self._outlet.push_sample(list(row), stamp_s)
