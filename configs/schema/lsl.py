"""Write liblsl's settings as the text that it reads; both rooms hand the text to ``pylsl.set_config_content``."""

import os
from pathlib import Path
from random import randrange
from uuid import uuid4

from .errors import ConfigError
from .live import LslSection

# Its chatter would run through the terminal's dashboard; the health of the sources says what matters of it. Left to
# itself it asks for streams every 1.75 s, and a source that returns is to be live again within 3 s.
_OURS = "[log]\nlevel = -3\n[tuning]\nMulticastMinRTT = 0.1\nUnicastMinRTT = 0.1\nContinuousResolveInterval = 0.2\n"
# By itself liblsl asks 127.0.0.1 alone within a machine, at one port that all senders share, and the system hands the
# question to one of them (liblsl's issue 92); their own ports are 32, which the recorder's inlets soon fill. A question to
# all hosts comes to every sender and, at this scope's time to live of 0, goes no further: every system is a member of
# these two groups. To a group of liblsl's own that nobody here has joined, Linux sends it out all the same.
_MACHINE = "{127.0.0.1, 224.0.0.1, FF02::1}"
# Below the ports that systems give out by themselves (32768 and up).
_FIRST_PORT, _PORT_BLOCKS = 17_000, 240


def own_session(kind: str, resolve_timeout_s: float = 30.0) -> LslSection:
    """Make an LSL session on this machine that neither sees nor disturbs the lab's streams, nor another such session.

    It has ports of its own, too: senders of liblsl share 32, and one that found them taken is hardly found itself.
    """
    return LslSection(
        session_id=f"{kind}-{uuid4().hex[:12]}",
        resolve_scope="machine",
        resolve_timeout_s=resolve_timeout_s,
        base_port=_FIRST_PORT + 64 * randrange(_PORT_BLOCKS),
    )


def liblsl_settings(section: LslSection) -> str | None:
    """Give the text of liblsl's configuration, or None where the computer's own is to be used.

    liblsl reads its settings once, at its first use in a process, and text given to it hides the computer's
    own ``lsl_api.cfg``; a section left at its defaults therefore leaves that file, where there is one, in charge.

    Raises
    ------
    ConfigError
        A session or peer whose name would break the text apart.
    """
    if section.model_copy(update={"resolve_timeout_s": LslSection().resolve_timeout_s}) == LslSection():
        return None if computer_settings() is not None else _OURS
    for key, words in (("session_id", [section.session_id]), ("known_peers", section.known_peers)):
        for word in words:
            if not word.strip() or any(character in word for character in "{}[],;#=\r\n"):
                raise ConfigError(f"lsl.{key} {word!r} is not a plain word; use letters, digits, '.', ':', '-' and '_'")
    machine = section.resolve_scope == "machine"
    # Named as a peer, the machine has each sender's own port asked too: it finds those that listen at one address only.
    peers = list(dict.fromkeys([*section.known_peers, *(["127.0.0.1"] if machine else [])]))
    only_here = f"MachineAddresses = {_MACHINE}\n" if machine else ""
    ports = f"[ports]\nBasePort = {section.base_port}\nPortRange = 64\n" if section.base_port is not None else ""
    listen = f"ListenAddress = {section.listen_address}\n" if section.listen_address is not None else ""
    return (
        f"[lab]\nKnownPeers = {{{', '.join(peers)}}}\nSessionID = {section.session_id}\n"
        f"[multicast]\nResolveScope = {section.resolve_scope}\n{only_here}{listen}"
        f"{ports}{_OURS}"
    )


def computer_settings() -> Path | None:
    """Find the computer's own settings where liblsl looks (https://labstreaminglayer.readthedocs.io/info/lslapicfg.html)."""
    given = os.environ.get("LSLAPICFG")
    places = [Path("lsl_api.cfg"), Path.home() / "lsl_api" / "lsl_api.cfg", Path("/etc/lsl_api/lsl_api.cfg")]
    return next((place for place in ([Path(given)] if given else []) + places if place.is_file()), None)
