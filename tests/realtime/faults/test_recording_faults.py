"""A recorder and a screen that are killed, and a disk that somebody fills, while a session is recorded."""

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest

from moodring.configs.schema.liblsl import liblsl_settings
from moodring.configs.schema.live import EegSection, LiveConfig, OutletSection, StreamQuery
from moodring.models.contract import RecordingStatus
from moodring.models.io.journal import read_journal
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from tests.support.fault_injectors import RecordingInjector, ScreenInjector, StreamInjector, small_disk
from tests.support.fault_table import Row
from tests.support.faults import FAULTS, LIVE_WITHIN_S, LONGEST_PAUSE_S, NOTICED_WITHIN_S
from tests.support.lsl_stand import wait_for
from tests.support.recorded import assert_equal
from tests.support.scripted_sources import EEG_NAMES

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]
LOOK_S = 0.03
SHOWN_S = 15.0
BY_NAME = {fault.name: fault for fault in FAULTS if fault.source in ("recording", "screen")}


@dataclass(frozen=True)
class Look:
    """What a screen shows of a recording at one moment."""

    at_s: float
    decisions: int
    status: RecordingStatus

    @property
    def words(self):
        return self.status.error or self.status.news or ""


class Recorded:
    """An engine that records EEG, and what is shown of it."""

    def __init__(self, client, injector, config):
        self.injector = injector
        self.config = config
        self._client = client

    def look(self):
        from pylsl import local_clock

        snapshot = self._client.snapshot()
        return Look(local_clock(), snapshot.decisions, snapshot.recording)

    def inject(self, fault, until, injector=None):
        """Let a fault happen and look until something is so; the looks before, and those after."""
        begin = self.look()
        for step in fault.steps:
            step.inject(injector or self.injector)
        seen = [begin]
        while seen[-1].at_s < begin.at_s + SHOWN_S and not (len(seen) > 60 and until(seen[-1].status)):
            time.sleep(LOOK_S)
            seen.append(self.look())
        return seen


@pytest.fixture(scope="module")
def recorded(lsl_session):
    from moodring.realtime.engine.engine_process import EngineProcess
    from moodring.realtime.engine.job import EngineJob
    from moodring.realtime.ipc.channel import attach

    name = f"recorded-{uuid4().hex[:8]}"
    stream = {"name": f"{name}-amp", "count": 10, "channels": [(label, "microvolts", "EEG") for label in EEG_NAMES]}
    eeg, outlet = EegSection(stream=StreamQuery(name=stream["name"])), OutletSection(name=name)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        stack.enter_context(StreamInjector(liblsl_settings(lsl_session), stream))
        config = LiveConfig(name=name, eeg=eeg, lsl=lsl_session, outlet=outlet)
        engine = stack.enter_context(EngineProcess(EngineJob(config, record=disk)))
        engine.wait_ready(90.0)
        client = stack.enter_context(attach(name))

        def records():
            snapshot = client.snapshot()
            return snapshot.recording is not None and snapshot.recording.lsl and snapshot.decisions > 2

        wait_for(records, 60.0)
        yield Recorded(client, RecordingInjector(engine.pid, disk), config)


def row_of(fault, seen, lost, live_s=None):
    """Check that the fault was told in time and decoding went on, and return the row of the table."""
    told = next((one for one in seen if re.search(fault.says, one.words)), None)
    assert told is not None, sorted({one.words for one in seen})
    noticed_s = told.at_s - seen[0].at_s
    changes = [now.at_s for old, now in pairwise(seen) if now.decisions != old.decisions]
    pause_s = max(late - early for early, late in pairwise([seen[0].at_s, *changes, seen[-1].at_s]))
    assert pause_s <= LONGEST_PAUSE_S
    assert noticed_s <= 2 * NOTICED_WITHIN_S
    return Row(fault.name, f"“{told.words}”", lost, noticed_s, live_s, longest_pause_s=pause_s)


def test_a_killed_recorder_is_replaced_and_nothing_that_is_decoded_is_lost(recorded, keep_row):
    before = recorded.look().status
    seen = recorded.inject(
        BY_NAME["recorder killed"], lambda now: now.recorder_restarts > before.recorder_restarts and now.lsl
    )
    after = seen[-1].status
    assert after.on
    assert after.recorder_restarts == before.recorder_restarts + 1
    assert after.lost_chunks == before.lost_chunks
    back_s = next(
        one.at_s for one in seen if one.status.recorder_restarts > before.recorder_restarts and one.status.lsl
    )
    assert back_s - seen[0].at_s <= 2 * LIVE_WITHIN_S
    lost = "nothing that is decoded; other streams until the next part"
    keep_row("devices", row_of(BY_NAME["recorder killed"], seen, lost, back_s - seen[0].at_s))


def test_a_killed_screen_leaves_the_recording_as_it_was(recorded):
    before = recorded.look()
    with ScreenInjector(recorded.config.name) as screen:
        seen = recorded.inject(BY_NAME["screen killed"], lambda _: True, screen)
    after = seen[-1]
    assert after.decisions > before.decisions
    assert after.status.on
    assert (after.status.recorder_restarts, after.status.lost_chunks) == (
        before.status.recorder_restarts, before.status.lost_chunks
    )  # fmt: skip


def test_a_full_disk_ends_the_recording_and_decoding_goes_on(recorded, keep_row):
    seen = recorded.inject(BY_NAME["disk full"], lambda now: not now.on)
    assert not seen[-1].status.on
    lost = "what comes after; what was written stays readable"
    keep_row("devices", row_of(BY_NAME["disk full"], seen, lost))
    decisions = seen[-1].decisions
    wait_for(lambda: recorded.look().decisions > decisions + 2, 5.0)


def test_what_was_recorded_until_then_is_decoded_again_as_it_was(recorded):
    """Across the two parts that the recorder's death left, over the screen's death, up to where the disk was full."""
    folder = Path(recorded.look().status.folder)
    recording, journal = open_recording(folder), read_journal(folder / "decisions.jsonl")
    kept = [entry for entry in journal if entry.ring_samples["eeg"] <= len(recording.eeg.stamps_s)]
    assert len(kept) > 5
    assert len(list(folder.glob("streams/part-*.xdf"))) > 1
    assert_equal(decode(recording, recorded.config, journal=kept).estimates, kept)
