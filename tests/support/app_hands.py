"""The command line with hands on its windows: run as a program, it does in each what a user would, and tells.

``python app_hands.py SCRIPT LOG moodring-words …``: every window process of it reads this file anew, as spawned
processes do with the program they come from, and moves its own window by the script's name. Each step is a line of JSON
in LOG.
"""

import json
import multiprocessing
import os
import sys
from pathlib import Path
from types import SimpleNamespace

SCRIPT, LOG = "MOODRING_HANDS_SCRIPT", "MOODRING_HANDS_LOG"


def tell(**facts):
    """Append a line to the log."""
    with Path(os.environ[LOG]).open("a", encoding="utf-8") as log:
        log.write(json.dumps(facts) + "\n")


def set_up(page):
    """Start the session; afterwards read what is said of it, and close."""
    if page.ended is not None:
        card = page.ended
        folders = [str(card.folder.itemData(place)) for place in range(card.folder.count())]
        tell(ended=card.title.text(), line=card.line.full, folders=folders, buttons=list(card.buttons))
        page.close()
        return
    while not page.buttons["start"].isEnabled():
        yield
    tell(shown="set-up", participant=page.form.participant.text())
    page.form.consent.click()
    yield
    page.buttons["start"].click()


def with_protocol(page):
    """Start a recorded session with a protocol; afterwards make its report, and ask for its replay."""
    if page.ended is not None:
        card = page.ended
        card.report._open = lambda url: tell(browser=url.toLocalFile()) is None
        card._open_replay = lambda folder: tell(replay=str(folder))
        card.buttons["Report"].click()
        while card.report.running:
            yield
        tell(report=card.said.full)
        card.buttons["Replay"].click()
        page.close()
        return
    from PyQt5.QtTest import QTest

    form = page.form
    QTest.keyClicks(form.protocol.line, "films/short.toml")
    form.consent.click()
    form.record.click()
    while "short" not in form.protocol_note.text():
        yield
    tell(protocol=form.protocol_note.text())
    page.buttons["start"].click()


def run_protocol(window):
    """Begin the protocol, wait until somebody has answered all of it, and end the session."""
    while window.view is None or window.view.newest is None or not window.page.protocol.buttons["begin"].isEnabled():
        yield
    tell(shown="live")
    row = window.page.protocol
    while row.buttons["begin"].isEnabled():
        row.buttons["begin"].click()
        yield
    while "finished" not in row.text.text():
        yield
    window.controls.buttons["end"].click()
    yield
    window.end_question.yes.click()


def look_back(window):
    """Seek to the middle of a recording, and say what its page shows."""
    while window.replay is None or not window.settled:
        yield
    span = window.replay.transport
    window.deeds.seek((span.start_s + span.stop_s) / 2)
    yield
    while not window.settled:
        yield
    tell(heading=window.page.heading.full, message=window.page.message.text())
    window.close()


def record_and_end(window):
    """Record for a moment, stop, and end the session; press everything twice."""

    def newest():
        return None if window.view is None else window.view.newest

    tell(shown="live", pid=os.getpid())
    while newest() is None or newest().decisions < 3:
        yield
    tell(estimate=newest().estimate is not None)
    window.controls.buttons["record"].click()
    while newest().recording is None or not newest().recording.lsl:
        yield
    begun = newest().decisions
    while newest().decisions < begun + 4:
        yield
    for _ in range(2):
        window.controls.buttons["stop"].click()
    while newest().recording.on:
        yield
    window.controls.buttons["end"].click()
    yield
    for _ in range(2):
        window.end_question.yes.click()
    phases = []
    while True:
        if newest().phase not in phases:
            phases.append(newest().phase)
            tell(phase=newest().phase)
        yield


def only_watch(window):
    """Say that the window is there and has something to show."""
    while window.view is None or window.view.newest is None or window.view.newest.decisions < 3:
        yield
    tell(shown="live", pid=os.getpid(), read_only=window.read_only)


def mark_and_end(window):
    """Set a mark, and end the session."""
    yield from only_watch(window)
    window.deeds.do("mark")
    while not window.page.message.full:
        yield
    tell(said=window.page.message.full)
    window.controls.buttons["end"].click()
    yield
    window.end_question.yes.click()


def open_one_and_end_all(window):
    """Open the page of the first of several, go back, and end all sessions."""
    while len(window.followed) < 2 or any(
        one.snapshot is None or one.snapshot.decisions < 3 for one in window.followed
    ):
        yield
    tell(shown="tiles", who=[tile.who.full for tile in window.tiles.values()])
    window.open(window.followed[0].key)
    while window.live.view is None or window.live.view.newest is None:
        yield
    tell(opened=window.live.view.newest.engine)
    window.live.deeds.do("escape")
    yield
    while not all(tile.phase.full.startswith("●") or "rest" in tile.phase.full for tile in window.tiles.values()):
        yield
    window.end_button.click()
    yield
    window.question.yes.click()
    tell(ended="all")


SET_UP = {"run_protocol": with_protocol}
"""What is done on the set-up page, by script."""


def is_ours(widget):
    """Return whether it is a window of the app."""
    return widget.objectName() == "window" or type(widget).__name__ == "ParticipantWindow"


def answer(window):
    """Answer a protocol as a participant does."""
    from answering import Answering

    somebody = Answering(window, SimpleNamespace(send=lambda _: None))
    while somebody is not None:
        yield


def lay_hands_on(script):
    """Move the window of this process as soon as its loop runs."""
    from PyQt5.QtCore import QTimer
    from PyQt5.QtWidgets import QApplication

    run = QApplication.exec_

    def with_hands(*_):
        steps = []

        def move():
            if not steps:
                page = next((one for one in QApplication.topLevelWidgets() if is_ours(one)), None)
                if page is None:
                    return
                steps.append(SET_UP.get(script, set_up)(page) if hasattr(page, "form") else globals()[script](page))
            next(steps[0], None)

        timer = QTimer()
        timer.timeout.connect(move)
        timer.start(100)
        return run()

    QApplication.exec_ = with_hands


if multiprocessing.current_process().name in ("set-up page", "window"):
    lay_hands_on(os.environ[SCRIPT])
elif multiprocessing.current_process().name == "participant's window":
    lay_hands_on("answer")

if __name__ == "__main__":
    os.environ[SCRIPT], os.environ[LOG] = sys.argv[1:3]
    del sys.argv[1:3]
    if sys.argv[1] in ("monitor", "view"):  # its window is in this process
        lay_hands_on(os.environ[SCRIPT])
    from moodring.cli.app import main

    main()
