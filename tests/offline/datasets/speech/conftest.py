import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """Small corpora in their authors' layouts: see corpus_fakes.py."""
    spec = importlib.util.spec_from_file_location("corpus_fakes", Path(__file__).with_name("corpus_fakes.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
