"""Ablations of the attention model: what is withheld changes nothing, and what is left says what it would say alone."""

from collections.abc import Container
from dataclasses import replace

import numpy as np
import pytest
import torch

from moodring.models.contract import Ablation
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.networks.attention import FRAMES_PER_TICK
from tests.models.decoders.test_attention import TwoPeople, make_bundle, make_decoder, picture, window
from tests.models.decoders.test_domain_gate import decoder_of, foreign, gated

FRAMES = 40
ALL = range(FRAMES + 1)
CLOSE = 2e-6


def decoded(
    looks: Container[int] = ALL, eeg: Container[int] = ALL, faces: int = 0, brains: int = 0
) -> AttentionDecoder:
    """Decode frames 1 to 40 with a policy that looks at every picture: pictures and EEG come at the frames named."""
    decoder = make_decoder(policy="every")
    ticked = False
    for number in range(1, FRAMES + 1):
        decoder.frame(number / 8.0, picture(faces + number) if number in looks else None, None)
        ticked = ticked or number in looks or number in eeg
        if number % FRAMES_PER_TICK == 0 and ticked:
            decoder.tick(window(brains + number) if number in eeg else None)
    return decoder


def told(decoder: AttentionDecoder) -> dict[str, np.ndarray]:
    """Probabilities of both heads by what is withheld; those of the answer as "nothing"."""
    answer = [head.probabilities for head in decoder.read()]
    rows = {one.without: list(one.probabilities.values()) for one in decoder.ablations()}
    return {name: np.array(row) for name, row in ({"nothing": answer} | rows).items()}


def test_each_names_what_it_goes_without_and_has_both_heads() -> None:
    ablations = decoded().ablations()
    assert [one.without for one in ablations] == ["eeg", "face", "last_look"]
    assert all(list(one.probabilities) == ["valence", "arousal"] for one in ablations)


def test_other_eeg_changes_the_answer_and_nothing_without_eeg() -> None:
    one, other = told(decoded()), told(decoded(brains=1000))
    assert np.array_equal(one["eeg"], other["eeg"])
    for name in ("nothing", "face", "last_look"):
        assert np.abs(one[name] - other[name]).max() > 1e-4, name


def test_other_faces_change_the_answer_and_nothing_without_the_face() -> None:
    one, other = told(decoded()), told(decoded(faces=1000))
    assert np.array_equal(one["face"], other["face"])
    for name in ("nothing", "eeg", "last_look"):
        assert np.abs(one[name] - other[name]).max() > 1e-4, name


def test_what_is_left_answers_as_it_does_in_a_session_that_never_had_the_rest() -> None:
    whole = told(decoded())
    assert np.abs(whole["face"] - told(decoded(looks=()))["nothing"]).max() < CLOSE
    assert np.abs(whole["eeg"] - told(decoded(eeg=()))["nothing"]).max() < CLOSE
    assert np.abs(whole["face"] - whole["eeg"]).max() > 1e-4


def test_what_comes_late_begins_late_without_the_rest() -> None:
    late = range(21, FRAMES + 1)
    assert np.abs(told(decoded(looks=late))["eeg"] - told(decoded(looks=late, eeg=()))["nothing"]).max() < CLOSE
    assert np.abs(told(decoded(eeg=late))["face"] - told(decoded(looks=(), eeg=late))["nothing"]).max() < CLOSE


@pytest.mark.parametrize(("looks", "before"), [((3, 17), (3,)), ((17, 18, 19), (17, 18)), ((17,), ())])
def test_without_the_last_look_is_the_session_in_which_it_was_not_made(
    looks: tuple[int, ...], before: tuple[int, ...]
) -> None:
    whole, without = told(decoded(looks=looks)), told(decoded(looks=before))
    assert np.abs(whole["last_look"] - without["nothing"]).max() < CLOSE
    assert np.abs(whole["last_look"] - whole["nothing"]).max() > 1e-5


def test_only_a_look_that_found_a_face_is_the_last_one() -> None:
    decoder = decoded(looks=(3, 17))
    before = told(decoder)["last_look"]
    decoder.frame(5.125, picture(1, black=True), None)
    again = decoded(looks=(3, 17))
    again.frame(5.125, None, None)
    for one in (decoder, again):
        one.tick(window(99))
    assert np.array_equal(told(decoder)["last_look"], told(again)["last_look"])
    assert not np.array_equal(told(decoder)["last_look"], before)


def test_nothing_is_told_where_nothing_came() -> None:
    assert [one.without for one in decoded(looks=(), eeg=ALL).ablations()] == ["face"]
    assert [one.without for one in decoded(looks=(17,), eeg=()).ablations()] == ["eeg"]
    decoder = decoded()
    decoder.reset()
    assert decoder.ablations() == ()
    alone = make_bundle()
    blind = AttentionDecoder(
        replace(alone, spec=replace(alone.spec, inputs=alone.spec.inputs[:1])), torch.device("cpu")
    )
    blind.tick(window(1))
    assert blind.ablations() == ()


def test_answers_do_not_depend_on_the_ablations(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decoded().read()
    monkeypatch.setattr("moodring.models.decoders.ablated_cores.AblatedCores.tick", lambda *_: None)
    alone = decoded()
    assert alone.ablations() == ()
    assert alone.read() == whole


def test_another_face_is_forgotten_without_eeg_too_and_kept_out_of_what_has_no_face() -> None:
    def after(eeg: bool, pictures: bool) -> tuple[AttentionDecoder, list[str]]:
        decoder, states = make_decoder(TwoPeople(), policy="every"), []
        for number in range(1, 129):
            seen = decoder.frame(number / 8.0, picture(number) if pictures else None, None)
            states.append("" if seen is None else seen.state)
            if number % FRAMES_PER_TICK == 0:
                if seen is not None and seen.state == "changed":
                    assert [one.without for one in decoder.ablations()] == ["eeg", "face"]
                decoder.tick(window(number) if eeg else None)
        return decoder, states

    whole, states = after(True, True)
    assert "changed" in states
    assert np.abs(told(whole)["eeg"] - told(after(False, True)[0])["nothing"]).max() < CLOSE
    assert np.abs(told(whole)["face"] - told(after(True, False)[0])["nothing"]).max() < CLOSE


def test_eeg_outside_the_domain_reaches_no_ablation() -> None:
    def after(foreign_from: int) -> dict[str, np.ndarray]:
        decoder = decoder_of(gated())
        for seed in range(40):
            decoder.frame(seed / 2, picture(seed), None)
            decoder.tick(foreign(seed + foreign_from) if seed >= 10 else window(seed))
        assert decoder.domain.unlike is not None
        return told(decoder)

    one, other = after(0), after(500)
    assert np.array_equal(one["eeg"], other["eeg"])


def test_an_ablation_is_probabilities_of_heads_that_are_there() -> None:
    with pytest.raises(ValueError, match=r"without eeg needs probabilities in 0\.\.1 that add up to 1"):
        Ablation("eeg", {"valence": (0.9, 0.3, 0.1)})
    with pytest.raises(ValueError, match="needs finite numbers"):
        Ablation("eeg", {"valence": (float("nan"), 0.3, 0.1)})
