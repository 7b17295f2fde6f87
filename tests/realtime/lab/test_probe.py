"""Looking at sources before a session: electrodes, pictures and sound, from scripted sources and a real process."""

import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.liblsl import own_session
from moodring.configs.schema.live import EegSection, FaceSection, LiveConfig, StreamQuery
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.realtime.lab.probe import Looker, Probe, electrodes, exposure
from tests.support.lsl_stand import wait_for

NAMES = ("Fp1", "Fp2", "C3", "C4", "O1", "O2", "TRIGGER")
RATE = 256.0


def second(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 12.0, (round(RATE), len(NAMES))) + rng.normal(0, 2000, len(NAMES))


def by_channel(found):
    return {one.channel: one for one in found}


def test_good_electrodes_are_good_and_a_trigger_is_none():
    found = by_channel(electrodes(second(), NAMES, RATE, 50))
    assert [one.fault for one in found.values()] == [""] * len(NAMES)
    assert found["TRIGGER"].name is None
    assert (found["C3"].name, found["C3"].x < 0 < found["C4"].x) == ("C3", True)
    assert found["Fp1"].y > found["O1"].y, "the nose is up"
    assert 5.0 < found["C3"].microvolts < 20.0


def test_an_electrode_that_is_off_or_full_of_mains_says_so():
    raw = second()
    time_s = np.arange(len(raw)) / RATE
    raw[:, 2] = 5.0
    raw[:, 4] += 900.0 * np.sin(2 * np.pi * 50 * time_s)
    found = by_channel(electrodes(raw, NAMES, RATE, 50))
    assert found["C3"].fault.startswith(("at the amplifier's rail", "flat"))
    assert found["O1"].fault == "drowned in mains noise: check its impedance and the ground"
    assert found["O1"].line_microvolts > 300.0
    assert found["C4"].fault == ""


@pytest.mark.parametrize(("level", "words"), [(10, "too dark"), (128, ""), (254, "too bright")])
def test_the_exposure_of_a_picture_is_told(level, words):
    told = exposure(np.full((48, 64, 3), level, np.uint8))
    assert told.startswith(words)
    assert bool(told) == bool(words)


class Scripted:
    """A source that gives the chunks of a list, then nothing."""

    def __init__(self, info, chunks, error=None):
        self.info, self.chunks, self.error, self.closed = info, list(chunks), error, False

    def open(self):
        if self.error is not None:
            raise MoodringError(self.error)
        return self.info

    def poll(self):
        return self.chunks.pop(0) if self.chunks else None

    def close(self):
        self.closed = True


def looker(source, modality, told, eeg=None):
    clock = iter(np.arange(0.0, 1000.0, 0.11))
    config = SimpleNamespace(eeg=eeg)
    return Looker(modality, f"stream {modality}", source, config, told.append, lambda: float(next(clock)))


def test_a_look_at_the_amplifier_has_its_rate_and_every_electrode():
    raw = second().astype(np.float32)
    stamps = 100.0 + np.arange(len(raw)) / RATE
    chunks = [Chunk(raw[k : k + 64], stamps[k : k + 64], 0.0) for k in range(0, 256, 64)]
    told = []
    one = looker(Scripted(SourceInfo("eeg", "amp", RATE, (7,), "<f4", NAMES), chunks), "eeg", told)
    for _ in range(12):
        one.step()
    assert told[-1].name == "amp"
    assert told[-1].rate_hz == pytest.approx(RATE)
    assert len(told[-1].electrodes) == len(NAMES)
    assert told[0].electrodes == (), "not before a second has come"


def test_a_look_at_the_camera_is_its_newest_picture_and_true_rate():
    frames = np.stack([np.full((480, 640, 3), level, np.uint8) for level in (30, 200)])
    info = SourceInfo("face", "camera 0", 30.0, (480, 640, 3), "|u1")
    chunks = [Chunk(frames[k : k + 1], np.array([1.0 + k / 15.0]), 0.0) for k in range(2)]
    told = []
    one = looker(Scripted(info, chunks), "face", told)
    for _ in range(8):
        one.step()
    picture = cv2.imdecode(np.frombuffer(told[-1].picture, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (240, 320, 3)
    assert abs(float(picture.mean()) - 200.0) < 5.0
    assert (told[-1].rate_hz, told[-1].nominal_hz) == (pytest.approx(15.0), 30.0)


def test_a_look_at_the_microphone_is_its_level():
    info = SourceInfo("speech", "mic", 16_000.0, (1,), "<f4", ("audio",))
    chunks = [Chunk(np.full((1600, 1), 0.1, np.float32), 1.0 + np.arange(1600) / 16_000, 0.0)]
    told = []
    one = looker(Scripted(info, chunks), "speech", told)
    for _ in range(6):
        one.step()
    assert told[-1].level_db == pytest.approx(-20.0, abs=0.01)


def test_what_fails_is_told_and_the_source_is_let_go():
    told, ended = [], threading.Event()
    source = Scripted(None, (), error="microphone 'USB' gave 0 channels; choose another")

    def tell(look):
        told.append(look)
        ended.set()

    Looker("speech", "microphone USB", source, SimpleNamespace(eeg=None), tell).run(ended)
    assert told[0].error == "microphone 'USB' gave 0 channels; choose another"
    assert source.closed


@pytest.mark.lsl
def test_a_process_looks_at_a_film_and_at_a_stream_that_is_not_there(tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (160, 120))
    for index in range(500):
        writer.write(np.full((120, 160, 3), 60 + index % 100, np.uint8))
    writer.release()
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name="nobody")),
        face=FaceSection(camera=str(path)),
        lsl=own_session("test", 1.0),
    )
    probe = Probe(config)
    try:
        wait_for(
            lambda: {one.modality: one for one in probe.looks()}.get("face", SimpleNamespace(picture=b"")).picture, 60
        )
        looks = {one.modality: one for one in probe.looks()}
        assert cv2.imdecode(np.frombuffer(looks["face"].picture, np.uint8), cv2.IMREAD_COLOR).shape == (120, 160, 3)
        wait_for(lambda: "eeg" in {one.modality for one in probe.looks()}, 60)
        assert "nobody" in {one.modality: one for one in probe.looks()}["eeg"].error
        assert probe.error is None
    finally:
        probe.close()
    assert not probe._child.running
