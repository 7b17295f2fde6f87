"""What every estimate of the shipped attention bundle carries besides its answer, decoded from a simulated person."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.live import ModelsSection
from moodring.models.contract import LEVELS
from moodring.models.io import wire
from moodring.models.io.journal import Journal, journal_line, read_journal
from moodring.models.streaming.evidence_tally import EvidenceTally
from moodring.offline.decoding.decode import decode_with
from moodring.offline.simulate.simulated_session import simulate

SECONDS = 40.0
AXES = ("valence", "arousal")
NEW = ("ablations", "domain_distances", "periphery")


@pytest.fixture(scope="module")
def recording():
    return replace(simulate(4102, SECONDS), speech=None)


@pytest.fixture(scope="module")
def decoded(recording):
    return decode_with(recording, ModelsSection())


def answers(estimates):
    """Probabilities of both heads by session time, of decisions that answer."""
    told = {one.session_time_s: [one.answer(axis) for axis in AXES] for one in estimates}
    return {at_s: np.array([head.probabilities for head in pair]) for at_s, pair in told.items() if all(pair)}


def without(estimates, what):
    found = {one.session_time_s: a for one in estimates for a in one.ablations if a.without == what}
    return {at_s: np.array([one.probabilities[axis] for axis in AXES]) for at_s, one in found.items()}


def test_every_decision_carries_the_frames_of_its_half_second(decoded):
    frames = [frame for one in decoded.estimates for frame in one.periphery]
    assert np.diff([frame.time_s for frame in frames]) == pytest.approx(0.125)
    assert all(len(one.periphery) == 4 for one in decoded.estimates)
    looks = [look.time_s for one in decoded.estimates for look in one.looks]
    assert [frame.time_s for frame in frames if frame.looked] == looks != []
    weighed = [frame for frame in frames if frame.why == "gain"]
    assert len(weighed) > 0.8 * len(frames)
    assert all(frame.looked == (frame.gain > frame.price) for frame in weighed)


def test_without_the_face_is_what_a_session_without_a_camera_says(recording, decoded):
    blind = answers(decode_with(replace(recording, face=None), ModelsSection()).estimates)
    told = without(decoded.estimates, "face")
    assert len(told) > 70
    assert max(np.abs(told[at_s] - blind[at_s]).max() for at_s in told) < 1e-5
    full = answers(decoded.estimates)
    assert max(np.abs(told[at_s] - full[at_s]).max() for at_s in told) > 0.1


def test_without_eeg_is_what_a_session_without_an_amplifier_says(recording):
    every = ModelsSection(policy="every")
    whole = decode_with(recording, every).estimates
    deaf = answers(decode_with(replace(recording, eeg=None), every).estimates)
    told = without(whole, "eeg")
    assert len(told) > 70
    assert max(np.abs(told[at_s] - deaf[at_s]).max() for at_s in told) < 1e-5


def test_other_eeg_leaves_what_is_said_without_it(recording, decoded):
    """With the frames looked at held fixed by a schedule: the learned policy looks elsewhere for other EEG."""
    uniform = ModelsSection(policy="uniform")
    samples = recording.eeg.samples[::-1].copy()
    other = replace(recording, eeg=replace(recording.eeg, samples=samples))
    one, two = (decode_with(these, uniform).estimates for these in (recording, other))
    ours, theirs = without(one, "eeg"), without(two, "eeg")
    common = ours.keys() & theirs.keys()
    assert len(common) > 60
    assert all(np.array_equal(ours[at_s], theirs[at_s]) for at_s in common)
    whole, other_whole = answers(one), answers(two)
    both = whole.keys() & other_whole.keys()
    assert max(np.abs(whole[at_s] - other_whole[at_s]).max() for at_s in both) > 0.1


def test_only_what_was_there_is_withheld(recording):
    blind = decode_with(replace(recording, face=None), ModelsSection()).estimates
    deaf = decode_with(replace(recording, eeg=None), ModelsSection()).estimates
    assert all(one.ablations == () for one in blind)
    assert {a.without for one in deaf for a in one.ablations} == {"last_look"}
    assert all(one.domain_distances[0].distance is None for one in deaf)


def test_noise_is_far_and_a_person_is_near(recording, decoded):
    samples = np.random.default_rng(3).normal(0, 15.0, recording.eeg.samples.shape).astype(np.float32)
    noise = decode_with(replace(recording, eeg=replace(recording.eeg, samples=samples)), ModelsSection()).estimates

    def late(estimates):
        return [d for one in estimates if one.session_time_s > 10 for d in one.domain_distances]

    near, far = late(decoded.estimates), late(noise)
    assert {one.heads for one in near} == {AXES}
    assert {one.limit for one in near} == {one.limit for one in far}
    assert all(one.distance < one.limit for one in near)
    assert all(one.distance > one.limit for one in far)
    assert np.median([one.distance for one in far]) > 1.5 * max(one.distance for one in near)
    # The answer is withheld; without EEG there is one all the same, and none without the face.
    told = [{a.without for a in one.ablations} for one in noise if one.session_time_s > 10 and one.looks]
    assert told
    assert all(one == {"eeg"} for one in told)


def test_decoded_again_and_read_from_the_journal_it_is_the_same(recording, decoded, tmp_path):
    again = decode_with(recording, ModelsSection()).estimates
    with Journal(tmp_path / "decisions.jsonl") as journal:
        for one in decoded.estimates:
            journal.append(one)
    kept = read_journal(tmp_path / "decisions.jsonl")
    assert len(kept) == len(again) == len(decoded.estimates)
    for one, two, three in zip(decoded.estimates, again, kept, strict=True):
        for name in NEW:
            assert getattr(one, name) == getattr(two, name) == getattr(three, name)
            assert wire.encode(getattr(one, name)) == wire.encode(getattr(three, name))


def test_a_journal_of_before_is_read(decoded, tmp_path):
    lines = [json.loads(journal_line(one)) for one in decoded.estimates]
    old = [{key: value for key, value in line.items() if key not in (*NEW, "crc32")} for line in lines]
    (tmp_path / "old.jsonl").write_text("".join(json.dumps(line) + "\n" for line in old))
    kept = read_journal(tmp_path / "old.jsonl")
    assert len(kept) == len(old)
    assert kept[-1].heads == decoded.estimates[-1].heads
    assert all((one.ablations, one.domain_distances, one.periphery) == ((), (), ()) for one in kept)


def test_an_ablation_of_another_head_is_no_entry(decoded, tmp_path, caplog):
    lines = [json.loads(journal_line(one)) for one in decoded.estimates[-3:]]
    for line in lines:
        line.pop("crc32")
    lines[1]["ablations"][0]["probabilities"] = {"stress": [0.5, 0.5]}
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(read_journal(tmp_path / "one.jsonl")) == 2
    assert "an ablation has 2 probabilities of 'stress'" in caplog.text


def test_the_json_says_what_withholding_changes(decoded):
    summary = decoded.summary
    told = without(decoded.estimates, "eeg")
    figures = summary["ablations"]["eeg"]["valence"]
    assert set(summary["ablations"]) == {"eeg", "face", "last_look"}
    assert figures["decisions"] == len(told)
    whole = answers(decoded.estimates)
    pairs = np.array([(told[at_s][0], whole[at_s][0]) for at_s in told])
    assert figures["mean_without"] == pytest.approx(pairs[:, 0].mean(0))
    assert figures["mean_with"] == pytest.approx(pairs[:, 1].mean(0))
    assert figures["class_changes"] == sum(np.argmax(one) != np.argmax(two) for one, two in pairs) > 0
    assert len(figures["mean_without"]) == len(LEVELS)


def test_the_json_has_the_distances_and_the_looks(decoded):
    summary = decoded.summary
    (gate,) = summary["domain_distances"]
    last = decoded.estimates[-1].domain_distances[0]
    assert (gate["heads"], gate["limit"]) == (list(AXES), last.limit)
    assert gate["distances"][-1][1] == pytest.approx(last.distance)
    frames = [frame for one in decoded.estimates for frame in one.periphery]
    policy = summary["policy"]
    assert sum(policy["looked"].values()) == sum(frame.looked for frame in frames)
    assert policy["passed"]["gain"] == sum(frame.why == "gain" and not frame.looked for frame in frames)
    assert policy["price"] == frames[-1].price


def test_the_ablations_of_a_long_session_take_no_memory(decoded):
    tally, last = EvidenceTally(), decoded.estimates[-1]
    tally.add(last, 0.0)
    size = len(pickle.dumps(tally._ablations))
    for k in range(1000):
        tally.add(last, k / 2)
    assert len(pickle.dumps(tally._ablations)) - size < 100
