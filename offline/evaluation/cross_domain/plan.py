"""Which networks are trained, in which stages, and on whom each is tested."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from ....configs.schema.papers.cross_domain import FACES_NAME, CrossDomainConfig, PairSection, SetSection, StepSection
from ...training.common.stages import Stage
from ...training.cross_domain.sets import ImageSet, IntArray
from ...training.cross_domain.train import FACES, FINE_TUNED, JOINT, SINGLE, VOICES, Step, Task
from ..leakage import audit
from ..splits import GroupedKFold, Protocol, RandomHoldOut, Split

SINGLE_DOMAIN, TUNED = "single-domain", "fine-tuned"
LEAKY_SHARE = 0.2


@dataclass(frozen=True)
class Test:
    """Items of one set that a network is tested on.

    Attributes
    ----------
    data : ImageSet
    chosen : (n,) int64
    system : str
        The name of its row.
    protocol : str
        Says "leaky" where it is.
    repeated : bool
        Whether every fold tests these very items, so that folds are averaged and not put together.
    """

    data: ImageSet
    chosen: IntArray
    system: str
    protocol: str
    repeated: bool


@dataclass(frozen=True)
class Job:
    """One network.

    Attributes
    ----------
    name : str
    steps : tuple of Step
    tests : tuple of Test
    """

    name: str
    steps: tuple[Step, ...]
    tests: tuple[Test, ...]


def joint_with(other: str) -> str:
    """Return the name of the system that learns a set together with another one."""
    return f"joint with {other}"


def jobs(config: CrossDomainConfig, sets: Mapping[str, ImageSet], cut: Mapping[str, ImageSet]) -> Iterator[Job]:
    """Yield the networks of one seed, audited: no test item trains the network, nor its sources.

    Parameters
    ----------
    config : CrossDomainConfig
    sets : mapping of str to ImageSet
        All that are named.
    cut : mapping of str to ImageSet
        The sets that are also judged on random segments, as segments.
    """
    by_name = {one.name: one for one in config.sets}
    for leaky in (False, True):
        for section in config.sets:
            if not leaky or section.name in cut:
                data = cut[section.name] if leaky else sets[section.name]
                yield from _alone(config, section, data, sets, leaky)
        for pair in config.pairs:
            if leaky and not (pair.leaky and set(pair.sets) & set(cut)):
                continue
            sections = [by_name[name] for name in pair.sets]
            data2 = [cut.get(one.name, sets[one.name]) if leaky else sets[one.name] for one in sections]
            yield from _together(config, pair, sections, data2, sets, leaky)


def protocol_of(data: ImageSet, section: SetSection, leaky: bool) -> tuple[Protocol | None, str]:
    """Return the protocol of a set, None where it has a test part of its own, and what it is called."""
    if data.tests is not None:
        return None, "its test part, photographs apart (who is on them is not known)"
    if leaky:
        protocol: Protocol = RandomHoldOut(LEAKY_SHARE, 0)
        return protocol, "leaky: random 20% of the segments, speakers and utterances on both sides"
    protocol = GroupedKFold(data.apart, section.folds, 0)
    return protocol, f"{section.folds} folds by {data.apart}"


def splits_of(data: ImageSet, section: SetSection, leaky: bool) -> list[Split]:
    """Return the folds of a set, audited."""
    protocol, _ = protocol_of(data, section, leaky)
    if protocol is None:
        found = [Split("test part", *own_parts(data))]
        apart: tuple[str, ...] = (data.apart,)
    else:
        found, apart = list(protocol.splits(data.items)), protocol.apart
    for split in found:
        audit(data.items, split, apart, one_source_both_sides=leaky and protocol is not None)
    return found


def own_parts(data: ImageSet) -> tuple[IntArray, IntArray]:
    """Return the items of a set's own train and test parts; ValueError where it has none."""
    if data.tests is None:
        raise ValueError(f"set '{data.name}' has no test part of its own")
    return np.flatnonzero(~data.tests), np.flatnonzero(data.tests)


def _alone(
    config: CrossDomainConfig, section: SetSection, data: ImageSet, sets: Mapping[str, ImageSet], leaky: bool
) -> Iterator[Job]:
    for split in splits_of(data, section, leaky):
        for system, stage, step in ((SINGLE_DOMAIN, SINGLE, section.single), (TUNED, FINE_TUNED, section.tuned)):
            task = Task(data, split.train, step.batch)
            before = () if stage is SINGLE else _sources(config, section.source, sets)
            yield Job(
                f"{data.name}, {system}, {split.name}{', leaky' if leaky else ''}",
                (*before, _step(stage, (task,), step)),
                (_test(data, split, section, system, leaky),),
            )


def _together(
    config: CrossDomainConfig,
    pair: PairSection,
    sections: list[SetSection],
    data: list[ImageSet],
    sets: Mapping[str, ImageSet],
    leaky: bool,
) -> Iterator[Job]:
    folds = [splits_of(one, section, leaky) for one, section in zip(data, sections, strict=True)]
    count = max(map(len, folds))
    for _, splits in zip(range(count), zip(*(cycle(one) for one in folds), strict=True), strict=False):
        tasks = tuple(Task(one, split.train, pair.joint.batch) for one, split in zip(data, splits, strict=True))
        names = [one.name for one in data]
        yield Job(
            f"{' and '.join(names)}, joint, {splits[1].name}{', leaky' if leaky else ''}",
            (*_sources(config, pair.source, sets), _step(JOINT, tasks, pair.joint)),
            tuple(
                _test(one, split, section, joint_with(other), leaky)
                for one, split, section, other in zip(data, splits, sections, reversed(names), strict=True)
                if not leaky or one.tests is None
            ),
        )


def _sources(config: CrossDomainConfig, source: str, sets: Mapping[str, ImageSet]) -> tuple[Step, ...]:
    """Return the stages before a target: FER2013's train part, then all of a corpus that the target is not of."""
    faces = sets[FACES_NAME]
    visual = Task(faces, own_parts(faces)[0], config.visual_source.batch)
    steps = [_step(FACES, (visual,), config.visual_source)]
    if source:
        audio = Task(sets[source], np.arange(len(sets[source].labels)), config.audio_source.batch)
        steps.append(_step(VOICES, (audio,), config.audio_source))
    return tuple(steps)


def _step(stage: Stage, tasks: tuple[Task, ...], section: StepSection) -> Step:
    return Step(stage, tasks, section.batches, section.learning_rate)


def _test(data: ImageSet, split: Split, section: SetSection, system: str, leaky: bool) -> Test:
    _, protocol = protocol_of(data, section, leaky)
    return Test(data, split.test, system, protocol, data.tests is not None)
