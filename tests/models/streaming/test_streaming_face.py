"""What the face expresses over a session: followed, smoothed, and withheld with its reason."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from moodring.models.contract import SIMULATED, Estimate, FaceBox, FaceInput, Head, Image, ModelSpec
from moodring.models.decoders.face_expression import AROUSAL, CONSTRUCT, EMOTION, KIND, VALENCE, FaceExpression
from moodring.models.decoders.origin_guards import NOT_A_PHOTOGRAPH, PeopleOnly
from moodring.models.decoders.session_models import Models
from moodring.models.fusion.circumplex import affect_of
from moodring.models.io import wire
from moodring.models.io.ring import rings_in
from moodring.models.signals.face.detection import FoundFace
from moodring.models.signals.face.quality import FaceQuality
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decider import Decider
from moodring.models.streaming.decision_schedule import ModalityInput, Plan, identity
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.models.streaming.smoothing import SMOOTHING_S
from moodring.models.streaming.streaming_face import StreamingFaceExpression
from moodring.models.streaming.summary import BundleName

T0, RATE_HZ, SECONDS = 100.0, 8.0, 12.0
ANN, BEN = FaceBox(4.0, 6.0, 24.0, 30.0, 0.9), FaceBox(40.0, 8.0, 20.0, 24.0, 0.9)
TINY = FaceBox(30.0, 30.0, 8.0, 9.0, 0.9)
CLASSES = ("neutral", "happiness", "sadness")
HEADS = (Head(EMOTION, CONSTRUCT, CLASSES), Head(VALENCE, CONSTRUCT, scale=(-1.0, 1.0)),
         Head(AROUSAL, CONSTRUCT, scale=(-1.0, 1.0)))  # fmt: skip
POINTS = np.array([(15.0, 18.0), (33.0, 18.0), (24.0, 28.0), (17.0, 36.0), (31.0, 36.0)])
Script = Callable[[float], tuple[FaceBox, ...]]
Shown = Callable[[float], tuple[float, ...]]
Lies = Callable[[float], str | None]


def moment_of(image: Image) -> float:
    """Return the moment that a frame is numbered by."""
    return int(image[0, 0, 0]) / RATE_HZ


class Detector:
    """Finds the faces of a script, all of which nod but the still ones."""

    def __init__(self, script: Script, nod: float, still: tuple[FaceBox, ...]) -> None:
        self._script, self._nod, self._still = script, nod, still

    def find_faces(self, image: Image) -> tuple[FoundFace, ...]:
        at_s = moment_of(image)
        moved = POINTS + [[0.0, self._nod * math.sin(at_s)]] * np.eye(5)[:, 2:3]
        return tuple(FoundFace(box, POINTS if box in self._still else moved) for box in self._script(at_s))


class Orientation:
    """Says how the faces of a script lie."""

    def __init__(self, lies: Lies) -> None:
        self._lies = lies

    def of_face(self, image: Image, box: FaceBox) -> str | None:
        return self._lies(moment_of(image))

    def of_frame(self, image: Image) -> str | None:
        return self._lies(moment_of(image))


class Decoder:
    """Reads what a script shows, as well as it can be seen."""

    live_heads = HEADS
    spec = ModelSpec(KIND, (FaceInput(RATE_HZ, 48),), HEADS, "made", ("made",), "made", (), 0, {})

    def __init__(self, shown: Shown, turned: Callable[[float], float]) -> None:
        self._shown, self._turned = shown, turned

    def read(self, frame: Image, face: FoundFace) -> FaceExpression:
        row = np.array(self._shown(moment_of(frame)))
        affect = affect_of(CLASSES, row.tolist())
        assert affect is not None
        quality = FaceQuality(0.9, 20.0, self._turned(moment_of(frame)), 40.0, 0.3)
        return FaceExpression(row, row, affect, quality, np.zeros(4, np.float32))


def happy(_: float) -> tuple[float, ...]:
    return (0.1, 0.8, 0.1)


def frontal(_: float) -> float:
    return 0.0


def decisions(
    script: Script = lambda _: (ANN,), shown: Shown = happy, turned: Callable[[float], float] = frontal,
    chunk: int = 1, origin: str | None = None, until_s: float = SECONDS, nod: float = 2.0,
    still: tuple[FaceBox, ...] = (), lies: Lies = lambda _: None,
) -> list[Estimate]:  # fmt: skip
    info = SourceInfo("face", "cam", RATE_HZ, (64, 64, 3), "|u1", origin=origin)
    ingest = ingest_factory(None, rings_in(None))(info)
    frames = np.zeros((round(until_s * RATE_HZ), 64, 64, 3), np.uint8)
    frames[:, 0, 0, 0] = np.arange(len(frames))
    stamps = T0 + np.arange(len(frames)) / RATE_HZ
    streaming = StreamingFaceExpression(
        Decoder(shown, turned),
        Detector(script, nod, still),
        Orientation(lies),  # type: ignore[arg-type]
    )
    decider = Decider(
        Plan(t0_s=T0, interval_s=0.5, first=2, rest_s=0.0),
        Models((PeopleOnly(streaming, BundleName("made", "0")),), None, "cpu", (), ("made",)),
        VirtualClock(T0),
    )
    made, given = [], 0
    for k in range(2, int(2 * max(SECONDS, until_s)) - 1):
        while given < len(frames) and stamps[given] <= T0 + k / 2 + 0.05:
            piece = slice(given, given + chunk)
            ingest.append(Chunk(frames[piece], stamps[piece], float(stamps[piece][-1])))
            given += chunk
        made.append(decider.decide(T0 + k / 2, {"face": ModalityInput(ingest, ingest.ring.view(), identity)}, ()))
    return made


def test_every_frame_of_the_grid_is_read_once() -> None:
    made = decisions()
    readings = [one for estimate in made for one in estimate.face_readings]
    assert np.diff([one.time_s for one in readings]) == pytest.approx(1 / 8)
    assert {one.face_state for one in readings} == {"tracked"}
    emotion, valence, arousal = made[-1].heads
    assert emotion.probabilities == pytest.approx((0.1, 0.8, 0.1))
    affect = affect_of(CLASSES, [0.1, 0.8, 0.1])
    assert affect is not None
    assert (valence.value, arousal.value) == pytest.approx((affect.valence, affect.arousal))
    assert made[-1].used == ("face",)
    kept = wire.decode(Estimate, wire.encode(made[-1]))
    assert kept.face_readings == made[-1].face_readings


def test_a_change_is_followed_with_the_time_constant() -> None:
    made = decisions(shown=lambda at_s: happy(at_s) if at_s < 6.0 else (0.9, 0.0, 0.1))
    happiness = {one.session_time_s: one.heads[0].probabilities for one in made}
    since_s = 8.0 - 6.0 + 1 / RATE_HZ
    assert happiness[8.0] is not None
    assert happiness[8.0][1] == pytest.approx(0.8 * math.exp(-since_s / SMOOTHING_S), rel=0.01)


def test_another_face_begins_anew() -> None:
    made = decisions(
        lambda at_s: (ANN,) if at_s < 4 else (BEN,), lambda at_s: happy(at_s) if at_s < 4 else (0.0, 0.0, 1.0)
    )
    changed_s = next(one.time_s for e in made for one in e.face_readings if one.face_state == "changed")
    after = next(one for one in made if one.time_s >= changed_s)
    assert after.heads[0].probabilities == (0.0, 0.0, 1.0)
    between = [one.heads[0] for one in made if 5.5 <= one.session_time_s < changed_s - T0]
    assert between
    assert all(head.abstained == "no face" for head in between)


@pytest.mark.parametrize(
    ("script", "turned", "why"),
    [
        (lambda _: (), frontal, "no face"),
        (lambda _: (TINY,), frontal, "the face is too small"),
        (lambda _: (ANN, FaceBox(36.0, 6.0, 24.0, 30.0, 0.9)), frontal, "several faces, none of them clearly"),
        (lambda _: (ANN,), lambda _: 0.6, "the face is turned away"),
    ],
)
def test_what_cannot_be_read_is_no_answer(script: Script, turned: Callable[[float], float], why: str) -> None:
    made = decisions(script, turned=turned)
    assert all(why in str(head.abstained) and not head.answered for one in made for head in one.heads)
    assert all(one.used == () for one in made)


def test_a_look_aside_is_bridged_and_a_long_one_is_not() -> None:
    made = {one.session_time_s: one for one in decisions(turned=lambda at_s: 0.6 if at_s >= 6.0 else 0.0)}
    assert made[6.5].heads[0].answered
    assert made[7.5].heads[0].abstained == "the face is turned away"


def test_a_camera_that_stops_is_told() -> None:
    made = {one.session_time_s: one for one in decisions(until_s=5.0)}
    assert made[4.5].heads[0].answered
    assert made[8.0].heads[0].abstained == "no picture for a while"


def test_a_drawn_face_is_not_read() -> None:
    made = decisions(origin=SIMULATED)
    assert all(head.abstained == NOT_A_PHOTOGRAPH for one in made for head in one.heads)
    assert not any(one.face_readings for one in made)


def test_chunks_change_nothing() -> None:
    single, joined = decisions(), decisions(chunk=4)
    assert [wire.encode(one.face_readings) for one in single] == [wire.encode(one.face_readings) for one in joined]
    assert [one.heads[0].probabilities for one in single] == [one.heads[0].probabilities for one in joined]


def test_a_picture_on_the_wall_is_told_from_a_face() -> None:
    still = {one.session_time_s: one for one in decisions(until_s=20.0, nod=0.0)}
    assert still[10.0].heads[0].answered
    assert still[18.0].heads[0].abstained == "the face has not moved for 15 s, like a picture"
    assert still[18.0].face_readings[-1].doubts == ("still",)
    moving = {one.session_time_s: one for one in decisions(until_s=20.0, nod=1.0)}
    assert moving[18.0].heads[0].answered


def test_a_poster_gives_way_to_the_person_beside_it_and_never_answers_again() -> None:
    poster = FaceBox(2.0, 2.0, 36.0, 40.0, 0.9)

    def script(at_s: float) -> tuple[FaceBox, ...]:
        return (poster, BEN) if at_s < 24.0 else (poster,)

    made = {one.session_time_s: one for one in decisions(script, until_s=31.0, still=(poster,))}
    assert made[14.0].face_readings[-1].face == poster, "the larger one, which may yet move"
    assert made[19.5].heads[0].answered
    assert made[19.5].face_readings[-1].face == BEN
    assert made[19.5].face_readings[-1].faces == 1
    alone = [one.heads[0] for at_s, one in made.items() if 25.5 <= at_s <= 30.5]
    assert alone
    assert not any(head.answered for head in alone)
    assert "the face has not moved for 15 s, like a picture" in {head.abstained for head in alone}


@pytest.mark.parametrize("lie", ["sideways", "upside down"])
def test_a_face_that_lies_is_told_and_not_read(lie: str) -> None:
    made = {one.session_time_s: one for one in decisions(lies=lambda at_s: lie if at_s >= 4.0 else None)}
    assert made[3.5].heads[0].answered
    told = made[8.0].heads[0].abstained
    assert told is not None
    assert "turn the camera upright" in told
    assert made[8.0].face_readings[-1].doubts == (lie,)
    hidden = decisions(lambda _: (), lies=lambda _: lie)
    assert all("no face stands in the picture, one " in str(one.heads[0].abstained) for one in hidden)
    assert all("turn the camera upright" in str(one.heads[0].abstained) for one in hidden)
