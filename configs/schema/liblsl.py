"""Configuration of liblsl as the text that ``pylsl.set_config_content`` takes."""

import os
from collections.abc import Callable
from pathlib import Path
from random import randrange
from uuid import uuid4

from .errors import ConfigError
from .live import LslSection

# liblsl's log would overwrite the terminal's dashboard. By default it resolves every 1.75 s, but a source that returns
# has to be live again within 3 s.
_DEFAULTS = "[log]\nlevel = -3\n[tuning]\nMulticastMinRTT = 0.1\nUnicastMinRTT = 0.1\nContinuousResolveInterval = 0.2\n"
# Within a machine liblsl queries 127.0.0.1 at one port that all senders share, and the system delivers the query to one
# of them (liblsl's issue 92); the senders' own 32 ports are soon taken by inlets. A query to the all-hosts groups
# reaches every sender and, with this scope's time to live of 0, stays on the machine. Linux would send a query to a
# group that no process has joined out to the network.
_MACHINE = "{127.0.0.1, 224.0.0.1, FF02::1}"
# Below the ports that systems give out by themselves (32768 and up).
_FIRST_PORT, _PORT_BLOCKS = 17_000, 240


def own_session(kind: str, resolve_timeout_s: float = 30.0) -> LslSection:
    """Return settings of an LSL session of this machine that is isolated from other sessions.

    It has ports of its own, because senders of liblsl share 32, and one that gets none of them is rarely resolved.
    """
    return LslSection(
        session_id=f"{kind}-{uuid4().hex[:12]}",
        resolve_scope="machine",
        resolve_timeout_s=resolve_timeout_s,
        base_port=_FIRST_PORT + 64 * randrange(_PORT_BLOCKS),
    )


def liblsl_settings(section: LslSection) -> str | None:
    """Return the text of liblsl's configuration, or None to use the computer's own.

    liblsl reads its configuration once, at its first use in a process, and this text replaces the computer's own
    ``lsl_api.cfg``; a section with default values therefore leaves such a file in use.

    Raises
    ------
    ConfigError
        A session or peer with characters that the format reserves.
    """
    if section.model_copy(update={"resolve_timeout_s": LslSection().resolve_timeout_s}) == LslSection():
        return None if computer_settings() is not None else _DEFAULTS
    for key, words in (("session_id", [section.session_id]), ("known_peers", section.known_peers)):
        for word in words:
            if not word.strip() or any(character in word for character in "{}[],;#=\r\n"):
                raise ConfigError(f"lsl.{key} {word!r} is not a plain word; use letters, digits, '.', ':', '-' and '_'")
    machine = section.resolve_scope == "machine"
    # As a peer, 127.0.0.1 is also queried at each sender's own port, which finds senders that listen at one address.
    peers = list(dict.fromkeys([*section.known_peers, *(["127.0.0.1"] if machine else [])]))
    only_here = f"MachineAddresses = {_MACHINE}\n" if machine else ""
    ports = f"[ports]\nBasePort = {section.base_port}\nPortRange = 64\n" if section.base_port is not None else ""
    listen = f"ListenAddress = {section.listen_address}\n" if section.listen_address is not None else ""
    return (
        f"[lab]\nKnownPeers = {{{', '.join(peers)}}}\nSessionID = {section.session_id}\n"
        f"[multicast]\nResolveScope = {section.resolve_scope}\n{only_here}{listen}"
        f"{ports}{_DEFAULTS}"
    )


def configure_liblsl(section: LslSection, set_content: Callable[[str], None]) -> None:
    """Configure liblsl, before any other function of pylsl in the process.

    Parameters
    ----------
    section : LslSection
    set_content : callable
        ``pylsl.set_config_content``, which this package does not import.
    """
    text = liblsl_settings(section)
    if text is not None:
        set_content(text)


def computer_settings() -> Path | None:
    """Return the path of the computer's own ``lsl_api.cfg``, where there is one.

    Places as in https://labstreaminglayer.readthedocs.io/info/lslapicfg.html.
    """
    given = os.environ.get("LSLAPICFG")
    places = [Path("lsl_api.cfg"), Path.home() / "lsl_api" / "lsl_api.cfg", Path("/etc/lsl_api/lsl_api.cfg")]
    return next((place for place in ([Path(given)] if given else []) + places if place.is_file()), None)
