"""Outputs of the shipped heads for tests, and estimates with one of them changed."""

from dataclasses import replace

from moodring.models.contract import LEVELS, Estimate, HeadOutput


def spoken(start_s, end_s, classes, probabilities, final=False):
    """Return what a voice expresses on a stretch of time."""
    return HeadOutput("speech", "expressed", classes, probabilities, start_s=start_s, end_s=end_s, final=final)


def levels(name, probabilities, kept=(), **more):
    """Return the levels of an axis."""
    return HeadOutput(name, "felt", LEVELS, tuple(float(p) for p in probabilities), kept=kept, **more)


def with_head(estimate: Estimate, name: str, **changes) -> Estimate:
    """Return an estimate with some fields of a head's output changed."""
    return replace(
        estimate, heads=tuple(replace(head, **changes) if head.name == name else head for head in estimate.heads)
    )


def without_answer(estimate: Estimate, *names: str) -> Estimate:
    """Return an estimate whose heads of these names abstain."""
    for name in names:
        estimate = with_head(estimate, name, probabilities=None, value=None, kept=(), abstained="left out")
    return estimate
