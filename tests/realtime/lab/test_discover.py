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


def test_streams_with_hostile_names_and_without_channels_are_listed_and_only_shown(
    lsl_session, stand, monkeypatch, capsys
):
    from moodring.cli.lab import streams
    from moodring.realtime.lab import discover

    own = uuid4().hex
    names = [f"amp [/{own}]", f"[eeg]{own}", f"\x1b[31m{own}", f"zero{own}"]
    stand(*({"name": name, "count": 0 if name.startswith("zero") else 2} for name in names))
    found = discover.streams_here(1.0, print, lsl_session)
    rates = {stream.name: stream.observed_rate_hz for stream in found if own in stream.name}
    assert set(rates) == set(names)
    assert rates[names[3]] is None
    assert all(rates[name] for name in names[:3])

    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(discover, "streams_here", lambda *_: found)
    monkeypatch.setattr(discover, "cameras", tuple)
    monkeypatch.setattr(discover, "microphones", tuple)
    streams()
    said = capsys.readouterr().out
    assert "\x1b[31m" not in said
    assert all(shown in said for shown in (*names[:2], f"\\x1b[31m{own}", "cannot be read: no channels"))


def _die(*_):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGFPE)


def test_a_stream_that_ends_its_reader_does_not_end_the_command(lsl_session, monkeypatch):
    from moodring.configs.schema.errors import MoodringError
    from moodring.realtime.lab import discover

    said = []
    monkeypatch.setattr(discover, "search", _die)
    with pytest.raises(MoodringError, match="LSL streams cannot be listed: the search for streams died"):
        discover.streams_here(0.0, said.append, lsl_session)
    assert len(said) == 1
    assert "listed without their observed rates" in said[0]
