import gc
import weakref

import pytest

from moodring.realtime.engine.process_settings import collect_garbage, freeze_gc


class _Knot:
    def __init__(self):
        self.self = self


@pytest.fixture
def no_rounds():
    """The collector leaves everything to the test."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_left_behind_is_collected_once_all_is_loaded(no_rounds):
    before = weakref.ref(_Knot())
    collect_garbage()
    assert before() is not None, "not before, when it would take long"
    freeze_gc()
    assert before() is None
    after = weakref.ref(_Knot())
    collect_garbage()
    assert after() is None
