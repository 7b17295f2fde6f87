"""The command line says in one line what is wrong, with the right exit status and no traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodring.cli.options import CONFIGS
from moodring.offline.simulate.voice import simulate_voice

GOOD = (
    '[eeg]\nstream = { name = "nobody" }\n'
    '[lsl]\nsession_id = "test"\nresolve_scope = "machine"\nresolve_timeout_s = 0.5\n'
)


def one_line(error: str) -> str:
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("moodring: ")
    return lines[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[eeg]\nstraem = 1\n", "did you mean 'stream'?"),
        (GOOD.replace('"nobody"', "3"), "'eeg.stream.name'"),
        ("[eeg\n", "not valid TOML"),
    ],
)
@pytest.mark.parametrize("command", ["live", "check"])
def test_wrong_configs_exit_with_2(run, tmp_path: Path, command: str, text: str, said: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    status, _, error = run(command, path)
    assert status == 2
    assert said in one_line(error)


@pytest.mark.parametrize("command", [["live"], ["check"], ["evaluate"], ["train", "--out", "x.safetensors"]])
def test_missing_configs_exit_with_2(run, tmp_path: Path, command: list[str]) -> None:
    status, _, error = run(command[0], tmp_path / "none.toml", *command[1:])
    assert status == 2
    assert "does not exist" in one_line(error)


def test_unknown_options_exit_with_2(run) -> None:
    assert run("demo", "--hedless")[0] == 2
    assert run("replay", "x.xdf", "--only", ",")[0] == 2


@pytest.mark.parametrize("option", [("decode", "--out"), ("predict", "--json")])
@pytest.mark.parametrize("name", ["decisions.jsonl", "versions.json", "streams/again.json"])
def test_results_are_never_written_into_a_recorded_session(run, tmp_path: Path, option, name: str) -> None:
    session = tmp_path / "session"
    (session / "streams").mkdir(parents=True)
    (session / "session.toml").write_text("version = 2\n")
    (session / "decisions.jsonl").write_text("{}\n")
    command, out = option
    words = (session,) if command == "decode" else ("emodb", tmp_path / "a.wav")
    status, _, error = run(command, *words, out, session / name)
    assert status == 2
    assert "lies in the recorded session" in one_line(error)
    assert (session / "decisions.jsonl").read_text() == "{}\n"
    assert not (session / "streams" / "again.json").exists()


@pytest.mark.lsl
def test_an_unknown_stream_to_replay_exits_with_2(run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", np.zeros(16_000, np.float32), 16_000)
    status, _, error = run("replay", tmp_path / "tone.wav", "--only", "speech,smell")
    assert status == 2
    assert "has no 'smell'; choose among eeg, face, speech" in one_line(error)


@pytest.mark.parametrize("command", ["replay", "decode"])
def test_missing_recordings_exit_with_1(run, tmp_path: Path, command: str) -> None:
    status, _, error = run(command, tmp_path / "none.xdf")
    assert status == 1
    assert "none.xdf" in one_line(error)


@pytest.mark.parametrize("name", ["a.xdf", "a.mp4", "a.wav"])
def test_foreign_files_exit_with_1(run, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"this is a text, whatever it is called\n" * 20)
    status, _, error = run("decode", path)
    assert status == 1
    assert name in one_line(error)


def test_a_foreign_bundle_is_named(run, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    recording = tmp_path / "tone.wav"
    import soundfile

    soundfile.write(recording, np.zeros(48_000, np.float32), 16_000)
    foreign, cut = tmp_path / "foreign.safetensors", tmp_path / "cut.safetensors"
    save_file({"weights": np.zeros(4, np.float32)}, foreign)
    cut.write_bytes(foreign.read_bytes()[:20])
    for path in (foreign, cut):
        status, _, error = run("decode", recording, "--bundle", path)
        assert status == 1
        assert path.name in one_line(error)


@pytest.mark.lsl
def test_a_stream_that_is_not_there_is_one_line_and_status_1(tmp_path: Path) -> None:
    # In a process of its own: liblsl reads its settings once per process.
    path = tmp_path / "c.toml"
    path.write_text(GOOD)
    done = subprocess.run(
        [sys.executable, "-m", "moodring", "live", str(path), "--headless", "--duration", "5"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "nobody" in one_line(done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr


@pytest.mark.lsl
def test_delays_that_cannot_be_measured_are_undeclared_with_the_reason(tmp_path: Path) -> None:
    config, out = tmp_path / "lab.toml", tmp_path / "out.json"
    config.write_text(GOOD.replace("test", "sync-test"), encoding="utf-8")
    command = [sys.executable, "-m", "moodring", "calibrate-sync", str(config), "--headless", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no device's delay could be measured" in one_line(done.stderr)
    assert "undeclared: blinks need the camera beside the EEG" in done.stdout
    eeg = json.loads(out.read_text(encoding="utf-8"))["devices"]["eeg"]
    assert eeg["delay_s"] is None
    assert eeg["undeclared"].startswith("blinks need the camera")


def test_simulate_writes_sessions_and_never_overwrites(run, tmp_path: Path) -> None:
    out = tmp_path / "sessions"
    assert run("simulate", out, "--participants", 1, "--seconds", 12, "--seed", 3)[0] == 0
    (folder,) = out.iterdir()
    assert (folder / "session.toml").exists()
    status, _, error = run("simulate", out, "--participants", 1, "--seconds", 12, "--seed", 3)
    assert status == 1
    assert folder.name in one_line(error)


def test_decode_of_a_simulated_session_writes_plain_json(run, tmp_path: Path) -> None:
    out = tmp_path / "sessions"
    run("simulate", out, "--seconds", 14, "--seed", 4)
    (folder,) = out.iterdir()
    status, said, _ = run("decode", folder, "--out", tmp_path / "d.json")
    assert status == 0
    assert "not valid for people" not in said
    summary = json.loads((tmp_path / "d.json").read_text())
    assert summary["domain"] == ["simulated"]
    times = [row[0] for row in summary["estimates"]]
    assert times == sorted(times)
    assert len(times) >= 2 * (14 - 3)
    for _, valence, arousal in summary["estimates"]:
        assert sum(valence) == pytest.approx(1.0, abs=1e-4)
        assert sum(arousal) == pytest.approx(1.0, abs=1e-4)
    assert all(summary["modalities"][name]["present"] for name in ("eeg", "face", "speech"))


def test_evaluate_scores_any_people_beside_plain_methods_on_the_same_people(run, tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(
        'name = "two people"\nconditions = ["full", "no_eeg"]\nseeds = [23, 24]\nseconds = 40.0\n'
        "lda_people = [31, 33]\n"
    )
    status, said, _ = run(
        "evaluate", path, "--set", "seeds=[21, 22]", "--json", tmp_path / "e.json", "--out", tmp_path / "out"
    )
    assert status == 0
    assert said.strip() in (tmp_path / "out" / "evaluation.md").read_text()
    result = json.loads((tmp_path / "e.json").read_text())
    assert (result["seeds"], result["groups"], result["domain"]) == (
        [21, 22], ["sim-0021", "sim-0022"], ["simulated"],
    )  # fmt: skip
    # 40 s: 10 s of rest, and then a decision every half second.
    assert result["n"] == pytest.approx(2 * 60, abs=6)
    names = ("full", "no_eeg", "lda", "lda_window", "muscles_and_eyes", "stimulus", "majority", "permutation")
    rows = {(row["name"], row["axis"], row["unit"]): row for row in result["rows"]}
    units = ("decision", "stimulus", "expression_free")
    wanted = {(name, axis, unit) for name in names for axis in ("valence", "arousal") for unit in units}
    assert set(rows) == {one for one in wanted if one[::2] != ("lda_window", "stimulus")}
    for row in rows.values():
        assert 0 <= row["low"] <= row["uar"] <= row["high"] <= 1
        assert row["name"] == "permutation" or row["uar"] == pytest.approx(sum(row["uar_by_group"]) / 2, abs=1e-3)
    full, blind = (rows[name, "valence", "decision"] for name in ("full", "no_eeg"))
    assert full["frames_fraction"] > 0.05
    gain = next(one for one in result["paired"] if (one["a"], one["b"], one["axis"]) == ("full", "no_eeg", "valence"))
    assert gain["difference"] == pytest.approx(full["uar"] - blind["uar"], abs=1e-3)
    assert [one["name"] for one in result["looks"]] == ["full", "no_eeg"]
    assert result["wall_s"] > 0


@pytest.mark.lsl
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("after_words", ["simulated participant", "waiting for an engine"])
def test_an_interrupt_ends_the_demo_quietly(after_words: str) -> None:
    import psutil

    done = subprocess.Popen(
        [sys.executable, "-u", "-m", "moodring", "demo", "--headless"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        # Where the tests run in the background, interrupts are ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert done.stdout is not None
    said = ""
    while after_words not in said:
        line = done.stdout.readline()
        assert line, said
        said += line
    children = psutil.Process(done.pid).children(recursive=True)
    os.killpg(done.pid, signal.SIGINT)  # as a terminal does: to all of them
    said += done.communicate(timeout=60)[0]
    assert "Traceback" not in said
    assert done.returncode in {0, 130}
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_enrol_needs_one_source_and_enough_speech(run, tmp_path: Path) -> None:
    out = tmp_path / "voice.safetensors"
    status, _, error = run("enrol", "--out", str(out))
    assert status == 2
    assert "enrol needs one of: sound files, --microphone DEVICE, --stream NAME" in error
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(48_000), 16_000)
    status, _, error = run("enrol", str(silent), "--out", str(out))
    assert status == 1
    assert f"'{silent}': no speech was found" in error
    assert not out.exists()
    talk = tmp_path / "talk.flac"
    soundfile.write(talk, simulate_voice(3, 90.0), 16_000)
    status, said, _ = run("enrol", str(talk), "--out", str(out))
    assert status == 0
    assert "name it as speech.enrolment" in said
    assert out.is_file()
    first = out.read_bytes()
    status, said, _ = run("enrol", str(talk), "--out", str(out))
    assert status == 0, "an enrolment is replaced"
    assert out.read_bytes() == first


def test_no_recording_is_ever_written_over(run, tmp_path: Path) -> None:
    talk, other, bundle = tmp_path / "talk.wav", tmp_path / "other.wav", tmp_path / "other.safetensors"
    soundfile.write(talk, np.zeros(48_000), 16_000)
    bundle.write_bytes(talk.read_bytes())
    (tmp_path / "link.safetensors").symlink_to(talk)
    (tmp_path / "link.json").symlink_to(talk)
    named = tmp_path / "sound.json"
    named.hardlink_to(talk)
    journal = tmp_path / "decisions.jsonl"
    journal.write_text("{}\n")
    before = talk.read_bytes()
    config = CONFIGS / "train_emodb.toml"
    for words, said in (
        (["enrol", talk, "--out", talk], "a .safetensors file is written"),
        (["enrol", other, "--out", talk], "a .safetensors file is written"),
        (["enrol", other, "--out", bundle], "is there and moodring did not write it"),
        (["enrol", other, "--out", tmp_path / "link.safetensors"], "a .safetensors file is written"),
        (["train", config, "--out", talk], "a .safetensors file is written"),
        (["train", config, "--out", bundle], "is there and moodring did not write it"),
        (["train", CONFIGS / "train_pooling.toml", "--out", bundle], "a .json file is written"),
        (["train", CONFIGS / "train_pooling.toml", "--out", named], "is there and moodring did not write it"),
        (["predict", "emodb", talk, "--json", talk], "holds no results that moodring wrote"),
        (["predict", "emodb", talk, "--json", tmp_path / "link.json"], "holds no results that moodring wrote"),
        (["predict", "emodb", talk, "--json", named], "holds no results that moodring wrote"),
        (["decode", talk, "--journal", journal, "--out", journal], "holds no results that moodring wrote"),
        (["decode", talk, "--out", talk], "holds no results that moodring wrote"),
        (["reference", "--out", talk], "holds no results that moodring wrote"),
    ):
        status, _, error = run(*words)
        assert status == 2, words
        assert said in one_line(error), words
        assert [path.read_bytes() for path in (talk, bundle, named)] == [before] * 3, words
    assert not other.exists()


def test_results_replace_results_and_what_fails_leaves_no_file(run, tmp_path: Path) -> None:
    quiet, out = tmp_path / "quiet.wav", tmp_path / "said.json"
    soundfile.write(quiet, np.zeros(48_000), 16_000)
    assert run("predict", "emodb", quiet, "--json", out)[0] == 0
    first = out.read_text()
    assert run("predict", "emodb", quiet, "--json", out)[0] == 0
    assert out.read_text() == first
    for text in ("{}", "[1]", '{"time_s": 1.0}\n'):
        out.write_text(text)
        status, _, error = run("predict", "emodb", quiet, "--json", out)
        assert status == 2
        assert "holds no results that moodring wrote" in one_line(error)
        assert out.read_text() == text
    gone = tmp_path / "gone.json"
    assert run("predict", tmp_path / "none.safetensors", quiet, "--json", gone)[0] == 1
    assert not gone.exists()


def test_pictures_and_tables_replace_only_their_own_kind(run, tmp_path: Path) -> None:
    photo, table = tmp_path / "photo.png", tmp_path / "evaluation.md"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n a photograph")
    table.write_text("# My notes\n")
    status, _, error = run("demo", "--headless", "--screenshot", photo)
    assert status == 2
    assert "is no picture that moodring saved" in one_line(error)
    status, _, error = run("evaluate", CONFIGS / "evaluate.toml", "--out", tmp_path)
    assert status == 2
    assert "is no table that moodring wrote" in one_line(error)
    assert photo.read_bytes().endswith(b"a photograph")
    assert table.read_text() == "# My notes\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_what_is_written_about_a_person_is_for_its_owner_alone(run, tmp_path: Path) -> None:
    out = tmp_path / "lab" / "sessions"
    before = os.umask(0o022)
    try:
        assert run("simulate", out, "--seconds", 14, "--seed", 4)[0] == 0
        (folder,) = out.iterdir()
        places = ("--out", tmp_path / "d.json", "--set", f"journal='{tmp_path / 'said.jsonl'}'")
        assert run("decode", folder, *places)[0] == 0
    finally:
        os.umask(before)
    for path in sorted(tmp_path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_any_command_frees_what_a_killed_engine_left(run, tmp_path: Path, monkeypatch) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    dead = runtime / "moodring" / "moodring-999999999-1.00-abcdabcd"
    dead.mkdir(parents=True, mode=0o700)
    dead.parent.chmod(0o700)
    (dead / "face.ring").write_bytes(bytes(1000))
    assert run("decode", tmp_path / "none.xdf")[0] == 1
    assert not dead.exists()


def test_several_participants_need_several_names(run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(GOOD)
    status, _, error = run("live", tmp_path / "a.toml", tmp_path / "b.toml")
    assert status == 2
    assert "two of these configs are named 'live'" in one_line(error)
    (tmp_path / "b.toml").write_text('name = "b"\n' + GOOD)
    status, _, error = run("live", tmp_path / "a.toml", tmp_path / "b.toml", "--screenshot", tmp_path / "x.png")
    assert status == 2
    assert "--screenshot" in one_line(error)


def test_a_terminal_cannot_control_a_session(run) -> None:
    status, _, error = run("monitor", "a", "--control", "--headless")
    assert status == 2
    assert "--control needs a window" in error


def test_monitor_names_what_it_was_given_too_much_of_or_did_not_find(run) -> None:
    status, _, error = run("monitor", "a", "--all")
    assert status == 2
    assert "--all shows every engine" in one_line(error)
    status, _, error = run("monitor", "nobody-here", "nor-here")
    assert status == 1
    assert "a running engine named 'nobody-here' was expected" in one_line(error)


def test_enrol_refuses_the_same_recording_again(run, tmp_path: Path) -> None:
    out, talk = tmp_path / "voice.safetensors", tmp_path / "talk.wav"
    soundfile.write(talk, simulate_voice(3, 12.0), 16_000)
    again = tmp_path / "again.flac"
    soundfile.write(again, soundfile.read(talk)[0], 16_000)
    for files, said in (
        ((talk, tmp_path / "x" / ".." / "talk.wav"), "is named twice"),
        ((talk, again), f"'{again}' and '{talk}' are the same recording"),
    ):
        (tmp_path / "x").mkdir(exist_ok=True)
        status, _, error = run("enrol", *files, "--out", out)
        assert status == 1
        assert said in one_line(error)
    assert not out.exists()


@pytest.mark.parametrize(("name", "goes_on"), [("train_emodb", True), ("train_voices", False)])
def test_an_interrupted_training_says_whether_it_goes_on(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, goes_on: bool
) -> None:  # type: ignore[no-untyped-def]
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("moodring.offline.training.recogniser.train.read_corpus", interrupted)
    monkeypatch.setattr("moodring.offline.training.speaker.train.read_corpus", interrupted)
    words = ("train", CONFIGS / f"{name}.toml", "--out", tmp_path / "x.safetensors", "--set", "data=x")
    status, _, error = run(*words)
    assert status == 130
    assert ("goes on where this one stopped" in error) == goes_on


@pytest.mark.parametrize("words", [("app",), ("live",)])
def test_the_set_up_page_needs_a_display_and_says_what_does_without(run, monkeypatch, words) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("moodring.realtime.ui.run_app.display_available", lambda: False)
    status, _, error = run(*words)
    assert status == 2
    assert "needs a display; without one: moodring live CONFIG" in one_line(error)


@pytest.mark.parametrize("option", [("--headless",), ("--json", "out.json")])
def test_live_without_a_config_is_the_set_up_page_and_takes_no_options_of_a_session(run, option) -> None:
    status, _, error = run("live", *option)
    assert status == 2
    assert "live without CONFIG opens the set-up page" in one_line(error)


def test_an_app_with_a_wrong_config_says_so_before_a_window_opens(run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[eeg]\nstraem = 1\n")
    status, _, error = run("app", tmp_path / "c.toml")
    assert status == 2
    assert "did you mean 'stream'?" in one_line(error)
