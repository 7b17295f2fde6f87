"""The decoder of faces: aligned or whole, calibrated, and picky about its bundle."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FaceBox, FaceInput, Head
from moodring.models.decoders.face_expression import (
    AROUSAL,
    EMOTION,
    LABELS,
    MIRRORED,
    VALENCE,
    FaceExpressionDecoder,
)
from moodring.models.fusion.circumplex import PLACES
from moodring.models.io.bundle import Bundle, bundled, load_bundle, save_bundle
from moodring.models.signals.face.alignment import POINTS, align_face
from moodring.models.signals.face.detection import FoundFace
from tests.support.face_bundles import untrained
from tests.support.fer_fake import fer_face

CPU = torch.device("cpu")
FRAME = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
FRAME[60:180, 90:210] = np.kron(fer_face("happy", 1)[:40, :40], np.ones((3, 3), np.uint8))[:, :, None]
FACE = FoundFace(FaceBox(90.0, 60.0, 120.0, 120.0, 0.9), 2.8 * POINTS + (80.0, 60.0))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return untrained()


@pytest.fixture(scope="module")
def decoder(bundle: Bundle) -> FaceExpressionDecoder:
    return FaceExpressionDecoder(bundle, CPU)


def test_a_face_of_a_frame_is_read_aligned(decoder: FaceExpressionDecoder) -> None:
    said = decoder.read(FRAME, FACE)
    logits, embedding = decoder.logits(align_face(FRAME, FACE)[None])
    assert said.emotions == pytest.approx(softmax(logits[EMOTION][0]), abs=1e-6)
    assert said.labels == pytest.approx(softmax(logits[LABELS][0]), abs=1e-6)
    assert np.array_equal(said.embedding, embedding[0])
    assert said.quality.score == 0.9


def test_a_tight_crop_is_read_whole(decoder: FaceExpressionDecoder) -> None:
    crop = fer_face("sad", 2)
    said = decoder.read_whole(np.repeat(crop[:, :, None], 3, axis=2))
    assert said.emotions == pytest.approx(softmax(decoder.logits(crop[None])[0][EMOTION][0]), abs=1e-6)
    assert said.quality.score is None


def test_a_mirrored_bundle_answers_alike_for_a_face_and_its_mirror_image(bundle: Bundle) -> None:
    spec = replace(bundle.spec, network={**bundle.spec.network, MIRRORED: 1})
    plain, both = FaceExpressionDecoder(bundle, CPU), FaceExpressionDecoder(replace(bundle, spec=spec), CPU)
    crops = np.stack([fer_face("happy", 1), fer_face("fear", 2)])
    mirrored = np.ascontiguousarray(crops[:, :, ::-1])
    logits, embedding = both.logits(crops)
    for name in (EMOTION, LABELS):
        one, other = plain.logits(crops)[0][name], plain.logits(mirrored)[0][name]
        assert not np.allclose(one, other, atol=1e-3)
        assert np.allclose(logits[name], (one + other) / 2, atol=1e-5)
        assert np.allclose(logits[name], both.logits(mirrored)[0][name], atol=1e-5)
    assert np.allclose(embedding, plain.logits(crops)[1], atol=1e-5)


def test_valence_and_arousal_are_the_emotions_places(decoder: FaceExpressionDecoder) -> None:
    said = decoder.read(FRAME, FACE)
    places = [PLACES[name] for name in decoder.emotion.classes]
    assert said.affect.valence == pytest.approx(
        sum(p * one.valence for p, one in zip(said.emotions, places, strict=True))
    )
    assert said.affect.arousal == pytest.approx(
        sum(p * one.arousal for p, one in zip(said.emotions, places, strict=True))
    )


def test_a_temperature_flattens_without_another_answer(bundle: Bundle, decoder: FaceExpressionDecoder) -> None:
    outputs = tuple(replace(one, temperature=3.0) if one.name == EMOTION else one for one in bundle.spec.outputs)
    warm = FaceExpressionDecoder(replace(bundle, spec=replace(bundle.spec, outputs=outputs)), CPU).read(FRAME, FACE)
    plain = decoder.read(FRAME, FACE)
    assert warm.emotions.argmax() == plain.emotions.argmax()
    assert warm.emotions.max() < plain.emotions.max()
    assert np.array_equal(warm.labels, plain.labels)


def test_faces_of_a_batch_do_not_touch_each_other(decoder: FaceExpressionDecoder) -> None:
    crops = np.stack([fer_face("angry", 1), fer_face("fear", 4), fer_face("happy", 2)])
    together, _ = decoder.logits(crops)
    for i, crop in enumerate(crops):
        assert together[LABELS][i] == pytest.approx(decoder.logits(crop[None])[0][LABELS][0], abs=1e-4)


def test_half_precision_is_what_the_file_holds_and_what_is_read(bundle: Bundle, tmp_path) -> None:
    path = tmp_path / "face.safetensors"
    save_bundle(path, bundle.spec, bundle.tensors)
    assert path.stat().st_size < 2_200_000
    again = FaceExpressionDecoder(load_bundle(path, "face_expression"), CPU)
    assert again.read(FRAME, FACE).emotions == pytest.approx(
        FaceExpressionDecoder(bundle, CPU).read(FRAME, FACE).emotions
    )


def with_heads(bundle: Bundle, *heads: Head) -> Bundle:
    return replace(bundle, spec=replace(bundle.spec, outputs=heads))


def test_a_bundle_of_another_make_is_refused_in_one_line(bundle: Bundle) -> None:
    spec = bundle.spec
    outputs = spec.outputs
    for wrong, what in (
        (replace(bundle, spec=replace(spec, kind="attention")), "is of kind 'attention'"),
        (replace(bundle, spec=replace(spec, inputs=(FaceInput(8.0, 64),))), "faces of 48 pixels"),
        (replace(bundle, spec=replace(spec, outputs=outputs[:2])), "with heads face, face_fer2013;"),
        (with_heads(bundle, replace(outputs[0], classes=("bored", "awake")), *outputs[1:]), "bored, awake are not all"),
        (with_heads(bundle, outputs[0], replace(outputs[1], classes=("a", "b")), *outputs[2:]), "weights do not fit"),
    ):  # fmt: skip
        with pytest.raises(MoodringError, match=what) as caught:
            FaceExpressionDecoder(wrong, CPU)
        assert "\n" not in str(caught.value)


def test_the_shipped_bundle_says_what_it_is() -> None:
    shipped = load_bundle(bundled("face"), "face_expression")
    assert bundled("face").stat().st_size <= 4_000_000
    assert [head.name for head in shipped.spec.outputs] == [EMOTION, LABELS, VALENCE, AROUSAL]
    assert {head.construct for head in shipped.spec.outputs} == {"expressed in the face"}
    card = bundled("face").with_suffix(".md").read_text(encoding="utf-8")
    assert "licence of the pictures is unclear" in card
    assert shipped.spec.data_hashes[0] in card
    FaceExpressionDecoder(shipped, CPU)
