"""Hand liblsl its settings, once per process and before anything uses it."""

from ...configs.schema.live import LslSection
from ...configs.schema.lsl import liblsl_settings


def apply_lsl_settings(section: LslSection) -> None:
    """Apply a config's section; one left at its defaults leaves the computer's own ``lsl_api.cfg`` in charge."""
    import pylsl

    text = liblsl_settings(section)
    if text is not None:
        pylsl.set_config_content(text)
