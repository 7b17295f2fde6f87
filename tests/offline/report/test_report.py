"""`moodring report`: one page that needs nothing else, of whole and of broken sessions, with every text escaped."""

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema import session_folder as names
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.offline.recordings.session_record import read_session_record
from moodring.offline.report.facts import abstentions, rated_stimuli, times_of
from moodring.offline.report.frames_seen import chosen, looks_of
from moodring.offline.report.report import write_report
from tests.support.session_records import estimate, write_record

SECONDS = 4.0
HEADINGS = {
    "Health and events",
    "Estimates",
    "Ratings beside estimates",
    "Frames the model looked at",
    "Attention to the bands",
    "The three times",
    "Settings and versions",
    "What must be said of the models",
}


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, headings, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: set[str] = set()
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] == ["h2"]:
            self.headings.add(data)
        if "style" not in self._open:
            self.words += data + "\n"

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def session(fake_recording, tmp_path_factory) -> Path:
    return write_record(tmp_path_factory.mktemp("recorded") / "run", fake_recording(SECONDS))


def report_of(folder: Path, **options) -> Page:
    path, _ = write_report(folder, None, pictures=options.get("pictures", True))
    return Page(path.read_text(encoding="utf-8"))


def test_a_whole_session_has_every_section(session: Path) -> None:
    page = report_of(session)
    assert page.headings == HEADINGS
    for words in ("P 07", "signed <today>", "pictures & films", "coughs <b>loudly</b>", "too few electrodes", "beach"):
        assert words in page.words, words
    assert (session / names.REPORT_FILE).stat().st_mode & 0o777 == 0o600


def test_it_needs_no_network_and_runs_nothing(session: Path) -> None:
    page = report_of(session)
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe", "object", "embed", "form", "base")
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "url(http" not in (session / names.REPORT_FILE).read_text()
    (policy,) = [one["content"] for one in page.named("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", 'a" onload="x', "</title></style><img src=x onerror=y>", "a\x1b[2J\u202eb", "参加者"],
)
def test_whatever_somebody_is_called_is_text(fake_recording, tmp_path: Path, name: str) -> None:
    markers = ((0.0, f"stimulus_{name}"), (1.0, name), (2.0, "rating valence=3 arousal=4"))
    folder = write_record(
        tmp_path / "run", fake_recording(SECONDS), participant=name, task=name, markers=markers, without=("speech",)
    )
    page = report_of(folder)
    assert "script" not in {tag for tag, _ in page.elements}
    assert all(one.get("src", "").startswith("data:image/jpeg") for one in page.named("img"))
    assert not [attributes for _, attributes in page.elements if {"onload", "onerror"} & set(attributes)]
    shown = name.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert shown in page.words
    assert "\x1b" not in page.words


def test_pictures_are_left_out_where_nobody_wants_them(session: Path) -> None:
    with_pictures = report_of(session)
    assert len(with_pictures.named("img")) == 3
    assert "It shows pictures of the participant." in with_pictures.words
    without = report_of(session, pictures=False)
    assert without.named("img") == []
    assert "It shows no pictures of the participant." in without.words
    assert "(--no-pictures)" in without.words


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        (("eeg",), set()),
        (("face", "speech"), set()),
        (("journal",), {"Frames the model looked at", "Attention to the bands", "The three times",
                        "What must be said of the models"}),
        (("log", "config"), set()),
        (("eeg", "face", "speech", "journal", "log", "config"), {"Frames the model looked at", "Attention to the bands",
                                                       "The three times", "What must be said of the models"}),
    ],
)  # fmt: skip
def test_what_a_session_lacks_is_told_and_no_more(
    fake_recording, tmp_path: Path, without: tuple[str, ...], gone: set[str]
) -> None:
    folder = write_record(tmp_path / "run", fake_recording(SECONDS), without=without)
    page = report_of(folder)
    assert page.headings == HEADINGS - gone
    if "journal" in without and "config" not in without:
        assert "there is no journal" in page.words


def test_a_session_cut_in_the_middle(session: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(session, tmp_path / "run")
    for path in (folder / names.STREAMS_FOLDER / "part-001.xdf", folder / names.VIDEO_FOLDER / names.CAMERA_FILE):
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) // 2])
    (folder / names.LOG_FILE).write_bytes((folder / names.LOG_FILE).read_bytes()[:-30])
    (folder / names.VERSIONS_FILE).write_text("{")
    text = (folder / names.SESSION_FILE).read_text()
    (folder / names.SESSION_FILE).write_text(re.sub(r'ended_at = ".*"', 'ended_at = ""', text))
    page = report_of(folder)
    assert "the session did not end in order" in page.words
    assert "1 of 4 lines are damaged" in page.words
    assert "versions.json" in page.words
    assert "Estimates" in page.headings


def test_ten_hours_without_a_decision_are_a_gap(fake_recording, tmp_path: Path) -> None:
    recording = fake_recording(SECONDS)
    made = [estimate(recording.t0_s, at_s) for at_s in (1.0, 1.5, 2.0, 36_000.0, 36_001.0)]
    page = report_of(write_record(tmp_path / "run", recording, estimates=made))
    assert "10:00:01" in page.words
    lines = [one["points"].split() for one in page.named("polyline")]
    assert all(float(line[-1].split(",")[0]) - float(line[0].split(",")[0]) < 10.0 for line in lines)
    assert (tmp_path / "run" / names.REPORT_FILE).stat().st_size < 400_000


def test_ratings_stand_beside_what_was_estimated(session: Path) -> None:
    rated, fault = rated_stimuli(read_session_record(session))
    assert fault is None
    beach, spider = rated
    assert (beach.span.stimulus, beach.span.ratings["valence"]) == ("beach", 7.0)
    # Of the decisions at 1.0, 1.5, 2.0 and 2.5 s the first two abstain.
    assert beach.answered["valence"] == (2, 4)
    assert beach.levels["valence"] == ("high", "high")
    assert beach.estimated["valence"] == pytest.approx(0.7 * 2 / 3 - 0.1 * 2 / 3)
    assert spider.levels == {"valence": ("low", "high"), "arousal": ("high", "low")}
    page = report_of(session)
    assert "Valence: 1 of 2 levels are the same." in page.words
    assert "Arousal: 1 of 2 levels are the same." in page.words


def test_ratings_that_cannot_be_read_are_one_line(fake_recording, tmp_path: Path) -> None:
    markers = ((0.5, "stimulus_a"), (1.0, "rating valence=very"))
    page = report_of(write_record(tmp_path / "run", fake_recording(SECONDS), markers=markers))
    assert "The ratings cannot be read" in page.words


def test_abstentions_and_times_are_counted() -> None:
    made = [estimate(100.0, at_s) for at_s in (1.0, 1.5, 2.0, 2.5)]
    found = {(one.head, one.reason): (one.count, one.share, one.first_s) for one in abstentions(made)}
    assert found == {("valence", "too few electrodes"): (2, 0.5, 1.0), ("speech", "no speech"): (4, 1.0, 1.0)}
    times = times_of(made)
    assert times is not None
    assert times.latency == pytest.approx((50.0, 50.0))
    assert list(times.stages.values()) == pytest.approx([10.0, 20.0, 10.0, 10.0])
    assert times.ages["face"] == pytest.approx((1250.0, 1250.0))
    assert times_of(()) is None


def test_frames_are_chosen_all_over_the_session_by_their_gain() -> None:
    made = [estimate(0.0, float(at_s)) for at_s in range(1, 1001)]
    made[499] = replace(made[499], periphery=(replace(made[499].periphery[0], gain=0.9),))
    kept = chosen(looks_of(made), 10)
    assert len(kept) == 10
    assert 500.0 in [look.time_s for look, _ in kept]
    assert np.diff([look.time_s for look, _ in kept]).max() < 250.0


def test_a_long_session_stays_small(fake_recording, tmp_path: Path) -> None:
    recording = fake_recording(SECONDS)
    made = [estimate(recording.t0_s, float(at_s)) for at_s in np.arange(1.0, 1500.0, 0.5)]
    folder = write_record(tmp_path / "run", recording, estimates=made, without=("face", "speech"))
    report_of(folder)
    assert (folder / names.REPORT_FILE).stat().st_size < 700_000


def test_only_an_earlier_report_is_replaced(session: Path, tmp_path: Path) -> None:
    write_report(session, None, pictures=True)
    write_report(session, None, pictures=True)
    mine = tmp_path / "thesis.html"
    mine.write_text("all of it")
    with pytest.raises(ConfigError, match="no report that moodring wrote"):
        write_report(session, mine, pictures=True)
    link = tmp_path / "link.html"
    link.symlink_to(mine)
    with pytest.raises(ConfigError):
        write_report(session, link, pictures=True)
    assert mine.read_text() == "all of it"
    with pytest.raises(MoodringError, match="is no session folder"):
        write_report(tmp_path, None, pictures=True)


def test_the_command(session: Path, tmp_path: Path, run) -> None:
    out = tmp_path / "new" / "page.html"
    status, _, told = run("report", session, "--out", out)
    assert status == 2
    assert f"the folder '{out.parent}' is not there; make it, or name another file" in told
    assert not out.parent.exists()
    out.parent.mkdir()
    status, said, _ = run("report", session, "--out", out, "--no-pictures")
    assert (status, out.is_file()) == (0, True)
    assert f"wrote '{out}', without pictures" in said
    assert out.stat().st_mode & 0o777 == 0o600
    status, _, told = run("report", session, "--out", session / "elsewhere.html")
    assert status == 2
    assert "stays as it is" in told
