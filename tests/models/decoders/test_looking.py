"""What the policy of looks went by, told at every frame."""

import numpy as np
import pytest
import torch

from moodring.models.contract import EegWindow, FaceFrame, Periphery
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.networks.attention import FRAMES_PER_TICK
from moodring.models.networks.face_nets import standardised
from moodring.models.networks.look_policy import LONGEST_WAIT_FRAMES, THUMBNAIL
from moodring.models.signals.face.images import crop_face, thumbnail
from tests.models.decoders.test_attention import NAMES, ScriptedDetector, make_bundle, picture, window


def watched(
    frames: int, price: float = 0.0, *, policy: str = "hazard", black: bool = False, still_from: int = 10**6
) -> list[Periphery]:
    """The periphery at every frame of new pictures, the same one again from a frame on."""
    bundle = make_bundle(policy=policy, price=price)
    decoder = AttentionDecoder(bundle, torch.device("cpu"), face_detector=ScriptedDetector())  # type: ignore[arg-type]
    told = []
    for number in range(1, frames + 1):
        seen = decoder.frame(number / 8.0, picture(min(number, still_from), black), window(number, 128))
        assert decoder.periphery is not None
        told.append(decoder.periphery)
        assert told[-1].looked == (seen is not None)
        assert told[-1].time_s == number / 8.0
        if number % FRAMES_PER_TICK == 0:
            decoder.tick(window(number))
    return told


def test_a_look_is_worth_its_price_and_every_other_frame_is_not() -> None:
    gains = [one.gain for one in watched(40, 1e6) if one.gain is not None]
    price = float(np.float32(np.median(gains)))
    told = [one for one in watched(60, price) if one.why == "gain"]
    assert {one.price for one in told} == {price}
    assert {one.looked for one in told} == {True, False}
    assert all(one.looked == ((one.gain or 0.0) > price) for one in told)


def test_a_high_price_leaves_the_longest_wait_and_says_so() -> None:
    told = watched(LONGEST_WAIT_FRAMES + 1, 1e6)
    assert (told[0].why, told[0].looked, told[0].gain) == ("search", True, None)
    assert {(one.why, one.looked) for one in told[1:-1]} == {("gain", False)}
    assert (told[-1].why, told[-1].looked, told[-1].waited_frames) == ("longest_wait", True, LONGEST_WAIT_FRAMES)
    assert [one.waited_frames for one in told[1:]] == list(range(1, LONGEST_WAIT_FRAMES + 1))


def test_without_a_face_it_searches_and_weighs_nothing() -> None:
    told = watched(17, 1e6, black=True)
    assert {one.why for one in told} == {"search"}
    assert [one.time_s * 8 for one in told if one.looked] == [1, 9, 17]
    assert {(one.gain, one.price, one.motion, one.change, one.expression) for one in told} == {(None,) * 5}


@pytest.mark.parametrize(("policy", "why"), [("uniform", "schedule"), ("gaussian", "schedule"), ("every", "every")])
def test_other_policies_say_that_they_weigh_nothing(policy: str, why: str) -> None:
    told = watched(12, policy=policy)
    assert {one.why for one in told} == {why}
    assert {(one.gain, one.price, one.theta) for one in told} == {(None, None, None)}
    assert (sum(one.looked for one in told) == len(told)) == (policy == "every")


def test_without_a_picture_there_is_no_look_and_it_is_said() -> None:
    decoder = AttentionDecoder(make_bundle(policy="every"), torch.device("cpu"), face_detector=ScriptedDetector())  # type: ignore[arg-type]
    assert decoder.periphery is None
    decoder.frame(0.125, None, None)
    assert decoder.periphery is not None
    assert (decoder.periphery.why, decoder.periphery.looked) == ("no_picture", False)


def test_motion_and_change_are_of_the_picture() -> None:
    told = watched(200, 1e6, still_from=20)
    assert all((one.motion or 0.0) > 0.05 for one in told[2:19])
    still = [one for one in told[20:] if one.motion is not None]
    assert max(one.motion or 0.0 for one in still) == pytest.approx(0.0, abs=1e-6)
    assert (told[21].change or 0.0) > 5 * (told[-1].change or 0.0) > 0.0


def test_motion_is_the_mean_difference_of_standardised_thumbnails() -> None:
    box = ScriptedDetector().find_all(picture(1).image)[0]
    pictures = [thumbnail(crop_face(picture(number).image, box, 2 * THUMBNAIL)) for number in (4, 5)]
    before, now = standardised(torch.from_numpy(np.stack(pictures)))
    assert watched(5, 1e6)[-1].motion == pytest.approx(float((now - before).abs().mean()), rel=1e-4)


def test_theta_rises_with_the_midline_and_is_none_without_eeg() -> None:
    def at(frames: int, loud: float) -> float | None:
        decoder = AttentionDecoder(make_bundle(policy="hazard"), torch.device("cpu"), face_detector=ScriptedDetector())  # type: ignore[arg-type]
        for number in range(1, frames):
            decoder.frame(number / 8.0, picture(1), theta_window(1.0))
        decoder.frame(frames / 8.0, picture(1), theta_window(loud) if loud else None)
        assert decoder.periphery is not None
        return decoder.periphery.theta

    assert at(20, 0.0) is None
    assert at(20, 1.0) == pytest.approx(0.0, abs=1e-5)
    assert (at(20, 3.0) or 0.0) > 0.5
    assert (at(20, 0.3) or 0.0) < -0.5


def theta_window(gain: float) -> EegWindow:
    wave = gain * 10.0 * np.sin(2 * np.pi * 6.0 * np.arange(128) / 256.0)
    samples = np.tile(wave[:, None], (1, len(NAMES))).astype(np.float32)
    return EegWindow(samples, 256.0, NAMES, np.ones(len(NAMES), np.bool_), 1.0)


def test_the_expression_is_the_policys_own_reading() -> None:
    bundle = make_bundle(policy="hazard", price=1e6)
    for bias, expected in ((8.0, 1.0), (-8.0, 0.0)):
        tensors = {**bundle.tensors, "hazard.expression.bias": torch.tensor([bias])}
        changed = type(bundle)(bundle.spec, tensors, bundle.sha256, bundle.name)
        decoder = AttentionDecoder(changed, torch.device("cpu"), face_detector=ScriptedDetector())  # type: ignore[arg-type]
        for number in range(1, 4):
            decoder.frame(number / 8.0, FaceFrame(picture(number).image, 0.0), None)
        assert decoder.periphery is not None
        assert decoder.periphery.expression == pytest.approx(expected, abs=0.01)
