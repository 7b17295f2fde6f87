"""Calibrate a bundle to one person: decode, predict each labelled stretch from those before it, keep what helps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...configs.schema.errors import ConfigError, Gathered, MoodringError
from ...configs.schema.live import LiveConfig
from ...models.contract import SIMULATED, Head, Recording
from ...models.contract.calibration import Calibration
from ...models.decoders.origin_guards import missing_model
from ...models.io.bundle import Bundle, slot_of
from ..datasets.affect_corpus import Scale
from .evidence import ATTENTION, Evidence, collect, during
from .labels import RATINGS, Stretch, labelled_stretches
from .last_layer import layers_of, personal, prior_of
from .prequential import LEVEL, Item, Labels, Worth, fit_heads, heads_that_count, prequential

LEAST_STRETCHES = 8
SETTLE_S = 4.0
"""The first seconds of a stimulus do not count: what is felt has to follow it, and the EEG and the core after that."""
CALIBRATING = "calibrating"
_UNNAMED = "unknown"


@dataclass(frozen=True)
class Calibrated:
    """The result of :func:`calibrate`.

    Attributes
    ----------
    bundle : Bundle
        Adapted to the person; its hash and name are those of the bundle that it was made of.
    worth : Worth
    heads : tuple of str
        Those that were adapted.
    left_out : tuple of str
        Heads that were not, since their labels do not alternate.
    stretches : int
        Those that it was fitted to.
    """

    bundle: Bundle
    worth: Worth
    heads: tuple[str, ...]
    left_out: tuple[str, ...]
    stretches: int

    @property
    def calibration(self) -> Calibration:
        """What the bundle says of it."""
        found = self.bundle.spec.calibration
        if found is None:
            raise ValueError("a calibrated bundle says whose it is")
        return found

    def as_plain(self, kept: bool) -> dict[str, Any]:
        """Return the figures for ``--json``."""
        mark, worth = self.calibration, self.worth
        return {
            "kept": kept,
            "participant": mark.participant,
            "session": mark.session,
            "base": {"file": mark.base, "sha256": mark.base_sha256},
            "heads": list(self.heads),
            "left_out": list(self.left_out),
            "stretches": self.stretches,
            "gain": {"log_loss": mark.gain, "low": mark.low, "high": mark.high, "level": LEVEL},
            "uar": {"adapted": worth.uar, "before": worth.uar_before},
            "predicted": [
                {"stretch": one.index, "gain": float(one.gain), "truth": one.truth, "said": one.said,
                 "said_before": one.said_before}
                for one in worth.predictions
            ],
        }  # fmt: skip

    def words(self) -> str:
        """Return the gain in one line."""
        worth = self.worth
        return (
            f"log loss {-worth.gain.value:+.3f} [{-worth.gain.high:+.3f}, {-worth.gain.low:+.3f}] ({LEVEL:.0%}) on "
            f"{len(worth.predictions)} stretches, each predicted from those before it; UAR {worth.uar_before:.2f} "
            f"before, {worth.uar:.2f} adapted"
        )


def calibrate(
    recording: Recording,
    config: LiveConfig,
    bundle: Bundle,
    device: torch.device,
    *,
    date: str,
    participant: str | None = None,
    labels: Path | None = None,
    scale: Scale = RATINGS,
) -> Calibrated:
    """Adapt a bundle to the person of a recording, and measure what that is worth.

    Parameters
    ----------
    recording : Recording
        With a rest and labelled stretches after it.
    config : LiveConfig
        How its EEG is treated, and the rest where the recording does not tell.
    bundle : Bundle
    device : torch.device
    date : str
        ``YYYY-MM-DD``.
    participant : str or None
        None takes the recording's.
    labels, scale
        See :func:`~.labels.labelled_stretches`.

    Raises
    ------
    MoodringError
        No rest, no or too few labels, labels of one class, or a recording that does not fit; ConfigError where nobody
        or somebody else is named. All that is missing is named at once, before the work of decoding.
    """
    missing, heads, rest_s = Gathered(CALIBRATING), bundle.spec.outputs, _rest_s(recording, config)
    missing.add(unready(recording, config, participant))
    missing.add(_unfit(recording, config, bundle))
    stretches: list[Stretch] = []
    with missing.checked():
        stretches = labelled_stretches(recording, heads, labels, scale, rest_s=rest_s)
        missing.add(_too_few(stretches, heads, recording.name))
    missing.refuse()
    person = participant or recording.participant
    evidence = collect(recording, config, bundle, device)
    if "eeg" in recording.sources and not evidence.calibrated:
        raise MoodringError(
            f"the rest of recording '{recording.name}' holds too little clean EEG to normalise to (5 s are needed); "
            "record another"
        )
    return adapt(evidence, stretches, bundle, person=person, session=recording.name, date=date)


def adapt(
    evidence: Evidence, stretches: Sequence[Stretch], bundle: Bundle, *, person: str, session: str, date: str
) -> Calibrated:
    """Adapt a bundle to what it read in labelled stretches; see :func:`calibrate`."""
    heads, settle_s = bundle.spec.outputs, settle_s_of(bundle)
    rows = during(evidence, [(one.start_s + settle_s, one.stop_s) for one in stretches])
    items = [Item(evidence.features[row], one.classes) for row, one in zip(rows, stretches, strict=True) if len(row)]
    if len(items) < LEAST_STRETCHES:
        raise MoodringError(
            f"{len(items)} of {len(stretches)} labelled stretches of '{session}' hold a decision after their first "
            f"{settle_s:g} s, {LEAST_STRETCHES} are needed; record longer ones, or more"
        )
    counting = _counting([item.classes for item in items], heads, session)
    layers, prior = layers_of(bundle), prior_of(bundle)
    worth = prequential(layers, items, prior, counting)
    mark = Calibration(
        person, session, date, bundle.name, bundle.sha256, len(items), len(worth.predictions),
        float(worth.gain.value), float(worth.gain.low), float(worth.gain.high),
    )  # fmt: skip
    fitted = fit_heads(layers, items, prior, counting)
    made = personal(bundle, fitted, evidence.rest, evidence.channel_names, mark)
    names = [head.name for head in heads]
    left_out = tuple(name for index, name in enumerate(names) if index not in counting)
    return Calibrated(made, worth, tuple(names[index] for index in counting), left_out, len(items))


def settle_s_of(bundle: Bundle) -> float:
    """Return how long after the start of a stretch its decisions begin to count."""
    if bundle.spec.kind == ATTENTION:
        return SETTLE_S
    return float(bundle.spec.network["memory_s"])  # before, the evidence describes the block before


def unready(recording: Recording, config: LiveConfig, given: str | None) -> Iterator[MoodringError]:
    """Yield what a recording lacks whatever the bundle: whose it is (``given``, or its own participant), and a rest."""
    known, unnamed = recording.participant, ("", _UNNAMED, recording.name)
    if given is None and known in unnamed:
        yield ConfigError(f"recording '{recording.name}' names no participant; say whose it is: --participant NAME")
    if given is not None and known not in (*unnamed, given):
        yield ConfigError(f"recording '{recording.name}' is {known}'s; --participant {given} came: leave it out")
    if "eeg" in recording.sources and _rest_s(recording, config) <= 0.0:
        yield MoodringError(
            f"recording '{recording.name}' has no rest to normalise to; where it begins with one, say how long it is: "
            "--set decisions.rest_s=30"
        )


def _rest_s(recording: Recording, config: LiveConfig) -> float:
    return recording.rest_s or config.decisions.rest_s


def _unfit(recording: Recording, config: LiveConfig, bundle: Bundle) -> Iterator[MoodringError]:
    """Yield why a bundle may not be adapted to this recording."""
    if not set(bundle.spec.modalities) & set(recording.sources):
        yield MoodringError(
            f"bundle '{bundle.name}' reads {' and '.join(bundle.spec.modalities)}; recording '{recording.name}' holds "
            f"{', '.join(recording.sources) or 'nothing to decode'}: calibrate with another"
        )
    mark = bundle.spec.calibration
    if mark is not None:
        yield MoodringError(
            f"bundle '{bundle.name}' is calibrated for {mark.participant} already; calibrate '{mark.base}', from which "
            "it was made"
        )
    if SIMULATED in bundle.spec.domain and recording.origin != SIMULATED and not config.models.allow_simulated:
        yield MoodringError(missing_model(bundle.name, bundle.spec, slot_of(bundle.spec.kind)))


def _too_few(stretches: Sequence[Stretch], heads: Sequence[Head], name: str) -> Iterator[MoodringError]:
    """Yield why labels are too few to fit and to judge."""
    if len(stretches) < LEAST_STRETCHES:
        yield MoodringError(
            f"'{name}' has {len(stretches)} labelled stretch(es) after the rest, {LEAST_STRETCHES} are needed: the "
            "first ones teach, each later one is predicted"
        )
    single = [{label for one in stretches if (label := one.classes[index]) is not None} for index in range(len(heads))]
    if not stretches:
        return
    if all(len(classes) < 2 for classes in single):
        only = next((head.classes[next(iter(c))] for head, c in zip(heads, single, strict=True) if c), "none")
        yield MoodringError(
            f"all labels of '{name}' are of one class ({only}); two at least are needed to adapt to: record others too"
        )
    elif len(stretches) >= LEAST_STRETCHES:  # of fewer, too few come after the first two classes to tell
        try:
            _counting([one.classes for one in stretches], heads, name)
        except MoodringError as error:
            yield error


def _counting(labels: Sequence[Labels], heads: Sequence[Head], name: str) -> list[int]:
    """Return the heads that can be adapted; raise MoodringError where there is none."""
    found = heads_that_count(labels, len(heads))
    if found:
        return found
    first = [one[0] for one in labels]
    order = ", ".join(heads[0].classes[label] for label in first if label is not None)
    raise MoodringError(
        f"the classes of '{name}' come one after the other ({heads[0].name}: {order}), so that time and label cannot "
        "be told apart; alternate them"
    )
