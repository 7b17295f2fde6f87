"""The participant's part of the set-up page: consent, sessions that are there, the protocol that is checked."""

from pathlib import Path

import pytest
from PyQt5.QtTest import QTest

from moodring.configs.schema.live import EegSection, LiveConfig, SessionSection, StreamQuery
from moodring.realtime.lab.profiles import LAST, Profiles
from moodring.realtime.ui import strings
from tests.realtime.ui.test_setup_page import Scripted, lab, make, wait_and_tick  # noqa: F401

pytestmark = pytest.mark.qt


@pytest.fixture
def page(make, tmp_path):  # noqa: F811
    made = make(LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")), session=SessionSection(participant="P07")))
    made.form.folder.setText(str(tmp_path / "data"))
    made.started.connect(made_sessions(made).append)
    return made


def made_sessions(page):
    page.sessions = []
    return page.sessions


def choose_protocol(page, name="films/protocol.toml"):
    page.form.protocol.line.clear()
    QTest.keyClicks(page.form.protocol.line, name)
    wait_and_tick(page)


def test_nothing_is_recorded_without_consent(page):
    page.form.record.setChecked(True)
    page.buttons["start"].click()
    assert page.sessions == []
    assert page.message.text() == f"■ {strings.SETUP_NO_CONSENT.format(participant='P07')}"
    page.form.consent.setChecked(True)
    page.buttons["start"].click()
    (session,) = page.sessions
    assert session.config.session.consent.startswith("given, noted on 20")


def test_a_session_without_consent_may_not_record_later_either(page):
    page.buttons["start"].click()
    (session,) = page.sessions
    assert (session.config.session.consent, session.config.session.consent_needed) == ("", True)


def test_consent_is_of_one_person_and_one_session(page, tmp_path):
    page.form.consent.setChecked(True)
    page.form.age.setText("31")
    QTest.keyClicks(page.form.session, "2")
    assert not page.form.consent.isChecked()
    assert page.form.age.text() == "31"
    page.form.consent.setChecked(True)
    QTest.keyClicks(page.form.participant, "b")
    assert not page.form.consent.isChecked()
    assert page.form.age.text() == ""
    page.form.consent.setChecked(True)
    page.buttons["start"].click()
    assert page.sessions[0].config.session.consent
    kept = Profiles(tmp_path / "profiles").load(LAST).session
    assert (kept.participant, kept.consent, kept.age) == ("P07b", "", None)


def test_what_is_optional_is_kept_with_the_session(page):
    page.form.consent.setChecked(True)
    QTest.keyClicks(page.form.age, "31")
    page.form.handedness.setCurrentText("left")
    page.form.handedness.activated.emit(2)
    page.buttons["start"].click()
    about = page.sessions[0].config.session
    assert (about.age, about.sex, about.handedness) == (31, "", "left")


def test_an_age_that_is_none_is_said(page):
    QTest.keyClicks(page.form.age, "old")
    assert page.config is None
    assert "age" in page.message.text()


def test_a_session_that_is_there_is_said_and_the_next_one_offered(page, tmp_path):
    for name in ("ses-01/a_run-01", "ses-01/a_run-02", "ses-07/b_run-01"):
        (tmp_path / "data" / "sub-P07" / name).mkdir(parents=True)
    wait_and_tick(page)
    assert page.form.session_note.text() == strings.SETUP_EXISTS.format(participant="P07", session="01", count=2)
    assert page.form.take_next.text() == "Take session 08"
    page.form.take_next.click()
    wait_and_tick(page)
    assert page.config.session.session == "08"
    assert not page.form.session_note.isVisibleTo(page)


def test_a_protocol_is_checked_for_its_participant_and_may_start(page, lab):  # noqa: F811
    choose_protocol(page)
    assert lab.protocols == [(Path("films/protocol.toml"), "P07", "01")]
    assert page.form.protocol_note.text() == "● films: 14 stimuli"
    page.buttons["start"].click()
    assert page.sessions == [], "no consent"
    page.form.consent.setChecked(True)
    page.buttons["start"].click()
    assert page.sessions[0].config.protocol.file == Path("films/protocol.toml")


def test_a_wrong_protocol_is_said_and_does_not_start(page, lab):  # noqa: F811
    lab.protocol.error = "protocol 'a.toml' includes itself: 'a.toml' → 'b.toml' → 'a.toml'; take one include out"
    choose_protocol(page)
    page.form.consent.setChecked(True)
    wait_and_tick(page)
    assert page.form.protocol_note.text() == f"■ {lab.protocol.error}"
    page.buttons["start"].click()
    assert page.sessions == []
    assert page.message.text() == f"■ {lab.protocol.error}"
    page.form.protocol.line.clear()
    page.form.changed.emit()
    page.buttons["start"].click()
    assert len(page.sessions) == 1, "without a protocol it starts"


def test_a_protocol_that_is_still_checked_does_not_start(page, lab):  # noqa: F811
    lab.protocol.over = False
    choose_protocol(page)
    page.form.consent.setChecked(True)
    page.buttons["start"].click()
    assert page.message.text() == f"■ {strings.SETUP_PROTOCOL_WAIT}"
    assert page.sessions == []
