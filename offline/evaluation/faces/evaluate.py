"""Judge a face-expression bundle on FER2013's test part: its own seven labels, and FER+'s eight emotions."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....configs.schema.errors import ConfigError, MoodringError
from ....configs.schema.train_faces import EvaluateFacesConfig
from ....models.contract import FaceBox, Image
from ....models.decoders.face_expression import EMOTION, KIND, LABELS, FaceExpressionDecoder, probabilities
from ....models.io.bundle import face_bundle_path, load_bundle
from ....models.signals.face.alignment import POINTS
from ....models.signals.face.detection import FoundFace
from ...datasets.faces import fer2013
from ..intervals import Interval, over_groups
from ..markdown import markdown_table
from ..metrics import accuracy, confusion, ece, uar
from ..result import evaluation_values
from .conditions import AS_THEY_ARE, changed, conditions
from .judged import JudgedFaces, as_read, judged

SEVEN, EIGHT, CLEAR = "FER2013, 7 classes", "FER+ majority, 8 classes", "FER+ clear majority, 8 classes"
Report = Callable[[str], None]
_TIMED = 300


@dataclass(frozen=True)
class FaceScore:
    """Scores of one task under one condition.

    Attributes
    ----------
    task, condition : str
    n : int
    accuracy, ece : float
    uar, less : Interval
        Over photographs; ``less`` is the UAR less that of the pictures as they are.
    confusion : (n_classes, n_classes) int64
        Rows are the truth.
    """

    task: str
    condition: str
    n: int
    accuracy: float
    ece: float
    uar: Interval
    less: Interval
    confusion: NDArray[np.int64]


def evaluate_faces(config: EvaluateFacesConfig, report: Report) -> dict[str, Any]:
    """Return the values of the JSON of an evaluation; raise MoodringError where bundle or set cannot be read."""
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs FER2013's folder: add --set data=FOLDER")
    began = time.monotonic()
    bundle = load_bundle(face_bundle_path(config.bundle), KIND)
    decoder = FaceExpressionDecoder(bundle, torch.device("cpu"))
    report("reading FER2013, and finding copies in it")
    pictures = fer2013.read(config.data)
    faces = judged(pictures, pictures.tests)
    scores = score_faces(decoder, faces, config.seeds[0], report)
    rows = [
        {
            "name": f"{one.task}: {one.condition}", "task": one.task, "condition": one.condition, "n": one.n,
            "uar": one.uar.value, "low": one.uar.low, "high": one.uar.high, "accuracy": one.accuracy, "ece": one.ece,
            "confusion": one.confusion,
        }
        for one in scores
    ]  # fmt: skip
    paired = [
        {
            "a": f"{one.task}: {one.condition}", "b": f"{one.task}: {AS_THEY_ARE}",
            "difference": one.less.value, "low": one.less.low, "high": one.less.high,
        }
        for one in scores
        if one.condition != AS_THEY_ARE
    ]  # fmt: skip
    return evaluation_values(
        protocol="test part of FER2013 (PublicTest): no photograph of it was trained on or used for a choice",
        groups=[f"{len(np.unique(faces.photographs))} photographs"],
        n=len(faces.crops),
        seeds=config.seeds,
        domain=bundle.spec.domain,
        rows=rows,
        paired=paired,
        wall_s=time.monotonic() - began,
        bundle=bundle.sha256,
        ms_a_face=milliseconds_a_face(decoder),
    )


def score_faces(
    decoder: FaceExpressionDecoder, faces: JudgedFaces, seed: int, report: Report, plain_only: bool = False
) -> tuple[FaceScore, ...]:
    """Return the scores of every task under every condition, or of the faces as they are alone.

    Where the raters clearly agree is judged of the faces as they are alone.

    Faces are found in the pictures as they are, and keep these places under all conditions, so that the table shows
    what the network makes of a condition, not the detector.

    Raises
    ------
    MoodringError
        The bundle has other classes than the set.
    """
    for head, classes in ((decoder.emotion, fer2013.EMOTIONS), (decoder.labels, fer2013.CLASSES)):
        if head.classes != classes:
            raise MoodringError(
                f"head '{head.name}' of the bundle has the classes {', '.join(head.classes)}; the set has "
                f"{', '.join(classes)}: use another bundle"
            )
    scores: list[FaceScore] = []
    before: dict[str, NDArray[np.int64]] = {}
    report(f"a face was found in {np.mean([one is not None for one in faces.places]):.0%} of the pictures")
    for name, condition in conditions().items():
        if plain_only and name != AS_THEY_ARE:
            continue
        logits = batched_logits(decoder, as_read(changed(faces.crops, condition, seed), faces.places))
        for task, (head, truth, chosen) in _tasks(decoder, faces).items():
            if task == CLEAR and name != AS_THEY_ARE:
                continue
            given = probabilities(logits[head.name][chosen], head)
            predicted = given.argmax(axis=1)
            plain = before.setdefault(task, predicted)
            groups = [str(one) for one in faces.photographs[chosen]]
            scores.append(
                FaceScore(
                    task=task,
                    condition=name,
                    n=len(truth),
                    accuracy=accuracy(truth, predicted),
                    ece=ece(truth, given),
                    uar=_over_photographs(truth, (predicted,), groups),
                    less=_over_photographs(truth, (predicted, plain), groups),
                    confusion=confusion(truth, predicted, len(head.classes)),
                )
            )
        shown = ", ".join(f"{one.accuracy:.3f} of {one.task}" for one in scores if one.condition == name)
        report(f"{name}: accuracy {shown}")
    return tuple(scores)


def batched_logits(decoder: FaceExpressionDecoder, crops: Image, size: int = 64) -> dict[str, NDArray[np.float64]]:
    """Return the logits of both heads for many crops."""
    parts = [decoder.logits(crops[begin : begin + size])[0] for begin in range(0, len(crops), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in (EMOTION, LABELS)}


def milliseconds_a_face(decoder: FaceExpressionDecoder) -> dict[str, float]:
    """Measure what reading a found face of a camera frame takes on one core: crop, alignment, network.

    Returns
    -------
    dict
        Milliseconds of processor time: ``"median"`` and ``"p95"``.
    """
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (480, 640, 3), np.uint8)
    face = FoundFace(FaceBox(250.0, 150.0, 150.0, 190.0, 0.9), POINTS * 3.7 + (236.0, 160.0))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        took = []
        for _ in range(_TIMED):
            began = time.thread_time()
            decoder.read(frame, face)
            took.append(1e3 * (time.thread_time() - began))
    finally:
        torch.set_num_threads(threads)
    kept = np.array(took[_TIMED // 10 :])
    return {"median": float(np.median(kept)), "p95": float(np.quantile(kept, 0.95))}


def table(values: Mapping[str, Any]) -> str:
    """Return an evaluation as tables in Markdown."""
    rows: Sequence[Mapping[str, Any]] = values["rows"]
    names = list(dict.fromkeys(row["condition"] for row in rows))
    cells = {(row["condition"], row["task"]): row for row in rows}
    head = ("", *(f"{task}: {what}" for task in (SEVEN, EIGHT) for what in ("accuracy", "UAR [95 %]", "ECE")))
    lines = [
        (
            name,
            *(
                text
                for task in (SEVEN, EIGHT)
                for text in (
                    f"**{cells[name, task]['accuracy']:.3f}**",
                    "{uar:.3f} [{low:.3f}, {high:.3f}]".format(**cells[name, task]),
                    f"{cells[name, task]['ece']:.3f}",
                )
            ),
        )
        for name in names
    ]
    clear = cells[AS_THEY_ARE, CLEAR]
    took = values["ms_a_face"]
    return "\n".join([
        markdown_table(head, lines),
        "",
        f"{values['protocol']}. n = {cells[AS_THEY_ARE, SEVEN]['n']} and {cells[AS_THEY_ARE, EIGHT]['n']}; "
        f"intervals over photographs. Where more than half of the raters agree (n = {clear['n']}): accuracy "
        f"{clear['accuracy']:.3f}, UAR {clear['uar']:.3f}, ECE {clear['ece']:.3f}. A found face of a frame takes "
        f"{took['median']:.1f} ms of processor time on one core (95 % within {took['p95']:.1f} ms).",
    ])  # fmt: skip


def _tasks(decoder: FaceExpressionDecoder, faces: JudgedFaces) -> dict[str, tuple[Any, Any, Any]]:
    """Return of each task the head that answers, the truth, and which faces have one."""
    everything = np.arange(len(faces.crops))
    voted = np.flatnonzero(faces.emotions >= 0)
    clear = np.flatnonzero((faces.emotions >= 0) & faces.clear)
    return {
        SEVEN: (decoder.labels, faces.labels, everything),
        EIGHT: (decoder.emotion, faces.emotions[voted], voted),
        CLEAR: (decoder.emotion, faces.emotions[clear], clear),
    }


def _over_photographs(
    truth: NDArray[np.int64], predicted: Sequence[NDArray[np.int64]], groups: Sequence[str]
) -> Interval:
    """Return the UAR of predictions, less that of others where there are any, with an interval over photographs."""

    def metric(index: NDArray[np.int64]) -> float:
        first, *others = (uar(truth[index], one[index]) for one in predicted)
        return first - sum(others)

    return over_groups(metric, groups)
