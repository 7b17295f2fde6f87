"""Log band power relative to the person's rest and to a population."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...contract import FloatArray
from .band_power import BandPrior, RestBaseline, shrunken_mean

LARGEST_VALUE = 4.0


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of log band power to the person's rest and the training population.

    Attributes
    ----------
    prior : BandPrior
        Of the training people at rest.
    scale : (3,) float32
        Spread of each band over the training people.
    """

    prior: BandPrior
    scale: FloatArray

    def apply(self, power: FloatArray, channel_names: Sequence[str], baseline: RestBaseline | None) -> FloatArray:
        """Return log power relative to the person's rest, scaled and bounded, ``(n_channels, 3)``; NaN stays NaN."""
        prior = self.prior.at(channel_names)
        origin = shrunken_mean(baseline or RestBaseline.empty(channel_names), prior)
        return bounded((power - origin) / self.scale)


def bounded(relative: FloatArray) -> FloatArray:
    """Return values bounded, so that artifacts do not dominate an image."""
    return np.clip(relative, -LARGEST_VALUE, LARGEST_VALUE).astype(np.float32)
