"""Check a protocol in a process of its own: a film on a slow disk holds up no window."""

from pathlib import Path

from ....configs.schema.errors import failure_of
from ....processes import Child, Parent
from .job import planned


class ProtocolCheck:
    """A check that is under way.

    Parameters
    ----------
    file : Path
    participant, session : str
        Whose order it is.
    """

    def __init__(self, file: Path, participant: str, session: str) -> None:
        self._child = Child("check of the protocol", check_here, str(file), participant, session, failure=failure_of)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._child.take("facts") is not None or not self._child.running

    @property
    def facts(self) -> str:
        """What the protocol is, in a line; empty while that is not known."""
        return str(self._child.take("facts") or "")

    @property
    def error(self) -> str:
        """Why it cannot be shown; empty where it can."""
        return self._child.error or ""

    def close(self) -> None:
        """End it."""
        self._child.end(0.0)


def check_here(parent: Parent, file: str, participant: str, session: str) -> None:
    """Check a protocol and send ``facts``: the target of a child process."""
    plan = planned(Path(file), participant, session)
    ratings = sum(one.kind == "rating" for one in plan.screens)
    minutes = max(1, round(plan.seconds / 60))
    parent.send({"facts": f"{plan.name}: {plan.trials} stimuli, {ratings} ratings, about {minutes} min"})
