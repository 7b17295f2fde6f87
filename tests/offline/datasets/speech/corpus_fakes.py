"""Small corpora in exactly the layouts that their authors distribute, quirks included."""

from itertools import product
from pathlib import Path

import av
import numpy as np
import soundfile

from moodring.models.contract import FloatArray


def tone(seconds: float = 0.2, rate_hz: int = 16_000, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 0.3 * np.sin(2 * np.pi * 220 * times_s) + rng.normal(0, 0.02, len(times_s))
    return wave.astype(np.float32)


def write_sound(path: Path, seed: int = 0, rate_hz: int = 16_000, seconds: float = 0.2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), tone(seconds, rate_hz, seed), rate_hz)
    return path


def write_film(path: Path, sound: FloatArray | None, codec: str = "pcm_s16le", rate_hz: int = 48_000) -> Path:
    """Write a film of five frames, with stereo sound or without."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = container.add_stream(codec, rate=rate_hz) if sound is not None else None
        if audio is not None:
            audio.layout = "stereo"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            whole = (np.repeat(sound, 2) * 32767).astype(np.int16)[None]
            block = av.AudioFrame.from_ndarray(whole, format="s16", layout="stereo")
            block.sample_rate = rate_hz
            fitting = av.AudioResampler(audio.format, "stereo", rate_hz, frame_size=audio.frame_size or None)
            for part in (*fitting.resample(block), *fitting.resample(None)):
                container.mux(audio.encode(part))
            container.mux(audio.encode())
    return path


def emodb(root: Path) -> Path:
    """Two speakers; take letters as irregular as the real ones."""
    names = ("03a01Fa", "03a01Nc", "03a02Wb", "03b10Tc", "08a01La", "08b02Eb", "08b03Ac", "08b03Na")
    for seed, name in enumerate(names):
        write_sound(root / "wav" / f"{name}.wav", seed)
    (root / "erkennung.txt").write_text("Nr.\tSatz\terkannt\n", encoding="utf-8")
    return root


def ravdess(root: Path) -> Path:
    """Two actors with their 60 spoken files each, one in flac, one in wav; a song, a silent film, a doubled film."""
    for actor, suffix in (("01", "flac"), ("02", "wav")):
        combinations = product([f"{n:02d}" for n in range(1, 9)], ("01", "02"), ("01", "02"), ("01", "02"))
        for seed, (emotion, intensity, statement, repetition) in enumerate(combinations):
            if (emotion, intensity) != ("01", "02"):
                name = f"03-01-{emotion}-{intensity}-{statement}-{repetition}-{actor}.{suffix}"
                write_sound(root / f"Actor_{actor}" / name, seed, 48_000, 0.02)
    write_sound(root / "Actor_01" / "03-02-03-01-01-01-01.wav")
    write_film(root / "Actor_01" / "01-01-03-01-01-01-01.mp4", tone(0.1, 48_000), "aac")
    write_film(root / "Actor_01" / "02-01-03-01-01-01-01.mp4", None)
    return root


def savee(root: Path, flat: bool = False) -> Path:
    """Two of the four speakers, with the films beside the sound."""
    counts = {"a": 15, "d": 15, "f": 15, "h": 15, "n": 30, "sa": 15, "su": 15}
    for speaker, (code, count) in product(("DC", "KL"), counts.items()):
        for number in range(1, count + 1):
            name = f"{code}{number:02d}.wav"
            path = root / f"{speaker}_{name}" if flat else root / "AudioData" / speaker / name
            write_sound(path, number, 44_100, 0.02)
    if not flat:
        write_film(root / "AVClips" / "DC" / "a01.avi", tone(0.1, 48_000))
    return root


def enterface(root: Path) -> Path:
    """Subjects 1, 3, 6, 11, 16 and 23, each with the quirk it has."""
    emotions = {"anger": "an", "disgust": "di", "fear": "fe", "happiness": "ha", "sadness": "sa", "surprise": "su"}
    sample = write_film(root / "sample.avi", tone(0.1, 48_000)).read_bytes()
    (root / "sample.avi").unlink()
    for subject, (emotion, code), k in product((1, 3, 6, 11, 16, 23), emotions.items(), range(1, 6)):
        folder = root / f"subject {subject}" / emotion / f"sentence {k}"
        name = f"s{subject}_{code}_{k}.avi"
        if subject == 3 and k == 2:
            name = f"s_3_{code}_{k}.avi"
        elif subject == 11:
            name = f"s12_{code}_{k}.avi"
        elif (subject, code, k) == (16, "su", 3):
            name = "s16_su_3avi.avi"
        elif subject == 6:
            folder, name = root / "subject 6" / emotion, f"s6_{code}.avi"
        elif subject == 23 and code == "ha" and k > 2:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(sample)
    return root


def nemo(root: Path) -> Path:
    """Two actors, six emotions, two sentences, and the table that lists them."""
    rows = ["file_id\temotion\tnormalized_text\tspeaker_id\tgender\tage"]
    words = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
    for seed, (actor, word, sentence) in enumerate(product(("EB0", "SM0"), words, (7, 80))):
        name = f"{actor}_{word}_{sentence}.flac"
        write_sound(root / name, seed)
        sex, age = ("female", 27) if actor == "EB0" else ("male", 24)
        rows.append(f'{name}\t{word}\tjedz "inaczej aby\t{actor}\t{sex}\t{age}')
    (root / "data.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def iemocap(root: Path) -> Path:
    """Two pairs of actors in an improvised and a scripted scene each, all categories, the tables with raters' lines."""
    categories = ("ang", "hap", "exc", "sad", "neu", "sur", "fea", "dis", "fru", "oth", "xxx")
    for session, scene in product((1, 2), ("impro01", "script01_1")):
        dialog = f"Ses0{session}F_{scene}"
        lines = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
        for number, category in enumerate(categories):
            name = f"{dialog}_{'FM'[number % 2]}{number:03}"
            write_sound(
                root / f"Session{session}" / "sentences" / "wav" / dialog / f"{name}.wav", 100 * session + number
            )
            grades = f"[{1 + 0.5 * (number % 8):.4f}, 2.5000, 3.0000]"
            lines.append(f"[{number + 6.2901:.4f} - {number + 7.2357:.4f}]\t{name}\t{category}\t{grades}")
            lines += ["C-E2:\tNeutral;\t()", "A-E3:\tval 3; act 2; dom  2;\t()", ""]
        table = root / f"Session{session}" / "dialog" / "EmoEvaluation" / f"{dialog}.txt"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        write_sound(root / f"Session{session}" / "dialog" / "wav" / f"{dialog}.wav", 7)
    return root
