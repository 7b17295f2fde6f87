import os
import stat

import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.configs.schema.load import load
from moodring.realtime.lab.profiles import LAST, Profiles

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp"), rename={"EEG 001": "Fp1"}, delay_s=0.03))


def test_a_profile_is_a_config_that_live_takes_too(tmp_path):
    profiles = Profiles(tmp_path / "profiles")
    assert profiles.names() == ()
    path = profiles.save("Lab 2, big amp", CONFIG)
    assert load(path, LiveConfig) == CONFIG == profiles.load("Lab 2, big amp")
    profiles.save("another", CONFIG)
    profiles.save(LAST, CONFIG)
    assert profiles.names()[0] == profiles.path(LAST).stem
    assert len(profiles.names()) == 3


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX")
def test_a_profile_may_name_a_person_and_is_for_its_user_alone(tmp_path):
    path = Profiles(tmp_path / "profiles").save("lab", CONFIG)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", "   "])
def test_a_profile_needs_a_name(tmp_path, name):
    with pytest.raises(ConfigError, match="needs a name"):
        Profiles(tmp_path).save(name, CONFIG)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "con"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    profiles = Profiles(tmp_path / "profiles")
    assert profiles.save(name, CONFIG).parent == tmp_path / "profiles"


def test_a_disk_that_refuses_and_a_profile_that_is_missing_are_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(MoodringError, match="cannot be written"):
        Profiles(tmp_path / "file").save("lab", CONFIG)
    with pytest.raises(ConfigError, match="does not exist"):
        Profiles(tmp_path).load("lab")
