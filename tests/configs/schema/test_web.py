"""The page for browsers is closed unless a config opens it, and opens no further than it says."""

import pytest

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.live import LiveConfig
from moodring.configs.schema.load import load, toml_text
from moodring.configs.schema.web import LEAST_TOKEN, WebSection
from moodring.realtime.ipc.run_dir import page_of

EEG = '[eeg]\nstream = { name = "x" }\n'
TOKEN = "a-token-of-this-very-test"


def loaded(tmp_path, text):
    path = tmp_path / "lab.toml"
    path.write_text(EEG + text)
    return load(path, LiveConfig)


def test_it_is_closed_unless_an_address_is_given(tmp_path):
    section = loaded(tmp_path, "").web
    assert section.address is None
    assert page_of(section) == ""
    assert section.pictures is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('address = "0.0.0.0"', "every_interface = true"),
        ('address = "::"', "every network that this computer is in"),
        ('address = "lab-pc"', "does not appear to be an IPv4 or IPv6 address"),
        (f'address = "127.0.0.1"\ntoken = "{"x" * (LEAST_TOKEN - 1)}"', "token needs 20 or more letters"),
        ('address = "127.0.0.1"\ntoken = "with spaces in it, and a lot"', "token needs 20 or more letters"),
        ('address = "127.0.0.1"\nport = 80', "greater than or equal to 1024"),
        ('adress = "127.0.0.1"', "did you mean 'address'?"),
    ],
)
def test_what_opens_it_too_far_is_refused_in_one_line(tmp_path, text, said):
    with pytest.raises(ConfigError, match="config") as refused:
        loaded(tmp_path, f"[web]\n{text}\n")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_interface_can_be_meant(tmp_path):
    assert loaded(tmp_path, '[web]\naddress = "0.0.0.0"\nevery_interface = true\n').web.address == "0.0.0.0"


def test_a_token_is_made_where_there_is_none_and_never_twice_the_same():
    one, other = WebSection(address="127.0.0.1").with_token(), WebSection(address="127.0.0.1").with_token()
    assert len(one.token) >= LEAST_TOKEN
    assert one.token != other.token
    assert WebSection(**one.model_dump()) == one
    given = WebSection(address="127.0.0.1", token=TOKEN)
    assert given.with_token().token == TOKEN


def test_the_token_is_in_no_saved_config_and_in_no_picture_of_an_object(tmp_path):
    config = loaded(tmp_path, f'[web]\naddress = "127.0.0.1"\ntoken = "{TOKEN}"\n')
    assert TOKEN not in toml_text(config)
    assert TOKEN not in repr(config)
    saved = tmp_path / "saved.toml"
    saved.write_text(toml_text(config))
    assert load(saved, LiveConfig).web.address is None


def test_a_page_is_the_same_only_with_the_same_way_in():
    page = page_of(WebSection(address="127.0.0.1", token=TOKEN))
    assert TOKEN not in page
    assert page == page_of(WebSection(address="127.0.0.1", token=TOKEN))
    assert page != page_of(WebSection(address="127.0.0.1", token=TOKEN + "x"))
    assert page != page_of(WebSection(address="127.0.0.1", token=TOKEN, pictures=True))
