"""Write liblsl's settings as the text that it reads; both rooms hand the text to ``pylsl.set_config_content``."""

from .errors import ConfigError
from .live import LslSection


def liblsl_settings(section: LslSection) -> str | None:
    """Give the text of liblsl's configuration, or None where the section asks for nothing of its own.

    liblsl reads its settings once, at its first use in a process, and text given to it hides the computer's
    own ``lsl_api.cfg``; a section left at its defaults therefore leaves that file in charge.

    Raises
    ------
    ConfigError
        A session or peer whose name would break the text apart.
    """
    if section.model_copy(update={"resolve_timeout_s": LslSection().resolve_timeout_s}) == LslSection():
        return None
    for key, words in (("session_id", [section.session_id]), ("known_peers", section.known_peers)):
        for word in words:
            if not word.strip() or any(character in word for character in "{}[],;#=\r\n"):
                raise ConfigError(f"lsl.{key} {word!r} is not a plain word; use letters, digits, '.', ':', '-' and '_'")
    return (
        f"[lab]\nKnownPeers = {{{', '.join(section.known_peers)}}}\nSessionID = {section.session_id}\n"
        f"[multicast]\nResolveScope = {section.resolve_scope}\n"
        "[log]\nlevel = -3\n"  # its chatter would run through the terminal's dashboard; source health says what matters of it
    )
