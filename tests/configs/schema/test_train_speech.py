from pathlib import Path

import pytest

import moodring
from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_speech import TrainSpeechConfig

SHIPPED = Path(moodring.__file__).parent / "configs" / "train_speech.toml"


def test_the_shipped_config_is_valid_and_says_what_the_defaults_say() -> None:
    config = load(SHIPPED, TrainSpeechConfig)
    assert config == TrainSpeechConfig()
    assert len(config.people.training_seeds) == config.people.count


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ({"count": 801}, "801.*in two groups"),
        ({"test_seeds": [808, 901]}, "808.*in two groups"),
        ({"test_seeds": [1005]}, "1005.*final test"),
        ({"stopping_seeds": []}, "at least 1 item"),
        ({"difficulty": "brutal"}, "benchmark"),
    ],
)
def test_people_must_stay_apart(people: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check({"people": people}, TrainSpeechConfig, "train.toml")
