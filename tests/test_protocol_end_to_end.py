"""A protocol over real LSL: engine, recorder, the experimenter's window and the participant's, each a process."""

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from moodring.cli.options import CONFIGS
from moodring.configs.schema.live import LiveConfig, ProtocolSection, SessionSection
from moodring.configs.schema.load import load
from moodring.offline.datasets.rated_markers import rated_spans
from moodring.offline.recordings.open import open_recording
from moodring.offline.replay.process import SimulatedSource, start_replay
from moodring.offline.replay.publish import ReplayOptions
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc.snapshot_feed import SnapshotFeed
from moodring.realtime.lab.protocol.example import write_example
from moodring.realtime.lab.protocol.job import job_of, planned
from moodring.realtime.ui.live.commander import Commander
from moodring.realtime.ui.live.view_model import ViewModel
from moodring.realtime.ui.live.window import Window
from moodring.realtime.ui.protocol.control import ProtocolControl
from moodring.realtime.ui.settings import Settings
from tests.support.answering import show_answered

pytestmark = [pytest.mark.qt, pytest.mark.lsl, pytest.mark.deadline]

SHORT = """
name = "short"
[ratings]
dominance = true
keywords = ["joy", "calm", "nothing"]
[[stimuli]]
name = "calm_sea"
file = "calm_sea.png"
seconds = 1.0
[[stimuli]]
name = "fast_disc"
file = "fast_disc.mkv"
seconds = 1.5
[[stimuli]]
name = "low_chord"
file = "low_chord.wav"
seconds = 1.0
[[steps]]
text = { words = "Welcome." }
[[steps]]
rest = { eyes = "closed", seconds = 1.0 }
[[steps]]
rest = { eyes = "open", seconds = 2.0 }
[[steps]]
stimuli = { order = "random", fixation_s = 0.4, blank_s = 0.2 }
[[steps]]
pause = { seconds = 0.5 }
[[steps]]
stimuli = { names = ["calm_sea"], fixation_s = 0.4 }
"""


class Session:
    """An engine with a simulated participant, the window, and the protocol; the test turns the window."""

    def __init__(self, qt, tmp_path: Path, lsl, stack) -> None:
        self.qt = qt
        example = write_example(tmp_path / "protocol")
        self.file = example.parent / "short.toml"
        self.file.write_text(SHORT)
        about = SessionSection(participant="P07", session="02", task="films", consent="signed, 2026-11-27")
        self.config = load(CONFIGS / "demo.toml", LiveConfig).model_copy(
            update={
                "lsl": lsl,
                "session": about,
                "name": f"protocol-{time.time_ns()}",
                "protocol": ProtocolSection(file=self.file, loudspeaker="none"),
            }
        )
        stack.enter_context(start_replay(SimulatedSource(7, 900.0), ReplayOptions(lsl=lsl)))
        self.engine = stack.enter_context(EngineProcess(EngineJob(self.config, record=tmp_path / "data")))
        self.name = self.engine.wait_ready(150.0)
        self.folder = tmp_path
        self.painted: list[list] = []
        self.open_window()

    def open_window(self) -> None:
        commander = Commander(self.name)
        self.window = Window(ViewModel(SnapshotFeed(self.name)), commander, Settings(self.folder / "window.ini"))
        self.window.show()
        self.control = ProtocolControl(job_of(self.config), commander, show=show_answered)
        take = self.control.desk.take
        self.control.desk.take = lambda message: (
            self.painted.append(message["painted"]) or take(message) if ("painted" in message) else take(message)
        )
        self.window.run_protocol(self.control)

    def until(self, question, timeout_s: float = 120.0):
        give_up_s = time.monotonic() + timeout_s
        while not (answer := question()):
            assert time.monotonic() < give_up_s, (self.control.state(), self.window.page.message.full)
            self.qt.processEvents()
            time.sleep(0.01)
        return answer

    @property
    def phase(self) -> str:
        progress = self.control.state().progress
        return "" if progress is None else progress.phase

    @property
    def recording(self):
        view = self.window.view
        return None if view is None or view.newest is None else view.newest.recording

    def begin(self) -> None:
        self.until(lambda: self.phase == "ready" and self.recording is not None and self.recording.on)
        self.until(lambda: self.window.view.newest.phase == "decoding")
        self.window.deeds.do("protocol_begin")
        self.until(lambda: self.phase == "running", 20.0)


@pytest.fixture
def stack():
    with ExitStack() as made:
        yield made


@pytest.fixture
def session(qt, tmp_path, lsl_session, stack):
    made = Session(qt, tmp_path, lsl_session, stack)
    yield made
    made.window.close()
    made.window.deleteLater()
    qt.processEvents()


def test_what_was_shown_is_marked_recorded_and_read_as_rated_trials(session, tmp_path):
    session.begin()
    session.until(lambda: session.phase == "finished")
    folder = Path(session.recording.folder)
    session.window.deeds.do("stop")
    session.until(lambda: not session.recording.on)
    session.until(lambda: session.control.desk.recorded == folder)
    session.engine.ask_to_stop()
    session.engine.wait_done(60.0)
    recording = open_recording(folder)
    plan = planned(session.file, "P07", "02")
    order = [one.stimulus.name for one in plan.screens if one.stimulus is not None]
    spans = rated_spans(recording.markers, recording.eeg.stamps_s[-1], "it")
    assert [one.stimulus for one in spans] == order
    assert all(one.ratings == {"valence": 7, "arousal": 3, "dominance": 5} for one in spans)
    seconds = {one.stimulus.name: one.seconds for one in plan.screens if one.stimulus is not None}
    for one in spans:
        assert one.stop_s - one.start_s == pytest.approx(seconds[one.stimulus], abs=0.1)
    assert spans[0].rest_stop_s - spans[0].rest_start_s == pytest.approx(2.0, abs=0.1)
    texts = [one.text for one in recording.markers]
    assert texts.count("keyword joy") == len(order)
    assert (texts[0], texts[-1]) == ("protocol_start", "protocol_end")
    marked = [(m.text.removeprefix("stimulus_"), m.stamp_s) for m in recording.markers
              if m.text.startswith("stimulus_") and m.text != "stimulus_end"]  # fmt: skip
    painted = [(name, at_s) for kind, name, at_s, _ in session.painted if kind == "stimulus"]
    assert [name for name, _ in marked] == [name for name, _ in painted]
    for (_, marked_s), (_, painted_s) in zip(marked, painted, strict=True):
        assert 0.0 <= marked_s - painted_s < 0.1, "stamped behind the paint of its own frame"
    said = (folder / "session.toml").read_text()
    assert "signed, 2026-11-27" in said
    assert "short.toml" in said


def markers_in(folder: Path) -> list[str]:
    return [one.text for one in open_recording(folder).markers]


def test_a_window_that_is_closed_aborts_it_and_the_engine_goes_on(session):
    session.begin()
    session.until(lambda: any(kind == "rest" for kind, *_ in session.painted))
    folder = Path(session.recording.folder)
    session.window.close()
    assert not session.control._child.running
    assert not session.engine.over(1.0), "it decodes and records"
    session.open_window()  # as `moodring protocol show` does
    session.painted.clear()
    session.begin()
    session.until(lambda: any(kind == "rest" for kind, *_ in session.painted))
    session.window.close()
    session.engine.ask_to_stop()
    session.engine.wait_done(60.0)
    texts = markers_in(folder)
    assert (texts[0], texts[-1]) == ("protocol_start", "protocol_aborted")
    assert [one for one in texts if one.startswith("protocol")] == ["protocol_start", "protocol_aborted"] * 2


def test_an_engine_that_dies_pauses_it_and_one_that_returns_takes_every_marker(session, lsl_session, tmp_path, stack):
    session.begin()
    session.until(lambda: any(kind == "stimulus" for kind, *_ in session.painted))
    first = Path(session.recording.folder)
    os.kill(session.engine.pid, signal.SIGKILL)
    session.until(lambda: session.phase == "paused", 30.0)
    session.until(lambda: session.control.state().bad, 10.0)
    assert "engine" in session.control.state().said.lower()
    session.window.deeds.do("protocol_pause")
    assert session.phase == "paused", "it is not shown for nothing"
    job = EngineJob(session.config, record=tmp_path / "data")
    again = stack.enter_context(EngineProcess(job))
    again.wait_ready(150.0)
    session.until(lambda: session.recording is not None and session.recording.folder != str(first))
    session.until(lambda: session.window.view.attachment == "attached" and session.recording.on)
    session.until(lambda: session.window.view.newest.phase == "decoding")
    second = Path(session.recording.folder)
    session.window.deeds.do("protocol_pause")
    session.until(lambda: session.phase == "finished")
    session.window.deeds.do("stop")
    session.until(lambda: not session.recording.on)
    again.ask_to_stop()
    again.wait_done(60.0)
    texts = markers_in(second)
    assert "pause_end" in texts
    assert texts[-1] == "protocol_end"
    plan = planned(session.file, "P07", "02")
    order = [f"stimulus_{one.stimulus.name}" for one in plan.screens if one.stimulus is not None]
    noted = "".join((one / "notes.jsonl").read_text() for one in (first, second))
    assert noted.count('"rating ') == len(order), "no marker is lost, also of what nobody recorded"
    assert noted.count('"protocol_start"') == noted.count('"protocol_end"') == 1
    spans = rated_spans(open_recording(second).markers, 1e9, "second")
    assert [f"stimulus_{one.stimulus}" for one in spans] == order[-len(spans) :]
    assert len(spans) >= len(order) - 1


def test_stop_pressed_twice_and_a_recording_that_stops_in_the_middle(session):
    session.begin()
    session.until(lambda: any(kind == "rest" for kind, *_ in session.painted))
    folder = Path(session.recording.folder)
    session.window.deeds.do("stop")
    session.window.deeds.do("stop")
    session.until(lambda: "already stopped" in session.window.page.message.full)
    session.until(lambda: session.phase == "paused")
    assert "The recording has stopped" in session.control.state().said
    session.window.deeds.do("protocol_abort")
    session.window.deeds.do("protocol_abort")
    session.until(lambda: session.phase == "aborted")
    session.until(lambda: session.control.desk.recorded == folder)
    assert (folder / "session.toml").read_text().count("ended_at")


def test_a_film_that_breaks_in_the_middle_of_the_session_is_said_and_left_out(session):
    film = session.file.parent / "fast_disc.mkv"
    session.begin()
    film.write_bytes(film.read_bytes()[:6000])  # after every stimulus was checked
    session.until(lambda: session.phase == "paused")
    session.until(lambda: session.control.state().bad)
    assert "Stimulus 'fast_disc'" in session.control.state().said
    assert "Skip" in session.control.state().said
    session.window.deeds.do("protocol_skip")
    session.until(lambda: session.phase == "finished")
    folder = Path(session.recording.folder)
    session.engine.ask_to_stop()
    session.engine.wait_done(60.0)
    recording = open_recording(folder)
    rated = {one.stimulus for one in rated_spans(recording.markers, recording.eeg.stamps_s[-1], "it")}
    assert rated == {"calm_sea", "low_chord"}
    assert "trial_broken_off" in [one.text for one in recording.markers]
