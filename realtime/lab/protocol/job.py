"""What the participant's window is told, and whether a protocol can be shown at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ....configs.schema.errors import ConfigError
from ....configs.schema.live import LiveConfig
from ....configs.schema.protocol.read_protocol import read_protocol
from .plan import Plan, plan_of
from .stimulus_files import check_stimuli

Corner = Literal["none", "upper left", "upper right", "lower left", "lower right"]


@dataclass(frozen=True)
class ProtocolJob:
    """A protocol for one participant.

    Attributes
    ----------
    file : Path
    participant, session : str
    engine : str
        Takes the markers.
    loudspeaker : int or str
        Of PortAudio; ``"none"`` lets the protocol be silent.
    patch : Corner
        Where the photodiode's patch is.
    patch_size : float
        Its side, in heights of the screen.
    """

    file: Path
    participant: str
    session: str
    engine: str
    loudspeaker: int | str = "default"
    patch: Corner = "none"
    patch_size: float = 0.08


def job_of(config: LiveConfig) -> ProtocolJob | None:
    """Return the protocol that a config names; None where it names none.

    Raises
    ------
    ConfigError
        No consent is noted, or marks are sent nowhere.
    """
    section, about = config.protocol, config.session
    if section.file is None:
        return None
    if not about.consent.strip():
        raise ConfigError(
            f"protocol '{section.file}': no consent of participant '{about.participant}' is noted; tick it on the "
            "set-up page, or give --set 'session.consent=\"signed, DATE\"'"
        )
    if not config.outlet.enabled:
        raise ConfigError("a protocol's markers are sent on the engine's outlet; set outlet.enabled = true")
    return ProtocolJob(
        section.file, about.participant, about.session, config.name, section.loudspeaker, section.patch,
        section.patch_size,
    )  # fmt: skip


def planned(file: Path, participant: str, session: str) -> Plan:
    """Return what a participant is shown, every stimulus checked.

    Raises
    ------
    ConfigError
        What is wrong with the protocol or its stimuli.
    """
    protocol = read_protocol(file)
    return plan_of(protocol, check_stimuli(protocol), participant, session)
