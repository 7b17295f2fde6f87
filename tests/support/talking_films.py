"""Corpora of films whose people have a drawn face and a voice, in the layouts that their authors distribute."""

from pathlib import Path

import av
import numpy as np

from moodring.offline.simulate.difficulty import EASY
from moodring.offline.simulate.face import SimulatedFace
from moodring.offline.simulate.face_plan import Burst, FacePlan

SIZE, RATE_HZ, SOUND_HZ = 192, 25, 16_000
_SEEDS_FROM = 4900  # of simulated people that nothing else knows


def write_talking_film(path: Path, person: int, valence: float = 0.8, seconds: float = 0.4, face: bool = True) -> Path:
    """Write a film with sound; the person's smile or frown is ``valence``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(seconds * RATE_HZ)
    plan = FacePlan((Burst(0.0, 4.0, 1.0, valence, 0.6),), (), ())
    drawn = SimulatedFace(_SEEDS_FROM + person, np.arange(2) / RATE_HZ + 1.0, plan, np.zeros(2), EASY)
    pictures = [drawn[i] if face else np.zeros((SIZE, SIZE, 3), np.uint8) for i in range(2)]
    codec, sound_codec = ("flv1", "pcm_s16le") if path.suffix == ".flv" else ("mpeg4", "pcm_s16le")
    sound_codec = "aac" if path.suffix == ".mp4" else sound_codec
    samples = (3_000 * np.sin(np.arange(round(seconds * SOUND_HZ)) / 12.0)).astype(np.int16)[None]
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=RATE_HZ)
        video.width, video.height, video.pix_fmt, video.bit_rate = SIZE, SIZE, "yuv420p", 4_000_000
        rate_hz = 44_100 if path.suffix == ".flv" else SOUND_HZ
        audio = container.add_stream(sound_codec, rate=rate_hz)
        audio.layout = "mono"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(pictures[index * 2 // count], format="bgr24").reformat(SIZE, SIZE)
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode())
        block = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        block.sample_rate = SOUND_HZ
        fitting = av.AudioResampler(audio.format, "mono", rate_hz, frame_size=audio.frame_size or None)
        for part in (*fitting.resample(block), *fitting.resample(None)):
            container.mux(audio.encode(part))
        container.mux(audio.encode())
    return path


def crema_d(root: Path) -> Path:
    """Two actors, two sentences; one level is a single X."""
    for person, actor in enumerate(("1001", "1002")):
        for sentence, emotion, level in (("DFA", "ANG", "XX"), ("IEO", "HAP", "HI"), ("ITH", "SAD", "X")):
            write_talking_film(root / "VideoFlash" / f"{actor}_{sentence}_{emotion}_{level}.flv", person)
    return root


def ravdess(root: Path) -> Path:
    """One actor: two spoken clips with sound, the same without, and a song."""
    for emotion in ("03", "05"):
        write_talking_film(root / "Actor_01" / f"01-01-{emotion}-01-01-01-01.mp4", 0)
        write_talking_film(root / "Actor_01" / f"02-01-{emotion}-01-01-01-01.mp4", 0)
    write_talking_film(root / "Actor_01" / "01-02-03-01-01-01-01.mp4", 0)
    return root


def savee(root: Path) -> Path:
    """Two speakers with two clips each."""
    for person, speaker in enumerate(("DC", "KL")):
        for name in ("sa01", "su02"):
            write_talking_film(root / "AVClips" / speaker / f"{name}.avi", person)
    return root


def enterface(root: Path) -> Path:
    """Two subjects with all their thirty clips."""
    emotions = {"anger": "an", "disgust": "di", "fear": "fe", "happiness": "ha", "sadness": "sa", "surprise": "su"}
    for subject in (1, 2):
        clip = write_talking_film(root / "clip.avi", subject).read_bytes()
        for emotion, code in emotions.items():
            for k in range(1, 6):
                path = root / f"subject {subject}" / emotion / f"sentence {k}" / f"s{subject}_{code}_{k}.avi"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(clip)
    (root / "clip.avi").unlink()
    return root
