"""Several faces before one camera: what the estimates say, live and again, however the frames were cut into chunks."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from moodring.models.contract import Estimate, FaceBox, Image
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.decoders.session_models import Models
from moodring.models.io import wire
from moodring.models.io.ring import rings_in
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decider import Decider
from moodring.models.streaming.decision_schedule import ModalityInput, Plan, identity
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.models.streaming.streaming_attention import SETTLE_S, StreamingAttention
from moodring.models.streaming.tally import Tally
from tests.models.decoders.test_attention import make_bundle

T0, RATE_HZ, SECONDS = 100.0, 10.0, 20.0
ANN, BEN = FaceBox(4.0, 6.0, 24.0, 30.0, 0.9), FaceBox(40.0, 8.0, 20.0, 24.0, 0.9)
TINY = FaceBox(30.0, 30.0, 8.0, 9.0, 0.9)
Script = Callable[[float], tuple[FaceBox, ...]]


class Scripted:
    """Finds the faces of the moment that a frame is numbered by."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        return self._script(int(image[0, 0, 0]) / RATE_HZ)


def decisions(script: Script, chunk: int = 1) -> list[Estimate]:
    ingest = ingest_factory(None, rings_in(None))(SourceInfo("face", "cam", RATE_HZ, (64, 64, 3), "|u1"))
    frames = np.random.default_rng(3).integers(0, 255, (round(SECONDS * RATE_HZ), 64, 64, 3), dtype=np.uint8)
    frames[:, 0, 0, 0] = np.arange(len(frames))
    stamps = T0 + np.arange(len(frames)) / RATE_HZ
    clock = VirtualClock(T0)
    decoder = AttentionDecoder(make_bundle("every"), torch.device("cpu"), face_detector=Scripted(script))  # type: ignore[arg-type]
    models = Models((StreamingAttention(decoder),), None, "cpu", (), ("simulated",))
    decider = Decider(Plan(t0_s=T0, interval_s=0.5, first=2, rest_s=0.0), models, clock)
    made, given = [], 0
    for k in range(2, int(2 * SECONDS) - 1):
        while given < len(frames) and stamps[given] <= T0 + k / 2 + 0.05:
            piece = slice(given, given + chunk)
            ingest.append(Chunk(frames[piece], stamps[piece], float(stamps[piece][-1])))
            given += chunk
        made.append(decider.decide(T0 + k / 2, {"face": ModalityInput(ingest, ingest.ring.view(), identity)}, ()))
    return made


def ann_then_ben(time_s: float) -> tuple[FaceBox, ...]:
    return (ANN,) if time_s < 6 else (BEN,)


def test_two_people_are_never_one_smooth_curve() -> None:
    made = decisions(ann_then_ben)
    states = [look.face_state for one in made for look in one.looks]
    assert states.count("changed") == 1
    changed_s = next(look.time_s for one in made for look in one.looks if look.face_state == "changed")
    assert changed_s >= T0 + 8.0, "nobody takes the place of a face that may come back"
    after = [one for one in made if 0.0 <= one.time_s - changed_s < SETTLE_S]
    assert len(after) >= 3
    for one in after:
        assert [head.abstained for head in one.heads] == [
            "another face is followed now; what was seen of the one before is forgotten"
        ] * 2
        assert all(head.probabilities is None for head in one.heads)
    assert made[-1].heads[0].answered
    tally = Tally()
    for one in made:
        tally.add(one, T0)
    assert tally.faces() == {
        "looks": {state: states.count(state) for state in ("tracked", "changed", "several", "too_small", "none")},
        "most_at_once": 1,
        "people": 2,
    }


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        (lambda _: (ANN, FaceBox(36.0, 6.0, 24.0, 30.0, 0.9)), "several", "several faces, none of them clearly"),
        (lambda _: (TINY,), "too_small", "the face is too small"),
        (lambda _: (), "none", "neither EEG nor face yet"),
    ],
)
def test_why_no_face_is_used_is_told(script: Script, state: str, words: str) -> None:
    made = decisions(script)
    assert {look.face_state for one in made for look in one.looks} == {state}
    assert all(look.face is None for one in made for look in one.looks)
    assert all(words in str(head.abstained) for one in made for head in one.heads)


def test_chunks_change_nothing_and_the_journal_keeps_it_all() -> None:
    single, joined = decisions(ann_then_ben), decisions(ann_then_ben, chunk=5)
    plain = [[wire.encode(look) for look in one.looks] for one in single]
    assert plain == [[wire.encode(look) for look in one.looks] for one in joined]
    for one, other in zip(single, joined, strict=True):
        assert [head.probabilities for head in one.heads] == [head.probabilities for head in other.heads]
    kept = wire.decode(Estimate, wire.encode(single[-1]))
    assert [(look.face_state, look.faces, look.person) for look in kept.looks] == [
        (look.face_state, look.faces, look.person) for look in single[-1].looks
    ]
