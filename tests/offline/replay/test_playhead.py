from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.replay.playhead import (
    HOLE_S,
    Pause,
    PlayableSpan,
    Playhead,
    Resume,
    Seek,
    SetSpeed,
    Toggle,
    apply_command,
    parse_command,
    restarted,
)

SPAN = PlayableSpan(t0_s=5000.0, first_s=4999.5, end_s=5060.0)
HEAD = Playhead(5000.0, 100.0, 1.0)
NOTHING_WAITS = np.inf


def test_real_time_adds_one_constant() -> None:
    stamps_s = 5000.25 + np.cumsum(np.random.default_rng(2).uniform(0, 0.1, 500))
    moved_s = Playhead(5000.25, 123_456.7, 1.0).lsl_times(stamps_s)
    np.testing.assert_allclose(np.diff(moved_s), np.diff(stamps_s), atol=1e-10)
    assert Playhead(5000.25, 123_456.7, 1.0).lsl_time(5000.25) == pytest.approx(123_456.7, abs=1e-9)


def test_speed_shortens_the_timeline() -> None:
    fast = Playhead(5000.75, 10.0, 4.0)
    assert fast.lsl_time(5001.75) == pytest.approx(10.25)
    assert fast.position_at(10.25) == pytest.approx(5001.75)
    assert fast.position_at(9.0) == 5000.75


def test_a_pause_moves_what_follows_by_its_length() -> None:
    paused = apply_command(HEAD, Pause(), SPAN, 107.0, NOTHING_WAITS)
    assert (paused.playing, paused.position_at(200.0)) == (False, 5007.0)
    again = apply_command(paused, Resume(), SPAN, 119.0, NOTHING_WAITS)
    assert again.lsl_time(5007.0) == pytest.approx(119.0)
    assert again.lsl_time(5010.0) == pytest.approx(122.0)


def test_a_short_pause_still_leaves_a_hole() -> None:
    paused = apply_command(HEAD, Toggle(), SPAN, 107.0, NOTHING_WAITS)
    assert apply_command(paused, Toggle(), SPAN, 107.01, NOTHING_WAITS).lsl_time(5007.0) == pytest.approx(
        107.0 + HOLE_S
    )


def test_pausing_twice_and_resuming_what_plays_change_nothing() -> None:
    paused = apply_command(HEAD, Pause(), SPAN, 107.0, NOTHING_WAITS)
    assert apply_command(paused, Pause(), SPAN, 109.0, NOTHING_WAITS) == paused
    assert apply_command(HEAD, Resume(), SPAN, 109.0, NOTHING_WAITS) == HEAD


def test_a_seek_counts_from_t0_and_leaves_a_hole() -> None:
    sought = apply_command(HEAD, Seek(30.0), SPAN, 107.0, NOTHING_WAITS)
    assert sought.lsl_time(5030.0) == pytest.approx(107.0 + HOLE_S)
    assert sought.t0_lsl_s(5000.0, 108.0) == pytest.approx(107.0 + HOLE_S - 30.0)


def test_a_seek_in_a_pause_stays_paused() -> None:
    sought = apply_command(
        apply_command(HEAD, Pause(), SPAN, 107.0, NOTHING_WAITS), Seek(30.0), SPAN, 110.0, NOTHING_WAITS
    )
    assert (sought.playing, sought.position_at(200.0)) == (False, 5030.0)
    assert apply_command(sought, Resume(), SPAN, 112.0, NOTHING_WAITS).lsl_time(5030.0) == pytest.approx(112.0)
    assert sought.t0_lsl_s(5000.0, 111.0) == pytest.approx(81.0)


@pytest.mark.parametrize("command", [Seek(60.0), Seek(-0.6), Seek(float("nan")), SetSpeed(0.0), SetSpeed(1e9)])
def test_what_makes_no_sense_is_refused(command: Seek | SetSpeed) -> None:
    with pytest.raises(MoodringError, match="is outside"):
        apply_command(HEAD, command, SPAN, 107.0, NOTHING_WAITS)


def test_stamps_never_go_back_whatever_is_asked() -> None:
    """Plays at random with streams whose chunks wait for their last sample, as the replay does."""
    random = np.random.default_rng(7)
    stamps = {rate: 5000.0 + np.arange(int(60 * rate)) / rate for rate in (256.0, 25.0, 8.0)}
    chunk = {256.0: 8, 25.0: 1, 8.0: 1}
    at = dict.fromkeys(stamps, 0)
    newest = dict.fromkeys(stamps, -np.inf)
    head, now_s, jumps = HEAD, 100.0, 0
    for _ in range(3000):
        now_s += random.uniform(0.001, 0.2)
        for rate, one in stamps.items():
            while (stop := at[rate] + chunk[rate]) <= len(one) and head.playing:
                sent = head.lsl_times(one[at[rate] : stop])
                if sent[-1] > now_s:
                    break
                assert sent[0] > newest[rate]
                newest[rate], at[rate] = sent[-1], stop
        if random.random() < 0.3:
            speed = SetSpeed(random.choice([0.1, 1.0, 20.0]))
            asked = random.choice([Pause(), Resume(), Toggle(), Seek(random.uniform(0, 50)), speed])
            unsent_s = min(
                (float(one[at[rate]]) for rate, one in stamps.items() if at[rate] < len(one)), default=np.inf
            )
            head = apply_command(head, asked, SPAN, now_s, unsent_s)
            jumps += 1
            if isinstance(asked, Seek):
                at = {rate: int(np.searchsorted(one, head.position_s)) for rate, one in stamps.items()}
    assert jumps > 500
    assert all(np.isfinite(list(newest.values())))


def test_the_next_lap_comes_after_a_hole() -> None:
    lap = restarted(HEAD, 5000.0, 5060.0)
    assert lap == replace(HEAD, moment_s=160.0 + HOLE_S)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("pause\n", Pause()),
        (" RESUME ", Resume()),
        ("play", Resume()),
        ("\n", Toggle()),
        ("p", Toggle()),
        ("seek 30", Seek(30.0)),
        ("seek -0.5", Seek(-0.5)),
        ("speed 2", SetSpeed(2.0)),
    ],
)
def test_typed_lines_are_understood(line: str, command: object) -> None:
    assert parse_command(line) == command


@pytest.mark.parametrize("line", ["seek", "seek soon", "speed nan", "seek 1 2", "rewind", "pause 3", "x" * 500])
def test_other_lines_are_told_what_can_be_said(line: str) -> None:
    with pytest.raises(MoodringError, match="is not understood; expected pause, resume, seek SECONDS") as caught:
        parse_command(line)
    assert len(str(caught.value)) < 200
