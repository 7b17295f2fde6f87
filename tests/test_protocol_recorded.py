"""A session recorded with a protocol is what `moodring train`, `calibrate`, `export` and `report` read."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from moodring.models.contract import Head, Marker
from moodring.offline.calibration.labels import labelled_stretches
from moodring.offline.datasets.affect.recordings import read
from moodring.offline.export.export import export_session
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.write_session import write_session
from moodring.offline.simulate import BENCHMARK, simulate
from moodring.realtime.lab.protocol.plan import Plan, Question, Screen
from moodring.realtime.lab.protocol.run import ProtocolRun
from moodring.realtime.lab.protocol.stimulus_files import Stimulus

REST_S = 20.0
TRIALS = 12
RATED = [(2 + 5 * (n % 2), 8 - 5 * (n // 2 % 2)) for n in range(TRIALS)]
"""Valence 2 and 7 in turn, arousal 8 and 3 by twos."""


def plan() -> Plan:
    scales = (
        Question("valence"),
        Question("arousal"),
        Question("dominance"),
        Question("keyword", words=("joy", "fear")),
    )
    screens = [Screen("rest", seconds=5.0, eyes="closed"), Screen("rest", seconds=REST_S, eyes="open")]
    for number in range(TRIALS):
        shown = Stimulus(f"film-{number}", "film", Path("x.mp4"), 5.0, True)
        screens += [
            Screen("fixation", number, 1.0),
            Screen("stimulus", number, 5.0, stimulus=shown),
            Screen("blank", number, 0.5),
            Screen("rating", number, questions=scales),
        ]
    return Plan("films", tuple(screens))


def markers(t0_s: float) -> tuple[Marker, ...]:
    """Let somebody go through the protocol: two seconds for each rating, a pause within the fourth stimulus."""
    run, at_s, rating_since_s, paused, found = ProtocolRun(plan()), t0_s, None, False, []
    while True:
        moment = run.step(at_s)
        found += [Marker(at_s, text) for text in moment.markers]
        if moment.ended:
            return tuple(found)
        screen = moment.screen
        if screen is not None and screen.kind == "rating":
            rating_since_s = at_s if rating_since_s is None else rating_since_s
            if at_s - rating_since_s >= 2.0:
                valence, arousal = RATED[screen.trial]
                run.rate(at_s, {"valence": valence, "arousal": arousal, "dominance": 5, "keyword": "joy"})
                rating_since_s = None
        elif screen is not None and screen.kind == "stimulus" and screen.trial == 3 and not paused:
            if moment.left_s < 3.0:
                run.pause(at_s)
                paused = True
        elif moment.paused:
            run.resume(at_s)
        at_s += 0.02


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with one session: a simulated person's EEG, and the markers of a protocol."""
    root = tmp_path_factory.mktemp("study")
    person = simulate(41, 150.0, BENCHMARK)
    recorded = replace(
        person, face=None, speech=None, truth=None, markers=markers(person.t0_s), rest_s=REST_S, participant="P07"
    )
    write_session(recorded, root / "sub-P07_ses-01_task-films_run-01", task="films")
    return root


def test_train_reads_every_trial_with_its_rest(folder: Path) -> None:
    corpus = read(folder)
    assert corpus.problems == ()
    assert [one.stimulus for one in corpus.trials] == [f"film-{n}" for n in range(TRIALS)]
    assert [(one.ratings["valence"], one.ratings["arousal"]) for one in corpus.trials] == RATED
    assert {(one.labels["valence"], one.labels["arousal"]) for one in corpus.trials} == {
        ("low", "high"), ("high", "high"), ("low", "low"), ("high", "low")}  # fmt: skip
    for one in corpus.trials:
        assert one.stop_s - one.start_s == pytest.approx(5.0, abs=0.05)
    first = corpus.trials[0]
    # The rest with open eyes, not that with closed ones.
    assert (first.rest_s, first.wait_s) == (pytest.approx(REST_S, abs=0.05), pytest.approx(1.0, abs=0.05))
    signal = corpus.load(first).eeg
    assert len(signal.samples) / signal.rate_hz == pytest.approx(REST_S + 1.0 + 5.0, abs=0.1)


def test_calibrate_reads_every_trial(folder: Path) -> None:
    recording = open_recording(next(folder.iterdir()))
    heads = [Head(axis, "felt", ("low", "medium", "high")) for axis in ("valence", "arousal")]
    stretches = labelled_stretches(recording, heads, rest_s=REST_S)
    assert len(stretches) == TRIALS
    assert [one.classes for one in stretches] == [(0 if v < 5 else 2, 0 if a < 5 else 2) for v, a in RATED]
    for one in stretches:
        assert one.stop_s - one.start_s == pytest.approx(5.0, abs=0.05)


def test_calibrate_adapts_to_it(folder: Path, tmp_path: Path, run) -> None:
    out = tmp_path / "p07.safetensors"
    status, said, told = run("calibrate", next(folder.iterdir()), "--bundle", "attention", "--out", out)
    # Ratings without a cause in the EEG teach nothing, so that the rule keeps nothing; it has weighed all of them.
    assert (status, out.exists()) in ((0, True), (1, False))
    assert "is not better" in told or "wrote" in said


def test_export_has_every_rating(folder: Path, tmp_path: Path) -> None:
    export_session(next(folder.iterdir()), tmp_path / "bids", pictures=True, tell=str)
    (path,) = (tmp_path / "bids").rglob("*_beh.tsv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(int(row["valence"]), int(row["arousal"])) for row in rows] == RATED
    assert {(row["dominance"], row["keyword"]) for row in rows} == {("5", "joy")}
    assert all(float(row["stimulus_duration"]) == pytest.approx(5.0, abs=0.05) for row in rows)
