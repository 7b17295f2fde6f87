from uuid import uuid4

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, StreamQuery

pytestmark = pytest.mark.lsl
UV = [
    ("Fp1", "microvolts", "EEG"),
    ("Fp2", "microvolts", "EEG"),
    ("TRIG", "none", "Trigger"),
    ("C3", "microvolts", "EEG"),
]


def _open(source, tries=200):
    for _ in range(tries):
        info = source.open()
        if info is not None:
            return info
    raise AssertionError("the stream was not found")


def _eeg(name, **more):
    from moodring.realtime.sources.lsl_eeg import LslEeg

    return LslEeg(EegSection(stream=StreamQuery(name=name), **more))


def test_every_sample_comes_once_in_microvolts_under_its_name(stand):
    name = f"amp-{uuid4().hex}"
    millivolts = [(label, "mV" if kind == "EEG" else unit, kind) for label, unit, kind in UV]
    with stand({"name": name, "channels": millivolts}):
        source = _eeg(name, rename={"C3": "Cz"}, delay_s=0.5)
        info = _open(source)
        assert (info.rate_hz, info.channel_names, info.delay_s) == (256.0, ("Fp1", "Fp2", "Cz"), 0.5)
        chunks = []
        while sum(len(chunk.stamps_s) for chunk in chunks) < 300:
            chunk = source.poll()
            if chunk is not None:
                chunks.append(chunk)
        source.close()
    counts = np.concatenate([chunk.samples[:, 0] for chunk in chunks]) / 1000
    np.testing.assert_allclose(np.diff(counts), 1.0, atol=1e-3)
    stamps = np.concatenate([chunk.stamps_s for chunk in chunks])
    np.testing.assert_allclose(np.diff(stamps), 1 / 256, atol=1e-3)
    assert all(-0.1 < chunk.received_s - chunk.stamps_s[-1] - 0.5 < 1.0 for chunk in chunks)


def test_two_streams_that_match_are_both_named(stand):
    kind = f"EEG-{uuid4().hex}"
    with stand({"name": "one", "type": kind}, {"name": "two", "type": kind}):
        from moodring.realtime.sources.lsl_eeg import LslEeg

        source = LslEeg(EegSection(stream=StreamQuery(type=kind)))
        with pytest.raises(MoodringError, match=r"matches 2 streams: .*'(one|two)'.*'(one|two)'"):
            _open(source)
        source.close()


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ({"count": 0}, "has no channels"),
        ({"rate": 0.0}, "no regular rate"),
        ({"channels": [("a", "", "AUX")] * 4}, "none of type EEG"),
        ({"channels": [(label, "parsec", "EEG") for label in "abcd"]}, "units as parsec"),
        ({"channels": [("a", "uV", "EEG")] * 4}, "4 channels 'a'"),
        ({"format": "string", "rate": 0.0, "count": 1}, "carries text"),
    ],
)
def test_a_stream_that_cannot_be_eeg_says_why(stand, stream, words):
    name = f"bad-{uuid4().hex}"
    with stand({"name": name, **stream}):
        source = _eeg(name)
        with pytest.raises(MoodringError, match=words) as caught:
            _open(source)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)
        source.close()


def test_names_of_the_config_stand_in_for_names_that_tell_nothing(stand):
    from moodring.realtime.sources.lsl_eeg import LslEeg

    name = f"eeg-{uuid4().hex}"
    query = StreamQuery(name=name)
    with stand({"name": name, "channels": [("Fp1", "uV", "EEG")] * 4}):
        source = LslEeg(EegSection(stream=query, names=["Fp1", "Fp2", "O1", "O2"]))
        assert _open(source).channel_names == ("Fp1", "Fp2", "O1", "O2")
        source.close()
        source = LslEeg(EegSection(stream=query, names=["Fp1", "Fp2"]))
        with pytest.raises(MoodringError, match=r"has 4 channels and eeg.names lists 2"):
            _open(source)
        source.close()


def test_a_video_stream_that_is_no_video_says_why(stand):
    from moodring.realtime.sources.lsl_video import LslVideo

    name = f"bad-{uuid4().hex}"
    with stand({"name": name, "type": "VideoFrames", "count": 12, "rate": 25.0}):
        source = LslVideo(StreamQuery(name=name), None)
        with pytest.raises(MoodringError, match="bgr24 frames as int8"):
            _open(source)
        source.close()


def test_audio_of_another_rate_is_resampled(stand):
    from moodring.realtime.sources.lsl_audio import LslAudio

    name = f"mic-{uuid4().hex}"
    with stand({"name": name, "type": "Audio", "count": 2, "rate": 8000.0}):
        source = LslAudio(StreamQuery(name=name), None)
        assert _open(source).rate_hz == 16000.0
        stamps = []
        while sum(map(len, stamps)) < 16000:
            chunk = source.poll()
            if chunk is not None:
                assert chunk.samples.shape[1] == 1
                stamps.append(chunk.stamps_s)
        source.close()
    np.testing.assert_allclose(np.diff(np.concatenate(stamps)), 1 / 16000, atol=1e-3)


def _described(channels):
    import pylsl

    info = pylsl.StreamInfo("amp", "EEG", len(channels), 256.0, pylsl.cf_float32, "amp")
    node = info.desc().append_child("channels")
    for label, unit, kind in channels:
        channel = node.append_child("channel")
        for key, value in (("label", label), ("unit", unit), ("type", kind)):
            channel.append_child_value(key, value)
    return info


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("microvolts", 1.0), ("µV", 1.0), ("", 1.0), ("-6", 1.0), ("mV", 1e3), ("V", 1e6), ("0", 1e6), ("nV", 1e-3)],
)
def test_units_are_read_as_streams_write_them(lsl_session, unit, factor):
    from moodring.realtime.sources.lsl_eeg import eeg_layout

    section = EegSection(stream=StreamQuery(name="amp"))
    assert eeg_layout(_described([("Fp1", unit, "EEG"), ("Fp2", unit, "eeg")]), section).factors == (factor,) * 2
    said = section.model_copy(update={"units": "volts"})
    assert eeg_layout(_described([("Fp1", unit, "EEG")]), said).factors == (1e6,)


def test_renaming_finds_channels_however_they_are_written(lsl_session):
    from moodring.realtime.sources.lsl_eeg import eeg_layout

    info = _described([("EEG 001", "uV", "EEG"), ("EEG 002", "uV", "EEG"), ("TRIG", "", "stim"), ("Cz-REF", "uV", "")])
    rename = {"eeg 1": "Fp1", "EEG 002": "A1", "cz": "Pz"}
    layout = eeg_layout(info, EegSection(stream=StreamQuery(name="amp"), rename=rename))
    assert layout.names == ("Fp1", "A1", "Pz")
    assert layout.picks == (0, 1, 3)
    with pytest.raises(MoodringError, match="no channel 'EEG 009' to rename; it has EEG 001, EEG 002, TRIG, Cz-REF"):
        eeg_layout(info, EegSection(stream=StreamQuery(name="amp"), rename={"EEG 009": "Oz"}))
