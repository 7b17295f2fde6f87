"""The LSL streams that a recorder reads itself: real streams of this process, and no engine."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import pyxdf

from moodring.configs.schema.liblsl import liblsl_settings
from moodring.configs.schema.live import StreamQuery
from moodring.offline.recordings.session_streams import join_parts
from moodring.offline.recordings.xdf.reading import read_streams
from moodring.realtime.recorder.part_writer import PartWriter

pytestmark = pytest.mark.lsl


def outlet_of(name, kind, count, channel_format, labels=(), source_id=None):
    import pylsl

    info = pylsl.StreamInfo(name, kind, count, 0.0, channel_format, source_id or f"{name}-{kind}")
    channels = info.desc().append_child("channels")
    for label, channel_kind in labels:
        channel = channels.append_child("channel")
        channel.append_child_value("label", label)
        channel.append_child_value("type", channel_kind)
    return pylsl.StreamOutlet(info)


def wait(question, timeout_s=20.0):
    end_s = time.monotonic() + timeout_s
    while not question():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.01)


class Pushed:
    """What went out, once the recorder had connected."""

    def __init__(self, outlet):
        self.outlet, self.stamps, self.rows = outlet, [], []

    def push(self, *rows):
        import pylsl

        wait(self.outlet.have_consumers)
        for row in rows:
            stamp_s = pylsl.local_clock()
            self.outlet.push_sample(row, stamp_s)
            self.stamps.append(stamp_s)
            self.rows.append(row)


@pytest.fixture
def recording(lsl_session, tmp_path):
    """A writer and the LSL streams of a session that asks for a name; what they wrote."""
    from moodring.realtime.recorder.lsl_streams import LslStreams
    from moodring.realtime.recorder.part_job import WantedStream

    name = f"wanted-{uuid4().hex}"
    writer = PartWriter(tmp_path / "part-001.xdf")
    amplifier = StreamQuery(name=f"{name}-amp")
    wanted = [
        WantedStream(StreamQuery(name=name)),
        WantedStream(StreamQuery(type=f"{name}-type")),
        WantedStream(amplifier, auxiliary=True),
    ]
    streams = LslStreams(writer, wanted, [amplifier, StreamQuery(name=f"{name}-decoded")])
    streams.start()

    def read():
        streams.finish()
        writer.close()
        return read_streams(tmp_path / "part-001.xdf")

    yield name, streams, read, tmp_path / "part-001.xdf"
    streams.finish()
    writer.close()


def test_streams_are_recorded_whenever_they_come_and_whatever_they_come_back_as(recording):
    name, streams, read, path = recording
    markers = Pushed(outlet_of(name, "Markers", 2, "string"))
    amplifier = outlet_of(f"{name}-amp", "EEG", 3, "float32", [("Fp1", "EEG"), ("TRIG", "Trigger"), ("Cz", "")])
    # It has the wanted type, and is decoded: the engine hands it over itself.
    decoded = outlet_of(f"{name}-decoded", f"{name}-type", 1, "float32")
    markers.push(["stimulus „3“", "a"], ["", "b"])
    triggers = Pushed(amplifier)
    triggers.push([1.0, 7.0, 2.0], [1.0, 8.0, 2.0])
    late = Pushed(outlet_of("anything", f"{name}-type", 1, "double64"))
    late.push([0.1], [0.2])
    wait(lambda: streams.complete)
    late.outlet = None
    again = Pushed(outlet_of("anything", f"{name}-type", 3, "int32"))
    again.push([1, 2, 3])
    assert not decoded.have_consumers()
    found = read()
    by_shape = {(one.name, one.channel_count): one for one in found}
    assert set(by_shape) == {(name, 2), (f"{name}-amp", 1), ("anything", 1), ("anything", 3)}
    assert by_shape[(name, 2)].texts == ("stimulus „3“", "")
    auxiliary = by_shape[(f"{name}-amp", 1)]
    assert auxiliary.type == "Auxiliary"
    assert (auxiliary.values[:, 0].tolist(), auxiliary.channels("label")) == ([7.0, 8.0], ["TRIG"])
    assert by_shape[("anything", 1)].values[:, 0].tolist() == [0.1, 0.2]
    assert by_shape[("anything", 3)].values.tolist() == [[1, 2, 3]]
    for pushed, one in ((markers, by_shape[(name, 2)]), (triggers, auxiliary), (late, by_shape[("anything", 1)])):
        np.testing.assert_allclose(one.stamps_s, pushed.stamps, atol=1e-3)
    plain, _ = pyxdf.load_xdf(path)
    (texts,) = (one["time_series"] for one in plain if one["info"]["channel_format"] == ["string"])
    assert {tuple(row) for row in texts} == {("stimulus „3“", "a"), ("", "b")}
    assert len(join_parts([found])) == 4


def test_a_stream_without_channels_is_told_and_the_others_are_recorded(recording):
    name, streams, read, _ = recording
    markers = Pushed(outlet_of(name, "Markers", 1, "string"))
    empty = outlet_of("empty", f"{name}-type", 0, "float32")
    markers.push(["a"])
    wait(lambda: streams.error is not None and streams.complete)
    assert streams.error == "LSL stream 'empty' has no channels (0) and is not recorded; check its sender"
    assert [(one.name, one.texts) for one in read()] == [(name, ("a",))]
    del empty


AHEAD_S = 1000.0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="another clock needs Linux and the command 'unshare'")
def test_the_stamps_of_a_sender_with_another_clock_are_brought_onto_ours(recording, lsl_session):
    import pylsl

    name, streams, read, _ = recording
    stream = {"name": name, "type": "Triggers", "count": 1, "rate": 50.0}
    command = ["unshare", "--time", "--monotonic", str(int(AHEAD_S)), "--fork", "--kill-child", sys.executable]
    command += [str(Path(__file__).parents[2] / "support" / "lsl_stand.py")]
    command += [json.dumps([liblsl_settings(lsl_session), [stream]])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sender:
        try:
            if sender.stdout.readline() != "there\n":
                pytest.skip("a namespace of time cannot be made here")
            wait(lambda: streams.complete)
            begin_s = pylsl.local_clock()
            wait(lambda: pylsl.local_clock() > begin_s + 1.0)
            (found,) = read()
        finally:
            sender.kill()
    number = found.values[:, 0]
    np.testing.assert_allclose(np.diff(found.stamps_s), np.diff(number) / 50.0, atol=1e-3)
    assert begin_s < found.stamps_s[-1] < pylsl.local_clock()
