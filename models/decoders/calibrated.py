"""Bundles that were adapted to one person: whose they are, and whether that is the person of the session."""

from collections.abc import Iterable

from ..contract.calibration import Calibration
from ..streaming.decoder import StreamingDecoder

UNNAMED = "unknown"


def calibration_notices(decoders: Iterable[StreamingDecoder], participant: str) -> tuple[str, ...]:
    """Return for whom and when each adapted bundle was calibrated, and a warning where the session is another's.

    Parameters
    ----------
    decoders : iterable of StreamingDecoder
    participant : str
        Of the session; ``"unknown"`` where nobody is named.
    """
    return tuple(calibration_notice(one, participant) for one in calibrations_of(decoders))


def calibrations_of(decoders: Iterable[StreamingDecoder]) -> tuple[Calibration, ...]:
    """Return the calibrations of adapted bundles, each once."""
    found = (decoder.spec.calibration for decoder in decoders)
    return tuple(one for one in dict.fromkeys(found) if one is not None)


def calibration_notice(calibration: Calibration, participant: str) -> str:
    """Return for whom and when a bundle was calibrated, and a warning where the session is another's."""
    whose = f"calibrated for {calibration.participant} on {calibration.date}"
    if participant == calibration.participant:
        return whose
    base = calibration.base
    if participant == UNNAMED:
        return f"{whose} alone, and this session names no participant: set session.participant, or use '{base}'"
    return f"{whose} alone, and the participant is {participant}: use '{base}' or {participant}'s own bundle"
