import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def script():
    """The scripted session that the screens' tests show: see scripted_screens.py."""
    spec = importlib.util.spec_from_file_location("scripted_screens", Path(__file__).with_name("scripted_screens.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
