"""A long session as an engine leaves it, made in minutes: for measuring how it opens and is sought in."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ...configs.schema import session_folder as names
from ...configs.schema.load import toml_text
from ...models.contract import Estimate, HeadOutput, Ledger, Look, Periphery
from ...models.contract.windows import FaceBox
from ...models.io.journal import journal_line
from ...models.io.matroska import FilmWriter, SoundWriter
from ...models.io.source_streams import RecordedSource, SourceChunk, SourceStreams
from ...models.io.xdf_writer import XdfWriter

CHANNELS, EEG_HZ, AUDIO_HZ, FRAMES_HZ = 64, 1000.0, 16_000, 30.0
FRAME = (720, 1280)
_T0_S = 1000.0
_FLUSH_S, _CHUNK_S = 0.2, 0.02
_PIECE_S = 2.0  # of film that is encoded, and then written again and again


def write_long_session(folder: Path, seconds: float) -> Path:
    """Write 64 channels at 1 kHz, a film of 1280x720 at 30 frames a second, sound, and an estimate every half second.

    The film repeats itself; all else is written as the recorder, the engine and the journal write it.
    """
    for inner in (names.STREAMS_FOLDER, names.VIDEO_FOLDER):
        (folder / inner).mkdir(parents=True)
    about = names.SessionFile(
        version=names.VERSION, name=folder.name, participant="nobody", origin="bench", t0_s=_T0_S, rest_s=0.0
    )
    (folder / names.SESSION_FILE).write_text(toml_text(about))
    _write_streams(folder, seconds)
    _write_film(folder / names.VIDEO_FOLDER / names.CAMERA_FILE, seconds)
    estimates = (_estimate(step / 2) for step in range(2, int(2 * seconds)))
    (folder / names.DECISIONS_FILE).write_bytes(b"".join(journal_line(one) + b"\n" for one in estimates))
    return folder


def _write_streams(folder: Path, seconds: float) -> None:
    random = np.random.default_rng(5)
    labels = tuple(f"E{number:02}" for number in range(1, CHANNELS + 1))
    sound = SoundWriter(folder / names.VIDEO_FOLDER / names.MICROPHONE_FILE, float(AUDIO_HZ))
    with XdfWriter(folder / names.STREAMS_FOLDER / names.PART_FILE.format(1)) as writer, sound:
        eeg = SourceStreams(writer, RecordedSource("eeg", "signal", "amplifier", EEG_HZ, labels))
        face = SourceStreams(writer, RecordedSource("face", "film", "camera", FRAMES_HZ))
        speech = SourceStreams(writer, RecordedSource("speech", "sound", "microphone", float(AUDIO_HZ)))
        noise = (20 * random.standard_normal((round(EEG_HZ), CHANNELS))).astype(np.float32)
        hum = (0.1 * random.standard_normal(AUDIO_HZ)).astype(np.float32)
        frame = 0
        rows, samples = round(EEG_HZ * _CHUNK_S), round(AUDIO_HZ * _CHUNK_S)
        for step in range(round(seconds / _CHUNK_S)):
            at_s, second = _T0_S + step * _CHUNK_S, step % round(1 / _CHUNK_S)
            arrived_s = at_s + _CHUNK_S + 0.003
            eeg.append(
                SourceChunk(
                    at_s + np.arange(rows) / EEG_HZ, arrived_s, values=noise[second * rows : (second + 1) * rows]
                )
            )
            first = sound.write(hum[second * samples : (second + 1) * samples])
            speech.append(SourceChunk(at_s + np.arange(samples) / AUDIO_HZ, arrived_s, first_in_file=first))
            while _T0_S + frame / FRAMES_HZ < at_s + _CHUNK_S:
                stamps_s = np.array([_T0_S + frame / FRAMES_HZ])
                face.append(SourceChunk(stamps_s, arrived_s, first_in_file=frame))
                frame += 1
            if step % round(_FLUSH_S / _CHUNK_S) == 0:
                for streams in (eeg, face, speech):
                    streams.write()
        for streams in (eeg, face, speech):
            streams.write()


def _write_film(path: Path, seconds: float) -> None:
    """Encode a short piece as the engine does, and write its packets again and again."""
    piece = path.with_suffix(".piece.mkv")
    count = round(_PIECE_S * FRAMES_HZ)
    height, width = FRAME
    y, x = np.mgrid[:height, :width]
    with FilmWriter(piece, height, width, FRAMES_HZ, "small") as film:
        for number in range(count):
            shade = (128 + 90 * np.sin((x + 9 * number) / 40) * np.cos((y - 5 * number) / 30)).astype(np.uint8)
            image = np.dstack([shade, shade[::-1], np.roll(shade, 60, axis=1)])
            film.write(image[np.newaxis], np.array([number / FRAMES_HZ]), number / FRAMES_HZ)
    clusters = {"cluster_time_limit": "250"}
    with (
        av.open(str(piece)) as source,
        av.open(str(path), "w", format="matroska", container_options=clusters) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
        kept: list[tuple[bytes, int, bool]] = [
            (bytes(packet), round(float(packet.pts * packet.time_base) * 1000), packet.is_keyframe)
            for packet in packets
        ]
        for round_ in range(int(np.ceil(seconds / _PIECE_S))):
            for raw, at_ms, key in kept:
                target.mux(_packet(raw, at_ms + round(1000 * _PIECE_S) * round_, key, stream))
    piece.unlink()


def _packet(raw: bytes, at_ms: int, key: bool, stream: Any) -> Any:
    made = av.Packet(raw)
    made.time_base = Fraction(1, 1000)
    made.pts = made.dts = at_ms
    made.is_keyframe = key
    made.stream = stream
    return made


def _estimate(at_s: float) -> Estimate:
    """Return an estimate with all that a line of a session with EEG, face and voice holds."""
    time_s = _T0_S + at_s
    low, high = 0.3 + 0.25 * np.sin(at_s / 40), 0.3 - 0.25 * np.sin(at_s / 40)
    levels = (round(low, 4), round(1 - low - high, 4), round(high, 4))
    ages = {"eeg": 0.9, "face": 1.1}
    heads = (
        HeadOutput("valence", "felt", ("low", "medium", "high"), levels, kept=(0, 1), ages_s=ages),
        HeadOutput("arousal", "felt", ("low", "medium", "high"), levels[::-1], kept=(1, 2), ages_s=ages),
        HeadOutput("speech", "acted", tuple(f"emotion {n}" for n in range(7)), (0.4,) + (0.1,) * 6, kept=(0,)),
        HeadOutput("face", "expressed", tuple(f"expression {n}" for n in range(8)), (0.3,) + (0.1,) * 7, kept=(0,)),
    )
    box = FaceBox(500.0, 200.0, 250.0, 300.0, 0.9)
    looks = (Look(time_s, time_s, box, 16, "tracked", 1, 1),)
    frames = tuple(Periphery(time_s + n / 8, n == 0, "gain", 4, 0.1, 0.03, 0.2, 0.01, 0.02, 0.1) for n in range(4))
    return Estimate(
        time_s=time_s,
        session_time_s=at_s,
        heads=heads,
        used=("eeg", "face", "speech"),
        looks=looks,
        calibrated=True,
        ranges={},
        ledger=Ledger(*(time_s + n / 100 for n in range(5))),
        bundles=("ab" * 32,) * 3,
        notices=("made for measuring",),
        periphery=frames,
        band_attention=np.array([0.5, 0.3, 0.2], np.float32),
    )
