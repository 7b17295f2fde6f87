"""Publish estimates: outlet, ring for screens, journal, and tally of the session."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...configs.schema.live import LiveConfig
from ...models.contract import Estimate, FloatArray, Head, Look, Transition, at_publication
from ...models.io.journal import Journal
from ...models.io.ring import Ring
from ...models.streaming.clock import Clock
from ...models.streaming.tally import Tally
from .lsl_outlet import Outlet, estimate_labels, estimate_row

_ESTIMATES_KEPT = 2048
_LOOKING_S = 1.0


def undecided_labels(heads: tuple[Head, ...]) -> tuple[str, ...]:
    """Return the names of the columns of :func:`undecided_row`: ``<head>_undecided``."""
    return tuple(f"{head.name}_undecided" for head in heads if head.classes)


def undecided_row(estimate: Estimate, heads: tuple[Head, ...]) -> FloatArray:
    """Return for each head with classes whether every class was left open: 1 or 0, NaN without an answer."""
    outputs = ((head, estimate.answer(head.name)) for head in heads if head.classes)
    return np.array(
        [np.nan if one is None else float(len(one.kept) == len(head.classes)) for head, one in outputs], np.float32
    )


class Publisher:
    """Publishes from the decoder's thread, while others read its attributes.

    Parameters
    ----------
    config : LiveConfig
    heads : tuple of Head
        Of the session.
    clock : Clock
    folder : Path or None
        Where the estimates' ring goes for screens to map; None keeps it to this process.
    started_s : float
        When the command started.
    record : callable or None
        Given each estimate, for the recording's own journal.

    Attributes
    ----------
    rows : Ring
        The estimates, as :func:`~moodring.realtime.engine.lsl_outlet.estimate_row` lays them out, and then
        :func:`undecided_row`.
    tally : Tally
    estimate : Estimate or None
        The newest.
    attention : tuple of 3 floats or None
        Over theta, alpha and beta, of the last look with EEG.
    look : Look or None
        The last.
    """

    def __init__(
        self,
        config: LiveConfig,
        heads: tuple[Head, ...],
        clock: Clock,
        folder: Path | None,
        started_s: float,
        record: Callable[[Estimate], None] | None = None,
    ) -> None:
        self._config = config
        self._heads = heads
        self._clock = clock
        self._started_s = started_s
        self._record = record
        self.tally = Tally(heads)
        self.estimate: Estimate | None = None
        self.attention: tuple[float, float, float] | None = None
        self.look: Look | None = None
        labels = (*estimate_labels(heads), *undecided_labels(heads))
        path = folder / "estimates.ring" if folder is not None else None
        rate_hz = 1 / config.decisions.interval_s
        self.rows = Ring.create(_ESTIMATES_KEPT, (len(labels),), np.float32, rate_hz, labels, path)
        self._journal = Journal(config.journal) if config.journal is not None else None
        self._outlet: Outlet | None = None
        self._taken = True
        self._screen_at_s = -math.inf

    def open_outlet(self, meanings: tuple[tuple[str, str], ...], modalities: tuple[str, ...]) -> None:
        """Open the outlet where the config enables it; see :class:`~moodring.realtime.engine.lsl_outlet.Outlet`."""
        if self._config.outlet.enabled:
            self._outlet = Outlet(self._config.outlet.name, self._config.name, self._heads, meanings, modalities)

    def publish(self, estimate: Estimate) -> None:
        """Publish an estimate, to the journal last, because its line has the time of publication."""
        if self._outlet is not None:
            self._outlet.push(estimate)
        row = np.concatenate([estimate_row(estimate, self._heads), undecided_row(estimate, self._heads)])
        self.rows.append(row[np.newaxis], np.array([estimate.time_s]), self._clock.now())
        published_s = self._clock.now()
        estimate = at_publication(estimate, published_s)
        # Only a screen that is looking can miss an estimate.
        if not self._taken and published_s - self._screen_at_s < _LOOKING_S:
            self.tally.dropped += 1
        for look in estimate.looks:
            self.look = look
        weights = None if estimate.band_attention is None else estimate.band_attention.tolist()
        self.attention = None if weights is None else (weights[0], weights[1], weights[2])
        self.estimate = estimate
        self._taken = False
        self.tally.add(estimate, self._started_s)
        if self._journal is not None:
            self._journal.append(estimate)
        if self._record is not None:
            self._record(estimate)

    def take(self, now_s: float) -> Estimate | None:
        """Return the newest estimate for a screen, and note the time of the request."""
        self._taken = True
        self._screen_at_s = now_s
        return self.estimate

    def push_health(self, modality: str, change: Transition) -> None:
        """Send a change of health."""
        if self._outlet is not None:
            self._outlet.push_health(modality, change)

    def push_recording(self, line: str) -> None:
        """Send news of the recording."""
        if self._outlet is not None:
            self._outlet.push_recording(line, self._clock.now() - self._started_s)

    def close(self) -> None:
        """Close the outlets and the journal."""
        self._outlet = None
        if self._journal is not None:
            self._journal.close()
