"""Adapting the models in a process of its own: what is asked for, and a cancelled one that leaves nothing."""

import threading
import time
from types import SimpleNamespace

import psutil
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, LiveConfig, ModelsSection, StreamQuery
from moodring.configs.schema.load import toml_text
from moodring.realtime.lab.protocol import adapt
from tests.support.lsl_stand import wait_for


@pytest.fixture
def recorded(tmp_path):
    folder = tmp_path / "sub-P07" / "ses-01" / "sub-P07_ses-01_task-films_run-01"
    folder.mkdir(parents=True)
    save(folder, "bundled")
    return folder


def save(folder, bundle):
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="a")), models=ModelsSection(video_eeg=bundle))
    (folder / "config.toml").write_text(toml_text(config))


def test_what_the_session_was_decoded_with_is_adapted(recorded):
    out = recorded.parent.parent / f"{recorded.name}_adapted.safetensors"
    assert adapt.words_of(recorded, "P07") == [
        "calibrate", str(recorded), "--bundle", "attention", "--out", str(out), "--participant", "P07",
    ]  # fmt: skip
    save(recorded, "mine.safetensors")
    assert adapt.words_of(recorded, "P07")[3] == "mine.safetensors"
    save(recorded, "none")
    with pytest.raises(MoodringError, match="no other bundle reads ratings"):
        adapt.words_of(recorded, "P07")


def test_a_bundle_that_is_there_is_never_replaced(recorded):
    first = adapt.out_of(recorded)
    first.touch()
    assert adapt.out_of(recorded).name == f"{recorded.name}_adapted-2.safetensors"


def test_a_session_without_labels_is_told_in_the_commands_own_words(recorded):
    run = adapt.AdaptRun(recorded, "P07")
    try:
        wait_for(lambda: run.over, 120)
        assert not run.done
        assert "session.toml" in run.said or "recording" in run.said
        assert "Traceback" not in run.said
    finally:
        run.close()
    assert list(recorded.parent.parent.glob("*.safetensors")) == []


def test_a_cancelled_one_ends_with_all_its_processes(recorded):
    run = adapt.AdaptRun(recorded, "P07")
    child = run._child

    def processes():
        return psutil.Process(child.pid).children(recursive=True) if child.running else []

    wait_for(lambda: any("calibrate" in one.cmdline() for one in processes()), 60)
    below = processes()
    begin_s = time.monotonic()
    run.close()
    assert time.monotonic() - begin_s < 15.0
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive
    assert not child.running
    assert list(recorded.parent.parent.glob("*safetensors*")) == []


def test_a_command_that_says_much_is_not_held_up(monkeypatch, tmp_path):
    script = tmp_path / "says-much"
    script.write_text("#!/bin/sh\nyes 'a line' | head -c 500000\necho; echo kept\n")
    script.chmod(0o700)
    monkeypatch.setattr(adapt.sys, "executable", str(script))
    sent: list[dict[str, object]] = []
    parent = SimpleNamespace(ended=threading.Event(), send=sent.append)
    working = threading.Thread(target=adapt.adapt_here, args=(parent, ["calibrate"]), daemon=True)
    working.start()
    working.join(30.0)
    assert sent == [{"done": True, "said": "kept"}]
