"""Every fixed text of the window is in one place, and every button and key there is one that exists."""

import ast
import re
from pathlib import Path

import pytest

from moodring.realtime.ui import strings

UI = Path(strings.__file__).parent
FILES = sorted(
    path for folder in ("live", "panels", "setup", "replay", "replay/state") for path in (UI / folder).glob("*.py")
)
WORDS = re.compile(r"[A-Za-zµ–]{2,} [A-Za-zµ–]{2,}")


def literals(tree):
    """Yield every string of a file but its docstrings, and what only names types or goes to a log."""
    spared = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            spared.add(node.body[0].value)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            spared.add(node.value)
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Attribute) and node.attr == "debug"):
            spared.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in spared:
            yield node.value, node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_widget_has_a_sentence_of_its_own(path):
    found = [(text, line) for text, line in literals(ast.parse(path.read_text(encoding="utf-8"))) if WORDS.search(text)]
    assert not found, "put it into realtime/ui/strings.py, or realtime/screens where it depends on the state"


@pytest.mark.parametrize("page", [strings.SHORTCUTS, strings.REPLAY_SHORTCUTS], ids=["live", "replay"])
def test_no_key_has_two_meanings(page):
    keys = [sequence for _, sequences, _, _ in page for sequence in sequences]
    assert len(keys) == len(set(keys))


def test_every_text_of_the_list_is_used():
    names = [name for name in vars(strings) if name.isupper()]
    code = "\n".join(path.read_text(encoding="utf-8") for path in UI.rglob("*.py") if path.name != "strings.py")
    own = (UI / "strings.py").read_text(encoding="utf-8")
    unused = [name for name in names if f"strings.{name}" not in code and own.count(name) < 2]
    assert [name for name in unused if name not in ("SETUP_SAVE", "SETUP_SEARCH", "SETUP_CHECK", "SETUP_START")] == []
