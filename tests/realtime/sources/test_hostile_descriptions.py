"""What a stream says of itself may be anything: it is ignored or refused in one line, before memory is taken for it."""

import math

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, StreamQuery
from moodring.realtime.recorder import lsl_streams
from moodring.realtime.recorder.wanted_streams import WantedStream
from moodring.realtime.sources.lsl import check_rate, with_session
from moodring.realtime.sources.lsl_eeg import LslEeg
from moodring.realtime.sources.lsl_video import LslVideo
from tests.support.scripted_sources import EEG_NAMES, INFOS

ODD = ("nan", "inf", "-inf", "1e300", "-1e9", "²", "text", "9" * 400)


def described(rate_hz=256.0, kind="EEG", count=10, form="float32", video=(), **facts):
    import pylsl

    info = pylsl.StreamInfo("hostile", kind, count, rate_hz, form, "id")
    node = info.desc().append_child("moodring")
    for name, text in facts.items():
        node.append_child_value(name, text)
    table = node.append_child("video")
    for name, text in video:
        table.append_child_value(name, text)
    channels = info.desc().append_child("channels")
    for label in EEG_NAMES:
        channels.append_child("channel").append_child_value("label", label)
    return info


@pytest.mark.parametrize("text", ODD)
def test_a_t0_or_rest_that_makes_no_sense_is_ignored_and_told(text, caplog):
    info = described(first_sample_after_t0_s=text, rest_s=text)
    found = with_session(INFOS["eeg"], info)
    assert (found.first_sample_after_t0_s, found.rest_s) == (None, None)
    assert "stream 'hostile' says rest_s = " in caplog.text
    assert len([one for one in caplog.records if "it is ignored" in one.getMessage()]) == 2


def test_a_negative_rest_is_ignored_and_a_true_one_is_read():
    assert with_session(INFOS["eeg"], described(rest_s="-5")).rest_s is None
    found = with_session(
        INFOS["eeg"], described(rest_s="60.0", first_sample_after_t0_s="-1.5", participant="P\x1b[31m7")
    )
    assert (found.rest_s, found.first_sample_after_t0_s, found.participant) == (60.0, -1.5, "P[31m7")


@pytest.mark.parametrize("rate_hz", [1e38, 2e6, math.nan, math.inf])
def test_a_rate_that_no_device_has_is_refused(rate_hz):
    info = described(rate_hz)
    if info.nominal_srate() == 0:
        pytest.skip("liblsl itself reads it as irregular")
    for look in (
        lambda: check_rate(info, "EEG"),
        lambda: LslEeg(EegSection(stream=StreamQuery(name="x"))).describe(info),
    ):
        with pytest.raises(MoodringError, match="Hz") as caught:
            look()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["²", "١٢", "-32", "32.0", "1e300", "99999", "0", ""])
def test_a_width_that_is_no_number_of_pixels_is_refused(text):
    video = (("width", text), ("height", "24"), ("encoding", "bgr24"))
    info = described(25.0, "VideoFrames", 24 * 32 * 3, "int8", video)
    with pytest.raises(MoodringError, match="were expected"):
        LslVideo(StreamQuery(name="x"), None).describe(info)


def test_the_recorder_takes_no_memory_for_a_rate_that_no_device_has(monkeypatch):
    opened = []
    monkeypatch.setattr(lsl_streams.pylsl, "StreamInlet", lambda *args, **more: opened.append(args))
    reader = lsl_streams._Reader(described(1e38), WantedStream(StreamQuery(name="hostile")), writer=None)
    reader.thread.join(20)
    assert not opened
    assert "'hostile' is not recorded: it says 1e+38 Hz" in reader.error
