"""Train the universal background model that enrolments are adapted from, and test it on held-out speakers."""

import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from ....configs.schema.errors import ConfigError
from ....configs.schema.train_speech import TrainVoicesConfig
from ....models.contract import AUDIO_RATE_HZ, FloatArray
from ....models.decoders.speaker import BackgroundSpec, save_voices
from ....models.decoders.speech import UtteranceCutter
from ....models.decoders.voice_activity import VoiceActivity
from ....models.signals.speech.segments import SEGMENT_SAMPLES
from ....models.signals.speech.speaker_verification import Array, Background, CepstraState, cepstra
from ...datasets.open_corpus import read_corpus
from ...datasets.speech_corpus import SpeechCorpus
from ...evaluation.leakage import Part, audit_parts, digest
from ..recogniser.features import corpus_digest
from .card import write_voices_card
from .scores import (
    RECOMMENDED,
    THRESHOLDS_SET_WITH,
    CepstralUtterance,
    CorpusTrials,
    VerificationTrials,
    concatenate,
    run_trials,
    thresholds_of,
    trials_of,
)

_STEPS = 30
_FLOOR = 1e-3
_FEWEST_SPEAKERS = 4
Report = Callable[[str], None]


def train_voices(config: TrainVoicesConfig, out: Path, report: Report) -> list[CorpusTrials]:
    """Test the recipe on held-out speakers, train it on all of them, and write the background and its card.

    Raises
    ------
    MoodringError
        A corpus is not there, has bad files or fewer than four speakers, or a file cannot be written.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs the corpus's folder: add --set data=FOLDER")
    corpus = read_corpus(config.corpus, config.data, config.on_bad)
    for problem in corpus.problems:
        report(f"left out: {problem}")
    speakers = sorted({trial.subject for trial in corpus.trials})
    if len(speakers) < _FEWEST_SPEAKERS:
        raise ConfigError(
            f"'{config.corpus}' has {len(speakers)} speaker(s), and testing needs {_FEWEST_SPEAKERS}: two to judge, "
            "one to set thresholds on, one as background; record more"
        )
    utterances = measure_corpus(corpus, config.women)
    report(f"measured {len(utterances)} utterances of {corpus.name}")
    tested = _pairs_left_out(corpus.name, utterances, config, report)
    own = next(one.trials for one in tested if one.condition == RECOMMENDED)
    after_s = thresholds_of(own, config.false_rejection)
    background = fit_background(utterances, config)
    if config.test is not None:
        other = read_corpus(config.test_corpus, config.test, "skip")
        strangers = measure_corpus(other, ())
        report(f"measured {len(strangers)} utterances of {other.name}")
        tested += [
            CorpusTrials(other.name, name, found, np.broadcast_to(after_s, (len(found.enrolled), 3)))
            for name, found in run_trials(strangers, background, config.seed).items()
        ]
        report(f"tested the speakers of {other.name}")
    spec = BackgroundSpec(
        domain=config.domain, seed=config.seed, data_sha256=corpus_digest(corpus), thresholds=after_s
    )  # fmt: skip
    sha256 = save_voices(out, background, spec)
    write_voices_card(out.with_suffix(".md"), config, spec, tested)
    report(f"wrote {out} ({out.stat().st_size / 1e3:.0f} kB, SHA-256 {sha256[:12]}), thresholds {after_s}")
    return tested


def measure_corpus(corpus: SpeechCorpus, women: Sequence[str]) -> list[CepstralUtterance]:
    """Compute the cepstra of a corpus as a session does: voice activity, seconds, cepstra."""
    voice, utterances = VoiceActivity(), []
    silence = np.zeros(AUDIO_RATE_HZ, np.float32)
    for trial in corpus.trials:
        cutter = UtteranceCutter(voice)
        state, whole = CepstraState(), 0
        seconds: list[FloatArray] = []
        sound = np.concatenate((silence, corpus.load(trial), silence))
        for segment in (*cutter.feed(sound, 0.0), *cutter.close()):
            if not segment.n_samples:
                continue
            own = segment.samples[: segment.n_samples] * np.float32(segment.rms)
            rows, state = cepstra(own, CepstraState() if segment.first else state)
            # An actor's pause does not make another utterance of a file; the seconds follow each other.
            whole += segment.n_samples == SEGMENT_SAMPLES and whole == len(seconds)
            seconds.append(rows)
        if seconds:
            woman = trial.subject in women or trial.groups.get("sex") == "female"
            utterances.append(
                CepstralUtterance(trial.subject, trial.stimulus, woman, trial.labels["emotion"], tuple(seconds), whole)
            )
    return utterances


def fit_background(utterances: Sequence[CepstralUtterance], config: TrainVoicesConfig) -> Background:
    """Fit the mixture to frames drawn at random, equally many of each speaker."""
    random = np.random.default_rng(config.seed)
    names = sorted({one.speaker for one in utterances})
    drawn: list[FloatArray] = []
    for name in names:
        rows = np.concatenate([row for one in utterances if one.speaker == name for row in one.seconds])
        drawn.append(rows[random.permutation(len(rows))[: config.frames // len(names)]])
    rows = np.concatenate(drawn).astype(np.float64)
    centre, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    mixture = GaussianMixture(
        config.gaussians,
        covariance_type="diag",
        max_iter=_STEPS,
        reg_covar=_FLOOR,
        init_params="k-means++",
        random_state=config.seed,
    )
    with warnings.catch_warnings():
        # Expectation maximisation is stopped early on purpose: the last per mille of the likelihood is noise.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit((rows - centre) / scale)
    single = (mixture.weights_, mixture.means_, mixture.covariances_, centre, scale)
    # In the precision that is written, so that what is tested is what ships.
    return Background(*(np.asarray(part, np.float32) for part in single))


def _pairs_left_out(
    corpus: str, utterances: list[CepstralUtterance], config: TrainVoicesConfig, report: Report
) -> list[CorpusTrials]:
    """Test every pair of speakers with a background trained on neither, at thresholds set on neither."""
    found: dict[str, list[VerificationTrials]] = {}
    judged_by: dict[str, list[Array]] = {}
    thresholds = set_on_others(utterances, config, report)
    for pair, after_s in thresholds.items():
        others, both = _apart(utterances, pair)
        background = fit_background(others, config)
        for name, part in run_trials(both, background, config.seed).items():
            found.setdefault(name, []).append(part)
            judged_by.setdefault(name, []).append(np.tile(after_s, (len(part.enrolled), 1)))
        report(f"tested speakers {' and '.join(pair)}, left out, at thresholds {after_s} of the others")
    return [
        CorpusTrials(corpus, name, concatenate(parts), np.concatenate(judged_by[name])) for name, parts in found.items()
    ]


def set_on_others(
    utterances: list[CepstralUtterance], config: TrainVoicesConfig, report: Report
) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Return thresholds for each pair of speakers, set on the other speakers alone.

    Each of the others is enrolled and tried with a background of the rest: neither that speaker nor the pair is in it.
    """
    names = sorted({one.speaker for one in utterances})
    own: dict[tuple[str, ...], VerificationTrials] = {}
    for three in combinations(names, 3):
        others, there = _apart(utterances, three)
        background = fit_background(others, config)
        found = run_trials(there, background, config.seed, (THRESHOLDS_SET_WITH,))[RECOMMENDED]
        own |= {(*three, speaker): trials_of(found, speaker) for speaker in three}
        report(f"thresholds: speakers {', '.join(three)} left out of the background")
    return {
        (one, other): thresholds_of(
            concatenate([own[*sorted((one, other, third)), third] for third in names if third not in (one, other)]),
            config.false_rejection,
        )
        for one, other in combinations(names, 2)
    }


def _apart(
    utterances: Sequence[CepstralUtterance], left_out: Sequence[str]
) -> tuple[list[CepstralUtterance], list[CepstralUtterance]]:
    """Split by speaker into those to fit a background on and those left out; stop where anything is in both."""
    others = [one for one in utterances if one.speaker not in left_out]
    there = [one for one in utterances if one.speaker in left_out]
    parts = {"background": others, "left out": there}
    audit_parts(
        "voices",
        {
            name: [Part(f"'{one.prompt}' by {one.speaker}", one.speaker, digest(*one.seconds)) for one in members]
            for name, members in parts.items()
        },
    )
    return others, there
