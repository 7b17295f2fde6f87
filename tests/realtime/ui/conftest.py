"""The window on a scripted session."""

import pytest


@pytest.fixture
def window(qt, stage):
    from moodring.realtime.ui.view_model import ViewModel
    from moodring.realtime.ui.window import Window

    made = Window(ViewModel(stage, stage.clock))
    made._timer.stop()
    made.show()
    yield made
    made.close()
    made.deleteLater()
    qt.processEvents()
