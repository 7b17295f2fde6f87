"""Record a person's speech from a microphone or an LSL stream, by the code of a live session."""

from collections.abc import Callable

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, FloatArray, Head, HeadOutput, ModelSpec, SpeechInput, SpeechSegment
from ...models.decoders.speech import UtteranceCutter
from ...models.decoders.voice_activity import VoiceActivity
from ...models.io.ring import rings_in
from ...models.streaming.clock import Clock
from ...models.streaming.decision_schedule import ModalityInput, Plan, identity
from ...models.streaming.ingest.sources import Source
from ...models.streaming.ingest.stream_ingest import StreamIngest, ingest_factory
from ...models.streaming.streaming_speech import StreamingSpeech

_FOUND_WITHIN_S = 10.0
_SILENT_FOR_S = 5.0
_STEP_S = 0.5
_TELL_S = 5.0


class _SegmentCollector:
    """Takes the place of a session's speech model and keeps the segments."""

    withheld = None
    spec = ModelSpec(
        "enrolment", (SpeechInput(),), (Head("speech", "identity", ("speaker",)),), "none", (), "none", (), 0, {}
    )

    def __init__(self) -> None:
        self._cutter = UtteranceCutter(VoiceActivity())
        self.segments: list[SpeechSegment] = []

    @property
    def voiced(self) -> bool:
        return self._cutter.voiced

    @property
    def speech_s(self) -> float:
        return sum(one.n_samples for one in self.segments) / AUDIO_RATE_HZ

    def reset(self) -> None:
        """Keep the segments: there is one person."""

    def feed(self, samples: FloatArray, start_s: float) -> tuple[HeadOutput, ...]:
        self.segments += self._cutter.feed(samples, start_s)
        return ()

    def close(self) -> tuple[HeadOutput, ...]:
        self.segments += self._cutter.close()
        return ()


def record_speech(
    source: Source, title: str, seconds: float, clock: Clock, tell: Callable[[str], None]
) -> tuple[SpeechSegment, ...]:
    """Record from a source for a while and return the segments of speech.

    Parameters
    ----------
    source : Source
        Of audio; closed at the end.
    title : str
        Its name, for errors.
    seconds : float
        Duration from the first sample.
    clock : Clock
        Of the source's stamps.
    tell : callable
        Called with a line every five seconds: the amount of speech so far, and faults of the microphone.

    Raises
    ------
    MoodringError
        The source is missing, cannot be used, or stops.
    """
    collector = _SegmentCollector()
    speech = StreamingSpeech(collector)
    try:
        ingest = _connected(source, title, clock)
        ring, first_s, told_s, time_s = ingest.ring, None, 0.0, 0.0
        came_s, started = clock.now(), False
        while first_s is None or time_s < first_s + seconds:
            chunk = source.poll()
            if chunk is None or not len(chunk.stamps_s):
                if clock.now() > came_s + _SILENT_FOR_S:
                    raise MoodringError(f"{title} sent nothing for {_SILENT_FOR_S:g} s; connect it and enrol again")
                continue
            came_s = clock.now()
            ingest.append(chunk)
            newest_s = ring.newest_s
            if newest_s is None:
                continue
            first_s = newest_s if first_s is None else first_s
            if newest_s < max(time_s, first_s) + _STEP_S:
                continue
            time_s = newest_s
            if not started:
                speech.start(Plan(first_s - 1.0, _STEP_S, 0, 0.0), clock)
                started = True
            hearing = speech.step(time_s, {"speech": ModalityInput(ingest, ring.view(), identity)}).hearing
            if time_s - first_s >= told_s + _TELL_S:
                told_s += _TELL_S
                trouble = f"; {hearing.trouble}" if hearing is not None and hearing.trouble else ""
                tell(f"{told_s:.0f} of {seconds:.0f} s, {collector.speech_s:.0f} s of speech{trouble}")
        collector.close()
    finally:
        source.close()
    return tuple(collector.segments)


def _connected(source: Source, title: str, clock: Clock) -> StreamIngest:
    give_up_s = clock.now() + _FOUND_WITHIN_S
    while (info := source.open()) is None:
        if clock.now() > give_up_s:
            raise MoodringError(f"{title} was not found within {_FOUND_WITHIN_S:g} s; 'moodring streams' lists what is")
    return ingest_factory(None, rings_in(None))(info)
