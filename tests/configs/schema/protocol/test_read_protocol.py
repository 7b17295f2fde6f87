"""Protocols as files: what is read, and what is refused in one line before a session begins."""

from pathlib import Path

import pytest

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.protocol.protocol import PauseStep, RestStep, StimuliStep, TextStep
from moodring.configs.schema.protocol.read_protocol import read_protocol

PICTURE = '[[stimuli]]\nname = "{0}"\nfile = "{0}.png"\nseconds = 2.0\n'
SHOW = "[[steps]]\nstimuli = {}\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_steps_are_in_order_with_includes_in_their_places(tmp_path: Path) -> None:
    written(tmp_path, "more/part.toml", 'name = "part"\n' + PICTURE.format("b") + SHOW + "[[steps]]\npause = {}\n")
    text = (
        'name = "all"\n' + PICTURE.format("a") + '[[steps]]\ntext = { words = "hello" }\n'
        '[[steps]]\nrest = { seconds = 5.0, eyes = "closed" }\n'
        + SHOW
        + '[[steps]]\ninclude = "more/part.toml"\n'
        + SHOW
    )
    read = read_protocol(written(tmp_path, "all.toml", text))
    assert [type(one) for one in read.steps] == [TextStep, RestStep, StimuliStep, StimuliStep, PauseStep, StimuliStep]
    assert [one.names for one in read.steps if isinstance(one, StimuliStep)] == [["a"], ["b"], ["a"]]
    assert read.stimuli["b"].file == tmp_path / "more" / "b.png"
    assert read.ratings.scales == ("valence", "arousal")


def test_includes_that_lead_back_are_named(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        written(tmp_path, f"{name}.toml", f'name = "{name}"\n[[steps]]\ninclude = "{other}.toml"\n')
    with pytest.raises(ConfigError, match=r"includes itself: 'a.toml' → 'b.toml' → 'c.toml' → 'a.toml'"):
        read_protocol(tmp_path / "a.toml")
    written(tmp_path, "self.toml", 'name = "s"\n[[steps]]\ninclude = "../' + tmp_path.name + '/self.toml"\n')
    with pytest.raises(ConfigError, match="includes itself"):
        read_protocol(tmp_path / "self.toml")


def test_includes_that_multiply_end(tmp_path: Path) -> None:
    written(tmp_path, "p0.toml", 'name = "p"\n' + '[[steps]]\ntext = { words = "x" }\n' * 4)
    for n in range(1, 12):
        written(tmp_path, f"p{n}.toml", 'name = "p"\n' + f'[[steps]]\ninclude = "p{n - 1}.toml"\n' * 4)
    with pytest.raises(ConfigError, match="more than 1000 steps"):
        read_protocol(tmp_path / "p11.toml")


def test_one_file_may_be_included_twice(tmp_path: Path) -> None:
    written(tmp_path, "part.toml", 'name = "part"\n' + PICTURE.format("b") + SHOW)
    text = 'name = "all"\n' + '[[steps]]\ninclude = "part.toml"\n' * 2
    assert len(read_protocol(written(tmp_path, "all.toml", text)).steps) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'name' is missing"),
        ('name = "x"\nsteps = []', "at least 1 item"),
        ('name = "x"\n[[steps]]\n', "exactly|a step is one of text, rest, stimuli, pause, include; it has none"),
        ('name = "x"\n[[steps]]\ntext = { words = "a" }\nrest = { seconds = 3.0 }\n', "it has text and rest"),
        ('name = "x"\n[[steps]]\nrest = { second = 3.0 }\n', "did you mean 'seconds'"),
        ('name = "x"\n[[steps]]\nrest = { seconds = 3.0, eyes = "half" }\n', "'open' or 'closed'"),
        ('name = "x"\n[[steps]]\nstimuli = {}\n', "no stimulus is there"),
        ('name = "x"\n' + PICTURE.format("a") + '[[steps]]\nstimuli = { names = ["b"] }\n', "there is no stimulus 'b'"),
        ('name = "x"\n' + PICTURE.format("a") * 2 + SHOW, "stimulus 'a' is there 2 times"),
        ('name = "x"\n' + PICTURE.format("a") + PICTURE.format("A") + SHOW, "is there 2 times"),
        ('name = "x"\n' + PICTURE.format("end") + SHOW, "no stimulus can be called 'end'"),
        ('name = "x"\n' + PICTURE.format("a b") + SHOW, "should match pattern"),
        (
            'name = "x"\n' + PICTURE.format("a") + "[[steps]]\nstimuli = { fixation_s = [2.0, 1.0] }\n",
            "shortest, longest",
        ),
        ('name = "x"\n' + PICTURE.format("a") + "[[steps]]\nstimuli = { seed = 3 }\n", "a seed needs order"),
        ('name = "x"\n' + PICTURE.format("a") + "[[steps]]\nstimuli = { repeats = 0 }\n", "greater than or equal to 1"),
        ('name = "x"\n[ratings]\nkeywords = ["joy", "Joy"]\n[[steps]]\npause = {}\n', "keyword 'joy' is there 2 times"),
        ('name = "x"\n[[steps]]\ninclude = "nowhere.toml"\n', "does not exist"),
        ('name = "x"\n[[steps]]\npause = { seconds = inf }\n', "less than or equal to 3600|finite"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        read_protocol(written(tmp_path, "p.toml", text))
    assert "\n" not in str(error.value)
    assert error.value.exit_status == 2


def test_two_files_cannot_call_different_stimuli_the_same(tmp_path: Path) -> None:
    written(tmp_path, "more/part.toml", 'name = "part"\n' + PICTURE.format("a") + SHOW)
    text = 'name = "all"\n' + PICTURE.format("a") + SHOW + '[[steps]]\ninclude = "more/part.toml"\n'
    with pytest.raises(ConfigError, match="stimulus 'a' is there twice"):
        read_protocol(written(tmp_path, "all.toml", text))
