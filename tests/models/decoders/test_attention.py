from dataclasses import replace

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import EegInput, EegWindow, FaceBox, FaceFrame, FaceInput, Head, Image, ModelSpec
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.io.bundle import Bundle
from moodring.models.networks.attention import FRAMES_PER_TICK, AttentionNet, Sizes
from moodring.models.networks.look_policy import LONGEST_WAIT_FRAMES, GaussianPolicy, HazardPolicy

NAMES = ("Fp1", "Fp2", "F3", "F4", "Fz", "C3", "C4", "Cz", "P3", "P4", "O1", "O2")
CPU = torch.device("cpu")
SIZES = Sizes(layer1=12, core=24)


class ScriptedDetector:
    """Finds a face in any picture that is not black, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        self.asked += 1
        return (FaceBox(40.0, 40.0, 60.0, 60.0, 0.9),) if image.any() else ()


def make_bundle(policy: str = "every", budget: float = 0.25, price: float = 0.0) -> Bundle:
    torch.manual_seed(5)
    modules = {"net": AttentionNet(SIZES), "hazard": HazardPolicy(SIZES.core), "gaussian": GaussianPolicy(SIZES.core)}
    tensors = {f"{k}.{name}": t.clone() for k, module in modules.items() for name, t in module.state_dict().items()}
    tensors["hazard.price"] = torch.tensor(price)
    tensors["normalisation.prior"] = torch.zeros(len(NAMES), 3)
    tensors["normalisation.scale"] = torch.full((3,), 0.3)
    spec = ModelSpec(
        kind="attention",
        inputs=(EegInput(100.0, 8, "average", 1.0, 16), FaceInput(8.0, 48)),
        outputs=tuple(Head(axis, "felt", ("low", "medium", "high"), None, 1.0, 0.2) for axis in ("valence", "arousal")),
        label_source="test",
        domain=("simulated",),
        protocol="none",
        data_hashes=(),
        seed=0,
        network={"core": 24, "layer1": 12, "policy": policy, "budget": budget, "prior_channels": ",".join(NAMES)},
    )
    return Bundle(spec=spec, tensors=tensors, sha256="0" * 64, name="test.safetensors")


def make_decoder(detector: ScriptedDetector | None = None, **settings: object) -> AttentionDecoder:
    return AttentionDecoder(make_bundle(**settings), CPU, face_detector=detector or ScriptedDetector())  # type: ignore[arg-type]


def window(seed: int, n_times: int = 256) -> EegWindow:
    samples = 5.0 * np.random.default_rng(seed).standard_normal((n_times, len(NAMES)))
    return EegWindow(samples.astype(np.float32), 256.0, NAMES, np.ones(len(NAMES), np.bool_), 1.0)


def picture(seed: int, black: bool = False) -> FaceFrame:
    image = np.random.default_rng(seed).integers(1, 255, (192, 192, 3), dtype=np.uint8)
    return FaceFrame(np.zeros_like(image) if black else image, float(seed))


def frames_looked_at(decoder: AttentionDecoder, frames: int, black: bool = False) -> list[int]:
    looked = []
    for number in range(1, frames + 1):
        if decoder.frame(number / 8.0, picture(number, black), window(number, 128)) is not None:
            looked.append(number)
        if number % FRAMES_PER_TICK == 0:
            decoder.tick(window(number))
    return looked


def test_there_is_no_answer_before_the_first_tick() -> None:
    decoder = make_decoder()
    with pytest.raises(MoodringError, match=r"call tick\(\) before read\(\)"):
        decoder.read()
    decoder.tick(window(1))
    assert [head.name for head in decoder.read()] == ["valence", "arousal"]
    assert all(sum(head.probabilities or ()) == pytest.approx(1.0, abs=1e-6) for head in decoder.read())


def test_every_frame_is_looked_at_where_the_policy_says_so() -> None:
    assert frames_looked_at(make_decoder(policy="every"), 8) == list(range(1, 9))


def test_uniform_looks_are_regular_and_spend_the_budget() -> None:
    looked = frames_looked_at(make_decoder(policy="uniform", budget=0.25), 40)
    assert len(looked) == 10 + 1
    assert set(np.diff(looked)) <= {3, 4}


def test_only_frames_looked_at_are_searched_for_a_face() -> None:
    detector = ScriptedDetector()
    looked = frames_looked_at(make_decoder(detector, policy="uniform", budget=0.25), 40)
    assert detector.asked == len(looked)


def test_the_hazard_policy_never_waits_longer_than_ten_seconds() -> None:
    looked = frames_looked_at(make_decoder(policy="hazard", price=1e6), 2 * LONGEST_WAIT_FRAMES + 8)
    assert looked[0] == 1
    assert np.diff(looked).tolist() == [LONGEST_WAIT_FRAMES, LONGEST_WAIT_FRAMES]


def test_a_face_that_was_lost_is_searched_for_once_a_second() -> None:
    looked = frames_looked_at(make_decoder(policy="hazard", price=1e6), 33, black=True)
    assert looked == [1, 9, 17, 25, 33]


def test_a_price_below_every_gain_looks_at_every_frame() -> None:
    assert frames_looked_at(make_decoder(policy="hazard", price=-1e6), 12) == list(range(1, 13))


def test_looks_change_the_answer_and_absent_faces_do_not() -> None:
    def after(black: bool) -> tuple[float, ...]:
        decoder = make_decoder(policy="every")
        frames_looked_at(decoder, 16, black)
        return decoder.read()[0].probabilities or ()

    def without() -> tuple[float, ...]:
        decoder = make_decoder(policy="every")
        for number in range(1, 17):
            decoder.frame(number / 8.0, None, None)
            if number % FRAMES_PER_TICK == 0:
                decoder.tick(window(number))
        return decoder.read()[0].probabilities or ()

    assert after(True) == without()
    assert after(False) != without()


class TwoPeople(ScriptedDetector):
    """Finds one face on the left, later another on the right."""

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        self.asked += 1
        left = 10.0 if self.asked <= 8 else 120.0
        return (FaceBox(left, 40.0, 60.0, 60.0, 0.9),) if self.asked <= 8 or self.asked > 110 else ()


def test_another_face_is_told_and_what_was_seen_of_the_one_before_is_forgotten() -> None:
    decoder = make_decoder(TwoPeople(), policy="every")
    seen = []
    for number in range(1, 121):
        sighting = decoder.frame(number / 8.0, picture(number), None)
        assert sighting is not None
        seen.append((sighting.state, sighting.person))
        if number % FRAMES_PER_TICK == 0:
            decoder.tick(None)
        if sighting.state == "changed":
            fresh = make_decoder(policy="every")
            assert torch.equal(decoder._core, fresh._core)
    assert seen[0] == ("tracked", 1)
    assert ("changed", 2) in seen
    assert seen[-1] == ("tracked", 2)


def test_a_reset_decoder_gives_the_same_again() -> None:
    decoder = make_decoder(policy="hazard", price=0.0)
    first = frames_looked_at(decoder, 40), decoder.read()
    decoder.reset()
    assert (frames_looked_at(decoder, 40), decoder.read()) == first


def test_foreign_weights_and_unknown_policies_are_refused() -> None:
    bundle = make_bundle()
    with pytest.raises(MoodringError, match="policy of looks 'oracle'"):
        AttentionDecoder(
            replace(bundle, spec=replace(bundle.spec, network={**bundle.spec.network, "policy": "oracle"})), CPU
        )
    with pytest.raises(MoodringError, match="do not fit its sizes"):
        AttentionDecoder(replace(bundle, spec=replace(bundle.spec, network={**bundle.spec.network, "core": 30})), CPU)
    with pytest.raises(MoodringError, match="kind 'speech'"):
        AttentionDecoder(replace(bundle, spec=replace(bundle.spec, kind="speech")), CPU)


def test_a_bundle_of_a_corpus_answers_what_was_rated_and_ignores_cameras_nobody_had() -> None:
    whole = make_bundle()
    spec = replace(whole.spec, inputs=whole.spec.inputs[:1], outputs=whole.spec.outputs[1:])
    detector = ScriptedDetector()
    alone = AttentionDecoder(replace(whole, spec=spec), CPU, face_detector=detector)
    both = AttentionDecoder(whole, CPU, face_detector=ScriptedDetector())
    assert frames_looked_at(alone, 8) == []
    assert detector.asked == 0
    frames_looked_at(both, 8, black=True)
    (arousal,) = alone.read()
    assert arousal.name == "arousal"
    assert arousal.probabilities == both.read()[1].probabilities
