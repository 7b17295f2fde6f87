"""The page in a real browser: what can be read on it, whom it asks, and what it says when something is gone."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.support.browser import Browser, needs_browser
from tests.support.heads import with_head
from tests.support.web_stand import TOKEN, Engines, WebStand

pytestmark = [needs_browser, pytest.mark.deadline, pytest.mark.timeout(600)]


@pytest.fixture
def engines(script):
    made = Engines()
    made.show(script.snapshot_at(66.0, participant="P01"))
    return made


@pytest.fixture(scope="module")
def shared_browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture
def browser(shared_browser):
    shared_browser.open("about:blank")
    shared_browser.events.clear()
    shared_browser.scheme("light")
    shared_browser.size(1366, 768)
    return shared_browser


def opened(browser, stand):
    browser.open(stand.url)
    browser.wait("document.querySelector('article .sources')")


def size_of(browser, selector):
    return browser.run(f"parseFloat(getComputedStyle(document.querySelector('{selector}')).fontSize)")


def test_a_session_can_be_read_and_nobody_else_is_asked(browser, engines, script):
    with WebStand(engines) as stand:
        opened(browser, stand)
        text = browser.text()
        for word in ("P01", "room-1", "1:06", "decoding", "Valence, felt", "Arousal, felt", "Speech, expressed"):
            assert word in text
        for word in (script.NOTICE, "EEG: live", "Face: live", "latency 143/212 ms"):
            assert word in text
        shares = browser.run("[...document.querySelectorAll('[data-head=valence] .share')].map((one) => one.innerText)")
        probabilities = engines.shown[0].snapshot.estimate.head("valence").probabilities
        assert shares == [f"{round(100 * round(p, 3))}%" for p in probabilities]
        assert browser.run("document.querySelector('#banner').hidden")
        addresses = set(browser.addresses())
        assert addresses == {f"http://127.0.0.1:{stand.port}/", f"http://127.0.0.1:{stand.port}/events"}
        assert browser.run("document.cookie") == ""
        assert browser.complaints() == []


def test_the_mark_is_hollow_where_the_model_abstains_and_the_reason_stands_beside_it(browser, engines, script):
    with WebStand(engines) as stand:
        engines.show(script.snapshot_at(66.0))
        opened(browser, stand)
        hollow = "document.querySelector('.spot.hollow')"
        full = browser.run(f"document.querySelector('.spot') !== null && {hollow} === null")
        assert full == (len(engines.shown[0].snapshot.estimate.head("valence").kept) < 3)
        estimate = with_head(script.snapshot_at(66.0).estimate, "valence", kept=(0, 1, 2), abstained="no face for 12 s")
        engines.show(replace(script.snapshot_at(66.0), estimate=estimate))
        browser.wait(hollow)
        assert browser.run(f"getComputedStyle({hollow}).fill") == "none"
        assert "valence: no face for 12 s" in browser.text()


def test_what_a_stream_says_of_itself_is_text_and_no_markup(browser, engines, script):
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    source = script.source("eeg", error=evil)
    engines.show(script.snapshot_at(66.0, participant=evil, notices=(evil,), sources=(source,)))
    with WebStand(engines) as stand:
        opened(browser, stand)
        assert browser.text().count(evil) >= 3
        assert browser.run("document.querySelectorAll('article img, article script').length") == 0
        assert browser.complaints() == []


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1366, 768), (1920, 1080), (3840, 2160), (420, 800)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_and_the_words_are_large(browser, engines, width, height, scheme):
    with WebStand(engines) as stand:
        browser.scheme(scheme)
        browser.size(width, height)
        opened(browser, stand)
        assert browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        cut = browser.run(
            "[...document.querySelectorAll('article *:not(svg *)')]"
            ".filter((one) => one.scrollWidth > one.clientWidth + 1)"
            ".filter((one) => getComputedStyle(one).display === 'block').map((one) => one.className)"
        )
        assert cut == []
        # A capital letter of 2 % of a screen 30 cm high is 6 mm: ten minutes of arc from two metres.
        assert size_of(browser, "article .said") >= (0.024 * height if width > 800 else 24)
        assert size_of(browser, "article .row") >= (0.018 * height if width > 800 else 16)


def luminance(colour):
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground_in_both_schemes(browser, engines, script, scheme):
    sources = (script.source("eeg"), script.source("face", health="lost"), script.source("speech", health="stale"))
    engines.show(script.snapshot_at(60.0, sources=sources))
    with WebStand(engines) as stand:
        browser.scheme(scheme)
        opened(browser, stand)
        ground = luminance(browser.run("getComputedStyle(document.querySelector('article')).backgroundColor"))
        assert (ground > 0.5) == (scheme == "light")
        inks = browser.run(
            "[...document.querySelectorAll('article span, article div, article h3, article small, article figcaption')]"
            ".filter((one) => one.innerText).map((one) => getComputedStyle(one).color)"
        )
        assert len(set(inks)) >= 4
        for ink in set(inks):
            light, dark = sorted((luminance(ink), ground), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, ink  # WCAG 2.2, level AA


def test_without_the_token_it_asks_and_with_it_it_shows(browser, engines):
    with WebStand(engines) as stand:
        browser.open(f"http://127.0.0.1:{stand.port}/")
        browser.wait("!document.querySelector('#way-in').hidden")
        assert "P01" not in browser.text()
        refused = "document.querySelector('#banner').innerText.includes('refused')"
        for given, waited in (("wrong", refused), (TOKEN, "document.querySelector('article .sources')")):
            browser.run(f"document.querySelector('#token').value = '{given}'")
            browser.click("#way-in button")
            browser.wait(waited)
        assert "P01" in browser.text()
        assert browser.run("document.querySelector('#way-in').hidden")


def test_a_lost_connection_is_said_and_mended(browser, engines, script):
    with WebStand(engines) as stand:
        opened(browser, stand)
        port = stand.port
    browser.wait("document.querySelector('#banner').innerText.includes('Trying again')")
    assert "P01" in browser.text()  # the last that was known, marked as old
    assert browser.run("document.body.classList.contains('old')")
    engines.show(script.snapshot_at(70.0, participant="P02"))
    with WebStand(engines, port=port):
        browser.wait("document.querySelector('.who').innerText === 'P02' && document.querySelector('#banner').hidden")
        assert not browser.run("document.body.classList.contains('old')")


def test_a_server_that_says_nothing_more_is_noticed(browser, engines):
    """The computer is off, or its cable out: nothing ends the connection."""
    with WebStand(engines) as stand:
        opened(browser, stand)
        engines.look = lambda: (stand._over.wait(60.0), ())[1]
        browser.wait("document.querySelector('#banner').innerText.includes('Trying again')")
        assert browser.run("document.body.classList.contains('old')")


def test_an_engine_that_is_gone_is_said_and_so_is_its_return(browser, engines, script):
    with WebStand(engines) as stand:
        opened(browser, stand)
        engines.show(script.snapshot_at(66.0, participant="P01"), silent_s=7.0, why="engine 'room-1' has ended")
        browser.wait("document.querySelector('article').dataset.state === 'gone'")
        assert "has not answered for 0:07" in browser.text()
        engines.show(script.snapshot_at(66.0, participant="P01", phase="ended"))
        browser.wait("document.querySelector('article').dataset.state === 'ended'")
        assert "session ended" in browser.text()
        engines.show()
        browser.wait("document.querySelector('#banner').innerText.includes('No engine is running')")
        engines.show(script.snapshot_at(70.0, participant="P03"))
        browser.wait("document.querySelector('.who')?.innerText === 'P03'")


def test_several_participants_are_tiles_and_one_of_them_is_chosen(browser, engines, script):
    engines.show(*[script.snapshot_at(60.0 + k, participant=f"P{k}") for k in range(8)])
    with WebStand(engines) as stand:
        browser.size(1920, 1080)
        opened(browser, stand)
        assert browser.run("document.querySelectorAll('article').length") == 8
        assert "8 of 8 engines answer" in browser.text()
        assert browser.run("document.documentElement.scrollHeight <= document.documentElement.clientHeight")
        browser.click("article:nth-child(3) .who")
        browser.wait("document.querySelectorAll('article').length === 1")
        assert browser.run("document.querySelector('.who').innerText") == "P2"
        assert browser.run("document.querySelectorAll('[data-head=valence] .row').length") == 3
        browser.key("Escape", 27)
        browser.wait("document.querySelectorAll('article').length === 8")


def test_signal_quality_only(browser, engines):
    with WebStand(engines, estimates=False) as stand:
        opened(browser, stand)
        text = browser.text()
        assert "EEG: live" in text
        assert "signal quality only" in text
        assert "valence" not in text.lower()


_SERVES = """
import sys
from moodring.configs.schema.web import WebSection
from moodring.realtime.web.process import WebPage
if __name__ == "__main__":
    with WebPage(WebSection(address="127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2])) as page:
        print(page.wait_ready(), flush=True)
        sys.stdin.read()
"""


def test_the_process_of_the_page_serves_and_ends_with_its_parent(browser, tmp_path, monkeypatch):
    program = tmp_path / "serves.py"
    program.write_text(_SERVES)
    port = 20_000 + os.getpid() % 20_000
    command = [sys.executable, str(program), str(port), TOKEN]
    served = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout.readline() == f"page for browsers: http://127.0.0.1:{port}/#{TOKEN}\n"
        browser.open(f"http://127.0.0.1:{port}/#{TOKEN}")
        browser.wait("document.querySelector('#banner').innerText.includes('No engine is running')")
        served.send_signal(signal.SIGKILL)
        served.wait(20.0)
        browser.wait("document.querySelector('#banner').innerText.includes('Trying again')")
    finally:
        served.kill()
        served.stdin.close()
        served.stdout.close()
