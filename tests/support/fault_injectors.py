"""Injectors of faults into real streams and devices; what each can do to them is a method, as of a scripted source."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from moodring.processes import Child
from tests.support.lsl_stand import Stand
from tests.support.sound_server import SoundServer

CAMERA_RATE_HZ = 25.0
DISK_MB = 32
_START_S = 60.0
_BOUNDARY = "frame"


class StreamInjector:
    """An LSL stream from a process of its own."""

    def __init__(self, settings, stream):
        self._settings, self._stream = settings, stream
        self._stand = None
        self._twins = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for one in (self._stand, *self._twins):
            if one is not None:
                one.kill()

    def start(self, channels=None):
        """Begin, with another number of channels where one is given."""
        stream = self._stream
        if channels is not None:
            stream = {**stream, "count": channels, "channels": stream["channels"][:channels]}
        self._stand = Stand(self._settings, stream)

    def kill(self):
        self._stand.kill()
        self._stand = None

    def pause(self):
        self._stand.pause()

    def resume(self):
        self._stand.resume()

    def double(self):
        """Start two others of its name."""
        for number in (1, 2):
            self._twins.append(Stand(self._settings, {**self._stream, "source_id": f"twin-{number}"}))

    def end_twin(self):
        """Leave one of them."""
        self._twins.pop().kill()


class CameraInjector:
    """A network camera: motion JPEG over HTTP, which comes back under the address it had."""

    def __init__(self, jpegs):
        self._jpegs = jpegs
        self._port = 0
        self._child = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}/video.mjpg"

    def start(self):
        self._child = Child("camera", _serve_pictures, self._port, self._jpegs)
        self._port = self._child.wait_for("port", _START_S)

    def kill(self):
        if self._child is not None:
            self._child.end(0.0)


class ScreenInjector:
    """A terminal dashboard on an engine."""

    def __init__(self, engine):
        self._child = Child("screen", _watch_engine, engine)

    def __enter__(self):
        self._child.wait_for("ready", _START_S)
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self._child.end(0.0)


class MicrophoneInjector(SoundServer):
    """A sound server whose microphone can be taken away."""

    def __init__(self, folder):
        super().__init__(folder)
        self._children = []

    def __enter__(self):
        super().__enter__()
        self.start()
        return self

    def __exit__(self, *_):
        self._end_children()
        super().__exit__()

    def start(self):
        """Plug the microphone in, and wait until sound comes from it."""
        self.control("load-module", "module-null-sink", "sink_name=heard", "rate=48000")
        self.control("set-default-source", "heard.monitor")
        raw = ("--raw", "--latency-msec=40")
        # A soft noise: nothing but zeros is a microphone that hangs.
        self._start_child("pacat", "--playback", "--device=heard", "--volume=20000", *raw, "/dev/urandom")
        self._start_child("parec", "--device=heard.monitor", *raw).stdout.read(4096)

    def kill(self):
        """Pull it out."""
        self.control("unload-module", "module-null-sink")
        self._end_children()

    def _start_child(self, *command):
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._children.append(subprocess.Popen(command, env=os.environ | self.environment, **quiet))
        return self._children[-1]

    def _end_children(self):
        for child in self._children:
            child.kill()
            child.wait()
            child.stdout.close()
        self._children.clear()


class RecordingInjector:
    """Kills the recorder of an engine, and fills the disk that it records to."""

    def __init__(self, engine_pid, disk):
        self._engine_pid, self._disk = engine_pid, disk

    def kill(self):
        children = psutil.Process(self._engine_pid).children(recursive=True)
        (recorder,) = [child for child in children if any("spawn_main" in word for word in child.cmdline())]
        recorder.kill()

    def fill(self):
        """Write until nothing fits any more."""
        with contextlib.suppress(OSError), (self._disk / "somebody else's").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)


@contextlib.contextmanager
def small_disk():
    """Mount a disk of 32 MB that lives in memory; skip where this is not Linux and root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk to fill")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "moodring", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a small disk cannot be mounted in this container")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def _serve_pictures(parent, port, jpegs):
    """Serve motion JPEG until killed; 0 is any free port."""
    begin_s = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            self.end_headers()
            number = int((time.monotonic() - begin_s) * CAMERA_RATE_HZ)
            with contextlib.suppress(OSError):
                while True:
                    jpeg = jpegs[number % len(jpegs)]
                    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    # A real camera drops what it could not send in time.
                    number = max(number + 1, int((time.monotonic() - begin_s) * CAMERA_RATE_HZ))
                    time.sleep(max(0.0, begin_s + number / CAMERA_RATE_HZ - time.monotonic()))

        def log_message(self, *_):
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    parent.send({"port": server.server_address[1]})
    server.serve_forever()


def _watch_engine(parent, engine):
    """Show an engine on a terminal that nobody reads."""
    from rich.console import Console

    from moodring.realtime.ipc.snapshot_feed import SnapshotFeed
    from moodring.realtime.screens.terminal import run_dashboard

    feed = SnapshotFeed(engine)
    while feed.snapshot() is None and not parent.ended.wait(0.05):
        pass
    parent.send({"ready": True})
    run_dashboard(feed, Console(file=io.StringIO(), force_terminal=True, width=100), close_when_ended=False)
