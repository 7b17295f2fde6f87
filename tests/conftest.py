import os
from pathlib import Path

import pytest

from moodring.configs.live import LslSection
from moodring.configs.lsl import liblsl_settings, own_session

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real recordings that MOODRING_DATA names; tests that use it are marked ``data``."""
    named = os.environ.get("MOODRING_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} is not a folder (MOODRING_DATA names it)")
    return folder


@pytest.fixture(scope="session")
def lsl_session() -> LslSection:
    """An LSL session that only this test process and the children it hands these settings to can see.

    liblsl reads its settings once per process: ask for this fixture before anything touches pylsl.
    """
    import pylsl

    section = own_session("test", 10.0)
    text = liblsl_settings(section)
    assert text is not None
    pylsl.set_config_content(text)
    return section
