"""The example protocol, and stimuli that cannot be shown: told before the session, all at once."""

from itertools import pairwise
from pathlib import Path

import pytest

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.protocol.read_protocol import read_protocol
from moodring.realtime.lab.protocol.example import write_example
from moodring.realtime.lab.protocol.plan import Plan, plan_of
from moodring.realtime.lab.protocol.stimulus_files import check_stimuli


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    return write_example(tmp_path_factory.mktemp("protocol") / "example")


def planned(path: Path, participant: str = "P07", session: str = "01") -> Plan:
    protocol = read_protocol(path)
    return plan_of(protocol, check_stimuli(protocol), participant, session)


def shown(plan: Plan) -> list[str]:
    return [one.stimulus.name for one in plan.screens if one.stimulus is not None]


def test_every_stimulus_of_the_example_can_be_shown(example: Path) -> None:
    stimuli = check_stimuli(read_protocol(example))
    assert {one.name: one.kind for one in stimuli.values()} == {
        "calm_sea": "picture",
        "red_stripes": "picture",
        "slow_disc": "film",
        "fast_disc": "film",
        "low_chord": "sound",
        "high_beeps": "sound",
    }
    for one in stimuli.values():
        assert one.seconds == pytest.approx(6.0, abs=0.1)


def test_the_order_is_a_persons_own_and_always_the_same(example: Path) -> None:
    one = shown(planned(example))
    assert shown(planned(example)) == one
    assert shown(planned(example, "P08")) != one
    assert shown(planned(example, session="02")) != one
    assert one[:2] == ["calm_sea", "low_chord"]
    names = set(one)
    assert set(one[2:8]) == set(one[8:14]) == names
    assert all(before != after for before, after in pairwise(one[2:]))


def test_a_seed_gives_everybody_the_same_order(example: Path, tmp_path: Path) -> None:
    text = (
        example.read_text()
        .replace('file = "', f'file = "{example.parent}/')
        .replace("repeats = 2", "seed = 7, repeats = 2")
    )
    path = tmp_path / "seeded.toml"
    path.write_text(text)
    assert shown(planned(path, "P07")) == shown(planned(path, "P08"))


def test_a_trial_is_fixation_stimulus_blank_and_rating(example: Path) -> None:
    plan = planned(example)
    kinds = [one.kind for one in plan.screens]
    assert kinds[:7] == ["text", "rest", "rest", "fixation", "stimulus", "blank", "rating"]
    fixations_s = [one.seconds for one in plan.screens if one.kind == "fixation"][2:]
    assert len(set(fixations_s)) == 12
    assert all(1.0 <= one <= 2.0 for one in fixations_s)
    rating = plan.screens[6]
    assert [one.name for one in rating.questions] == ["valence", "arousal", "dominance", "keyword"]
    assert (plan.trials, rating.trial) == (14, 0)


def test_all_that_cannot_be_played_is_told_at_once(example: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "cut.wav").write_bytes((example.parent / "low_chord.wav").read_bytes()[:20])
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "notes.txt").write_text("words")
    sound = tmp_path / "sound.mp4"
    sound.write_bytes((example.parent / "low_chord.wav").read_bytes())
    files = ("text.png", "empty.mp4", "cut.wav", "folder.png", "notes.txt", "nowhere.png", "sound.mp4")
    stimuli = [f'[[stimuli]]\nname = "s{n}"\nfile = "{name}"\nseconds = 2.0\n' for n, name in enumerate(files)]
    stimuli.append(f'[[stimuli]]\nname = "long"\nfile = "{example.parent}/slow_disc.mkv"\nseconds = 60.0\n')
    stimuli.append(f'[[stimuli]]\nname = "short"\nfile = "{example.parent}/calm_sea.png"\n')
    path = tmp_path / "p.toml"
    path.write_text('name = "x"\n' + "".join(stimuli) + "[[steps]]\nstimuli = {}\n")
    with pytest.raises(ConfigError) as error:
        check_stimuli(read_protocol(path))
    line = str(error.value)
    assert "9 things keep moodring from running the protocol 'x'" in line
    for words in ("is not there", "is a folder", "is not known", "lasts 6.0 s and is to be shown for 60 s",
                  "say how long it is shown", "holds no picture", "cannot be played"):  # fmt: skip
        assert words in line, words
    assert "\n" not in line


def test_the_commands(tmp_path: Path, run) -> None:
    status, said, _ = run("protocol", "example", tmp_path / "new")
    assert (status, (tmp_path / "new" / "protocol.toml").is_file()) == (0, True)
    status, _, told = run("protocol", "example", tmp_path / "new")
    assert (status, "is not empty" in told) == (2, True)
    status, said, _ = run("protocol", "check", tmp_path / "new" / "protocol.toml", "--participant", "P07")
    assert status == 0
    assert "14 stimuli, 14 ratings, 60 s of rest, 1 pause(s)" in said
    (tmp_path / "new" / "calm_sea.png").unlink()
    status, _, told = run("protocol", "check", tmp_path / "new" / "protocol.toml")
    assert (status, "stimulus 'calm_sea'" in told) == (2, True)
