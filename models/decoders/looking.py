"""When the attention decoder looks at a frame, and what it went by."""

from typing import Literal

import numpy as np
import torch

from ...configs.schema.errors import MoodringError
from ..contract import EegWindow, FaceBox, FaceFrame, LookReason, Periphery
from ..io.bundle import Bundle
from ..networks.look_policy import LONGEST_WAIT_FRAMES, THUMBNAIL, GaussianPolicy, HazardPolicy
from ..signals.eeg.band_power import midline_theta
from ..signals.face.images import crop_face, thumbnail

Policy = Literal["hazard", "gaussian", "uniform", "random", "every"]
POLICIES: tuple[Policy, ...] = ("hazard", "gaussian", "uniform", "random", "every")
SEARCH_FRAMES = 8
"""While no face is known, one frame a second is searched for one."""


class Looking:
    """Decide frame by frame whether to look.

    Parameters
    ----------
    policy : Policy
    budget : float
        Share of the frames that "uniform" and "random" look at.
    hazard : HazardPolicy
    gaussian : GaussianPolicy
    device : torch.device
    seed : int
        Of the random policy.
    """

    def __init__(
        self,
        policy: Policy,
        budget: float,
        hazard: HazardPolicy,
        gaussian: GaussianPolicy,
        device: torch.device,
        seed: int,
    ) -> None:
        self._policy: Policy = policy
        self._budget = budget
        self._hazard, self._gaussian = hazard, gaussian
        self._device = device
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Reset to the start of a session."""
        self.forget_face()
        self._waited = LONGEST_WAIT_FRAMES
        self._wait = 1
        self._owed = 1.0
        self._rng = np.random.default_rng(self._seed)

    def forget_face(self) -> None:
        """Start the periphery anew."""
        self._watching = self._hazard.start(1)

    def at(
        self, time_s: float, face: FaceFrame | None, box: FaceBox | None, short: EegWindow | None, core: torch.Tensor
    ) -> Periphery:
        """Return whether to look at a frame, and by what that was decided.

        Parameters
        ----------
        time_s : float
            On the grid, later than the frame before.
        face : FaceFrame or None
            The newest frame; without one there is no look.
        box : FaceBox or None
            Last known place of the face.
        short : EegWindow or None
            The half second of EEG that ends here.
        core : (1, core) Tensor
            Hidden state of the core at the tick before.
        """
        wants, why, numbers = self._wants(face, box, short, core)
        looked = wants and face is not None
        waited, self._waited = self._waited, 1 if looked else self._waited + 1
        return Periphery(time_s, looked, why if face is not None else "no_picture", waited, **numbers)

    def _wants(
        self, face: FaceFrame | None, box: FaceBox | None, short: EegWindow | None, core: torch.Tensor
    ) -> tuple[bool, LookReason, dict[str, float | None]]:
        """Return whether the policy asks for a look, by what, and its figures; it is fed in any case."""
        if self._policy == "every":
            return True, "every", {}
        if self._policy == "uniform":
            self._owed += self._budget
            due = self._owed >= 1.0 - 1e-9
            self._owed -= float(due)
            return due, "schedule", {}
        if self._policy == "random":
            return bool(self._rng.random() < self._budget), "schedule", {}
        if self._policy == "gaussian":
            due = self._waited >= self._wait
            if due:
                with torch.inference_mode():
                    self._wait = int(self._gaussian.frames(self._gaussian.wait_mean(core))[0])
            return due, "schedule", {}
        figures = self._watch(face, box, short)
        if box is None:
            return self._waited >= SEARCH_FRAMES, "search", figures
        with torch.inference_mode():
            waited = torch.tensor([self._waited], device=self._device)
            gain = self._hazard.advantage(self._watching.hidden, core, waited)
            looks = bool(self._hazard.looks(gain, waited)[0])
        figures |= {"gain": float(gain[0]), "price": float(self._hazard.price)}
        return looks, "longest_wait" if self._waited >= LONGEST_WAIT_FRAMES else "gain", figures

    def _watch(self, face: FaceFrame | None, box: FaceBox | None, short: EegWindow | None) -> dict[str, float | None]:
        there = face is not None and box is not None
        picture = np.zeros((THUMBNAIL, THUMBNAIL), np.uint8)
        if face is not None and box is not None:
            picture = thumbnail(crop_face(face.image, box, 2 * THUMBNAIL))
        theta = float("nan") if short is None else midline_theta(short)
        with torch.inference_mode():
            self._watching = self._hazard.watch(
                self._watching,
                torch.from_numpy(picture)[None].to(self._device),
                torch.tensor([float(there)], device=self._device),
                torch.tensor([theta], device=self._device),
            )
            expression = torch.sigmoid(self._hazard.expression(self._watching.hidden))
        motion, change, surplus = self._watching.measured[0].tolist()
        return {
            "expression": float(expression[0, 0]) if there else None,
            "motion": motion if there else None,
            "change": change if there else None,
            "theta": surplus if np.isfinite(theta) else None,
        }


def policy_of(bundle: Bundle) -> Policy:
    """Return the policy of looks that a bundle names; raise MoodringError for an unknown one."""
    named = str(bundle.spec.network.get("policy"))
    for policy in POLICIES:
        if named == policy:
            return policy
    raise MoodringError(
        f"bundle '{bundle.name}' names the policy of looks {named!r}; known are {', '.join(POLICIES)}: use another"
    )


def budget_of(bundle: Bundle) -> float:
    """Return the share of frames that a bundle may look at; raise MoodringError where it is none."""
    budget = bundle.spec.network.get("budget")
    if not (isinstance(budget, int | float) and 0.0 < budget <= 1.0):
        raise MoodringError(
            f"bundle '{bundle.name}': network.budget is {budget!r}; the share of frames that may be looked at, above 0 "
            "and up to 1, was expected: use another"
        )
    return float(budget)
