"""The schema of a training run of the speech recogniser on a corpus."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from .load import Section

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0.0)]
Copy = Literal["speed", "noise", "telephone", "first_1s", "first_2s"]


class AdaptationSection(Section):
    """How the adapted model is trained: on histories of the training speakers, drawn at random.

    ``single_share`` of the histories hold one emotion only. ``longest_shift`` caps the root mean square of a speaker's
    shift, in units of the spread between the training speakers. ``freedom`` is of the back-end's t distributions, in
    degrees: few make scores far from every class tell little.
    """

    penalty: Positive = 3.0
    speaker_penalty: Annotated[float, Field(ge=0.0)] = 0.3
    single_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
    longest_shift: Positive = 8.0
    freedom: Positive = 5.0


class TrainRecogniserConfig(Section):
    """A training run on a corpus: tested on held-out speakers, then trained on all of them.

    ``data`` is the corpus's folder (give it with ``--set data=…``); ``on_bad`` "skip" goes on without files that cannot
    be used. ``domain`` says on the card, and to whoever decodes with it, who was recorded: yours to change. ``folds`` 0
    leaves one speaker out at a time.
    Every utterance is trained on as it is and once per entry of ``copies``: at another speed (which moves pitch and
    resonances as another speaker would), with noise, through a telephone, or only its beginning; the seed decides
    how. ``penalty`` is the ridge's, ``speaker_penalty`` what a direction costs that tells speakers of one class apart.
    With ``adaptation``, the bundle also holds a model on numbers relative to what was heard of a speaker before.
    """

    kind: Literal["recogniser"] = "recogniser"
    name: str = "recogniser"
    corpus: str
    data: Path | None = None
    on_bad: Literal["stop", "skip"] = "stop"
    domain: str
    attribution: str = ""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    folds: Annotated[int, Field(ge=0)] = 0
    prompt_folds: Annotated[int, Field(ge=2)] = 5
    classes: tuple[str, ...] = ()
    smaller_task: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ("speed", "speed", "noise", "telephone", "first_1s", "first_2s")
    penalty: Positive = 1.0
    speaker_penalty: Annotated[float, Field(ge=0.0)] = 0.3
    sex_weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    adaptation: AdaptationSection | None = None
    cache: Path | None = None


class EvaluateVoiceAdaptationConfig(Section):
    """An evaluation of adaptation without labels: on the training corpus with speakers apart, and on other corpora.

    ``recipe`` is the config of the training, beside this one. ``data`` is its corpus; ``nemo`` and ``ravdess`` are the
    folders of these corpora, on which ``bundle`` as it ships answers with four classes; each may be left out. A row in
    random order is the mean over ``orders``. ``cache`` keeps features and folds, so that an interrupted run goes on.
    """

    kind: Literal["voice_adaptation"] = "voice_adaptation"
    name: str = "voice adaptation"
    recipe: Path = Path("train_emodb.toml")
    bundle: str = "emodb"
    data: Path | None = None
    nemo: Path | None = None
    ravdess: Path | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    orders: Count = 10
    cache: Path = Path("voice_adaptation.cache")


class EvaluateVoiceCorporaConfig(Section):
    """An evaluation of training on several corpora of speech: four emotions, by models of every choice of them.

    ``data`` (EMO-DB), ``nemo`` and ``ravdess`` are their folders; two at least. Each corpus's speakers are split into
    ``folds``. The other fields are those of a training; nothing is copied.
    """

    kind: Literal["voice_corpora"] = "voice_corpora"
    name: str = "several corpora of speech"
    data: Path | None = None
    nemo: Path | None = None
    ravdess: Path | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    folds: Annotated[int, Field(ge=2)] = 4
    penalty: Positive = 1.0
    speaker_penalty: Annotated[float, Field(ge=0.0)] = 0.3
    adaptation: AdaptationSection = AdaptationSection()
    cache: Path = Path("voice_adaptation.cache")
