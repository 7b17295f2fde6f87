"""Faults that only real devices show, on running engines: killed processes, lost devices, twins, a dying screen."""

import shutil
import threading
import time
from contextlib import ExitStack
from uuid import uuid4

import cv2
import pytest

from moodring.configs.schema.liblsl import liblsl_settings
from moodring.configs.schema.live import (
    EegSection,
    FaceSection,
    LiveConfig,
    ModelsSection,
    OutletSection,
    SpeechSection,
    StreamQuery,
)
from moodring.models.io.bundle import bundled, load_bundle
from tests.support.fault_injectors import CameraInjector, MicrophoneInjector, ScreenInjector, StreamInjector
from tests.support.fault_table import Span, observe, row_of
from tests.support.faults import FAULTS, LIVE_WITHIN_S
from tests.support.lsl_stand import wait_for
from tests.support.scripted_sources import EEG_NAMES
from tests.support.ungated import write_without_gate

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]
READY_S = 90.0
STEADY_S = 2.0
CALM_S = 1.2
LOOK_S = 0.03
SPARE_S = 5.0
ON_DEVICES = [fault for fault in FAULTS if fault.on_devices and fault.source != "recording"]


class Observer:
    """Asks an engine for snapshots all the time, from a thread of its own."""

    def __init__(self, engine):
        from moodring.realtime.ipc.channel import attach

        self._client = attach(engine)
        self.seen = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="observer", daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closing.set()
        self._thread.join(5.0)
        self._client.close()

    def wait_live(self, modalities, timeout_s):
        """Wait until all are live and used."""

        def live():
            newest = self.seen[-1] if self.seen else None
            return newest is not None and all(
                newest.sources[one].health == "live" and one in newest.used for one in modalities
            )

        wait_for(live, timeout_s)

    def _look(self):
        from pylsl import local_clock

        while not self._closing.wait(LOOK_S):
            snapshot = self._client.snapshot()
            self.seen.append(observe(local_clock(), snapshot.decisions, snapshot.estimate, snapshot.sources))


def _inject(fault, injector, observer):
    """Let one fault happen and pass; its moments on the LSL clock."""
    from pylsl import local_clock

    at_s, moment_s = min(0.0, fault.steps[0].at_s), local_clock()
    begin_s = moment_s
    for step in fault.steps:
        time.sleep(max(0.0, moment_s + step.at_s - at_s - local_clock()))
        at_s, moment_s = step.at_s, local_clock()
        begin_s = moment_s if step.at_s == 0.0 else begin_s
        step.inject(injector)
    time.sleep(max(0.0, moment_s + fault.back_s - at_s - local_clock()))
    back_s = local_clock()
    if fault.modality is not None:
        # A row whose source does not return fails with all that was seen of it.
        give_up_s = time.monotonic() + LIVE_WITHIN_S + SPARE_S
        while time.monotonic() < give_up_s:
            newest = observer.seen[-1]
            if newest.sources[fault.modality].health == "live" and fault.modality in newest.used:
                break
            time.sleep(LOOK_S)
        time.sleep(CALM_S)
    return Span(begin_s, back_s, local_clock())


def _run(injectors, observer):
    """Run the faults of each source one after the other, in a thread per source; return the rows by name."""
    observer.wait_live({"speech" if source == "microphone" else source for source in injectors} - {"screen"}, 60.0)
    time.sleep(STEADY_S)
    spans = {}

    def inject_all(source):
        for fault in ON_DEVICES:
            if fault.source == source:
                spans[fault.name] = _inject(fault, injectors[source], observer)

    threads = [threading.Thread(target=inject_all, args=(source,), daemon=True) for source in injectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        name: row_of(next(f for f in FAULTS if f.name == name), span, observer.seen) for name, span in spans.items()
    }


def _config(lsl, bundle, **sections):
    name = f"faults-{uuid4().hex[:8]}"
    models = ModelsSection(video_eeg=bundle, allow_simulated=True)
    return LiveConfig(name=name, lsl=lsl, outlet=OutletSection(name=name), models=models, **sections)


@pytest.fixture(scope="module")
def rows(lsl_session, tmp_path_factory):
    """Observations of each fault by name: an engine with EEG, voice and camera, and another with a microphone."""
    from moodring.offline.simulate import EASY, simulate
    from moodring.realtime.engine.engine_process import EngineProcess
    from moodring.realtime.engine.job import EngineJob

    frames = simulate(7, 6.0, EASY).face.frames
    # The EEG of the injectors is no person's.
    bundle = str(write_without_gate(load_bundle(bundled("attention")), tmp_path_factory.mktemp("bundle")))
    jpegs = tuple(cv2.imencode(".jpg", frames[index])[1].tobytes() for index in range(100))
    settings, name = liblsl_settings(lsl_session), f"faults-{uuid4().hex[:8]}"
    eeg = {"name": f"{name}-amp", "count": 10, "channels": [(label, "microvolts", "EEG") for label in EEG_NAMES]}
    voice = {"name": f"{name}-voice", "type": "Audio", "count": 1, "rate": 16000.0}
    with ExitStack() as stack:
        engines, microphone = [], None
        if all(shutil.which(program) for program in ("pulseaudio", "pactl", "pacat", "parec")):
            microphone = stack.enter_context(MicrophoneInjector(tmp_path_factory.mktemp("sound") / "home"))
            with pytest.MonkeyPatch.context() as patch:
                for key, value in microphone.environment.items():
                    patch.setenv(key, value)
                config = _config(lsl_session, bundle, speech=SpeechSection(microphone="pulse"))
                engines.append(stack.enter_context(EngineProcess(EngineJob(config))))
        streams = {
            "eeg": stack.enter_context(StreamInjector(settings, eeg)),
            "speech": stack.enter_context(StreamInjector(settings, voice)),
            "face": stack.enter_context(CameraInjector(jpegs)),
        }
        config = _config(
            lsl_session,
            bundle,
            eeg=EegSection(stream=StreamQuery(name=eeg["name"])),
            speech=SpeechSection(stream=StreamQuery(name=voice["name"])),
            face=FaceSection(camera=streams["face"].url),
        )
        engines.append(stack.enter_context(EngineProcess(EngineJob(config))))
        observers = [stack.enter_context(Observer(engine.wait_ready(READY_S))) for engine in engines]
        streams["screen"] = stack.enter_context(ScreenInjector(config.name))
        found = {}
        runs = [threading.Thread(target=lambda: found.update(_run(streams, observers[-1])))]
        if microphone is not None:
            runs.append(threading.Thread(target=lambda: found.update(_run({"microphone": microphone}, observers[0]))))
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    return found


@pytest.mark.parametrize("fault", ON_DEVICES, ids=lambda fault: fault.name)
def test_fault(rows, keep_row, fault):
    if fault.source == "microphone" and fault.name not in rows:
        pytest.skip("no PulseAudio: apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
    assert keep_row("devices", rows[fault.name]).broken == ()


def test_uncertainty_rises_while_nothing_is_seen(rows):
    row = rows["source killed"]
    assert row.uncertainty_during > row.uncertainty_before
