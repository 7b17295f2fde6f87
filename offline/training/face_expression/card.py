"""The card of the face-expression network: its data, labels and licence, its figures, its limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....configs.schema.train_faces import TrainFacesConfig
from ....models.contract import ModelSpec
from ....models.decoders.face_expression import EMOTION, LABELS
from ...evaluation.faces.conditions import AS_THEY_ARE
from ...evaluation.faces.evaluate import CLEAR, EIGHT, SEVEN, FaceScore
from ...evaluation.markdown import markdown_table
from ..common.card import CardSection, bullets, write_card

_LICENCE = (
    "**The licence of the pictures is unclear**: FER2013 was gathered by web search. The pictures are not in this "
    "project. The weights ship for research, as other projects ship weights trained on them (among others the ONNX "
    "Model Zoo); whoever uses them for anything else must settle that for themselves. The votes of FER+ are under MIT."
)
_LIMITS = (
    "It says what a face *shows to raters* of still pictures; "
    "not what the person feels. Do not use it to judge anybody.",
    "Valence and arousal are the emotions' places on the circumplex, weighted; nobody rated them on these pictures. "
    "Surprise counts as positive there, for voices; faces of surprise are often not.",
    "Contempt, disgust and fear are rare in the set and are often taken for others (see the confusions).",
    "Who is on the pictures is not known: the same person may be in train and test under another picture, so figures "
    "flatter a little. Age, sex and skin colour are not balanced, and nothing was measured by them.",
    "A face at rest may be read as sad or angry by its shape alone: compare with the same person's rest.",
    "Faces that speak move their mouths: single frames of speech can look happy, surprised or disgusted. "
    "Smooth over time. How often they do was not measured: no film at hand has raters' labels.",
    "Whether the people of the pictures posed or were caught is not known, so neither is how much worse it is on "
    "expressions that come by themselves. Masks were not photographed, faces that lie not trained on.",
    "Cap, glasses and headset of the training are drawn, not photographed; so is the cap of the table.",
)


@dataclass(frozen=True)
class FaceResults:
    """What the card says of a training.

    Attributes
    ----------
    trained : int
        Pictures trained on.
    dropped : tuple of str
        What was left out.
    held_out, test : sequence of FaceScore
    ms_a_face : mapping of str to float
        Median and 95th percentile.
    """

    trained: int
    dropped: tuple[str, ...]
    held_out: Sequence[FaceScore]
    test: Sequence[FaceScore]
    ms_a_face: Mapping[str, float]


def write_face_card(path: Path, spec: ModelSpec, config: TrainFacesConfig, results: FaceResults) -> None:
    """Write the card; raise MoodringError where the file cannot be written."""
    sections = (
        CardSection("", (_LICENCE, bullets(_facts(spec, config, results)))),
        CardSection("On photographs never trained on", _figures(results)),
        CardSection("Under other conditions", (_robustness(results.test),)),
        CardSection("Confusions", tuple(_confusions(spec, results.test))),
        CardSection("Limits", (bullets(_LIMITS),)),
    )
    write_card(path, f"Face expression: {config.domain}", sections)


def _facts(spec: ModelSpec, config: TrainFacesConfig, results: FaceResults) -> Iterator[str]:
    emotion, labels = spec.head(EMOTION), spec.head(LABELS)
    yield (
        f"Decodes, as *{emotion.construct}*: {', '.join(emotion.classes)} (head `{EMOTION}`); valence and arousal by "
        f"their places on the circumplex; and FER2013's own labels {', '.join(labels.classes)} (head `{LABELS}`)."
    )
    yield f"Labels: {spec.label_source}."
    yield (
        f"Trained on: {config.attribution or config.domain}; {results.trained} pictures. Left out: "
        + "; ".join(results.dropped)
        + ". Copies are found by content: identical ones, and those of one photograph, which stay on one side."
    )
    yield (
        "Model: residual network of 1.0 million weights, 79 million multiplications, from scratch; both heads share an "
        "embedding of 256 numbers. Weights are stored with half precision; all figures are of the stored weights."
    )
    yield _training(spec, config)
    yield (
        f"From the logits of `{LABELS}` {config.prior:g} of the logarithm of the labels' frequencies is taken, so that "
        "rare labels are found more often."
    )
    if config.mirrored:
        yield "Its answer is the mean of the logits over a face and its mirror image."
    yield (
        f"Temperatures {emotion.temperature:.3f} and {labels.temperature:.3f}, and sets that hold the truth 9 times in "
        f"10, fitted on the {config.held_out:.0%} of photographs held out."
    )
    yield (
        "Input: a grey crop of 48 pixels; a found face is brought to where eyes, nose and mouth lie in FER2013's "
        "pictures on average. Light and contrast of a crop do not matter."
    )
    yield (
        f"Takes {results.ms_a_face['median']:.1f} ms of processor time a found face on one core, alignment included "
        f"(95 % within {results.ms_a_face['p95']:.1f} ms)."
    )
    yield f"Data, SHA-256: {spec.data_hashes[0]}."


def _training(spec: ModelSpec, config: TrainFacesConfig) -> str:
    """Return how the weights came about."""
    line = (
        f"Training: {config.epochs} epochs; pictures changed at random: moved, turned, small, dark, lit from a side, "
        "blurred, noisy, under a drawn cap, behind glasses, with a headset, partly covered, mixed in pairs"
    )
    if config.aligned:
        line += "; faces aligned as they are when they are read"
    if config.start is not None:
        line += f"; begun with the weights of a bundle of the same training pictures (SHA-256 {spec.network['start']})"
    if config.settling.epochs:
        line += (
            f"; then {config.settling.epochs} epochs with fewer changes and none mixed; the weights are the mean of "
            "both cycles'"
        )
    return line + "."


def _figures(results: FaceResults) -> tuple[str, ...]:
    lines = [
        (part, one.task, one.n, f"**{one.accuracy:.3f}**",
         f"**{one.uar.value:.3f}** [{one.uar.low:.3f}, {one.uar.high:.3f}]", f"{one.ece:.3f}")
        for part, scores in (("test (PublicTest)", results.test), ("held out of train", results.held_out))
        for one in scores
        if one.condition == AS_THEY_ARE
    ]  # fmt: skip
    return (
        markdown_table(("part", "truth", "n", "accuracy", "UAR [95 %]", "ECE"), lines),
        "The test part was used for nothing but these figures; temperatures were fitted on the held-out part. "
        "FER+ majority: the emotion with most votes, at a tie the first; pictures where it has no more votes than "
        '"unknown" and "no face" are left out. Clear: more than half of all votes. Intervals are over photographs.',
    )


def _robustness(test: Sequence[FaceScore]) -> str:
    by_place = {(one.condition, one.task): one for one in test}
    lines = []
    for name in dict.fromkeys(one.condition for one in test):
        seven, eight = by_place[name, SEVEN], by_place[name, EIGHT]
        lines.append(
            (name, f"{seven.accuracy:.3f}", f"{seven.uar.value:.3f}", f"{seven.less.value:+.3f}", f"{seven.ece:.3f}",
             f"{eight.accuracy:.3f}", f"{eight.uar.value:.3f}", f"{eight.ece:.3f}")
        )  # fmt: skip
    header = ("test part", "7 classes: accuracy", "UAR", "change", "ECE", "8 classes: accuracy", "UAR", "ECE")
    return markdown_table(header, lines)


def _confusions(spec: ModelSpec, test: Sequence[FaceScore]) -> Iterator[str]:
    for task, head in ((SEVEN, spec.head(LABELS)), (CLEAR, spec.head(EMOTION))):
        one = next(score for score in test if score.task == task and score.condition == AS_THEY_ARE)
        yield f"{task}; rows are the truth:"
        yield markdown_table(
            ("", *head.classes, "recall"),
            [
                (name, *row, f"{row[index] / max(row.sum(), 1):.2f}")
                for index, (name, row) in enumerate(zip(head.classes, one.confusion, strict=True))
            ],
        )
