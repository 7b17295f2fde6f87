"""One case of each kind: a hostile input from a seed, and what a user's command would do with it.

A case ends well with an answer or a MoodringError of one line; anything else is a finding.
"""

import hashlib
import json
import random
import shutil

import numpy as np

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract.specs import NotFiniteError
from tests.support.fuzz.mutations import NUMBERS, mutate_file, mutated_bytes, mutated_text, mutated_value

RATES_HZ = (256.0, 0.0, 1e38, -1.0, 1e6, 1e-3, 16_000.0, 8000.0, 3.7, float("nan"), float("inf"), 200_000.0)
MOST_RING_BYTES = 64 << 20


def run_case(kind, template, folder, seed):
    """Run one case; return what it came to in a word."""
    rng = random.Random(f"{kind}-{seed}")
    shutil.rmtree(folder, ignore_errors=True)
    prepared = {"session": _session, "config": _config, "bundle": _bundle, "media": _media, "stream": _stream}[kind]
    act = prepared(template, folder, rng)
    before = digest(folder)
    line, outcome = None, "answered"
    try:
        act()
    except MoodringError as error:
        line, outcome = str(error), "refused"
    assert line is None or ("\n" not in line and len(line) < 4000), f"an error of several lines or very long: {line}"
    assert digest(folder) == before, "the input was changed"
    return outcome


def digest(folder):
    """Return a digest of all that lies in a folder: names, kinds, sizes, times; and content of what is small."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        facts = path.lstat()
        found.update(repr((path.name, facts.st_mode, facts.st_size, facts.st_mtime_ns)).encode())
        if path.is_file() and not path.is_symlink() and facts.st_size < 10_000_000:
            found.update(path.read_bytes())
    return found.hexdigest()


def _session(template, folder, rng):
    shutil.copytree(template, folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for _ in range(rng.choice([1, 1, 2])):
        path = rng.choice(files)
        if path.is_file() and not path.is_symlink():
            mutate_file(path, rng)

    def act():
        from moodring.models.io.journal import read_journal
        from moodring.offline.decoding.compare import compare
        from moodring.offline.decoding.decode import decode
        from moodring.offline.recordings.open import open_recording
        from tests.support.engine_fakes import fake_models
        from tests.support.scripted_sources import CONFIG

        recording = open_recording(folder)
        journal = ()
        if (folder / "decisions.jsonl").is_file():
            try:
                journal = read_journal(folder / "decisions.jsonl", folder)
            except MoodringError:
                if rng.random() < 0.5:
                    raise
        decoded = decode(recording, CONFIG, models=fake_models(), journal=journal)
        for estimate in decoded.estimates:
            for head in estimate.heads:
                assert np.isfinite(head.probabilities or ()).all()
        compare(decoded.estimates, journal)
        json.dumps(decoded.summary, allow_nan=False)

    return act


def _config(template, folder, rng):
    folder.mkdir(parents=True)
    path = folder / "mine.toml"
    source = rng.choice(sorted(template.glob("*.toml")))
    text = source.read_text()
    if rng.random() < 0.1:
        path.write_text(text)
        mutate_file(path, rng)
    else:
        for _ in range(rng.choice([1, 1, 1, 3])):
            text = mutated_text(text, rng).decode(errors="replace") or "\n"
        path.write_bytes(text.encode() if rng.random() < 0.9 else mutated_bytes(text.encode(), rng))
    overrides = [f"decisions.rest_s={rng.choice(NUMBERS)}"] if rng.random() < 0.2 else []

    def act():
        from moodring.configs.schema.live import LiveConfig
        from moodring.configs.schema.load import load
        from moodring.configs.schema.train_attention import TrainAttentionConfig
        from moodring.configs.schema.train_pooling import TrainPoolingConfig
        from moodring.configs.schema.train_recogniser import TrainRecogniserConfig

        schemas = {
            "train_pooling": TrainPoolingConfig,
            "train_emodb": TrainRecogniserConfig,
            "train_attention": TrainAttentionConfig,
        }
        load(path, schemas.get(source.stem, LiveConfig), overrides)

    return act


def _bundle(template, folder, rng):
    from safetensors import safe_open
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    source = rng.choice(sorted(template.glob("*.safetensors")))
    path = folder / source.name
    how = rng.randrange(10)
    if how < 2:
        path.write_bytes(mutated_bytes(source.read_bytes(), rng))
    elif how == 2:
        shutil.copyfile(source, path)
        mutate_file(path, rng)
    else:
        with safe_open(source, framework="pt") as file:
            spec = json.loads(file.metadata()["moodring_spec"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if how == 3:
            tensors = _with_odd_weights(tensors, rng)
        for _ in range(0 if how == 3 else rng.choice([1, 1, 2])):
            spec = mutated_value(spec, rng)
        text = json.dumps(spec) if rng.random() < 0.95 else '{"spec":' * 5000
        save_file(tensors, path, {"moodring_spec": text})

    def act():
        import torch

        from moodring.models.decoders.attention import AttentionDecoder
        from moodring.models.decoders.eeg_state import EegStateDecoder
        from moodring.models.decoders.speech import SpeechDecoder
        from moodring.models.io.bundle import load_bundle
        from moodring.models.streaming.streaming_attention import StreamingAttention

        bundle, device = load_bundle(path), torch.device("cpu")
        if bundle.spec.kind == "speech":
            decoder = SpeechDecoder(bundle, device)
            heads = [*decoder.feed(_SOUND, 0.0), *decoder.close()]
        elif bundle.spec.kind == "attention":
            felt = AttentionDecoder(bundle, device, policy=rng.choice(["learned", "uniform", "random", "every"]))
            StreamingAttention(felt)
            heads = [_looked(felt, time_s) for time_s in (0.0, 1.0, 2.0)][-1]
        elif bundle.spec.kind == "eeg_state":
            heads = _judged(EegStateDecoder(bundle))
        else:
            heads = []
        for head in heads:
            assert np.isfinite(head.probabilities or ()).all()
            assert head.answered or head.abstained

    return act


_SOUND = (0.3 * np.sin(np.arange(24_000) * (0.05 + 0.02 * np.sin(np.arange(24_000) / 900)))).astype(np.float32)


def _window(time_s, seconds=1.0):
    from moodring.models.contract import EegWindow
    from tests.support.engine_fakes import NAMES

    eeg = np.random.default_rng(0).normal(0, 10, (round(256 * seconds), len(NAMES))).astype(np.float32)
    return EegWindow(eeg, 256.0, NAMES, np.ones(len(NAMES), bool), time_s)


def _judged(decoder):
    """Return the head of a decoder of a state after half a second of rest and two windows."""
    from tests.support.engine_fakes import NAMES

    decoder.check_eeg(NAMES, 256.0)
    seconds = decoder.features.window_s
    for time_s in (0.0, 0.5):
        decoder.rest(_window(time_s, seconds))
    for time_s in (1.0, 1.5):
        decoder.look(_window(time_s, seconds))
    try:
        found = decoder.read(1.5)
    except NotFiniteError:
        return ()  # the decider abstains
    return () if found is None else (found,)


def _looked(felt, time_s):
    from moodring.models.contract import EegWindow, FaceFrame
    from tests.support.engine_fakes import NAMES

    eeg = np.random.default_rng(0).normal(0, 10, (256, len(NAMES))).astype(np.float32)
    window = EegWindow(eeg, 256.0, NAMES, np.ones(len(NAMES), bool), time_s)
    felt.check_eeg(NAMES, 256.0)
    felt.rest(window)
    felt.frame(time_s, FaceFrame(np.full((48, 48, 3), 90, np.uint8), time_s), window)
    felt.tick(window)
    try:
        return felt.read()
    except NotFiniteError:
        return ()  # the decider abstains


def _with_odd_weights(tensors, rng):
    import torch

    name = rng.choice(sorted(tensors))
    one = tensors[name].clone()
    how = rng.randrange(6)
    if how < 2 and one.is_floating_point() and one.numel():
        one.view(-1)[rng.randrange(one.numel())] = rng.choice([float("nan"), float("inf"), 3e38])
    elif how == 2:
        one = one.double()
    elif how == 3:
        one = torch.zeros(*one.shape, 2)
    elif how == 4:
        one = torch.full_like(one, 1) * 1e30 if one.is_floating_point() else one
    else:
        return {key: value for key, value in tensors.items() if key != name}
    return {**tensors, name: one}


def _media(template, folder, rng):
    folder.mkdir(parents=True)
    source = rng.choice([one for one in sorted(template.iterdir()) if one.is_file()])
    suffix = (
        source.suffix if rng.random() < 0.8 else rng.choice([".mkv", ".wav", ".mp4", ".flac", ".avi", ".xdf", ".mp3"])
    )
    path = folder / f"film{suffix}"
    path.write_bytes(source.read_bytes())
    if rng.random() < 0.15:
        mutate_file(path, rng)
    else:
        path.write_bytes(mutated_bytes(path.read_bytes(), rng))

    def act():
        from moodring.offline.recordings.open import open_recording
        from moodring.offline.recordings.sound import fault, stream_sound

        if rng.random() < 0.4:
            sum(len(block) for block in stream_sound(path))
            fault(path)
            return
        recording = open_recording(path)
        if recording.face is not None:
            for index in {0, len(recording.face.stamps_s) // 2, len(recording.face.stamps_s) - 1}:
                recording.face.frames[index]
        for one in (recording.speech, recording.eeg):
            assert one is None or len(one.samples) == len(one.stamps_s)

    return act


def _stream(template, folder, rng):
    import pylsl

    kind = rng.choice(["eeg", "face", "speech", "signal"])
    count = (
        {"eeg": 10, "face": 24 * 32 * 3, "speech": 1, "signal": 2}[kind] if rng.random() < 0.9 else rng.randrange(1, 40)
    )
    own = {"eeg": 256.0, "face": 25.0, "speech": 16_000.0, "signal": 32.0}[kind]
    rate_hz = own if rng.random() < 0.6 else rng.choice(RATES_HZ)
    form = (
        ("int8" if kind == "face" else "float32") if rng.random() < 0.9 else rng.choice(["int16", "double64", "string"])
    )
    try:
        info = pylsl.StreamInfo("hostile", kind, count, rate_hz, form, "id")
    except RuntimeError:  # liblsl has no such stream
        return lambda: None
    desc = info.desc()
    facts = desc.append_child("moodring")
    told = {"first_sample_after_t0_s": "1.5", "rest_s": "4", "origin": "simulated", "participant": "p1", "timeline": ""}
    video = {"width": "32", "height": "24", "encoding": "bgr24"}
    for table, values in ((facts, told), (facts.append_child("video"), video)):
        for name, value in values.items():
            text = (
                rng.choice((*NUMBERS, "\x1b[31mred", "[/bold]", "١٢", "1_0", "0x10", " 4 "))
                if rng.random() < 0.3
                else value
            )
            table.append_child_value(name, text)
    from tests.support.scripted_sources import EEG_NAMES

    channels = desc.append_child("channels")
    for index in range(min(count, 40)):
        channel = channels.append_child("channel")
        label = EEG_NAMES[index % 10] if rng.random() < 0.97 else rng.choice(["", "²", "\x1b[2J", "x" * 3000, "Cz"])
        channel.append_child_value("label", label)
        channel.append_child_value(
            "unit", "microvolts" if rng.random() < 0.97 else rng.choice(["", "²", "nV", "V", "-6"])
        )
        channel.append_child_value("type", kind.upper() if rng.random() < 0.97 else "")

    def act():
        _read_stream(kind, info, rng)

    return act


def _read_stream(kind, info, rng):
    from moodring.configs.schema.live import EegSection, StreamQuery
    from moodring.models.io.ring import rings_in
    from moodring.models.streaming.decision_schedule import make_plan, next_decision, plan_facts
    from moodring.models.streaming.ingest.sources import Chunk
    from moodring.models.streaming.ingest.stream_ingest import ingest_factory
    from moodring.realtime.sources.lsl import check_rate
    from moodring.realtime.sources.lsl_audio import LslAudio
    from moodring.realtime.sources.lsl_eeg import LslEeg
    from moodring.realtime.sources.lsl_signal import LslSignal
    from moodring.realtime.sources.lsl_video import LslVideo
    from tests.support.scripted_sources import CONFIG

    query = StreamQuery(name="hostile")
    source = {
        "eeg": lambda: LslEeg(EegSection(stream=query)),
        "face": lambda: LslVideo(query, None),
        "speech": lambda: LslAudio(query, None),
        "signal": lambda: LslSignal("signal", query, None),
    }[kind]()
    check_rate(info, kind)
    described = source.describe(info)
    size = int(np.prod(described.shape)) * np.dtype(described.dtype).itemsize * 60 * (described.rate_hz or 2.0)
    if kind != "face" and size > MOST_RING_BYTES:
        return  # the budget of the rings is another subject
    if kind == "eeg" and (described.rate_hz or 0) < 100:
        return  # no bundle takes it
    ingest = ingest_factory(CONFIG.eeg, rings_in(None))(described)
    try:
        received_s, stamp_s, random = 1000.0, rng.choice([1000.0, 0.0, 1.7e9, -5e6, 4.1e9]), np.random.default_rng(1)
        for _ in range(30):
            n = rng.choice([1, 2, 8, 40])
            stamps_s = stamp_s + np.arange(n) / (described.rate_hz or 25.0)
            if rng.random() < 0.15:
                stamps_s[rng.randrange(n)] = rng.choice([np.nan, np.inf, -np.inf, 1e300, 0.0, 1e18, stamp_s + 1e7])
            values = random.normal(0, 10, (n, *described.shape))
            if rng.random() < 0.1:
                values[:] = rng.choice([np.nan, np.inf, 1e38, 0.0])
            with np.errstate(all="ignore"):
                samples, gap, skipped = values.astype(described.dtype), rng.random() < 0.05, rng.choice([0, 0, 5])
                ingest.append(Chunk(samples, stamps_s, received_s, gap, skipped))
            stamp_s += n / (described.rate_hz or 25.0)
            received_s += n / (described.rate_hz or 25.0)
        if ingest.figures.first_s is not None:
            plan = make_plan(plan_facts([ingest]), CONFIG, loudspeaker=False)
            assert np.isfinite([plan.t0_s, plan.rest_s]).all()
            next_decision(plan, plan.first, received_s, 0.15)
            newest = ingest.ring.latest(64)
            assert np.isfinite(newest.stamps_s).all()
    finally:
        ingest.ring.close()
