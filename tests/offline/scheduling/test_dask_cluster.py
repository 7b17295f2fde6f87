"""Parts computed by a Dask cluster of processes that die, come back, and are of other versions."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")

from scheduled_parts import Arrays, killed_once, refused, slow, total  # noqa: E402

from moodring.configs.schema.errors import ConfigError, MoodringError  # noqa: E402
from moodring.offline.scheduling.dask_cluster import DaskCluster  # noqa: E402
from moodring.offline.scheduling.work import Work, finished  # noqa: E402

DATA = np.random.default_rng(0).normal(size=(100, 100))
SECONDS = 60.0


class Cluster:
    """A scheduler and workers, each a process, that a test may kill and start again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._file = folder / "scheduler.json"
        self.port = 0

    def scheduler(self) -> str:
        """Start the scheduler, again at its port, and return its address."""
        self._file.unlink(missing_ok=True)
        given = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--scheduler-file", str(self._file))
        self._start("scheduler", "distributed.cli.dask_scheduler", *given)
        until_s = time.monotonic() + SECONDS
        while not self._file.exists() or not self._file.read_text().strip():
            assert time.monotonic() < until_s
            time.sleep(0.05)
        import json

        self.address = str(json.loads(self._file.read_text())["address"])
        self.port = int(self.address.rsplit(":", 1)[1])
        return self.address

    def worker(self, name: str, *more: str, **environment: str) -> None:
        """Start a worker of one thread and no nanny, and wait until the scheduler knows it."""
        given = (self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name)
        given = (*given, "--local-directory", str(self._folder / name), *more)
        self._start(name, "distributed.cli.dask_worker", *given, **environment)
        with distributed.Client(self.address, timeout=SECONDS, set_as_default=False) as client:
            until_s = time.monotonic() + SECONDS
            while name not in {one["name"] for one in client.scheduler_info(n_workers=-1)["workers"].values()}:
                assert time.monotonic() < until_s
                time.sleep(0.1)

    def kill(self, name: str) -> None:
        """Kill one, as a machine that loses power."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def close(self) -> None:
        """Kill all."""
        for name in list(self._processes):
            self.kill(name)

    def _start(self, name: str, module: str, *given: str, **environment: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *given],
                stdout=log,
                stderr=log,
                env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s", **environment},
            )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    made.scheduler()
    yield made
    made.close()


def _parts(folder: Path, count: int, seconds: float = 0.3) -> list[Work]:
    return [Work(f"fold {k}", folder / f"{k}.npy", slow, DATA, (0.1 * k, seconds)) for k in range(count)]


def _after(count: int, do: Callable[[], None]) -> Callable[[str], None]:
    """Return a report that acts once so many parts have ended."""
    ended = 0

    def report(line: str) -> None:
        nonlocal ended
        ended += line.startswith("fold ")
        if ended == count and line.startswith("fold "):
            do()

    return report


def test_a_killed_worker_and_a_restarted_scheduler_cost_only_what_was_under_way(
    cluster: Cluster, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        cluster.worker(name)
    parts = _parts(tmp_path, 24)

    def again() -> None:
        cluster.kill("scheduler")
        cluster.scheduler()
        for name in ("d", "e"):
            cluster.worker(name)

    def both(line: str) -> None:
        first(line)
        second(line)

    first, second = _after(4, lambda: cluster.kill("a")), _after(12, again)
    found = finished(parts, Arrays(), DaskCluster(cluster.address), both)
    np.testing.assert_array_equal(found, [total(DATA, 0.1 * k) for k in range(24)])


def test_a_killed_client_loses_what_was_under_way_and_the_next_computes_the_rest(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.worker("a")
    code = (
        "import sys; from pathlib import Path; from test_dask_cluster import _parts;"
        "from scheduled_parts import Arrays;"
        "from moodring.offline.scheduling.dask_cluster import DaskCluster;"
        "from moodring.offline.scheduling.work import finished;"
        "finished(_parts(Path(sys.argv[2]), 12), Arrays(), DaskCluster(sys.argv[1]), print)"
    )
    client = subprocess.Popen([sys.executable, "-c", code, cluster.address, str(tmp_path)])
    until_s = time.monotonic() + SECONDS
    while len(list(tmp_path.glob("*.npy"))) < 3:
        assert time.monotonic() < until_s
        time.sleep(0.05)
    client.send_signal(signal.SIGKILL)
    client.wait()
    kept = {one: one.stat().st_mtime_ns for one in tmp_path.glob("*.npy")}
    assert 3 <= len(kept) < 12
    found = finished(_parts(tmp_path, 12), Arrays(), DaskCluster(cluster.address), lambda _: None)
    np.testing.assert_array_equal(found, [total(DATA, 0.1 * k) for k in range(12)])
    assert all(one.stat().st_mtime_ns == when for one, when in kept.items())


def test_workers_that_would_answer_otherwise_are_named_and_not_used(cluster: Cluster, tmp_path: Path) -> None:
    other = tmp_path / "other" / "moodring" / "offline" / "scheduling"
    other.mkdir(parents=True)
    for folder in (other, *other.parents[:2]):
        (folder / "__init__.py").touch()
    (other / "work.py").write_text("def fingerprint():\n    return 'of last year'\n")
    cluster.worker("a")
    cluster.worker("old", PYTHONPATH=str(tmp_path / "other"))
    cluster.worker("threads", "--nthreads", "2")
    told: list[str] = []
    finished(_parts(tmp_path, 6, 0.01), Arrays(), DaskCluster(cluster.address), told.append)
    refusals = [one for one in told if "is not used" in one]
    assert len(refusals) == 2
    assert any("another version (of last year)" in one for one in refusals)
    assert any("--nthreads 1 --nworkers 2" in one for one in refusals)
    assert "1 workers compute" in told


def test_a_part_that_fails_or_kills_its_worker_is_named_and_the_rest_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    cluster.worker("a")
    cluster.worker("b")
    parts = _parts(tmp_path, 6, 0.01)
    parts[2] = Work("fold 2", tmp_path / "2.npy", refused, DATA, ("data",))
    parts[4] = Work("fold 4", tmp_path / "4.npy", killed_once, DATA, (4.0, tmp_path / "mark"))
    with pytest.raises(MoodringError, match="1 of 6 parts failed: fold 2") as told:
        finished(parts, Arrays(), DaskCluster(cluster.address), lambda _: None)
    assert "ValueError: no data" in str(told.value)
    np.testing.assert_array_equal(np.load(tmp_path / "4.npy"), total(DATA, 4.0))


def test_nobody_at_the_address_and_no_worker_are_said(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        DaskCluster("tcp://127.0.0.1:1")
    with pytest.raises(MoodringError, match="no worker may compute"):
        finished(_parts(tmp_path, 2), Arrays(), DaskCluster(cluster.address, gone_s=2.0), lambda _: None)
    threading.Timer(1.0, cluster.worker, ("late",)).start()
    assert len(finished(_parts(tmp_path, 2), Arrays(), DaskCluster(cluster.address), lambda _: None)) == 2
