"""Tracking on scripted boxes: whom it follows, when it says that it changed; chunks give what the whole gives."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodring.models.contract import FaceBox
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.models.signals.face.tracking import Sighting, TrackerState, TrackingRules, track

SIZE = (240, 320)
ANN = FaceBox(100.0, 60.0, 80.0, 100.0, 0.9)
BEN = FaceBox(220.0, 80.0, 50.0, 62.0, 0.95)
BOB = FaceBox(20.0, 70.0, 76.0, 96.0, 0.9)
Moment = tuple[float, Sequence[FaceBox]]


def moved(face: FaceBox, x: float, y: float = 0.0, zoom: float = 1.0) -> FaceBox:
    return FaceBox(face.x + x, face.y + y, face.width * zoom, face.height * zoom, face.score)


def run(
    moments: Iterable[Moment], rules: TrackingRules | None = None, state: TrackerState | None = None
) -> tuple[list[Sighting], TrackerState]:
    rules, state, found = rules or TrackingRules(), state or TrackerState(), []
    for time_s, faces in moments:
        sighting, state = track(state, faces, time_s, SIZE, rules)
        found.append(sighting)
    return found, state


def test_one_face_is_followed_from_its_first_moment_while_it_moves_and_others_come() -> None:
    walk = [moved(ANN, 12.0 * np.sin(t), 5.0 * t, 1.0 + 0.05 * t) for t in range(6)]
    # A face with a higher score, and another larger for a moment, take nobody's place.
    faces = [[walk[0]], [BEN, walk[1]], [walk[2], BEN], [moved(BOB, 0.0, 0.0, 1.4), walk[3]], [walk[4]], [walk[5], BEN]]
    found, _ = run(enumerate(faces))
    assert [one.box for one in found] == walk
    assert [one.faces for one in found] == [1, 2, 2, 2, 1, 2]
    assert {(one.state, one.person) for one in found} == {("tracked", 1)}


def test_of_several_the_largest_and_most_constant_is_chosen_after_it_was_watched() -> None:
    found, _ = run((t, [BEN, ANN]) for t in (0.0, 0.5, 1.0))
    assert [one.state for one in found] == ["several", "several", "tracked"]
    assert found[-1].box == ANN
    flickering = [(t / 2, [BEN, moved(ANN, 0.0, 0.0, 1.3)] if t % 6 == 0 else [BEN]) for t in range(7)]
    found, _ = run(flickering)
    assert found[-1].box is None or found[-1].box == BEN, "the larger one that is hardly ever there is not followed"


def test_faces_of_one_size_are_not_chosen_between_unless_a_region_says_where() -> None:
    moments = [(t / 2, [ANN, BOB]) for t in range(10)]
    assert {one.state for one in run(moments)[0]} == {"several"}
    assert all(one.box is None for one in run(moments)[0])
    left, _ = run(moments, TrackingRules(region=(0.0, 0.0, 0.4, 1.0)))
    assert {(one.state, one.box, one.faces) for one in left} == {("tracked", BOB, 1)}


def test_another_face_in_its_place_is_another_person_and_says_so_once() -> None:
    moments = [(0.0, [ANN]), (1.0, [ANN]), *((t, [BEN]) for t in (2.0, 3.0, 4.0, 5.0, 6.0))]
    found, _ = run(moments)
    assert [one.state for one in found] == ["tracked", "tracked", "none", "none", "none", "changed", "tracked"]
    assert [one.person for one in found] == [1, 1, 1, 1, 1, 2, 2]
    assert found[2].box is None, "no other face stands in for the one that is followed"
    assert found[2].faces == 1


def test_a_face_that_looks_away_for_a_moment_is_the_same_and_one_long_gone_is_not() -> None:
    short, _ = run([(0.0, [ANN]), (1.0, []), (2.5, [moved(ANN, 15.0)])])
    assert [one.state for one in short] == ["tracked", "none", "tracked"]
    long, _ = run([(0.0, [ANN]), (1.0, []), (9.0, [ANN])])
    assert [one.state for one in long] == ["tracked", "none", "changed"]


def test_a_face_that_is_larger_for_long_takes_over() -> None:
    found, _ = run([(0.0, [BEN]), *((float(t), [BEN, ANN]) for t in range(1, 9))])
    assert [one.state for one in found] == ["tracked"] * 6 + ["changed", "tracked", "tracked"]
    assert found[-1].box == ANN


def test_a_face_of_a_few_pixels_is_counted_and_not_used() -> None:
    small = FaceBox(150.0, 100.0, 12.0, 15.0, 0.9)
    assert [(one.state, one.faces, one.box) for one in run([(0.0, [small]), (1.0, [small])])[0]] == [
        ("too_small", 1, None)
    ] * 2
    shrunk, _ = run((t, [moved(ANN, 0.0, 0.0, 0.75**t)]) for t in range(8))
    assert shrunk[0].state == "tracked"
    assert shrunk[-1].state == "too_small"


def test_chunks_give_what_the_whole_gives() -> None:
    rng = np.random.default_rng(4)
    people = [ANN, BEN, BOB]
    moments = [
        (k * 0.4, [moved(one, *rng.normal(0, 6, 2)) for one in people if rng.random() < 0.8]) for k in range(120)
    ]
    whole, end = run(moments)
    state, pieces = TrackerState(), []
    for low, high in ((0, 1), (1, 30), (30, 31), (31, 120)):
        part, state = run(moments[low:high], state=state)
        pieces += part
    assert pieces == whole
    assert state == end
    assert {one.state for one in whole} >= {"tracked", "none", "several"}


@pytest.mark.parametrize("gap_s", [0.033, 0.125, 2.0])
def test_it_does_not_depend_on_how_often_it_looks(gap_s: float) -> None:
    found, _ = run((k * gap_s, [ANN, BEN]) for k in range(round(12 / gap_s)))
    assert found[-1].box == ANN
    assert max(one.person or 0 for one in found) == 1


@pytest.fixture(scope="module")
def finder() -> FaceDetector:
    return FaceDetector(bundled("yunet").read_bytes())


def looks_of(film: Path, finder: FaceDetector, from_s: float) -> list[Moment]:
    """Faces found in a film at one look a second, in frames of 320 by 180."""
    capture, moments = cv2.VideoCapture(str(film)), []
    every = round(capture.get(cv2.CAP_PROP_FPS))
    for index in range(3 * every):
        _, image = capture.read()
        if index % every == 0:
            moments.append((from_s + index / every, finder.find_all(cv2.resize(image, (320, 180)))))
    return moments


@pytest.mark.data
def test_people_of_two_films_in_a_row_are_two(data_dir: Path, finder: FaceDetector) -> None:
    films = [data_dir / "faces" / name for name in ("WolfgangLanger_Pexels.mp4", "single_face.mp4")]
    moments = [one for number, film in enumerate(films) for one in looks_of(film, finder, number * 6.5)]
    found, _ = run(moments)
    assert [one.state for one in found] == ["tracked", "tracked", "tracked", "changed", "tracked", "tracked"]
    assert [one.person for one in found] == [1, 1, 1, 2, 2, 2]


@pytest.mark.data
def test_of_five_faces_in_a_picture_none_is_chosen_but_by_its_region(data_dir: Path, finder: FaceDetector) -> None:
    picture = cv2.resize(cv2.imread(str(data_dir / "faces" / "multi_face.jpg")), (320, 213))
    faces = finder.find_all(picture)
    several, _ = run((float(t), faces) for t in range(6))
    assert [(one.state, one.faces, one.box) for one in several] == [("several", len(faces), None)] * 6
    assert len(faces) == 5
    left = min(faces, key=lambda face: face.x)
    one, _ = run([(0.0, faces)], TrackingRules(region=(0.0, 0.0, 0.3, 0.5)))
    assert (one[0].box, one[0].faces) == (left, 1)
