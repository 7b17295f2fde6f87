from collections.abc import Callable
from pathlib import Path

import pytest

from moodring.configs.schema.live import LslSection
from moodring.models.contract import Recording
from moodring.offline.recordings.write_session import write_session
from moodring.offline.replay.bench import bench_replay
from moodring.offline.replay.publish import ReplayOptions


@pytest.mark.lsl
@pytest.mark.deadline
def test_stamps_are_right_to_a_millisecond_and_nothing_is_lost(
    fake_recording: Callable[..., Recording], lsl_session: LslSection, tmp_path: Path
) -> None:
    folder = write_session(fake_recording(4.0), tmp_path / "one")
    figures = bench_replay(folder, ReplayOptions(prefix="b2", speed=2.0, lsl=lsl_session), 20.0)
    assert figures["stamp_error_p99_ms"] <= 1.0
    assert {kind: row["samples"] for kind, row in figures["streams"].items()} == {
        "eeg": 1024,
        "face": 100,
        "speech": 64_000,
    }
    for row in figures["streams"].values():
        assert row["lost_samples"] == row["reordered_samples"] == 0
        assert row["push_late_ms"]["p99"] <= 150.0, "other tests share the cores"
