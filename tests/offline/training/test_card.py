"""Cards and tables in Markdown."""

from pathlib import Path

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.evaluation.markdown import markdown_table
from moodring.offline.training.common.card import CardSection, bullets, write_card


def test_a_card_is_its_title_sections_and_blocks(tmp_path: Path) -> None:
    table = markdown_table(("a", "b"), [(1, "x"), (2.5, "y")])
    sections = (CardSection("", ("First.", "")), CardSection("Second", (bullets(("one", "two")), table)))
    write_card(tmp_path / "card.md", "Title", sections)
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == (
        "# Title\n\nFirst.\n\n## Second\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | x |\n| 2.5 | y |\n"
    )


def test_a_row_of_another_length_than_the_header_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1 cells, its header 2"):
        markdown_table(("a", "b"), [("x",)])


def test_a_card_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match=r"card.md' cannot be written: .*; free or choose a place"):
        write_card(tmp_path / "missing" / "card.md", "Title", ())
