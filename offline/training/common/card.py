"""Model cards: sections of paragraphs, lists and tables, written as Markdown beside the bundle."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ....models.io.files import write_file

DEMONSTRATION = (
    "**Demonstration model, not valid for people.** It was trained on simulated people alone; what it says of a real "
    "person means nothing."
)
"""First paragraph of the card of every model of simulated people."""


@dataclass(frozen=True)
class CardSection:
    """A part of a card.

    Attributes
    ----------
    title : str
        Empty for what stands below the card's own title.
    blocks : tuple of str
        Paragraphs, lists and tables in Markdown.
    """

    title: str
    blocks: tuple[str, ...]


def bullets(items: Iterable[str]) -> str:
    """Return a list in Markdown."""
    return "\n".join(f"- {item}" for item in items)


def write_card(path: Path, title: str, sections: Iterable[CardSection]) -> None:
    """Write a card.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    blocks = [f"# {title}"]
    for section in sections:
        blocks += [f"## {section.title}"] if section.title else []
        blocks += [block for block in section.blocks if block]
    try:
        write_file(path, "\n\n".join(blocks) + "\n")
    except OSError as error:
        raise MoodringError(f"model card '{path}' cannot be written: {error}; free or choose a place") from error
