"""`moodring evaluate` of forward decoding and of band attention."""

import json
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[4] / "configs"
PEOPLE = ("--set", "seeds=[2201, 2202]", "--set", "seconds=40.0", "--set", "workers=1")


@pytest.mark.qt
def test_bands_writes_a_table_values_and_pictures(run, qt, cache: Path, tmp_path: Path) -> None:
    out, values = tmp_path / "out", tmp_path / "bands.json"
    drawn = ("--set", "pictured=[2202]", "--set", "span_s=[5.0, 35.0]", "--set", f"cache={cache}")
    words = ("evaluate", CONFIGS / "evaluate_bands.toml", *PEOPLE, *drawn, "--json", values, "--out", out)
    for _ in range(2):  # what moodring drew may be replaced
        status, printed, error = run(*words)
        assert status == 0, error
    assert sorted(path.name for path in out.iterdir()) == ["bands.png", "evaluation.md", "looks-2202.png"]
    assert "| without alpha |" in printed
    assert json.loads(values.read_text())["groups"] == ["2201", "2202"]
    photo = out / "looks-2202.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n a photograph")
    status, _, error = run(*words)
    assert (status, photo.read_bytes()[-12:]) == (2, b"a photograph")
    assert "is no picture that moodring saved" in error


def test_forward_prints_one_row_for_each_way(run, cache: Path, tmp_path: Path) -> None:
    values = tmp_path / "forward.json"
    few = (
        "--set",
        "windows_s=[4.0]",
        "--set",
        "step_seeds=[2201]",
        "--set",
        "timed_seed=2201",
        "--set",
        f"cache={cache}",
    )
    words = ("evaluate", CONFIGS / "evaluate_forward.toml", *PEOPLE, *few, "--json", values)
    status, printed, error = run(*words)
    assert status == 0, error
    for name in ("forward", "re-scan of 4 s", "cached, 4 s", "every frame, state carried"):
        assert f"| {name} |" in printed
    rows = json.loads(values.read_text())["rows"]
    assert {"uar", "low", "high", "embedded", "different", "cost", "cost_with_search", "lag"} < set(rows[0])
    status, _, error = run(*words, "--page", tmp_path / "page.md")
    assert status == 2
    assert "--page takes the tables of an evaluation on simulated people" in error
