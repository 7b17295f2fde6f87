"""Stages of preparation and training whose results are kept on disk, each with an explicit version.

A result is found again by a key made of the versions of its stage and of all stages it depends on, and of the settings
it was made with. So it survives a moved file or a new docstring, and is made anew once a version is raised.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """A step whose result is kept.

    Attributes
    ----------
    name : str
    version : int
        Raise it whenever the step gives other numbers for the same settings.
    needs : tuple of Stage
        The stages whose results it starts from.
    """

    name: str
    version: int
    needs: tuple["Stage", ...] = ()

    def key(self, *settings: Any) -> str:
        """Return the SHA-256 of the versions of this stage and of all it depends on, and of settings.

        Parameters
        ----------
        *settings
            Plain values, as JSON has them.
        """
        versions = sorted(set(self._versions()))
        return hashlib.sha256(json.dumps([versions, settings], sort_keys=True).encode()).hexdigest()

    def _versions(self) -> Iterator[tuple[str, int]]:
        yield self.name, self.version
        for stage in self.needs:
            yield from stage._versions()


SIMULATION = Stage("simulation", 1)
"""Simulated people: raise its version whenever a seed gives another session at the same difficulty."""
