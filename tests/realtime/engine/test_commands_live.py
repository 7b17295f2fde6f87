"""An experimenter's commands to a real engine in its own process: marks, notes, recordings, over real LSL."""

import json
import threading
from pathlib import Path
from uuid import uuid4

import pylsl
import pytest

from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    ModelsSection,
    OutletSection,
    SessionSection,
    StreamQuery,
)
from moodring.models.io.journal import read_journal
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.xdf.reading import read_streams
from moodring.offline.replay.publish import ReplayOptions, publish
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc.channel import attach
from moodring.realtime.ipc.commands import Command
from tests.support.lsl_stand import wait_for

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]


class Unsteered:
    """A replay that is only started and ended."""

    def __init__(self):
        self.done = threading.Event()
        self.stopped = self.done.is_set

    def commands(self):
        return ()

    def report(self, news):
        pass

    def started_s(self):
        return None


@pytest.fixture
def bundle(fakes, tmp_path):
    return fakes.write_bundle(tmp_path / "untrained.safetensors")


@pytest.fixture
def amplifier(stand, fakes):
    name = f"amp-{uuid4().hex}"
    channels = [(label, "microvolts", "EEG") for label in fakes.NAMES]
    stand({"name": name, "count": len(fakes.NAMES), "channels": channels})
    return name


@pytest.fixture
def presentation(lsl_session):
    """A program that sends markers, as PsychoPy does."""
    name = f"psychopy-{uuid4().hex}"
    return name, pylsl.StreamOutlet(pylsl.StreamInfo(name, "Markers", 1, 0.0, pylsl.cf_string, name))


@pytest.fixture
def config(lsl_session, amplifier, presentation, bundle):
    return LiveConfig(
        name=amplifier,
        eeg=EegSection(stream=StreamQuery(name=amplifier)),
        models=ModelsSection(video_eeg=str(bundle), allow_simulated=True),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 25.0}),
        outlet=OutletSection(name=f"est-{amplifier}"),
        session=SessionSection(participant="P7", markers=[StreamQuery(name=presentation[0])]),
    )


def lines(folder):
    return [json.loads(line) for line in (Path(folder) / "notes.jsonl").read_text(encoding="utf-8").splitlines()]


def test_an_experimenter_marks_and_records_while_the_session_runs(config, presentation, tmp_path):
    _, psychopy = presentation
    with EngineProcess(EngineJob(config, record_later=tmp_path)) as engine:
        engine.wait_ready(240)
        with attach(config.name, control=True) as screen:
            wait_for(lambda: screen.snapshot().decisions >= 3, 120)
            assert screen.snapshot().participant == "P7"
            found = pylsl.resolve_byprop("name", f"est-{config.name}_marks", timeout=20)
            inlet = pylsl.StreamInlet(found[0])
            inlet.open_stream(10)

            assert not screen.do(Command("stop_recording")).done
            started = screen.do(Command("start_recording"))
            assert started.done, started.text
            folder = Path(started.text.removeprefix("Recording into ").removesuffix("."))
            assert folder.parent.parent == tmp_path / "sub-P7"
            wait_for(lambda: screen.snapshot().recording.lsl, 120)

            pressed_s = pylsl.local_clock() - 0.3
            reply = screen.do(Command("mark", "  touched the\nelectrode ", pressed_s))
            assert (reply.done, reply.text) == (True, "Marked “touched the electrode”.")
            assert [(line["kind"], line["text"], line["time_s"]) for line in lines(folder)] == [
                ("mark", "touched the electrode", pytest.approx(pressed_s))
            ]
            values, stamp_s = inlet.pull_sample(10)
            assert (values, stamp_s) == (["touched the electrode"], pytest.approx(pressed_s))
            again = screen.do(Command("mark", "  touched the\nelectrode ", pressed_s))
            assert (again.done, len(lines(folder))) == (True, 1), "sent again since its reply was lost"
            assert screen.do(Command("note", "sleepy")).done
            for odd in ("", "x" * 3000):
                assert not screen.do(Command("mark", odd)).done
            wait_for(psychopy.have_consumers, 60)
            psychopy.push_sample(["film 3 begins"])
            wait_for(lambda: any(mark.kind == "marker" for mark in screen.snapshot().marks), 60)
            assert {(mark.kind, mark.text) for mark in screen.snapshot().marks} == {
                ("mark", "touched the electrode"), ("note", "sleepy"), ("marker", "film 3 begins"),
            }  # fmt: skip

            assert screen.do(Command("pause_recording")).done
            assert screen.snapshot().recording.paused
            assert screen.do(Command("resume_recording")).done
            finished = screen.do(Command("stop_recording"))
            assert (finished.done, finished.text) == (True, f"The recording is finished, in {folder}.")
            assert screen.do(Command("stop_recording")).text == f"The recording has already stopped; it is in {folder}."
            before = screen.snapshot().decisions
            wait_for(lambda: screen.snapshot().decisions > before, 60), "decoding goes on"
            assert screen.do(Command("stop_session")).done
        assert engine.wait_done(40)["recording"]["folder"] == str(folder)
    (part,) = (folder / "streams").glob("*.xdf")
    recorded = {stream.name: stream for stream in read_streams(part)}
    assert recorded[f"est-{config.name}_marks"].texts == ("touched the electrode", "sleepy")
    assert recorded[presentation[0]].texts == ("film 3 begins",)


def test_a_recording_begun_midway_is_decoded_again_decision_by_decision_from_the_same_samples(
    lsl_session, fakes, bundle, tmp_path
):
    prefix = f"s{uuid4().hex}"
    control = Unsteered()
    options = ReplayOptions(prefix=prefix, only=("eeg",))
    replay = threading.Thread(target=publish, args=(fakes.recording(40.0), options, control), daemon=True)
    config = LiveConfig(
        name=prefix,
        eeg=EegSection(stream=StreamQuery(name=f"{prefix}_eeg")),
        models=ModelsSection(video_eeg=str(bundle), allow_simulated=True),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 25.0}),
        outlet=OutletSection(name=f"est-{prefix}"),
    )
    with EngineProcess(EngineJob(config, record_later=tmp_path)) as engine:
        engine.wait_ready(240)
        replay.start()
        with attach(prefix, control=True) as screen:
            wait_for(lambda: screen.snapshot().decisions >= 12, 120)
            reply = screen.do(Command("start_recording"))
            assert reply.done, reply.text
            begun = screen.snapshot().decisions
            wait_for(lambda: screen.snapshot().decisions >= begun + 12, 120)
            assert screen.do(Command("stop_recording")).done
            screen.do(Command("stop_session"))
        summary = engine.wait_done(40)
    control.done.set()
    replay.join(10)
    folder = Path(summary["recording"]["folder"])
    journal = read_journal(folder / "decisions.jsonl")
    assert len(journal) >= 11
    again = decode(open_recording(folder), config, journal=journal).estimates
    assert [one.time_s for one in again] == [one.time_s for one in journal]
    # The last decision may have seen what came while the recording was being stopped.
    assert [one.ring_samples for one in again][:-1] == [one.ring_samples for one in journal][:-1]
