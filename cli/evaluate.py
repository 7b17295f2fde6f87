"""The command that measures models on people they were never trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..configs.schema.errors import ConfigError
from ..configs.schema.regular_files import parse_json
from .options import CONFIGS, ConfigArgument, SetOption
from .output import TABLE_MARK, JsonOption, refuse_other_picture, refuse_other_tables, say, say_all, write_json

if TYPE_CHECKING:
    from ..offline.evaluation.attention.bands import BandEvaluation
    from ..offline.scheduling.work import Scheduler

_TABLE = "evaluation.md"


@dataclass(frozen=True)
class _Evaluated:
    """An evaluation's name, its table, its values for JSON, and what draws its figures."""

    name: str
    text: str
    values: Any
    figures: tuple[Callable[[], None], ...] = ()


def evaluate(
    config: ConfigArgument,
    json_file: JsonOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the table here as evaluation.md; of band attention, pictures too."
        ),
    ] = None,
    pages: Annotated[
        list[Path] | None,
        typer.Option("--page", metavar="FILE", help="Print the tables into this Markdown page, between its marks."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Compute folds in N processes of this machine.")
    ] = None,
    scheduler: Annotated[
        Literal["dask"] | None, typer.Option(help="Compute folds on a cluster: see docs/cluster.md.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of the cluster's scheduler: tcp://HOST:8786.")
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Score models on people they were never trained on, with baselines and intervals.

    CONFIG may be a folder of the paper's speech systems: all of them in one table; or the JSON of an evaluation on
    simulated people, whose tables are printed again.
    """
    if config.suffix == ".json":
        _print_again(config, pages or ())
        return
    if out is not None:
        if out.exists() and not out.is_dir():
            raise ConfigError(f"--out '{out}' is a file; give a folder, or one to be made")
        refuse_other_tables(out / _TABLE)
    way = _way(config, out, _scheduler(workers, scheduler, address))
    if pages and way is not _evaluate_people:
        raise ConfigError("--page takes the tables of an evaluation on simulated people; leave it out for another")
    result = way(config, tuple(overrides or ()))
    say_all(result.text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / _TABLE).write_text(f"# {result.name}\n\n{TABLE_MARK}\n\n{result.text}\n", encoding="utf-8")
    plain = json.loads(json.dumps(result.values, default=lambda array: array.tolist()))
    write_json(json_file, plain)
    _print_pages(pages or (), plain)
    for save in result.figures:
        save()


def _way(config: Path, out: Path | None, scheduler: Scheduler | None) -> Callable[[Path, tuple[str, ...]], _Evaluated]:
    """Return what evaluates a config of this kind; refuse a scheduler where it does not come in parts."""
    from ..configs.schema.load import read

    in_parts = {
        "voting_simulated": _evaluate_voting_simulated,
        "voting_htfa": _evaluate_voting_htfa,
        "voting_scans": _evaluate_voting_scans,
    }
    ways: dict[str, Callable[[Path, tuple[str, ...]], _Evaluated]] = {
        "paper": _evaluate_paper,
        "eeg_state": _evaluate_eeg_state,
        "policies": _evaluate_policies,
        "forward": _evaluate_forward,
        "bands": partial(_evaluate_bands, out=out),
        "corpus": _evaluate_corpus,
        "evaluate_faces": _evaluate_faces,
        "voice_adaptation": _evaluate_voice_adaptation,
        "voice_corpora": _evaluate_voice_corpora,
        "cross_domain": _evaluate_cross_domain,
        "fisher_vectors": _evaluate_fisher_vectors,
        **{kind: partial(one, scheduler=scheduler) for kind, one in in_parts.items()},
    }
    kind = "paper" if config.is_dir() else str(read(config).get("kind"))
    if scheduler is not None and kind not in in_parts:
        raise ConfigError(
            f"config '{config}' is computed in one process; leave --workers and --scheduler out (they are for: "
            f"{', '.join(in_parts)})"
        )
    return ways.get(kind, _evaluate_people)


def _scheduler(workers: int | None, scheduler: str | None, address: str | None) -> Scheduler | None:
    """Return what computes the folds; None: this process, one after another."""
    if (scheduler is None) != (address is None):
        raise ConfigError("--scheduler dask and --address tcp://HOST:8786 belong together; give both")
    if scheduler is not None and workers is not None:
        raise ConfigError("--workers are processes of this machine and --scheduler is a cluster; give one of them")
    if address is not None:
        try:
            from ..offline.scheduling.dask_cluster import DaskCluster
        except ImportError as error:
            raise ConfigError(f"--scheduler dask needs an extra ({error}): pip install 'moodring[cluster]'") from None
        return DaskCluster(address)
    if workers is not None:
        from ..offline.scheduling.processes import Processes

        return Processes(workers)
    return None


def _print_again(path: Path, pages: Sequence[Path]) -> None:
    """Print the tables of an earlier evaluation on simulated people."""
    from ..offline.evaluation.people.table import table

    try:
        values = parse_json(path.read_bytes())
        text = table(values)
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise ConfigError(
            f"'{path}' is no result of an evaluation on simulated people ({error!r}); give what --json wrote"
        ) from None
    say_all(text)
    _print_pages(pages, values)


def _print_pages(pages: Sequence[Path], values: dict[str, Any]) -> None:
    from ..offline.evaluation.people.pages import printed

    for page in pages:
        text = page.read_text(encoding="utf-8")
        page.write_text(printed(str(page), text, values), encoding="utf-8")
        say(f"wrote the tables into {page}")


def _evaluate_people(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.evaluate import EvaluateConfig
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..offline.evaluation.people.evaluate import evaluate
    from ..offline.evaluation.people.table import table

    loaded = load(config, EvaluateConfig, overrides)
    values = evaluate(loaded, load(CONFIGS / "demo.toml", LiveConfig), partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_eeg_state(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.train_eeg_state import EvaluateEegStateConfig
    from ..offline.evaluation.eeg_state import as_plain, evaluate, table

    loaded = load(config, EvaluateEegStateConfig, overrides)
    result = evaluate(loaded, partial(typer.echo, err=True))
    return _Evaluated(loaded.name, table(result), as_plain(result))


def _evaluate_policies(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.evaluate import EvaluatePoliciesConfig
    from ..configs.schema.load import load
    from ..offline.evaluation.people.policies import evaluate_policies, table

    loaded = load(config, EvaluatePoliciesConfig, overrides)
    values = evaluate_policies(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_corpus(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.evaluate import EvaluateCorpusConfig
    from ..configs.schema.load import load
    from ..offline.evaluation.corpora.evaluate import evaluate_corpus
    from ..offline.evaluation.corpora.table import table

    loaded = load(config, EvaluateCorpusConfig, overrides)
    values = evaluate_corpus(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_faces(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.train_faces import EvaluateFacesConfig
    from ..offline.evaluation.faces.evaluate import evaluate_faces, table

    loaded = load(config, EvaluateFacesConfig, overrides)
    values = evaluate_faces(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_voice_adaptation(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.train_recogniser import EvaluateVoiceAdaptationConfig, TrainRecogniserConfig
    from ..offline.evaluation.voice.evaluate import evaluate_voice_adaptation
    from ..offline.evaluation.voice.table import table

    loaded = load(config, EvaluateVoiceAdaptationConfig, overrides)
    recipe = load(config.parent / loaded.recipe, TrainRecogniserConfig)
    values = evaluate_voice_adaptation(loaded, recipe, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_voice_corpora(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.train_recogniser import EvaluateVoiceCorporaConfig
    from ..offline.evaluation.voice.corpora import evaluate_voice_corpora
    from ..offline.evaluation.voice.table import table

    loaded = load(config, EvaluateVoiceCorporaConfig, overrides)
    values = evaluate_voice_corpora(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_cross_domain(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.papers.cross_domain import CrossDomainConfig
    from ..offline.evaluation.cross_domain.evaluate import evaluate_cross_domain
    from ..offline.evaluation.cross_domain.rows import table

    loaded = load(config, CrossDomainConfig, overrides)
    values = evaluate_cross_domain(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_voting_simulated(config: Path, overrides: tuple[str, ...], scheduler: Scheduler | None) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.papers.voting import SimulatedVotingConfig
    from ..offline.evaluation.voting.evaluate import evaluate_simulated_voting
    from ..offline.evaluation.voting.rows import table
    from ..offline.scheduling.work import Serial

    loaded = load(config, SimulatedVotingConfig, overrides)
    values = evaluate_simulated_voting(loaded, partial(say, err=True), scheduler or Serial())
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_voting_htfa(config: Path, overrides: tuple[str, ...], scheduler: Scheduler | None) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.papers.voting import HtfaVotingConfig
    from ..offline.evaluation.voting.evaluate import evaluate_htfa_voting
    from ..offline.evaluation.voting.rows import table
    from ..offline.scheduling.work import Serial

    loaded = load(config, HtfaVotingConfig, overrides)
    values = evaluate_htfa_voting(loaded, partial(say, err=True), scheduler or Serial())
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_voting_scans(config: Path, overrides: tuple[str, ...], scheduler: Scheduler | None) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.papers.voting import ScansVotingConfig
    from ..offline.evaluation.voting.evaluate import evaluate_scans_voting
    from ..offline.evaluation.voting.rows import table
    from ..offline.scheduling.work import Serial

    loaded = load(config, ScansVotingConfig, overrides)
    values = evaluate_scans_voting(loaded, partial(say, err=True), scheduler or Serial())
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_fisher_vectors(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.load import load
    from ..configs.schema.papers.fisher_vectors import FisherVectorsConfig
    from ..configs.schema.train_recogniser import TrainRecogniserConfig
    from ..offline.evaluation.voice.fisher_vectors import evaluate_fisher_vectors, table

    loaded = load(config, FisherVectorsConfig, overrides)
    recipe = load(config.parent / loaded.recipe, TrainRecogniserConfig)
    values = evaluate_fisher_vectors(loaded, recipe, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_forward(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    from ..configs.schema.evaluate import EvaluateForwardConfig
    from ..configs.schema.load import load
    from ..offline.evaluation.attention.forward import evaluate_forward, table

    loaded = load(config, EvaluateForwardConfig, overrides)
    values = evaluate_forward(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(values), values)


def _evaluate_bands(config: Path, overrides: tuple[str, ...], out: Path | None) -> _Evaluated:
    from ..configs.schema.evaluate import EvaluateBandsConfig
    from ..configs.schema.load import load
    from ..offline.evaluation.attention.bands import evaluate_bands, table

    loaded = load(config, EvaluateBandsConfig, overrides)
    paths = [] if out is None else [out / "bands.png", *(out / f"looks-{seed}.png" for seed in loaded.pictured)]
    for path in paths:
        refuse_other_picture(path)
    result = evaluate_bands(loaded, partial(say, err=True))
    return _Evaluated(loaded.name, table(result.values), result.values, _band_figures(paths, result))


def _band_figures(paths: Sequence[Path], result: BandEvaluation) -> tuple[Callable[[], None], ...]:
    if not paths:
        return ()
    try:
        from ..realtime.ui.figures.bands_figure import save_bands
        from ..realtime.ui.figures.looks_figure import save_looks
    except ImportError as error:
        say(f"no pictures: Qt does not load here ({error}); `moodring doctor` says what is missing", err=True)
        return ()
    looks = [partial(save_looks, path, one) for path, one in zip(paths[1:], result.people, strict=True)]
    return (partial(save_bands, paths[0], result.bands), *looks)


def _evaluate_paper(config: Path, overrides: tuple[str, ...]) -> _Evaluated:
    import time

    from ..configs.schema.papers.speech import load_systems
    from ..offline.evaluation.paper_speech import evaluate_systems
    from ..offline.evaluation.paper_table import paper_values, row, table

    began = time.monotonic()
    results = evaluate_systems(load_systems(config, overrides), partial(say, err=True))
    values = paper_values(results, time.monotonic() - began)
    return _Evaluated("The paper's systems on raw speech", table([row(result) for result in results]), values)
