"""A recorded session whose senders' clocks are their own, or whose files are damaged, is decoded like live or told."""

import shutil
import struct
import time

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.io.journal import read_journal
from moodring.models.streaming.clock import VirtualClock
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.read_session import read_session
from tests.support.faults import FAULTS
from tests.support.recorded import assert_equal
from tests.support.scripted_sources import BEGIN_S, CONFIG, ScriptedSession, ScriptedSource
from tests.support.session_folders import chunks_of, without_checks, write_scripted_session

OFFSETS_S = {
    "1970": -BEGIN_S,
    "Unix time": 1.79e9,
    "2100": 4.1e9,
    "negative": -5e6,
    "days behind": -3.2 * 86_400,
    "days ahead": 2.1 * 86_400,
}
PART = "streams/part-001.xdf"


def scripted(fakes, offsets_s, fault=None):
    clock = VirtualClock(BEGIN_S)
    sources = [ScriptedSource(modality, clock) for modality in ("eeg", "face", "speech")]
    for source in sources:
        source.jump(offsets_s.get(source.info.modality, 0.0))
    session = ScriptedSession(fakes.fake_models(), clock, sources)
    session.run_for(6.3)
    if fault is not None:
        for before, step in zip((None, *fault.steps), fault.steps, strict=False):
            session.run_for(step.at_s - (0.0 if before is None else before.at_s))
            step.inject(session.sources[fault.modality])
        session.run_for(min(fault.back_s, 6.0) + 3.0)
    return session


@pytest.fixture(scope="module")
def template(fakes, tmp_path_factory):
    session = scripted(fakes, {})
    yield write_scripted_session(tmp_path_factory.mktemp("whole") / "session", session, CONFIG)
    session.close()


@pytest.fixture
def whole(template, tmp_path):
    return shutil.copytree(template, tmp_path / "session")


@pytest.mark.parametrize(
    ("where", "modalities"),
    [(where, ("eeg", "face", "speech")) for where in OFFSETS_S] + [("Unix time", ("face",)), ("2100", ("eeg",))],
)
def test_stamps_on_a_clock_of_the_senders_own_are_decoded_again_as_live(fakes, tmp_path, modalities, where):
    session = scripted(fakes, dict.fromkeys(modalities, OFFSETS_S[where]))
    folder = write_scripted_session(tmp_path / "session", session, CONFIG)
    recording, journal = read_session(folder), read_journal(folder / "decisions.jsonl")
    assert {"eeg", "face", "speech"} <= {name for one in journal for name in one.used}
    assert_equal(decode(recording, CONFIG, models=fakes.fake_models(), journal=journal).estimates, journal)
    alone = decode(recording, CONFIG, models=fakes.fake_models()).estimates
    assert_equal(alone[: len(journal)], journal, counts=False)
    session.close()


@pytest.mark.parametrize("name", ["source killed", "clock jumps back"])
def test_faults_on_a_clock_of_the_senders_own_are_decoded_again_as_live(fakes, tmp_path, name):
    fault = next(one for one in FAULTS if one.name == name)
    session = scripted(fakes, dict.fromkeys(("eeg", "face", "speech"), OFFSETS_S["Unix time"]), fault)
    folder = write_scripted_session(tmp_path / "session", session, CONFIG)
    recording, journal = read_session(folder), read_journal(folder / "decisions.jsonl")
    assert_equal(decode(recording, CONFIG, models=fakes.fake_models(), journal=journal).estimates, journal)
    session.close()


@pytest.mark.parametrize("by_bits", [62, 54, 30], ids="bit {}".format)
def test_a_damaged_stamp_costs_its_chunk_and_is_told(fakes, whole, caplog, by_bits):
    path = whole / PART
    raw = bytearray(path.read_bytes())
    first, _ = chunks_of(bytes(raw), 1)[2]
    raw[first + 16 + 1 + by_bits // 8] ^= 1 << by_bits % 8
    path.write_bytes(raw)
    recording, journal = read_session(whole), read_journal(whole / "decisions.jsonl")
    lost = struct.unpack_from("<I", raw, first + 12)[0]
    assert np.isnan(recording.eeg.stamps_s).sum() == lost > 0
    assert f"does not fit its check; {lost} samples are missing" in caplog.text
    begin_s = time.monotonic()
    estimates = decode(recording, CONFIG, models=fakes.fake_models(), journal=journal).estimates
    assert time.monotonic() - begin_s < 20
    assert [one.time_s for one in estimates] == [one.time_s for one in journal]
    # The face and the voice, and what was decoded before, are as they were.
    for one, live in zip(estimates, journal, strict=True):
        assert one.head("speech").probabilities == live.head("speech").probabilities


@pytest.mark.parametrize("stream", range(1, 8))
def test_a_damaged_chunk_of_any_stream_leaves_the_rest(fakes, whole, caplog, stream):
    path = whole / PART
    raw = bytearray(path.read_bytes())
    places = chunks_of(bytes(raw), stream)
    if not places:
        pytest.skip("nothing was listed")
    _, stop = places[len(places) // 2]
    raw[stop - 3] ^= 0x40
    path.write_bytes(raw)
    before = read_journal(whole / "decisions.jsonl")
    recording = read_session(whole)
    assert "does not fit its check" in caplog.text
    assert all(one.arrivals is not None for one in (recording.eeg, recording.face, recording.speech))
    assert len(decode(recording, CONFIG, models=fakes.fake_models(), journal=before).estimates) == len(before)


@pytest.mark.parametrize("stamp_s", [BEGIN_S + 6 * 86_400.0, 1e300])
def test_without_checks_work_is_bounded_by_the_samples_and_no_stamp(fakes, whole, stamp_s):
    path = whole / PART
    raw = bytearray(path.read_bytes())
    first, _ = chunks_of(bytes(raw), 1)[-1]
    raw[first + 17 : first + 25] = struct.pack("<d", stamp_s)
    # How the EEG arrived is damaged too: nothing but stamps is left.
    arrivals = chunks_of(bytes(raw), 2)[-1]
    raw[arrivals[0] + 17 : arrivals[0] + 25] = struct.pack("<d", stamp_s)
    raw[arrivals[0] + 25 + 16 : arrivals[0] + 25 + 24] = struct.pack("<d", stamp_s)
    path.write_bytes(without_checks(bytes(raw)))
    begin_s = time.monotonic()
    estimates = decode(read_session(whole), CONFIG, models=fakes.fake_models()).estimates
    assert time.monotonic() - begin_s < 30
    assert 5 < len(estimates) < 800


@pytest.mark.parametrize("t0_s", [-1e9, 1e300, BEGIN_S + 1e7])
def test_a_t0_far_from_the_samples_is_refused(whole, t0_s):
    path = whole / "session.toml"
    lines = [f"t0_s = {t0_s!r}" if line.startswith("t0_s") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    with pytest.raises(MoodringError, match="t0_s") as caught:
        read_session(whole)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rest_s", ["-5.0", "nan", "inf", "1e300"])
def test_a_rest_that_makes_no_sense_is_refused(whole, rest_s):
    path = whole / "session.toml"
    lines = [f"rest_s = {rest_s}" if line.startswith("rest_s") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    with pytest.raises(MoodringError, match="'rest_s'"):
        read_session(whole)
