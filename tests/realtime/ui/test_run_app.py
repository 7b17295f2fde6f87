"""The set-up page as the process that `moodring app` starts."""

import psutil
import pytest

from moodring.realtime.ui.run_app import open_page

pytestmark = pytest.mark.qt


def test_the_page_opens_with_its_search_and_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with open_page(None) as page:
        assert page.receive(90.0) == {"shown": True}
        assert page.running
        searching = psutil.Process(page.pid).children(recursive=True)
        assert searching, "its search for devices is a process of its own"
    gone, alive = psutil.wait_procs(searching, timeout=20)
    assert gone
    assert not alive
