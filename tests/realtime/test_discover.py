import threading
from uuid import uuid4

import pytest

from moodring.configs.live import EegSection, LiveConfig, ModelsSection, StreamQuery

pytestmark = pytest.mark.lsl


def test_looking_at_a_replay_does_not_begin_it(lsl_session, fakes, tmp_path):
    from moodring.offline.replay import ReplayOptions, publish
    from moodring.realtime.discover import lsl_streams
    from moodring.realtime.preflight import inspect

    prefix = f"s{uuid4().hex}"
    ready, begun, done = threading.Event(), threading.Event(), threading.Event()
    replay = threading.Thread(
        target=publish,
        args=(fakes.recording(8.0), ReplayOptions(prefix=prefix, only=("eeg",))),
        kwargs={"stopped": done.is_set, "on_ready": lambda _: ready.set(), "on_start": lambda _: begun.set()},
        daemon=True,
    )
    replay.start()
    assert ready.wait(30)
    stream = next(s for s in lsl_streams(1.0, 0.5) if s.name == f"{prefix}_eeg")
    assert (stream.replay, stream.observed_rate_hz) == (True, None)
    bundle = fakes.write_bundle(tmp_path / "untrained.safetensors")
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name=f"{prefix}_eeg")),
        models=ModelsSection(video_eeg=str(bundle)),
        lsl=lsl_session,
    )
    eeg = next(finding for finding in inspect(config) if finding.what == "eeg")
    assert eeg.ok
    assert "begins when it is read" in eeg.text
    assert not begun.is_set()
    done.set()
    replay.join(20)
