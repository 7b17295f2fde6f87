"""Examine this machine: packages, LSL, bundles, devices, disk; each with its cure where it fails."""

import os
import platform
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...configs.schema.errors import MoodringError
from ...configs.schema.foreign_text import visible
from ...configs.schema.session_folder import package_versions
from ...models.device import best_device
from ...models.io.bundle import bundled, load_bundle, shipped_bundles
from ...models.io.matroska import QUALITIES, check_encoder
from ..ipc import run_dir

PACKAGES = (
    "torch",
    "pylsl",
    "numpy",
    "scipy",
    "opencv-python",
    "PyQt5",
    "pyqtgraph",
    "sounddevice",
    "av",
    "silero-vad",
)


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes
    ----------
    what : str
    ok : bool
    text : str
        What was found.
    cure : str
        What to do where it is not ok; empty otherwise.
    essential : bool
        Whether moodring cannot run without it.
    note : bool
        What is ok has a limit that is to be known.
    """

    what: str
    ok: bool
    text: str
    cure: str = ""
    essential: bool = False
    note: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text))


def examine() -> Iterator[Finding]:
    """Yield the findings one by one, because some take seconds."""
    yield Finding("Python", True, f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores")
    yield from _packages()
    yield _compute()
    yield _loopback()
    yield from _bundles()
    yield _window()
    yield _microphones()
    yield _cameras()
    yield _recorder()
    yield _disk()
    yield _memory()


def _packages() -> Iterator[Finding]:
    found = package_versions(*PACKAGES)
    missing = [name for name, version in found.items() if version is None]
    yield Finding(
        "packages",
        not missing,
        ", ".join(f"{name} {version or 'is missing'}" for name, version in found.items()),
        "run the set-up again: make setup (or: pip install .)" if missing else "",
        essential=True,
    )


def _compute() -> Finding:
    device = best_device()
    return Finding(
        "compute device", True, f"models run on {device}" + ("" if device.type != "cpu" else " (no GPU found)")
    )


def _loopback() -> Finding:
    """Send a sample over LSL to this process."""
    try:
        import pylsl
    except (RuntimeError, OSError) as error:
        return Finding(
            "LSL",
            False,
            f"liblsl cannot be loaded ({str(error).splitlines()[0]})",
            "this system may be older than the liblsl in pylsl's wheel: install liblsl and set PYLSL_LIB to it",
            essential=True,
        )
    name = f"moodring_doctor_{uuid.uuid4().hex[:8]}"
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(name, "Test", 1, 100.0, pylsl.cf_float32, name))
    found = pylsl.resolve_byprop("source_id", name, timeout=5.0)
    if not found:
        return Finding(
            "LSL",
            False,
            "a stream of our own was not found within 5 s",
            "a firewall may block multicast: allow UDP 16571-16604 and TCP 16572-16604, or set known_peers in "
            "the config",
            essential=True,
        )
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=5.0)
    sent = time.perf_counter()
    outlet.push_sample([42.0])
    sample, _ = inlet.pull_sample(timeout=5.0)
    took_ms = (time.perf_counter() - sent) * 1e3
    del inlet
    text = f"pylsl {pylsl.__version__}, liblsl {pylsl.library_version() / 100:.2f}; "
    if sample != [42.0]:
        return Finding(
            "LSL", False, text + "a stream of our own was found but sent nothing", "allow TCP 16572-16604", True
        )
    return Finding("LSL", True, text + f"a sample came back in {took_ms:.1f} ms", essential=True)


def _recorder() -> Finding:
    try:
        for quality in QUALITIES:
            check_encoder(quality)
    except MoodringError as error:
        return Finding("recording", False, str(error), "pip install --force-reinstall av")
    return Finding("recording", True, "FFmpeg encodes pictures and sound")


def _bundles() -> Iterator[Finding]:
    for name in shipped_bundles():
        try:
            bundle = load_bundle(bundled(name))
        except MoodringError as error:
            yield Finding(f"bundle {name}", False, str(error), "install moodring again", essential=True)
        else:
            domain = ", ".join(bundle.spec.domain)
            yield Finding(f"bundle {name}", True, f"domain: {domain}; sha256 {bundle.sha256[:12]}")
    from ...models.decoders.speaker import shipped_voices

    try:
        shipped_voices()
    except MoodringError as error:
        yield Finding("bundle voices", False, str(error), "install moodring again", essential=True)
    else:
        yield Finding("bundle voices", True, "background of voices, for speech.enrolment")


def _window() -> Finding:
    """Open a Qt application in a process of its own, because a missing library aborts the process."""
    probe = "import sys; from PyQt5.QtWidgets import QApplication; QApplication(sys.argv); print('ok')"
    display = sys.platform in {"win32", "darwin"} or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    environment = dict(os.environ) if display else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter, a fixed text)
            [sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=False, env=environment
        )
        ok = done.stdout.strip() == "ok"
        complaint = (done.stderr.strip().splitlines() or ["no reason given"])[0]
    except subprocess.TimeoutExpired:
        ok, complaint = False, "it did not open within 30 s"
    if not ok:
        return Finding(
            "window",
            False,
            f"Qt cannot open one: {complaint}",
            "run `make setup` for the libraries; the terminal works",
        )
    if not display:
        return Finding("window", True, "Qt works; this session has no display, so screens are drawn in the terminal")
    return Finding("window", True, "Qt works and there is a display")


def _microphones() -> Finding:
    from .discover import microphones

    try:
        found = microphones()
    except MoodringError as error:
        return Finding("microphones", False, str(error).split("; ")[0], "sudo apt-get install libportaudio2")
    if not found:
        return Finding("microphones", False, "none", "plug one in, or use an LSL audio stream; the rest works without")
    return Finding("microphones", True, ", ".join(f"{m.index}: {m.name}" for m in found))


def _cameras() -> Finding:
    from .discover import cameras

    found = cameras()
    if not found:
        return Finding("cameras", False, "none", "plug one in, or use a file, URL or LSL video; the rest works without")
    return Finding("cameras", True, ", ".join(f"{c.index}: {c.width}x{c.height}" for c in found))


def _disk() -> Finding:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    cure = "" if free_gb > 5 else "free some space before recording"
    return Finding("disk", free_gb > 5, f"{free_gb:.0f} GB free here", cure)


def _memory() -> Finding:
    """Remove what killed engines have left, and name the engines that run."""
    try:
        freed = run_dir.clean()
        engines = run_dir.running()
    except MoodringError as error:
        return Finding(
            "memory", False, str(error), "nobody else may reach an engine's rings: do as the line says", True
        )
    named = ", ".join(f"'{card.name}' (process {card.pid})" for card in engines) or "none"
    gone = f"; {freed / 1e6:.0f} MB that a killed engine had left are free again" if freed else ""
    return Finding("memory", True, f"running engines: {named}{gone}")
