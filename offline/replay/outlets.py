"""The LSL outlets of a replay: its streams, and a small one with the LSL time of its t0."""

from collections.abc import Callable, Mapping, Sequence

import pylsl

from ...configs.schema.errors import MoodringError
from ...models.contract import STANDARD_MODALITIES
from ...models.io.stream_descriptions import StreamDescription, StreamKind, Tree, describe_timeline
from .playhead import Playhead
from .tracks import Track

_VIDEO_BUFFER_S = 4  # a frame is 230 kB: liblsl's own 360 s would be two gigabytes
_BUFFER_S = 60
_NAP_S = 0.05
_OPTIONAL_PATIENCE_S = 2.0
_WITHOUT_READER: tuple[StreamKind, ...] = ("truth", "markers")
_ANNOUNCED_EVERY_S = 0.25


class TimelineOutlet:
    """Outlet that sends t0 again and again, for consumers that connect late.

    Every sample is *stamped with the LSL time of t0*, so that liblsl's time correction converts it to the clock of a
    consumer on another computer. Its channels are the speed, and 1 while playing, 0 in a pause.
    """

    def __init__(self, name: str, source_id: str) -> None:
        self._outlet = outlet_of(describe_timeline(name, source_id))
        self._last_s = -_ANNOUNCED_EVERY_S

    def due(self, now_s: float) -> bool:
        """Return whether the next sample is due."""
        return now_s - self._last_s >= _ANNOUNCED_EVERY_S

    def announce(self, head: Playhead, t0_s: float, now_s: float) -> None:
        """Send the LSL time of t0."""
        self._outlet.push_sample([head.speed, float(head.playing)], head.t0_lsl_s(t0_s, now_s))
        self._last_s = now_s


def outlet_of(description: StreamDescription) -> pylsl.StreamOutlet:
    """Return an outlet for a stream description."""
    info = pylsl.StreamInfo(
        description.name,
        description.type,
        description.channel_count,
        description.rate_hz,
        description.channel_format,
        description.source_id,
    )
    _append(info.desc(), description.desc)
    video = description.channel_format == "int8"
    return pylsl.StreamOutlet(info, 0, _VIDEO_BUFFER_S if video else _BUFFER_S)


def _append(node: pylsl.info.XMLElement, tree: Tree) -> None:
    for tag, content in tree:
        if isinstance(content, str):
            node.append_child_value(tag, content)
        else:
            _append(node.append_child(tag), content)


def wait_for_consumers(
    tracks: Sequence[Track],
    outlets: Mapping[StreamKind, pylsl.StreamOutlet],
    patience_s: float,
    stopped: Callable[[], bool],
) -> bool:
    """Wait until every EEG, face and speech stream has a consumer; False where stopped before.

    The loudspeaker's stream and further signals, which not every session reads, are waited for 2 s more.

    Raises
    ------
    MoodringError
        No consumer connects in time.
    """
    waited_for = [track for track in tracks if track.kind in STANDARD_MODALITIES] or tracks
    deadline_s = pylsl.local_clock() + patience_s
    for track in waited_for:
        while not outlets[track.kind].wait_for_consumers(_NAP_S):
            if stopped():
                return False
            if pylsl.local_clock() > deadline_s:
                names = ", ".join(one.description.name for one in waited_for if not outlets[one.kind].have_consumers())
                raise MoodringError(
                    f"nobody connected to {names} within {patience_s:g} s; start a session that reads these streams, "
                    "or publish fewer (--only)"
                )
    optional = [track.kind for track in tracks if track not in waited_for and track.kind not in _WITHOUT_READER]
    deadline_s = pylsl.local_clock() + _OPTIONAL_PATIENCE_S
    for kind in optional:
        while pylsl.local_clock() < deadline_s and not outlets[kind].wait_for_consumers(_NAP_S):
            if stopped():
                return False
    return True
