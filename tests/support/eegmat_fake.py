"""People made up in the layout of EEGMAT: alpha at the back at rest, theta in front in arithmetic."""

import numpy as np

from tests.support.edf import write_edf

NAMES = ("Fp1", "Fp2", "F3", "F4", "T3", "T4", "C3", "C4", "P3", "P4", "O1", "O2", "Fz", "Pz")
RATE_HZ = 128
REST_S, ARITHMETIC_S = 44, 24


def person(seed, task, seconds, names=NAMES, rate_hz=RATE_HZ):
    """Return microvolts, ``(n_times, n_channels)``; each person has a scale of their own."""
    own, random = np.random.default_rng(seed), np.random.default_rng((seed, task == "rest"))
    n = round(seconds * rate_hz)
    scale, phase = own.uniform(0.5, 2.0), random.uniform(0, 2 * np.pi, 2)
    time_s = np.arange(n) / rate_hz
    alpha, theta = np.sin(2 * np.pi * 10.2 * time_s + phase[0]), np.sin(2 * np.pi * 5.3 * time_s + phase[1])
    sizes = (16.0, 3.0) if task == "rest" else (8.0, 8.0)
    back = np.array([1.0 if name[0] in "OPT" else 0.3 for name in names])
    front = np.array([1.0 if name[0] in "FA" else 0.2 for name in names])
    noise = random.normal(0.0, 6.0, (n, len(names)))
    return scale * (noise + sizes[0] * alpha[:, None] * back + sizes[1] * theta[:, None] * front)


def write_eegmat(folder, people=5, published=False):
    """Write a folder of the corpus, under the names of PhysioNet or those of participants.tsv."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(people):
        for index, (task, seconds) in enumerate((("rest", REST_S), ("arithmetic", ARITHMETIC_S)), start=1):
            name = f"Subject{number:02d}_{index}.edf" if published else f"sub-{number:02d}_{task}.edf"
            write_edf(folder / name, person(number, task, seconds), RATE_HZ, NAMES)
    if published:
        rows = [f"Subject{n:02d},{20 + n},F,2011,{9.5 + n},1" for n in range(people)]
        head = "Subject,Age,Gender,Recording year,Number of subtractions,Count quality"
        (folder / "subject-info.csv").write_text("\n".join([head, *rows]) + "\n")
    else:
        rows = [f"sub-{n:02d}\t{20 + n}\tF\t{9.5 + n}\t1" for n in range(people)]
        head = "participant_id\tage\tsex\tsubtractions\tgood_counting"
        (folder / "participants.tsv").write_text("\n".join([head, *rows]) + "\n")
    return folder
