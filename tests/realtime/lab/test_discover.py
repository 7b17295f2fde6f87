from uuid import uuid4

import pytest

from moodring.configs.schema.live import EegSection, LiveConfig, ModelsSection, StreamQuery

pytestmark = pytest.mark.lsl


def test_looking_at_a_replay_does_not_begin_it(lsl_session, fakes, tmp_path):
    import pylsl

    from moodring.realtime.lab.discover import lsl_streams
    from moodring.realtime.lab.preflight import check_config

    name = f"s{uuid4().hex}"
    shown = fakes.recording(8.0)
    facts = {"origin": "simulated", "first_sample_after_t0_s": "0.0"}
    info = pylsl.StreamInfo(name, "EEG", len(shown.eeg.channel_names), shown.eeg.rate_hz, pylsl.cf_float32, name)
    channels = info.desc().append_child("channels")
    for label in shown.eeg.channel_names:
        channels.append_child("channel").append_child_value("label", label)
    session = info.desc().append_child("moodring")
    for key, value in facts.items():
        session.append_child_value(key, value)
    replay = pylsl.StreamOutlet(info)
    stream = next(s for s in lsl_streams(1.0, 0.5) if s.name == name)
    assert (stream.replay, stream.observed_rate_hz) == (True, None)
    bundle = fakes.write_bundle(tmp_path / "untrained.safetensors")
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name=name)),
        models=ModelsSection(video_eeg=str(bundle), allow_simulated=True),
        lsl=lsl_session,
    )
    eeg = next(finding for finding in check_config(config) if finding.what == "eeg")
    assert eeg.ok
    assert "begins when it is read" in eeg.text
    assert not replay.have_consumers(), "a replay begins as soon as somebody reads it"
