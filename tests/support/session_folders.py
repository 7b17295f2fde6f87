"""Session folders as a live session leaves them, from scripted sources, and damage to them."""

import re

from moodring.configs.schema import session_folder as names
from moodring.configs.schema.load import toml_text
from moodring.models.io.journal import Journal
from moodring.models.io.source_streams import SourceChunk, SourceStreams
from moodring.models.io.xdf_writer import CHECK, CHECK_MARK, XdfWriter
from moodring.realtime.recorder.media_sinks import FilmSink, SoundSink, recorded_source, signal_values

FLUSH_EVERY = 10


def write_scripted_session(folder, session, config):
    """Write what a recorder writes of a scripted session: every chunk as it came, and every decision."""
    for inner in (names.STREAMS_FOLDER, names.VIDEO_FOLDER):
        (folder / inner).mkdir(parents=True)
    video = folder / names.VIDEO_FOLDER
    sources = session.sources
    with XdfWriter(folder / names.STREAMS_FOLDER / names.PART_FILE.format(1)) as writer:
        streams = {key: SourceStreams(writer, recorded_source(key, one.info)) for key, one in sources.items()}

        def put(key, chunk):
            streams[key].append(chunk)

        sinks = {}
        if "face" in sources:
            sinks["face"] = FilmSink(video / names.CAMERA_FILE, sources["face"].info, "lossless", put)
        if "speech" in sources:
            sinks["speech"] = SoundSink(video / names.MICROPHONE_FILE, "speech", sources["speech"].info, put)
        came = sorted(
            ((chunk.received_s, key, n, chunk) for key, one in session.chunks.items() for n, chunk in enumerate(one)),
            key=lambda row: row[:3],
        )
        for number, (_, key, _, chunk) in enumerate(came):
            if key in sinks:
                sinks[key].write(chunk)
            else:
                values = signal_values(chunk, "<f4")
                put(key, SourceChunk(chunk.stamps_s, chunk.received_s, chunk.gap, chunk.skipped, values))
            if number % FLUSH_EVERY == 0:
                for one in streams.values():
                    one.write()
        for one in streams.values():
            one.write()
        for sink in sinks.values():
            sink.close()
    plan = session.plan
    about = names.SessionFile(
        version=names.VERSION, name="scripted", participant="p1", origin="simulated", t0_s=plan.t0_s, rest_s=plan.rest_s
    )
    (folder / names.SESSION_FILE).write_text(toml_text(about))
    (folder / names.CONFIG_FILE).write_text(toml_text(config))
    with Journal(folder / names.DECISIONS_FILE) as journal:
        for decision in session.decisions:
            journal.append(decision.estimate)
    return folder


def without_checks(raw):
    """Return an XDF file as other programs write it."""
    before, *after = raw.split(CHECK_MARK)
    return before + b"".join(part[CHECK.size :] for part in after)


def chunks_of(raw, number):
    """Return first and one past the last byte of each chunk of samples of a stream, in a file with checks."""
    mark = re.escape(CHECK_MARK)
    begins = [4, *(found.end() + CHECK.size for found in re.finditer(mark, raw, re.DOTALL))]
    ends = [found.start() for found in re.finditer(mark, raw, re.DOTALL)]
    head = (3).to_bytes(2, "little") + number.to_bytes(4, "little")
    return [(a, b) for a, b in zip(begins, ends, strict=False) if raw[a + 5 : a + 11] == head]
