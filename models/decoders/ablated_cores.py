"""What the attention model would answer without EEG, without the face, and without its last look.

Beside the core that answers run up to three of the same weights, each with a state of its own from which one thing is
withheld; the model was trained with either modality dropped for whole clips. They are run as one batch, apart from the
core that answers, so that its answers do not depend on them to the last bit.

To withhold all looks is to withhold the face: the heads see no other part of the periphery. What is withheld besides is
therefore the last look alone, which tells what that one look changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import get_args

import torch
from torch import Tensor

from ..contract import Withheld
from ..networks.attention import LONGEST_ELAPSED_S, AttentionNet, State, Ticks


@dataclass(frozen=True)
class TickEvidence:
    """What comes in at one tick.

    Attributes
    ----------
    ticks : Ticks
        Of one tick and a batch of one, with everything.
    without_last : Ticks
        The same without the last look with a face; where that was not in this tick, only its time differs.
    looked : bool
        A look of this tick found a face.
    earlier_looks : bool
        So did one before the last.
    eeg_came : bool
        EEG came, whether or not it is in the model's domain.
    """

    ticks: Ticks
    without_last: Ticks
    looked: bool
    earlier_looks: bool
    eeg_came: bool


class AblatedCores:
    """Cores that go without something; each begins where there is something to go on without it.

    Parameters
    ----------
    net : AttentionNet
    """

    def __init__(self, net: AttentionNet) -> None:
        self._net = net
        self.reset()

    def reset(self) -> None:
        """Reset to the start of a session."""
        self._states: dict[Withheld, State] = {}

    def forget_face(self) -> None:
        """Forget the former person's face, as the core that answers does; the one without a face knows none."""
        self._states.pop("last_look", None)
        if "eeg" in self._states:
            self._states["eeg"] = self._net.forget_face(self._states["eeg"])

    def tick(self, evidence: TickEvidence, before: State, ticked: bool) -> None:
        """Update the cores that have begun.

        Parameters
        ----------
        evidence : TickEvidence
        before : State
            Of the core that answers, before this tick.
        ticked : bool
            That one had begun before.
        """
        fresh = self._net.start(1)
        if evidence.looked:
            self._states.setdefault("eeg", fresh)
            self._states.pop("last_look", None)
            if ticked or evidence.eeg_came or evidence.earlier_looks:
                self._states["last_look"] = before
        if evidence.eeg_came:
            self._states.setdefault("face", fresh)
        if not self._states:
            return
        rows = [
            _without_eeg(evidence.ticks)
            if name == "eeg"
            else _without_face(evidence.ticks)
            if name == "face"
            else evidence.without_last
            for name in self._states
        ]
        with torch.inference_mode():
            state, _, _ = self._net.run(_joined(list(self._states.values())), _batch(rows))
            self._states = dict(zip(self._states, _apart(state, len(rows)), strict=True))

    def cores(self) -> dict[Withheld, Tensor]:
        """Return the hidden states of the cores that have begun, ``(1, core)`` each."""
        return {name: self._states[name].core[0] for name in get_args(Withheld) if name in self._states}


def _without_eeg(ticks: Ticks) -> Ticks:
    return replace(ticks, bands=torch.zeros_like(ticks.bands), eeg_present=torch.zeros_like(ticks.eeg_present))


def _without_face(ticks: Ticks) -> Ticks:
    nothing = torch.zeros_like(ticks.looks)
    never = torch.full_like(ticks.elapsed_s, LONGEST_ELAPSED_S)
    return replace(ticks, face=torch.zeros_like(ticks.face), looks=nothing, presence=nothing, elapsed_s=never)


def _batch(ticks: Sequence[Ticks]) -> Ticks:
    return Ticks(**{part.name: torch.cat([getattr(one, part.name) for one in ticks], dim=1) for part in fields(Ticks)})


def _joined(states: Sequence[State]) -> State:
    def both(which: int) -> Tensor:
        return torch.cat([state.layer1[which][row : row + 1] for row in (0, 1) for state in states])

    core = torch.cat([state.core[0] for state in states]), torch.cat([state.core[1] for state in states])
    return State((both(0), both(1)), core)


def _apart(state: State, batch: int) -> list[State]:
    (hidden, cell), core = state.layer1, state.core
    return [
        State(
            (hidden[row::batch], cell[row::batch]),
            (core[0][row : row + 1], core[1][row : row + 1]),
        )
        for row in range(batch)
    ]
