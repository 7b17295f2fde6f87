"""Let every fault happen to a running engine, and write down what a screen could see of it."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pylsl

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import (
    EegSection,
    FaceSection,
    LiveConfig,
    ModelsSection,
    OutletSection,
    SpeechSection,
    StreamQuery,
)
from ...configs.schema.lsl import own_session
from ...models.contract import LEVELS, Image, SourceStatus
from ..engine.job import EngineJob
from ..engine.launch import EngineProcess
from ..ipc.channel import attach
from ..ipc.snapshot import Snapshot
from ..screens import wording
from .fault_hands import CameraHand, ScreenHand, StreamHand
from .fault_recording import RecordingHand, happen, small_disk
from .fault_rows import Row, Seen, Span, row_of
from .fault_sound import MicrophoneHand
from .fault_streams import EEG_NAMES, StreamSpec
from .faults import FAULTS, LIVE_WITHIN_S, Deed, Fault, ModalityInput

_READY_S = 90.0
_ALL_LIVE_S = 40.0
_STEADY_S = 3.0
_CALM_S = 1.2
_LOOK_S = 0.03
_SPARE_S = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Bench:
    """What to run the faults with.

    Attributes
    ----------
    faults : sequence of Fault
    pictures : sequence of (height, width, 3) uint8 BGR
        What the camera sees, at 25 Hz, again and again.
    models : ModelsSection
    folder : Path or None
        Where the engines' results go (``session.json``, ``microphone.json``).
    """

    faults: Sequence[Fault] = FAULTS
    pictures: Sequence[Image] = ()
    models: ModelsSection = field(default_factory=ModelsSection)
    folder: Path | None = None


class Eye:
    """Looks at an engine all the time, from a thread of its own."""

    def __init__(self, engine: str) -> None:
        self._client = attach(engine)
        self.seen: list[Seen] = []
        self.newest: Snapshot | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="eye", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Eye":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(5.0)
        self._client.close()

    def status(self, modality: str) -> SourceStatus | None:
        """Say how a source does."""
        snapshot = self.newest
        return None if snapshot is None else next(s for s in snapshot.sources if s.modality == modality)

    def wait(self, question: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is so; False where it is not in time."""
        deadline_s = time.monotonic() + timeout_s
        while not question():
            if time.monotonic() > deadline_s or not self._thread.is_alive():
                return False
            time.sleep(_LOOK_S)
        return True

    def _look(self) -> None:
        while not self._closing.wait(_LOOK_S):
            try:
                snapshot = self._client.snapshot()
            except MoodringError:
                return
            self.newest = snapshot
            self.seen.append(_seen(snapshot))


def _seen(snapshot: Snapshot) -> Seen:
    estimate = snapshot.estimate
    axes = ("valence", "arousal")
    heads = [head for axis in axes if estimate is not None and (head := estimate.answer(axis)) is not None]
    spread = None
    if heads:
        rows = np.clip(np.array([head.probabilities for head in heads], np.float64), 1e-9, 1.0)
        spread = float(-(rows * np.log(rows)).sum(axis=1).mean() / np.log(len(LEVELS)))
    return Seen(
        at_s=pylsl.local_clock(),
        decisions=snapshot.decisions,
        skipped=snapshot.skipped_decisions,
        used=estimate.used if estimate is not None else (),
        uncertainty=1.0 if spread is None else spread,
        sources={s.modality: s for s in snapshot.sources},
        words={s.modality: f"{s.error or s.why} {wording.drift(s)}" for s in snapshot.sources},
    )


def run_faults(bench: Bench, say: Say = lambda _: None) -> tuple[Row, ...]:
    """Run all faults; those of different inputs beside each other.

    Raises
    ------
    MoodringError
        An engine does not start.
    """
    main = [fault for fault in bench.faults if fault.modality_input not in ("microphone", "recording")]
    recording = [fault for fault in bench.faults if fault.modality_input == "recording"]
    microphone = [fault for fault in bench.faults if fault.modality_input == "microphone"]
    # The microphone's engine is started first: until it is, this process's environment names its sound server.
    started = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_microphone_session, bench, microphone, say, started) if microphone else None
        if beside is not None:
            started.wait(_READY_S)
        rows = _session(bench, main, say) if main else {}
        try:
            rows |= beside.result() if beside is not None else {}
        except MoodringError as error:
            rows |= {fault.name: Row.left_out(fault, str(error)) for fault in microphone}
    try:
        rows |= _recording_session(bench, recording, say) if recording else {}
    except MoodringError as error:
        rows |= {fault.name: Row.left_out(fault, str(error)) for fault in recording}
    return tuple(rows[fault.name] for fault in bench.faults)


def _session(bench: Bench, faults: Sequence[Fault], say: Say) -> dict[str, Row]:
    """One engine with EEG and voice over LSL and a network camera, and a screen."""
    lsl = own_session("faults")
    name = f"faults-{uuid4().hex[:8]}"
    eeg = StreamHand(lsl, StreamSpec(f"{name}-amp", "EEG", "amp-1", len(EEG_NAMES), 256.0))
    voice = StreamHand(lsl, StreamSpec(f"{name}-voice", "Audio", "voice-1", 1, 16000.0))
    camera = CameraHand(_jpegs(bench.pictures))
    with ExitStack() as stack:
        for hand in (eeg, voice, camera):
            stack.enter_context(hand)
        config = LiveConfig(
            name=name,
            eeg=EegSection(stream=StreamQuery(name=f"{name}-amp")),
            face=FaceSection(camera=camera.url),
            speech=SpeechSection(stream=StreamQuery(name=f"{name}-voice")),
            models=bench.models,
            lsl=lsl,
            outlet=OutletSection(name=name),
        )
        engine = stack.enter_context(EngineProcess(_job(bench, config, "session.json")))
        engine.wait_ready(_READY_S)
        screen = stack.enter_context(ScreenHand(name))
        eye = stack.enter_context(Eye(name))
        hands: Mapping[ModalityInput, object] = {"eeg": eeg, "speech": voice, "face": camera, "screen": screen}
        rows = _lanes(faults, hands, eye, say)
        engine.ask_to_stop()
        engine.wait_done(30.0)
    return rows


def _microphone_session(bench: Bench, faults: Sequence[Fault], say: Say, started: threading.Event) -> dict[str, Row]:
    """One engine with a microphone alone, on a sound server of our own."""
    with ExitStack() as stack:
        stack.callback(started.set)
        hand = stack.enter_context(MicrophoneHand())
        name = f"faults-{uuid4().hex[:8]}"
        config = LiveConfig(
            name=name,
            speech=SpeechSection(microphone="pulse"),
            models=bench.models,
            lsl=own_session("faults"),
            outlet=OutletSection(name=name),
        )
        with hand.environment():
            engine = stack.enter_context(EngineProcess(_job(bench, config, "microphone.json")))
        started.set()
        engine.wait_ready(_READY_S)
        eye = stack.enter_context(Eye(name))
        rows = _lanes(faults, {"microphone": hand}, eye, say)
        engine.ask_to_stop()
        engine.wait_done(30.0)
    return rows


def _recording_session(bench: Bench, faults: Sequence[Fault], say: Say) -> dict[str, Row]:
    """One engine that records EEG on a small disk; its faults come one after the other."""
    name = f"faults-{uuid4().hex[:8]}"
    lsl = own_session("faults")
    rows = {}
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        stack.enter_context(StreamHand(lsl, StreamSpec(f"{name}-amp", "EEG", "amp-1", len(EEG_NAMES), 256.0)))
        eeg = EegSection(stream=StreamQuery(name=f"{name}-amp"))
        config = LiveConfig(name=name, eeg=eeg, models=bench.models, lsl=lsl, outlet=OutletSection(name=name))
        job = replace(_job(bench, config, "recording.json"), record=disk)
        engine = stack.enter_context(EngineProcess(job))
        engine.wait_ready(_READY_S)
        client = stack.enter_context(attach(name))
        hand = RecordingHand(engine, disk)
        for fault in faults:
            rows[fault.name] = happen(fault, hand, client.snapshot)
            say(f"{fault.name}: done")
        engine.ask_to_stop()
        engine.wait_done(30.0)
    return rows


def _job(bench: Bench, config: LiveConfig, file: str) -> EngineJob:
    return EngineJob(config, None, None if bench.folder is None else bench.folder / file, time.time())


def _lanes(faults: Sequence[Fault], hands: Mapping[ModalityInput, object], eye: Eye, say: Say) -> dict[str, Row]:
    """Run each modality_input's faults one after the other, in a thread per modality_input."""
    steady = eye.wait(lambda: _all_live(eye), _ALL_LIVE_S)
    if not steady:
        snapshot = eye.newest
        states = (
            [f"{one.modality} {one.health} ({one.error or one.why})" for one in snapshot.sources]
            if snapshot is not None
            else []
        )
        raise MoodringError(
            f"the engine's sources were not all live before the first fault: {', '.join(states) or 'it does not answer'}; "
            "run the bench on a calmer machine"
        )
    time.sleep(_STEADY_S)
    spans: dict[str, Span] = {}
    failures: list[BaseException] = []

    def modality_input(own: Sequence[Fault], hand: object) -> None:
        try:
            for fault in own:
                spans[fault.name] = _happen(fault, hand, eye)
                say(f"{fault.name}: done")
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(
            target=modality_input,
            args=([f for f in faults if f.modality_input == key], hand),
            name=f"modality_input-{key}",
        )
        for key, hand in hands.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return {fault.name: row_of(fault, spans[fault.name], eye.seen) for fault in faults}


def _all_live(eye: Eye) -> bool:
    snapshot = eye.newest
    return (
        snapshot is not None
        and snapshot.decisions > 0
        and all(source.health == "live" for source in snapshot.sources if source.configured)
    )


def _happen(fault: Fault, hand: object, eye: Eye) -> Span:
    """Let one fault happen and pass; give its moments on the LSL clock."""
    _do(fault.before, hand)
    begin_s = pylsl.local_clock()
    _do(fault.happens, hand)
    _do(fault.ends, hand)
    back_s = pylsl.local_clock()
    modality = modality_of(fault.modality_input)
    if modality is not None:
        eye.wait(lambda: _well(eye, modality), LIVE_WITHIN_S + _SPARE_S)
        time.sleep(_CALM_S)
    return Span(begin_s, back_s, pylsl.local_clock())


def _well(eye: Eye, modality: str) -> bool:
    status, snapshot = eye.status(modality), eye.newest
    used = snapshot is not None and snapshot.estimate is not None and modality in snapshot.estimate.used
    return status is not None and status.health == "live" and used


def modality_of(modality_input: ModalityInput) -> str | None:
    """Name the source that a modality_input's faults befall; None for the screen."""
    if modality_input == "screen" or modality_input == "recording":
        return None
    return "speech" if modality_input == "microphone" else modality_input


def _do(deeds: Sequence[Deed], hand: object) -> None:
    for deed in deeds:
        begin_s = time.monotonic()
        getattr(hand, deed.do)(**deed.figures)
        time.sleep(max(0.0, begin_s + deed.wait_s - time.monotonic()))


def _jpegs(pictures: Sequence[Image]) -> tuple[bytes, ...]:
    shown = pictures or [np.full((120, 160, 3), 8 * index, np.uint8) for index in range(30)]
    return tuple(cv2.imencode(".jpg", picture)[1].tobytes() for picture in shown)
