"""The schema of an evaluation of the attention model on corpora."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .load import Section
from .train_attention import TrainAttentionConfig

ProtocolName = Literal["both_apart", "leave_one_subject_out", "paper", "random_trials"]
LEAKY: tuple[ProtocolName, ...] = ("paper", "random_trials")
"""Protocols whose test shares more with the training than a headline may; run only when asked for, and marked."""
Folds = Annotated[int, Field(ge=2, le=100)]


class EvaluateCorpusConfig(Section):
    """The attention model trained anew in every fold of a corpus, beside plain methods and controls.

    Attributes
    ----------
    name : str
    data : Path or None
        The folder of the corpus; ``corpus`` names its layout where several fit, ``labels`` and ``on_bad`` are those of
        a training.
    test : Path or None
        The folder of another corpus: one training on all people of ``data``, tested on all people of this one, in the
        place of the protocols. ``test_corpus`` names its layout.
    protocols : tuple of ProtocolName
        The first is the headline. ``both_apart`` keeps people and stimuli apart: every fold of people is tested on
        every fold of stimuli by a model that met neither. ``leave_one_subject_out`` keeps people apart alone.
        ``paper`` is the one draw of Liu et al. 2020, people 5:1:1; ``random_trials`` draws trials whatever their
        people and stimuli. The last two are leaky.
    leaky : bool
        Run leaky protocols, and a test folder that shares people or stimuli with the data.
    people_folds, stimulus_folds : int
        Of ``both_apart``; ``random_trials`` has ``people_folds``.
    seed : int
        Of the draws of folds and of the permutations.
    training : TrainAttentionConfig
        How the model is trained in each fold; its data are those above.
    cache : Path or None
        Of prepared trials and finished stages; None is the user's cache folder.
    """

    kind: Literal["corpus"] = "corpus"
    name: str = "corpus"
    data: Path | None = None
    corpus: str | None = None
    labels: Literal["corpus", "ratings"] = "corpus"
    on_bad: Literal["stop", "skip"] = "stop"
    test: Path | None = None
    test_corpus: str | None = None
    protocols: Annotated[tuple[ProtocolName, ...], Field(min_length=1)] = ("both_apart", "leave_one_subject_out")
    leaky: bool = False
    people_folds: Folds = 5
    stimulus_folds: Folds = 4
    seed: int = 0
    training: TrainAttentionConfig = TrainAttentionConfig()
    cache: Path | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "EvaluateCorpusConfig":
        twice = sorted({name for name in self.protocols if self.protocols.count(name) > 1})
        if twice:
            raise ValueError(f"protocols: {', '.join(twice)} is there twice; name each once")
        asked = [name for name in self.protocols if name in LEAKY]
        if asked and not self.leaky:
            raise ValueError(
                f"protocols: {', '.join(asked)} leaks between training and test; add leaky=true to run it all the "
                "same, marked wherever its figures stand"
            )
        if self.training.data is not None or self.training.corpus is not None:
            raise ValueError("training.data: the folder of an evaluation is data (and test); leave it out here")
        return self

    @property
    def fold_training(self) -> TrainAttentionConfig:
        """How the model is trained on ``data``."""
        return self.training.model_copy(
            update={"data": self.data, "corpus": self.corpus, "labels": self.labels, "on_bad": self.on_bad}
        )
