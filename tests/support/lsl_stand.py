"""LSL streams from a child process, for the tests of the engine: they come, run, die and return when told."""

import json
import subprocess
import sys
import time

import numpy as np


def serve(settings, streams):
    """Publish streams until killed: each a dict of name, type, count, rate, format, source_id, channels."""
    import pylsl

    pylsl.set_config_content(settings)
    outlets = []
    for stream in streams:
        info = pylsl.StreamInfo(
            stream["name"],
            stream.get("type", "EEG"),
            stream.get("count", 4),
            stream.get("rate", 256.0),
            stream.get("format", "float32"),
            stream.get("source_id", stream["name"]),
        )
        if "channels" in stream:
            channels = info.desc().append_child("channels")
            for label, unit, kind in stream["channels"]:
                channel = channels.append_child("channel")
                for key, value in (("label", label), ("unit", unit), ("type", kind)):
                    channel.append_child_value(key, value)
        outlets.append(pylsl.StreamOutlet(info))
    print("there", flush=True)
    sent = [0] * len(streams)
    rng = np.random.default_rng(0)
    begin_s = pylsl.local_clock() + 0.2
    while True:
        time.sleep(0.01)
        for index, (stream, outlet) in enumerate(zip(streams, outlets, strict=True)):
            rate, count = stream.get("rate", 256.0), stream.get("count", 4)
            due = int((pylsl.local_clock() - begin_s) * rate) if rate and count else 0
            if due > sent[index]:
                # The first channel counts, so that loss and order can be proven.
                number = np.arange(sent[index], due, dtype=np.float32)
                values = rng.normal(0, 10, (len(number), count)).astype(np.float32)
                values[:, 0] = number
                outlet.push_chunk(values, (begin_s + number.astype(np.float64) / rate).tolist())
                sent[index] = due


class Stand:
    """A child process with streams; :meth:`kill` lets it die at once."""

    def __init__(self, settings, *streams):
        command = [sys.executable, __file__, json.dumps([settings, streams])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "there\n"

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
            self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def wait_for(question, timeout_s):
    """Ask until the answer is true; how long it took."""
    begin = time.monotonic()
    while not (answer := question()):
        assert time.monotonic() - begin < timeout_s, "it did not happen in time"
        time.sleep(0.01)
    return answer, time.monotonic() - begin


if __name__ == "__main__":
    serve(*json.loads(sys.argv[1]))
