"""Schemas of evaluations of the attention model: on simulated people, over several trainings, and on corpora."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .live import ModelsSection
from .load import Section
from .train_attention import TrainAttentionConfig

Condition = Literal["full", "no_eeg", "no_face", "uniform", "random", "every"]
ProtocolName = Literal["both_apart", "leave_one_subject_out", "paper", "random_trials"]
LEAKY: tuple[ProtocolName, ...] = ("paper", "random_trials")
"""Protocols whose test shares more with the training than a headline may; run only when asked for, and marked."""
OBSERVER = "observer"
"""Name of the reference observer among the systems of an evaluation of policies."""
Folds = Annotated[int, Field(ge=2, le=100)]
_MADE_WITH = "the bundle was made with"
Span = Annotated[tuple[int, int], Field(description="first and last seed")]


class EvaluateConfig(Section):
    """An evaluation: simulated people, conditions, models and plain methods to compare with.

    Attributes
    ----------
    name : str
    seeds : tuple of int
        The people to decode.
    known : tuple of (first, last)
        Spans of people, both ends included, whom the bundle was made with: none of them may be decoded.
    seconds : float
        Length of each session.
    conditions : tuple of Condition
        ``full``; ``no_eeg`` and ``no_face`` leave a modality out; ``uniform`` and ``random`` replace the bundle's
        policy by one of the same budget, ``every`` by looks at every frame; the core stays the one that was trained on
        the bundle's own looks. Differences are between the first and each of the others.
    models : ModelsSection
        The bundle.
    lda_people : (first, last) or None
        Whom LDA on band power is trained on; None leaves LDA out.
    lag_people : (first, last) or None
        Whose emotion changes in steps, to measure the response lag on; None leaves it out.
    seed : int
        Of the permutations.
    workers : int
    """

    name: str
    seeds: Annotated[tuple[int, ...], Field(min_length=2)]
    known: tuple[Span, ...] = ()
    seconds: Annotated[float, Field(ge=30.0, le=3600.0)] = 180.0
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)] = (
        "full", "no_eeg", "no_face", "uniform", "every",
    )  # fmt: skip
    models: ModelsSection = ModelsSection()
    lda_people: Span | None = (801, 860)
    lag_people: Span | None = None
    seed: int = 0
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @model_validator(mode="after")
    def _people_apart(self) -> "EvaluateConfig":
        for what, values in (("seeds", self.seeds), ("conditions", self.conditions)):
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} is there twice; name each once")
        groups = [(span, _MADE_WITH) for span in self.known]
        groups += [(self.lda_people, "LDA is trained on")] if self.lda_people is not None else []
        for span, which in groups:
            _refuse_known(self.seeds, (span,), which)
        if self.lag_people is not None:
            first, last = self.lag_people
            _refuse_known(range(first, last + 1), self.known, _MADE_WITH, "lag_people")
        return self


class PreparedPeopleConfig(Section):
    """An evaluation on simulated people who are prepared in a cache.

    Attributes
    ----------
    name : str
    seeds : tuple of int
        The simulated people.
    seconds : float
        Length of each session.
    known : tuple of (first, last)
        Spans of people, both ends included, whom the bundles were made with: none of them may be decoded.
    cache : Path or None
        Of prepared people; None is the user's cache folder.
    workers : int
    """

    name: str
    seeds: Annotated[tuple[int, ...], Field(min_length=2)]
    seconds: Annotated[float, Field(ge=40.0, le=3600.0)] = 180.0
    known: tuple[Span, ...] = ()
    cache: Path | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @model_validator(mode="after")
    def _strangers(self) -> Self:
        _refuse_known(self.seeds, self.known, _MADE_WITH)
        return self


class EvaluatePoliciesConfig(PreparedPeopleConfig):
    """Bundles of the attention model, one for each policy, budget and training seed, on people none of them knows.

    Attributes
    ----------
    folder : Path
        Holds ``SYSTEM-SEED.safetensors`` for every system and training, as ``moodring train`` writes them.
    systems : tuple of str
        For example ``hazard-0.05``.
    trainings : tuple of int
        Their seeds.
    paired : tuple of (system, system)
        Differences to report, the first minus the second; "observer" is one where there are ``observer_people``.
    observer_people : (first, last) or None
        The span of people whom a reference observer is learned from: classical parts, and expressions told without
        noise. None leaves it out.
    """

    kind: Literal["policies"] = "policies"
    folder: Path = Path()
    systems: Annotated[tuple[str, ...], Field(min_length=1)]
    trainings: Annotated[tuple[int, ...], Field(min_length=1)]
    paired: tuple[tuple[str, str], ...] = ()
    observer_people: Span | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.observer_people is not None:
            _refuse_known(self.seeds, (self.observer_people,), "the observer is learned from")
        named = (*self.systems, *((OBSERVER,) if self.observer_people is not None else ()))
        unknown = sorted({one for pair in self.paired for one in pair} - set(named))
        if unknown:
            raise ValueError(f"paired: {', '.join(unknown)} is no system; systems are {', '.join(named)}")
        return self


class EvaluateForwardConfig(PreparedPeopleConfig):
    """One attention bundle deciding forward, by re-scanning a window, and from cached embeddings of a window.

    Attributes
    ----------
    bundle : Path or None
        Of simulated people; None is the shipped one.
    windows_s : tuple of float
        Lengths of the windows.
    step_seeds : tuple of int
        People whose emotion changes in steps, for the response lag.
    timed_seed : int
        Whose decisions are timed.
    """

    kind: Literal["forward"] = "forward"
    bundle: Path | None = None
    windows_s: Annotated[tuple[Annotated[float, Field(ge=0.5, le=600.0)], ...], Field(min_length=1)] = (10.0,)
    step_seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    timed_seed: int

    @model_validator(mode="after")
    def _others_are_strangers(self) -> Self:
        for what, seeds in (("step_seeds", self.step_seeds), ("timed_seed", (self.timed_seed,))):
            _refuse_known(seeds, self.known, _MADE_WITH, what)
        return self


class EvaluateBandsConfig(PreparedPeopleConfig):
    """Band attention of one bundle: other weights in its place, single bands taken out, and pictures.

    Attributes
    ----------
    bundle : Path or None
        Of simulated people; None is the shipped one.
    noise : float
        Standard deviation of the noise on the log10 of a band's power, at each electrode and tick.
    pictured : tuple of int
        Those of ``seeds`` whose looks, gains, weights and estimates are drawn.
    span_s : (start, stop)
        The stretch of their sessions that is drawn.
    seed : int
        Of noise and shuffles.
    """

    kind: Literal["bands"] = "bands"
    bundle: Path | None = None
    noise: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0
    pictured: tuple[int, ...] = ()
    span_s: tuple[float, float] = (20.0, 80.0)
    seed: int = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        strangers = sorted(set(self.pictured) - set(self.seeds))
        if strangers:
            raise ValueError(f"pictured: {', '.join(map(str, strangers))} are not among the seeds; draw people decoded")
        start_s, stop_s = self.span_s
        if not 0.5 <= start_s <= stop_s - 5.0 or stop_s > self.seconds:
            raise ValueError(
                f"span_s: {start_s:g} to {stop_s:g} s; at least 5 s between 0.5 s and the end ({self.seconds:g} s) "
                "were expected"
            )
        return self


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


def _refuse_known(seeds: Sequence[int], spans: Sequence[tuple[int, int]], whom: str, what: str = "seeds") -> None:
    for first, last in spans:
        met = sorted(seed for seed in seeds if first <= seed <= last)
        if met:
            raise ValueError(
                f"{what}: {', '.join(map(str, met))} are among the people {first}-{last} whom {whom}; decode others"
            )
