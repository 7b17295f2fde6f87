import numpy as np
import pytest

from moodring.models.fusion.circumplex import PLACES, affect_of

NAMES = ("anger", "boredom", "calm", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def test_every_class_of_the_speech_and_face_models_has_a_place():
    assert tuple(sorted(PLACES)) == NAMES
    for place in PLACES.values():
        assert -1 <= place.valence <= 1
        assert -1 <= place.arousal <= 1
        assert min(place.valence_sd, place.arousal_sd) > 0


@pytest.mark.parametrize(
    ("name", "valence", "arousal"),
    [("anger", -1, 1), ("sadness", -1, -1), ("happiness", 1, 1), ("boredom", -1, -1), ("calm", 1, -1), ("fear", -1, 1)],
)
def test_each_lies_in_its_quadrant(name, valence, arousal):
    assert np.sign(PLACES[name].valence) == valence
    assert np.sign(PLACES[name].arousal) == arousal


def test_a_sure_category_lies_where_the_table_says():
    said = affect_of(NAMES, [1.0 if name == "fear" else 0.0 for name in NAMES])
    assert (said.valence, said.arousal) == pytest.approx((-0.5175, 0.285))
    assert (said.valence_sd, said.arousal_sd) == pytest.approx((0.5, 0.5))


def test_doubt_between_distant_categories_is_spread():
    said = affect_of(("anger", "happiness"), (0.5, 0.5))
    assert said.valence == pytest.approx(0.0)
    assert said.arousal == pytest.approx(2 / 3)
    assert said.valence_sd == pytest.approx((1 / 9 + 4 / 9) ** 0.5)
    assert said.arousal_sd == pytest.approx(1 / 3)


def test_it_is_the_mean_and_spread_of_draws():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(len(NAMES)))
    drawn = rng.choice(len(NAMES), 400_000, p=shares)
    table = np.array([(PLACES[n].valence, PLACES[n].valence_sd) for n in NAMES])
    valence = rng.normal(table[drawn, 0], table[drawn, 1])
    said = affect_of(NAMES, shares.tolist())
    assert said.valence == pytest.approx(valence.mean(), abs=0.01)
    assert said.valence_sd == pytest.approx(valence.std(), abs=0.01)


def test_only_shares_count():
    assert affect_of(("anger", "calm"), (2.0, 6.0)) == affect_of(("anger", "calm"), (0.25, 0.75))


def test_a_category_without_a_place_says_nothing():
    assert affect_of(("anger", "sarcasm"), (0.5, 0.5)) is None
    assert affect_of(("anger",), (0.0,)) is None
