"""Read a protocol with all that it includes."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError
from ..load import load
from .protocol import PauseStep, ProtocolFile, RatingsSection, RestStep, StimuliStep, StimulusSection, TextStep

_DEEPEST = 16
_MOST_STEPS = 1000


@dataclass(frozen=True)
class Protocol:
    """A protocol whose includes are in their places.

    Attributes
    ----------
    path : Path
    name : str
    ratings : RatingsSection
        Of the file itself; those of included ones count for nothing.
    stimuli : mapping of str to StimulusSection
        By name; files with their whole path.
    steps : tuple of steps
        A step of stimuli has its names.
    """

    path: Path
    name: str
    ratings: RatingsSection
    stimuli: dict[str, StimulusSection]
    steps: tuple[TextStep | RestStep | StimuliStep | PauseStep, ...]


def read_protocol(path: Path) -> Protocol:
    """Return a protocol; whether its stimuli can be played is checked elsewhere.

    Raises
    ------
    ConfigError
        No such file, a wrong key or value, an include that leads back to itself, a stimulus that is not there or is
        there twice, or no stimulus and no step of use.
    """
    stimuli: dict[str, StimulusSection] = {}
    steps: list[TextStep | RestStep | StimuliStep | PauseStep] = []
    first = _add(path, (), stimuli, steps)
    return Protocol(path, first.name, first.ratings, stimuli, tuple(steps))


def _add(
    path: Path,
    above: tuple[Path, ...],
    stimuli: dict[str, StimulusSection],
    steps: list[TextStep | RestStep | StimuliStep | PauseStep],
) -> ProtocolFile:
    """Add the stimuli and steps of a file, and of those that it includes."""
    here = path.resolve()
    if here in above:
        circle = " → ".join(f"'{one.name}'" for one in (*above[above.index(here) :], here))
        raise ConfigError(f"protocol '{above[0]}' includes itself: {circle}; take one include out")
    if len(above) >= _DEEPEST:
        raise ConfigError(f"protocol '{above[0]}' includes files {_DEEPEST} deep; put them into one")
    file = load(path, ProtocolFile)
    own = {one.name: one.model_copy(update={"file": path.parent / one.file}) for one in file.stimuli}
    for name, one in own.items():
        # A file that is included twice brings its stimuli once.
        if name in stimuli and stimuli[name] != one:
            raise ConfigError(
                f"protocol '{path}': stimulus '{name}' is there twice, as '{stimuli[name].file}' and '{one.file}'; "
                "names must differ"
            )
    stimuli |= own
    for number, step in enumerate(file.steps, 1):
        if len(steps) >= _MOST_STEPS:
            raise ConfigError(
                f"protocol '{path}': with all includes there are more than {_MOST_STEPS} steps; shorten it"
            )
        if step.include is not None:
            _add(path.parent / step.include, (*above, here), stimuli, steps)
        elif step.stimuli is not None:
            steps.append(_with_names(step.stimuli, own, f"protocol '{path}', step {number}"))
        else:
            steps += [one for one in (step.text, step.rest, step.pause) if one is not None]
    return file


def _with_names(step: StimuliStep, own: dict[str, StimulusSection], where: str) -> StimuliStep:
    names = list(own) if step.names is None else step.names
    if not names:
        raise ConfigError(f"{where}: no stimulus is there; add [[stimuli]], or take the step out")
    missing = next((name for name in names if name not in own), None)
    if missing is not None:
        raise ConfigError(f"{where}: there is no stimulus '{missing}'; there are {', '.join(own) or 'none'}")
    return step.model_copy(update={"names": names})
