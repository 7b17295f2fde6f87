from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import EegInput, EegWindow, FaceBox, FaceFrame, FaceInput, Head, Image, Look, ModelSpec
from moodring.models.contract.specs import kept_classes
from moodring.models.decoders.video_eeg import VideoEegDecoder, random_wait
from moodring.models.io.bundle import Bundle, load_bundle, save_bundle
from moodring.models.networks.video_eeg import Sizes, VideoEegNet

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
SWITCH = ["F3", "Fz", "F4", "FC3", "FCz", "FC4", "C5", "C3", "C1", "Cz", "C2", "C4", "C6", "CP5", "CP4", "Pz"]
CPU = torch.device("cpu")


class ScriptedFinder:
    """Finds a face in any picture that is not black."""

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        return (FaceBox(40.0, 40.0, 60.0, 60.0, 0.9),) if image.any() else ()


def make_bundle(network: Mapping[str, float | int | str] | None = None, kind: str = "video_eeg") -> Bundle:
    torch.manual_seed(5)
    sizes = Sizes(core=24, layer1=12)
    net = VideoEegNet(sizes)
    with torch.no_grad():
        net.policy.weight.normal_(0.0, 3.0)
        net.heads.weight.mul_(5.0)
    tensors = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    tensors["normalisation.prior"] = torch.zeros(len(NAMES), 3)
    tensors["normalisation.scale"] = torch.full((3,), 0.3)
    spec = ModelSpec(
        kind=kind,
        inputs=(EegInput(100.0, 8, "average", 1.0, 16), FaceInput(8.0, 48)),
        outputs=(
            Head("valence", "felt", ("low", "medium", "high"), None, 1.0, 0.2),
            Head("arousal", "felt", ("low", "medium", "high"), None, 2.0, 0.2),
        ),
        label_source="test",
        domain=("simulated",),
        protocol="none",
        data_hashes=(),
        seed=0,
        network={
            "core": 24,
            "layer1": 12,
            "mean_wait_frames": 9.7,
            "prior_channels": ",".join(NAMES),
            **(network or {}),
        },
    )
    return Bundle(spec=spec, tensors=tensors, sha256="0" * 64, name="test.safetensors")


def make_decoder(**settings: object) -> VideoEegDecoder:
    return VideoEegDecoder(make_bundle(), CPU, face_detector=ScriptedFinder(), **settings)  # type: ignore[arg-type]


def window(seed: int, end_s: float, gain: float = 5.0) -> EegWindow:
    samples = gain * np.random.default_rng(seed).standard_normal((256, len(NAMES)))
    return EegWindow(samples.astype(np.float32), 256.0, NAMES, np.ones(len(NAMES), np.bool_), end_s)


def frame(seed: int, stamp_s: float) -> FaceFrame:
    image = np.random.default_rng(seed).integers(1, 255, (192, 192, 3), dtype=np.uint8)
    return FaceFrame(image, stamp_s)


def run(decoder: VideoEegDecoder, looks: int = 6) -> list[np.ndarray]:
    for k in range(12):
        decoder.rest(window(100 + k, 1.0 + k / 2))
    read = []
    for n in range(looks):
        decoder.look(7.0 + n, window(n, 7.0 + n), frame(n, 7.0 + n))
        read.append(np.concatenate([head.probabilities for head in decoder.read()]))
    return read


def test_the_same_input_gives_the_same_answer_again_and_after_reset() -> None:
    decoder = make_decoder()
    first = run(decoder)
    decoder.reset()
    np.testing.assert_array_equal(first, run(decoder))
    np.testing.assert_array_equal(first, run(make_decoder()))


def test_probabilities_and_sets() -> None:
    decoder = make_decoder()
    read = np.array(run(decoder))
    np.testing.assert_allclose(read.reshape(-1, 2, 3).sum(axis=2), 1.0, atol=1e-5)
    valence, arousal = decoder.read()
    assert (valence.name, arousal.name) == ("valence", "arousal")
    assert valence.kept == tuple(int(i) for i in np.flatnonzero(np.array(valence.probabilities) >= 0.2))


def test_the_state_persists_between_looks() -> None:
    one, other = make_decoder(), make_decoder()
    one.look(2.0, window(1, 2.0), None)
    other.look(2.0, window(2, 2.0, gain=50.0), None)
    for decoder in (one, other):
        decoder.look(3.0, window(3, 3.0), None)
    assert not np.allclose(one.read()[0].probabilities, other.read()[0].probabilities)


def test_reading_does_not_move_the_state() -> None:
    decoder = make_decoder()
    decoder.look(2.0, window(1, 2.0), frame(1, 2.0))
    np.testing.assert_array_equal(decoder.read()[1].probabilities, decoder.read()[1].probabilities)


def test_either_modality_may_be_absent_and_the_look_says_so() -> None:
    decoder = make_decoder()
    no_face = decoder.look(2.0, window(1, 2.0), None)
    black = decoder.look(3.0, window(1, 3.0), FaceFrame(np.zeros((192, 192, 3), np.uint8), 2.99))
    no_eeg = decoder.look(4.0, None, frame(1, 3.98))
    nothing = decoder.look(5.0, None, None)
    assert (no_face.eeg, no_face.face, no_face.frame_stamp_s) == (True, None, None)
    assert (black.eeg, black.face, black.frame_stamp_s) == (True, None, 2.99)
    assert not no_eeg.eeg
    assert no_eeg.face is not None
    assert no_eeg.band_attention is None
    assert not nothing.eeg
    assert no_face.band_attention is not None
    assert float(no_face.band_attention.sum()) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(decoder.read()[0].probabilities).all()


class FacesByTime:
    """Finds the faces that a script has for the picture's first value."""

    def __init__(self, script: Mapping[int, tuple[FaceBox, ...]]) -> None:
        self._script = script

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        return self._script.get(int(image[0, 0, 0]), ())


ANN, BEN = FaceBox(20.0, 30.0, 60.0, 70.0, 0.9), FaceBox(120.0, 40.0, 50.0, 60.0, 0.9)


def numbered(number: int, stamp_s: float) -> FaceFrame:
    image = np.array(frame(number, stamp_s).image)
    image[0, 0, 0] = number
    return FaceFrame(image, stamp_s)


def test_another_face_begins_where_nothing_is_known_of_a_face() -> None:
    script = {1: (ANN,), 2: (ANN, BEN), 3: (BEN,), 4: (BEN,)}

    def seen(light: float) -> tuple[list[Look], list[tuple[float, ...] | None]]:
        """Looks, and valence after each; the light falls on the first person alone."""
        decoder = VideoEegDecoder(make_bundle(), CPU, face_detector=FacesByTime(script))  # type: ignore[arg-type]
        looks, read = [], []
        for number, time_s in ((1, 3.0), (2, 4.0), (3, 5.0), (4, 7.5)):
            shown = numbered(number, time_s)
            if number < 4:
                shown.image[1:] = (light * shown.image[1:]).astype(np.uint8)
            looks.append(decoder.look(time_s, None, shown))
            read.append(decoder.read()[0].probabilities)
        return looks, read

    looks, read = seen(1.0)
    assert [(look.face_state, look.faces, look.person) for look in looks] == [
        ("tracked", 1, 1), ("tracked", 2, 1), ("none", 1, 1), ("changed", 1, 2),
    ]  # fmt: skip
    assert [look.face for look in looks] == [ANN, ANN, None, BEN]
    _, other = seen(0.2)
    assert read[:3] != other[:3]
    assert read[3] == other[3], "nothing of the first person is left"


def test_the_region_says_whose_face_it_is() -> None:
    finder = FacesByTime({1: (ANN, BEN)})
    right = VideoEegDecoder(make_bundle(), CPU, face_detector=finder, region=(0.5, 0.0, 0.5, 1.0))  # type: ignore[arg-type]
    look = right.look(2.0, None, numbered(1, 2.0))
    assert (look.face, look.face_state, look.faces) == (BEN, "tracked", 1)


def test_samples_that_are_no_numbers_count_as_absent() -> None:
    decoder = make_decoder()
    broken = window(1, 2.0)
    broken.samples_uv[10, 3] = np.nan
    assert not decoder.look(2.0, broken, None).eeg
    assert np.isfinite(decoder.read()[0].probabilities).all()


def test_bad_channels_are_left_out() -> None:
    good = np.ones(len(NAMES), np.bool_)
    good[3] = False
    answers = []
    for loud in (1.0, 1000.0):
        decoder = make_decoder()
        cut = window(1, 2.0)
        cut.samples_uv[:, 3] *= loud
        decoder.look(2.0, replace(cut, good=good), None)
        answers.append(decoder.read()[0].probabilities)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)


def test_rest_calibrates() -> None:
    decoder = make_decoder()
    assert not decoder.calibrated
    for k in range(10):
        decoder.rest(window(k, k / 2))
    assert decoder.calibrated
    decoder.reset()
    assert not decoder.calibrated


def test_rest_takes_out_the_gain_of_a_person() -> None:
    distance = []
    for windows in (0, 40):
        read = []
        for gain in (5.0, 15.0):
            decoder = make_decoder()
            for k in range(windows):
                decoder.rest(window(100 + k, k / 2, gain))
            decoder.look(22.0, window(1, 22.0, gain), None)
            read.append(decoder.read()[0].probabilities)
        distance.append(np.abs(np.subtract(read[0], read[1])).max())
    assert distance[1] < 0.3 * distance[0]


@pytest.mark.parametrize("policy", ["learned", "uniform", "random"])
def test_policies_only_look_forward(policy: str) -> None:
    decoder = make_decoder(policy=policy)
    waits = [decoder.look(2.0 + n, window(n, 2.0 + n), frame(n, 2.0 + n)).wait_frames for n in range(60)]
    assert min(waits) >= 1
    assert max(waits) <= 16
    if policy != "learned":
        assert np.mean(waits) == pytest.approx(9.7, abs=0.2 if policy == "uniform" else 1.5)


def test_random_waits_follow_the_seed() -> None:
    def waits(seed: int) -> list[int]:
        decoder = make_decoder(policy="random", seed=seed)
        return [decoder.look(2.0 + n, None, None).wait_frames for n in range(20)]

    assert waits(1) == waits(1)
    assert waits(1) != waits(2)


def test_random_wait_keeps_the_mean_at_both_ends() -> None:
    rng = np.random.default_rng(0)
    for mean in (1.0, 2.5, 10.0, 15.5, 16.0):
        drawn = [random_wait(rng, mean, 16) for _ in range(4000)]
        assert np.mean(drawn) == pytest.approx(mean, abs=0.2)
        assert 1 <= min(drawn) <= max(drawn) <= 16


def test_times_come_from_the_given_clock() -> None:
    ticks = iter([10.0, 11.5])
    decoder = make_decoder(now=lambda: next(ticks))
    decoder.look(2.0, None, None)
    assert (decoder.times.features_done_s, decoder.times.inference_done_s) == (10.0, 11.5)


def test_reading_before_looking_is_refused() -> None:
    with pytest.raises(MoodringError, match="not looked yet"):
        make_decoder().read()


def test_streams_that_do_not_fit_are_refused_with_both_values() -> None:
    decoder = make_decoder()
    decoder.check_eeg(SWITCH, 256.0)
    with pytest.raises(MoodringError, match=r"4 channels on the scalp.*at least 8"):
        decoder.check_eeg(("TP9", "AF7", "AF8", "TP10", "AUX"), 256.0)
    with pytest.raises(MoodringError, match=r"64 Hz.*at least 100 Hz"):
        decoder.check_eeg(SWITCH, 64.0)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda: make_bundle(kind="speech"), "kind 'speech'"),
        (lambda: make_bundle({"core": 32}), "do not fit its sizes"),
    ],
)
def test_bundles_that_do_not_fit_are_refused(spoil: Callable[[], Bundle], words: str) -> None:
    with pytest.raises(MoodringError, match=words):
        VideoEegDecoder(spoil(), CPU, face_detector=ScriptedFinder())


def test_a_saved_bundle_decodes_the_same(tmp_path: Path) -> None:
    bundle = make_bundle()
    save_bundle(tmp_path / "b.safetensors", bundle.spec, bundle.tensors)
    loaded = VideoEegDecoder(load_bundle(tmp_path / "b.safetensors"), CPU, face_detector=ScriptedFinder())
    np.testing.assert_array_equal(run(make_decoder()), run(loaded))


def test_sets_are_never_empty() -> None:
    assert kept_classes(np.array([0.3, 0.4, 0.3], np.float32), 0.9) == (1,)
    assert kept_classes(np.array([0.3, 0.4, 0.3], np.float32), 0.3) == (0, 1, 2)
