"""Streams of other programs on this computer, with LSL's default settings, under ``resolve_scope = "machine"``."""

import json
import subprocess
import sys
from uuid import uuid4

import pytest

from moodring.configs.schema.liblsl import liblsl_settings
from moodring.configs.schema.live import LslSection

SEND = (
    "import json, sys, pylsl\n"
    "names, text = json.loads(sys.argv[1])\n"
    "text and pylsl.set_config_content(text)\n"
    "held = [pylsl.StreamOutlet(pylsl.StreamInfo(n, 'x', 1, 100, 'float32', n)) for n in names]\n"
    "print('there', flush=True)\n"
    "sys.stdin.read()"
)
FIND = (
    "import json, sys, pylsl\n"
    "text, kind = json.loads(sys.argv[1])\n"
    "pylsl.set_config_content(text)\n"
    "found = pylsl.resolve_bypred(f\"starts-with(name,'{kind}')\", minimum=5, timeout=20)\n"
    "print(json.dumps(sorted(info.name() for info in found)))"
)


@pytest.mark.lsl
@pytest.mark.usefixtures("lsl_session")
@pytest.mark.parametrize(
    "settings",
    [
        "",
        "[log]\nlevel = -3\n[multicast]\nResolveScope = site\n",
        # Its ports lie where nobody asks: as when the usual ones are taken.
        "[log]\nlevel = -3\n[ports]\nBasePort = 23000\n",
    ],
)
def test_machine_scope_finds_every_stream_of_another_program(settings, tmp_path):
    kind = f"m{uuid4().hex}"
    names = [f"{kind}_{number}" for number in range(5)]
    text = liblsl_settings(LslSection(resolve_scope="machine"))
    sender = subprocess.Popen(
        [sys.executable, "-c", SEND, json.dumps([names, settings])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    )
    with sender:
        assert sender.stdout.readline() == "there\n"
        done = subprocess.run(
            [sys.executable, "-c", FIND, json.dumps([text, kind])],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        sender.stdin.close()
    assert json.loads(done.stdout) == names


def test_machine_scope_asks_where_no_question_leaves_the_machine():
    text = liblsl_settings(LslSection(resolve_scope="machine", known_peers=["amp.local"]))
    assert "KnownPeers = {amp.local, 127.0.0.1}\n" in text
    assert "ResolveScope = machine\nMachineAddresses = {127.0.0.1, 224.0.0.1, FF02::1}\n" in text
    assert "MachineAddresses" not in liblsl_settings(LslSection(session_id="lab"))
