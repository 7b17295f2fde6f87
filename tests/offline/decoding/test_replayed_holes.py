"""A replay that is paused, moved or sped up leaves a hole: a gap for the engine, never a clock jump."""

import numpy as np
import pytest

from moodring.models.io.ring import Ring
from moodring.models.streaming.ingest.health import SEARCHING, Figures, next_health
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import StreamIngest
from moodring.offline.replay.playhead import (
    HOLE_S,
    Pause,
    PlayableSpan,
    Playhead,
    Resume,
    Seek,
    SetSpeed,
    apply_command,
    restarted,
)

RATE_HZ = 256.0
SPAN = PlayableSpan(0.0, 0.0, 60.0)


class Played:
    """An ingest that gets what a replay would push."""

    def __init__(self):
        info = SourceInfo("eeg", "amp", RATE_HZ, (1,), "<f4", ("Fz",))
        self.ingest = StreamIngest(info, Ring.create(20_000, (1,), "<f4", RATE_HZ, ("Fz",)))
        self.head = Playhead(0.0, 1000.0, 1.0)
        self.now_s, self.sent = 1000.0, 0

    def play(self, seconds):
        for _ in range(round(seconds * 32)):
            self.now_s += 1 / 32
            stop = int(np.floor(self.head.position_at(self.now_s) * RATE_HZ)) + 1
            if self.head.playing and stop > self.sent:
                stamps_s = self.head.lsl_times(np.arange(self.sent, stop) / RATE_HZ)
                samples = np.arange(self.sent, stop, dtype=np.float32)[:, np.newaxis]
                self.ingest.append(Chunk(samples, stamps_s, self.now_s))
                self.sent = stop

    def ask(self, command):
        self.head = apply_command(self.head, command, SPAN, self.now_s, self.sent / RATE_HZ)
        if isinstance(command, Seek):
            self.sent = int(np.ceil(self.head.position_s * RATE_HZ))


@pytest.fixture
def played():
    made = Played()
    made.play(5.0)
    yield made
    made.ingest.ring.close()


def _assert_one_gap(played, at_least_s):
    figures = played.ingest.figures
    assert figures.jump_s is None
    assert figures.gap_s == pytest.approx(at_least_s, abs=0.04)
    assert (np.diff(played.ingest.ring.latest(20_000).stamps_s) >= 0).all()
    health = next_health(
        SEARCHING, Figures(RATE_HZ, None, 0.0, 0.01, figures.gap_s, figures.gap_at_s), figures.gap_at_s
    )
    assert health.state == "gap"


def test_a_pause_is_a_gap(played):
    played.ask(Pause())
    played.play(7.0)
    played.ask(Resume())
    played.play(3.0)
    _assert_one_gap(played, 7.0)


@pytest.mark.parametrize("to_s", [1.0, 40.0])
def test_a_seek_is_a_gap(played, to_s):
    played.ask(Seek(to_s))
    played.play(3.0)
    _assert_one_gap(played, HOLE_S)


def test_the_seam_of_a_loop_is_a_gap(played):
    played.head = restarted(played.head, 0.0, played.sent / RATE_HZ)
    played.sent = 0
    played.play(3.0)
    _assert_one_gap(played, HOLE_S)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_another_speed_begins_with_a_gap(played, speed):
    played.ask(SetSpeed(speed))
    played.play(0.5)
    _assert_one_gap(played, HOLE_S)
