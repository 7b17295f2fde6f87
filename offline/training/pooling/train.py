"""Fit a pool: decode people whom neither bundle knows, fit the weights, score further people."""

from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from ....configs.schema.errors import MoodringError
from ....configs.schema.train_pooling import TrainPoolingConfig
from ....models.contract import SIMULATED
from ....models.fusion.circumplex import PLACES
from ....models.fusion.pool_file import AXES, POOLED, PooledBundle, PoolFile, WeightsTable, save_pool
from ....models.io.bundle import SLOTS, Bundle, load_bundle, models_path
from ...evaluation.leakage import Part, audit_parts, digest
from ...simulate import BENCHMARK
from .card import write_pool_card
from .fit import add_thresholds, fit_axis, held_out_loss
from .people import DecodedPerson, decode_people
from .scores import score_pool

Report = Callable[[str], None]


def train_pooling(config: TrainPoolingConfig, out: Path, report: Report, cache: Path | None = None) -> None:
    """Fit a pool, write it, and a card beside it.

    Parameters
    ----------
    config : TrainPoolingConfig
    out : Path
        The pool (.json).
    report : callable
        Takes lines.
    cache : Path, optional
        A folder for what was decoded; by default the user's cache folder.

    Raises
    ------
    MoodringError
        A bundle is missing or damaged, or the voice's categories have no places on the axes.
    """
    video_eeg, speech = (load_bundle(models_path(slot, getattr(config.models, slot)), SLOTS[slot]) for slot in POOLED)
    unplaced = [name for name in speech.spec.head("speech").classes if name not in PLACES]
    if unplaced:
        raise MoodringError(
            f"bundle '{speech.name}' knows categories without a place on valence and arousal ({', '.join(unplaced)}); "
            f"pool one whose categories are among {', '.join(sorted(PLACES))}"
        )
    folder = cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
    hashes = (video_eeg.sha256, speech.sha256)
    people, others = config.people.seeds, config.people.test_seeds
    decoded = decode_people([*people, *others], config, hashes, folder, report)
    fitting, testing = decoded[: len(people)], decoded[len(people) :]
    audit_parts("pooling", {"weights": _parts(people, fitting), "test": _parts(others, testing)})
    losses = {half_life_s: held_out_loss(fitting, half_life_s, config.folds) for half_life_s in config.half_life_s}
    half_life_s = min(losses, key=losses.__getitem__)
    report(f"what the voice said fades with a half-life of {half_life_s:g} s")
    fitted = {
        axis: add_thresholds(fit_axis(fitting, index, half_life_s), fitting, index, half_life_s, config.coverage)
        for index, axis in enumerate(AXES)
    }
    table = PoolFile(
        video_eeg=_pooled_bundle(video_eeg),
        speech=_pooled_bundle(speech),
        domain=(SIMULATED,),
        protocol=(
            f"simulated people whom neither bundle knows, seeds {people[0]} to {people[-1]} ({len(people)} people, "
            f"{config.people.seconds:g} s each, difficulty {BENCHMARK.name} {BENCHMARK.digest()[:12]}), decoded by "
            "the engine; "
            "stimuli shared between people; maximum likelihood, people counting alike"
        ),
        people=len(people),
        coverage=config.coverage,
        half_life_s=half_life_s,
        weights={
            axis: {case: WeightsTable(**one.__dict__) for case, one in cases.items()} for axis, cases in fitted.items()
        },
    )
    sha256 = save_pool(out, table)
    scores = {axis: score_pool(testing, table, fitted[axis], index, config.seed) for index, axis in enumerate(AXES)}
    write_pool_card(out.with_suffix(".md"), table, sha256, scores, losses, config)
    report(f"wrote {out} and {out.with_suffix('.md')}")


def _parts(seeds: Sequence[int], decoded: Sequence[DecodedPerson]) -> list[Part]:
    return [
        Part(f"person {seed}", str(seed), digest(one.truth, one.felt, one.voice))
        for seed, one in zip(seeds, decoded, strict=True)
    ]


def _pooled_bundle(bundle: Bundle) -> PooledBundle:
    return PooledBundle(file=bundle.name, sha256=bundle.sha256)
