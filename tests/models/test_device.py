import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.device import best_device


def has(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda"), (2, True, "cuda")]
)
def test_auto_takes_the_fastest_there_is(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, best: str) -> None:
    has(monkeypatch, cuda, mps)
    assert best_device() == torch.device(best)


def test_a_named_device_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, 2, False)
    for name in ("cpu", "cuda", "cuda:1"):
        assert best_device(name) == torch.device(name)


@pytest.mark.parametrize(("name", "cuda"), [("cuda", 0), ("mps", 0), ("cuda:2", 2), ("gpu", 1), ("", 0)])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, cuda: int) -> None:
    has(monkeypatch, cuda, False)
    with pytest.raises(MoodringError, match=f"device '{name}' is not on this machine, which has cpu"):
        best_device(name)
