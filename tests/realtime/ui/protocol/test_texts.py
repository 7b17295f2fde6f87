"""Every fixed text of a protocol's windows is in one place, and used."""

import ast
from pathlib import Path

import pytest

from moodring.realtime.ui import strings
from moodring.realtime.ui.protocol import texts
from tests.realtime.ui.test_strings import WORDS, literals

FOLDER = Path(texts.__file__).parent
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name != "texts.py")
NO_TEXTS = {"participant's window", "start it again", "upper left", "upper right", "lower left", "lower right"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_widget_has_a_sentence_of_its_own(path):
    found = [(text, line) for text, line in literals(ast.parse(path.read_text(encoding="utf-8"))) if WORDS.search(text)]
    assert not [one for one in found if one[0] not in NO_TEXTS], "put it into realtime/ui/protocol/texts.py"


def test_every_text_is_used():
    code = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    assert not [name for name in vars(texts) if name.isupper() and f"texts.{name}" not in code]


def test_the_keys_on_the_buttons_are_those_of_the_window():
    keys = {what.removeprefix("protocol_"): sequences for _, sequences, what, _ in strings.SHORTCUTS}
    assert all(keys[name] == (key,) for name, (_, _, key) in texts.BUTTONS.items() if key)
