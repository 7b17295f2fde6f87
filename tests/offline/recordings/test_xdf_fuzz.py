"""Damaged XDF: an error of one line or what is whole, and never a hang, a crash or memory without bound.

The examples are read in a child process with a bound on its memory and on its time.
"""

import gzip
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from moodring.models.contract import Signal
from moodring.models.io.source_streams import RecordedSource, SourceChunk, SourceStreams
from moodring.models.io.stream_descriptions import SessionTimes, describe_eeg, describe_markers, describe_speech
from moodring.models.io.xdf_writer import StreamData, XdfWriter, write_xdf
from tests.support.session_folders import without_checks

EXAMPLES = 40
MANY_EXAMPLES = 400
SPARE_BYTES = 400 << 20
SECONDS_EACH = 5

READER = f"""
import faulthandler, json, logging, sys
from pathlib import Path
from moodring.configs.schema.errors import MoodringError
from moodring.offline.recordings.session_streams import read_parts
from moodring.offline.recordings.xdf.as_recording import read_xdf
logging.disable(logging.CRITICAL)
try:
    import resource
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + {SPARE_BYTES},) * 2)
except (ImportError, OSError):
    pass
for line in sys.stdin:
    faulthandler.dump_traceback_later({SECONDS_EACH}, exit=True)
    try:
        path = Path(line.strip())
        if path.is_dir():
            complaints = []
            sources = read_parts(path, complaints.append)[0]
            for one in sources.values():
                assert len(one.values) == len(one.stamps_s)
                assert one.arrivals is None or one.arrivals.stop[-1] == len(one.stamps_s)
            counts = [len(one.stamps_s) for one in sources.values()]
            said = [max(counts, default=0), ""]
        else:
            recording = read_xdf(path)
            said = [0 if recording.eeg is None else len(recording.eeg.stamps_s), ""]
    except MoodringError as error:
        said = [-1, str(error)]
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(said), flush=True)
"""


class File(bytes):
    """What a file holds, in few words where a test fails."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class Reader:
    """Reads files in a child, and tells how many EEG samples there were, or the error's line."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "a.xdf"
        self._parts = folder / "parts"
        self._parts.mkdir()
        self._errors = (folder / "errors.txt").open("w+")
        self._child = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", READER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
        )  # fmt: skip

    def __call__(self, raw: bytes) -> tuple[int, str]:
        """Read an XDF file."""
        self._path.write_bytes(raw)
        return self._read(self._path)

    def parts(self, *raw: bytes) -> tuple[int, str]:
        """Read the parts of a session."""
        for number, content in enumerate(raw):
            (self._parts / f"part-{number}.xdf").write_bytes(content)
        return self._read(self._parts)

    def _read(self, path: Path) -> tuple[int, str]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{path}\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        if not answer:
            self._child.communicate(timeout=20)
            self._errors.seek(0)
            error = self._errors.read()[-1500:]
            # Another takes its place, so that what is found can be made smaller.
            self._child = self._start()
            raise AssertionError(f"the reader died or hung: {error}")
        count, line = json.loads(answer)
        assert "\n" not in line
        return count, line

    def close(self) -> None:
        self._child.communicate(timeout=20)
        self._errors.close()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    made = Reader(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> File:
    random, times = np.random.default_rng(0), SessionTimes("lab", "p", 1.0, 0.1)
    stamps_s, sound_s = 100 + np.arange(2000) / 250, 100 + np.arange(1600) / 8000
    eeg = Signal(random.normal(0, 30, (2000, 3)).astype(np.float32), stamps_s, 250.0, ("Fz", "Cz", "Pz"), "amp")
    voice = Signal(random.normal(0, 0.1, (1600, 1)).astype(np.float32), sound_s, 8000.0, ("audio",), "mic")
    path = tmp_path_factory.mktemp("whole") / "whole.xdf"
    write_xdf(
        path,
        [
            StreamData(describe_eeg(eeg, "amp", "amp", times), eeg.samples, stamps_s),
            StreamData(describe_speech(voice, "mic", "mic", times), voice.samples, sound_s),
            StreamData(describe_markers("m", "m", times), ["go", "x" * 30], np.array([100.2, 101.0])),
        ],
    )
    return File(path.read_bytes())


def chunks(raw: bytes) -> list[tuple[int, int]]:
    """Return where each chunk of a whole file begins and ends."""
    found, place = [], 4
    while place < len(raw):
        size = raw[place]
        stop = place + 1 + size + int.from_bytes(raw[place + 1 : place + 1 + size], "little")
        found.append((place, stop))
        place = stop
    return found


FIELDS = ("channel_count", "nominal_srate", "channel_format", "first_sample_after_t0_s", "rest_s", "unit", "label")
OWN_FIELDS = ("first_sample", "rate_hz", "jitter_s", "delay_s", "kind", "source", "device")
ABSURD = ("", "0", "-1", "9", "2147483647", "99999999999", "nan", "inf", "1e308", "1e-300", "int8", "string", "é")
NUMBERS = (*(struct.pack("<d", v) for v in (np.nan, np.inf, -1e308, 1e308, 0.0)), b"\xff" * 8)


@st.composite
def damages(draw):
    """Draw a recipe, as places in parts of the whole, so that it can be applied to any file."""
    kinds = ("cut", "byte", "bit", "length", "head", "field", "noise", "repeat", "number", "drop")
    return [
        (draw(st.sampled_from(kinds)), draw(st.floats(0, 1)), draw(st.integers(0, 2**32 - 1)))
        for _ in range(draw(st.integers(1, 4)))
    ]


def damaged(raw: bytes, recipe) -> bytes:
    places = chunks(raw)
    out = bytearray(raw)
    for kind, where, number in recipe:
        if len(out) < 64:
            break
        place = min(int(where * len(out)), len(out) - 1)
        first, stop = places[number % len(places)]
        if kind == "cut":
            del out[place:]
        elif kind == "byte":
            out[place] = number % 256
        elif kind == "bit":
            out[place] ^= 1 << number % 8
        elif kind == "length":
            out[first + 1 : first + 5] = struct.pack("<I", (0, 1, 2, 255, 2**16, 2**31, 2**32 - 1)[number % 7])
        elif kind == "head":
            out[first + int(where * 30) : first + int(where * 30) + 1] = bytes([(0, 1, 4, 8, 9, 255)[number % 6]])
        elif kind == "field":
            out = with_field(
                out, (FIELDS + OWN_FIELDS)[number % len(FIELDS + OWN_FIELDS)], ABSURD[int(where * (len(ABSURD) - 1))]
            )
        elif kind == "noise":
            out[place : place + 40] = np.random.default_rng(number).bytes(number % 60)
        elif kind == "repeat":
            out += out[first:stop]
        elif kind == "number":
            out[place : place + 8] = NUMBERS[number % len(NUMBERS)]
        else:
            del out[first:stop]
    return bytes(out)


def with_field(raw: bytearray, tag: str, text: str) -> bytearray:
    """Write an absurd value into the first header that has a field, with all lengths still right."""
    start = raw.find(f"<{tag}>".encode()) + len(tag) + 2
    stop = raw.find(f"</{tag}>".encode(), start)
    holder = next(((a, b) for a, b in chunks(bytes(raw)) if a < start <= b), None) if stop >= 0 else None
    if holder is None:
        return raw
    new = text.encode()
    length = holder[1] - holder[0] - 5 + len(new) - (stop - start)
    changed = bytearray(raw[:start] + new + raw[stop:])
    if changed[holder[0]] == 4 and 0 <= length < 2**32:
        changed[holder[0] + 1 : holder[0] + 5] = struct.pack("<I", length)
    return changed


def fuzzed(examples: int):
    """Run a test on so many damages."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

    def decorate(test):
        bounded = settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=checks,
        )
        return bounded(test)

    return decorate


def is_error_or_what_is_whole(reader, whole, recipe, packed) -> None:
    raw = damaged(whole, recipe)
    count, line = reader(gzip.compress(raw, 1) if packed else raw)
    assert count <= 8000, "more samples than any repetition of the chunks could give"
    assert (count >= 0) != bool(line)


@fuzzed(EXAMPLES)
@given(recipe=damages(), packed=st.booleans())
def test_any_damage_is_an_error_or_what_is_whole(reader, whole, recipe, packed) -> None:
    is_error_or_what_is_whole(reader, whole, recipe, packed)


@pytest.mark.long
@fuzzed(MANY_EXAMPLES)
@given(recipe=damages(), packed=st.booleans())
def test_any_of_many_damages_is_an_error_or_what_is_whole(reader, whole, recipe, packed) -> None:
    is_error_or_what_is_whole(reader, whole, recipe, packed)


@pytest.fixture(scope="module")
def part(tmp_path_factory) -> bytes:
    """A part of a session with an EEG, frames and a sound, each with how it arrived."""
    path = tmp_path_factory.mktemp("part") / "part.xdf"
    random = np.random.default_rng(0)
    sources = (
        RecordedSource("eeg", "signal", "amp", 250.0, ("Fz", "Cz")),
        RecordedSource("face", "film", "camera", None),
        RecordedSource("speech", "sound", "mic", 16_000.0, jitter_s=0.3),
    )
    with XdfWriter(path) as writer:
        streams = [SourceStreams(writer, source) for source in sources]
        for index in range(40):
            begin_s = 100.0 + index / 25
            stamps_s = [begin_s + np.arange(10) / 250, np.array([begin_s]), begin_s + np.arange(640) / 16_000]
            stamps_s[2] = stamps_s[2] + random.normal(0, 1e-4, 640) * (index % 2)
            values = random.normal(0, 30, (10, 2)).astype(np.float32)
            for stream, times_s, first, rows in zip(
                streams, stamps_s, (0, index, 640 * index), (values, None, None), strict=True
            ):
                stream.append(SourceChunk(times_s, begin_s + 0.1, values=rows, first_in_file=first))
                stream.write()
            writer.boundary()
    return File(path.read_bytes())


def is_what_is_whole(reader, part, recipes) -> None:
    """Both parts hold the same samples: at most once as many come back, whatever was done to either."""
    count, line = reader.parts(*(damaged(part, recipe) for recipe in recipes))
    assert line == ""
    assert 0 <= count <= 640 * 40 * 4, "more samples than any repetition of the chunks could give"


@fuzzed(EXAMPLES)
@given(recipes=st.tuples(damages(), damages()))
def test_any_damage_to_the_parts_of_a_session_leaves_what_is_whole(reader, part, recipes) -> None:
    is_what_is_whole(reader, part, recipes)


@pytest.mark.long
@fuzzed(MANY_EXAMPLES)
@given(recipes=st.tuples(damages(), damages()))
def test_any_of_many_damages_to_the_parts_of_a_session_leaves_what_is_whole(reader, part, recipes) -> None:
    is_what_is_whole(reader, part, recipes)


def test_cut_anywhere_gives_every_whole_chunk_before(reader, whole) -> None:
    layout, headers, samples = chunks(whole), 0, 0
    for first, stop in layout:
        kept = whole[: first + (stop - first) // 2]
        count, line = reader(kept)
        if headers and samples:
            assert count == samples, line
        else:
            assert count <= 0
        if whole[first + 5 : first + 7] == b"\x02\x00":
            headers += 1
        if whole[first + 5 : first + 11] == struct.pack("<HI", 3, 1):
            samples += struct.unpack_from("<I", whole, first + 12)[0]
    assert samples == 2000


def test_a_damaged_header_loses_its_own_stream_only(reader, whole) -> None:
    place = whole.index(b"<info>", whole.index(b"Audio") - 200)
    count, _ = reader(whole[:place] + b"<<<<<<" + whole[place + 6 :])
    assert count == 2000


def test_a_damaged_length_in_the_middle_loses_no_more_than_up_to_the_next_mark(reader, whole) -> None:
    numbers = [a for a, _ in chunks(whole) if whole[a + 5 : a + 11] == struct.pack("<HI", 3, 1)]
    raw = bytearray(whole)
    raw[numbers[0] + 1 : numbers[0] + 5] = struct.pack("<I", 2**32 - 1)
    count, _ = reader(bytes(raw))
    first = struct.unpack_from("<I", whole, numbers[0] + 12)[0]
    assert count == 2000 - first


def test_a_packed_file_that_is_cut_gives_what_could_be_unpacked(reader, whole) -> None:
    packed = gzip.compress(whole, 1)
    assert 0 < reader(packed[: int(len(packed) * 0.9)])[0] <= 2000


@pytest.mark.parametrize("text", ["2147483647", "1000000"])
def test_a_million_channels_are_not_believed(reader, whole, text) -> None:
    count, line = reader(bytes(with_field(bytearray(whole), "channel_count", text)))
    assert count <= 0
    assert line == "" or "damaged" in line or "holds" in line


def test_text_without_channels_is_empty(reader, whole) -> None:
    place = whole.index(b"<channel_count>1<", whole.index(b">Markers<"))
    assert reader(whole[:place] + b"<channel_count>0<" + whole[place + 17 :])[0] == 2000


def test_stamps_of_a_million_years_are_left_out(reader, whole) -> None:
    raw = without_checks(whole).replace(struct.pack("<d", 100 + 1000 / 250), struct.pack("<d", 1e300))
    raw = raw.replace(struct.pack("<d", 100 + 1500 / 250), struct.pack("<d", np.nan))
    assert reader(raw)[0] == 1998
