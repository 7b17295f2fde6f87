"""The answers to a rating as they are given: one question after the other, by keys or by the mouse."""

from .plan import Question


class RatingSheet:
    """Questions, the answers so far, and the question that is asked now.

    Parameters
    ----------
    questions : tuple of Question
        At least one.
    """

    def __init__(self, questions: tuple[Question, ...]) -> None:
        self.questions = questions
        self.place = 0
        self.answers: dict[str, int | str] = {}

    @property
    def question(self) -> Question:
        """The question that is asked now."""
        return self.questions[self.place]

    @property
    def options(self) -> tuple[int | str, ...]:
        """What can be answered to it, in order."""
        asked = self.question
        return asked.words or tuple(range(asked.lowest, asked.highest + 1))

    @property
    def chosen(self) -> int | None:
        """Number of the option that is chosen, from 0; None while there is none."""
        answer = self.answers.get(self.question.name)
        return None if answer is None else self.options.index(answer)

    def choose(self, option: int) -> None:
        """Choose an option by its number; one that is not there changes nothing."""
        if 0 <= option < len(self.options):
            self.answers[self.question.name] = self.options[option]

    def move(self, by: int) -> None:
        """Choose the next option or the one before; the middle one where none is chosen yet."""
        count, chosen = len(self.options), self.chosen
        self.choose((count - 1) // 2 if chosen is None else min(max(chosen + by, 0), count - 1))

    def back(self) -> None:
        """Go back to the question before."""
        self.place = max(self.place - 1, 0)

    def go_on(self) -> bool:
        """Take the answer and ask the next question; return whether all have been answered."""
        if self.chosen is None:
            return False
        if self.place + 1 == len(self.questions):
            return True
        self.place += 1
        return False
