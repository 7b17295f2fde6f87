from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import EegInput, EegWindow, FaceBox, FaceFrame, FaceInput, Head, Image, ModelSpec
from moodring.models.contract.specs import kept_classes
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.io.bundle import Bundle, load_bundle, save_bundle
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


def window(seed: int, n_times: int = 256, gain: float = 5.0) -> EegWindow:
    samples = gain * np.random.default_rng(seed).standard_normal((n_times, len(NAMES)))
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
    with pytest.raises(MoodringError, match="budget is None"):
        AttentionDecoder(
            replace(bundle, spec=replace(bundle.spec, network={**bundle.spec.network, "budget": None})),  # type: ignore[dict-item]
            CPU,
        )
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


class FacesByTime:
    """Finds the faces that a script has for the picture's first value."""

    def __init__(self, script: Mapping[int, tuple[FaceBox, ...]]) -> None:
        self._script = script

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        return self._script.get(int(image[0, 0, 0]), ())


def numbered(number: int) -> FaceFrame:
    image = np.array(picture(number).image)
    image[0, 0, 0] = number
    return FaceFrame(image, float(number))


def test_the_region_says_whose_face_it_is() -> None:
    left, right = FaceBox(20.0, 30.0, 60.0, 70.0, 0.9), FaceBox(120.0, 40.0, 50.0, 60.0, 0.9)
    decoder = AttentionDecoder(
        make_bundle(),
        CPU,
        face_detector=FacesByTime({1: (left, right)}),
        region=(0.5, 0.0, 0.5, 1.0),  # type: ignore[arg-type]
    )
    seen = decoder.frame(2.0, numbered(1), None)
    assert seen is not None
    assert (seen.box, seen.state, seen.faces) == (right, "tracked", 1)


def answer(*windows: EegWindow, rest: Sequence[EegWindow] = ()) -> tuple[float, ...]:
    """Valence after ticks with these windows, without a face."""
    decoder = make_decoder()
    for one in rest:
        decoder.rest(one)
    for one in windows:
        decoder.tick(one)
    return decoder.read()[0].probabilities or ()


def test_what_was_read_before_still_counts() -> None:
    assert not np.allclose(answer(window(1), window(3)), answer(window(2, gain=50.0), window(3)))


def test_reading_does_not_move_the_state() -> None:
    decoder = make_decoder()
    decoder.tick(window(1))
    assert decoder.read() == decoder.read()


def test_bands_are_weighed_only_where_there_is_eeg() -> None:
    decoder = make_decoder()
    decoder.tick(window(1))
    assert decoder.band_attention is not None
    assert float(decoder.band_attention.sum()) == pytest.approx(1.0, abs=1e-5)
    decoder.tick(None)
    assert decoder.band_attention is None


def test_samples_that_are_no_numbers_count_as_absent() -> None:
    broken = window(1)
    broken.samples_uv[10, 3] = np.nan
    decoder = make_decoder()
    decoder.tick(broken)
    assert decoder.band_attention is None
    assert np.isfinite(decoder.read()[0].probabilities or ()).all()


def test_bad_channels_are_left_out() -> None:
    good = np.ones(len(NAMES), np.bool_)
    good[3] = False
    answers = []
    for loud in (1.0, 1000.0):
        cut = window(1)
        cut.samples_uv[:, 3] *= loud
        answers.append(answer(replace(cut, good=good)))
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)


def test_rest_calibrates() -> None:
    decoder = make_decoder()
    for k in range(10):
        assert not decoder.calibrated
        decoder.rest(window(k))
    assert decoder.calibrated
    decoder.reset()
    assert not decoder.calibrated


def test_rest_takes_out_the_gain_of_a_person() -> None:
    distance = []
    for windows in (0, 40):
        read = [
            answer(window(1, gain=gain), rest=[window(100 + k, gain=gain) for k in range(windows)])
            for gain in (5.0, 15.0)
        ]
        distance.append(np.abs(np.subtract(*read)).max())
    assert distance[1] < 0.3 * distance[0]


def test_streams_that_do_not_fit_are_refused_with_both_values() -> None:
    decoder = make_decoder()
    decoder.check_eeg(NAMES, 256.0)
    with pytest.raises(MoodringError, match=r"4 channels on the scalp.*at least 8"):
        decoder.check_eeg(("TP9", "AF7", "AF8", "TP10", "AUX"), 256.0)
    with pytest.raises(MoodringError, match=r"64 Hz.*at least 100 Hz"):
        decoder.check_eeg(NAMES, 64.0)


def test_random_looks_follow_the_seed_and_spend_the_budget() -> None:
    def looked(seed: int) -> list[int]:
        decoder = AttentionDecoder(make_bundle(), CPU, "random", seed, face_detector=ScriptedDetector())  # type: ignore[arg-type]
        return [number for number in range(400) if decoder.frame(number / 8.0, picture(1), None) is not None]

    assert looked(1) == looked(1) != looked(2)
    assert len(looked(1)) == pytest.approx(100, abs=30)


def test_a_saved_bundle_decodes_the_same(tmp_path: Path) -> None:
    bundle = make_bundle(policy="hazard")
    save_bundle(tmp_path / "b.safetensors", bundle.spec, bundle.tensors)
    loaded = AttentionDecoder(load_bundle(tmp_path / "b.safetensors"), CPU, face_detector=ScriptedDetector())  # type: ignore[arg-type]
    made = make_decoder(policy="hazard")
    assert (frames_looked_at(loaded, 24), loaded.read()) == (frames_looked_at(made, 24), made.read())


def test_sets_are_never_empty() -> None:
    assert kept_classes(np.array([0.3, 0.4, 0.3], np.float32), 0.9) == (1,)
    assert kept_classes(np.array([0.3, 0.4, 0.3], np.float32), 0.3) == (0, 1, 2)
