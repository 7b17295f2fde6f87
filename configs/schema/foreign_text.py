"""Foreign text (names of streams, devices and files, words of other programs), made safe to show."""

import logging


def visible(text: str) -> str:
    r"""Return a text as one line that a terminal, a log or a screen can only show: what would act is written out.

    Control characters and escape sequences, line breaks, marks that turn the direction of writing, and characters
    without a shape become ``\x1b``, ``\n``, ``\u202e``; all else stays as it is.
    """
    return text if text.isprintable() else "".join(map(_visible_character, text))


class VisibleFormatter(logging.Formatter):
    """Format of log lines whose words may be foreign; the lines of a traceback stay lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        return "\n".join(visible(line) for line in super().format(record).split("\n"))


def log_visibly() -> None:
    """Have what this process logs without a handler of its own written out; call once, where it starts."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(VisibleFormatter())


def _visible_character(character: str) -> str:
    if character.isprintable() or character == "\N{NO-BREAK SPACE}":
        return character
    return character.encode("unicode_escape").decode("ascii")
