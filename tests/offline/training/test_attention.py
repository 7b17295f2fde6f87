"""Training of the attention model on made-up people whose faces and bands spell the levels."""

import functools
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.train_attention import AttentionPeopleSection, EarlyStoppingSection, TrainAttentionConfig
from moodring.configs.schema.training import StageSection
from moodring.models.decoders.domain_gate import has_gate
from moodring.models.io.bundle import load_bundle
from moodring.models.networks.attention import FRAMES_PER_TICK, AttentionNet, Sizes
from moodring.models.networks.look_policy import THUMBNAIL, HazardPolicy
from moodring.offline.evaluation.leakage import Part
from moodring.offline.training.attention import core, policy, simulated_data
from moodring.offline.training.attention.feature_bank import (
    Clips,
    FeatureBank,
    elapsed_since,
    ticks_of,
    whole_sessions,
)
from moodring.offline.training.attention.roll_out import (
    by_hazard,
    clip_hidden,
    embedded_frames,
    fixed,
    hidden_states,
    periphery_of,
    roll_out,
)
from moodring.offline.training.attention.scores import answers_of_stimuli, decisions_of, hit_rate, recall_of_decisions
from moodring.offline.training.attention.stopping import held_out_of
from moodring.offline.training.attention.train import TrainedAttention, train_attention
from moodring.offline.training.common import stage_run
from moodring.offline.training.common.stage_run import StageRun

SIZES = Sizes(face_features=4, band_features=4, glimpse=8, layer1=12, core=16)
TICKS, BLOCK = 80, 20


def quiet(_: str) -> None:
    """Take a report and say nothing."""


def unkept(network: torch.nn.Module) -> StageRun:
    return StageRun("test", network, None, quiet)


def stage(batches: int, learning_rate: float = 5e-3) -> StageSection:
    return StageSection(batches=batches, learning_rate=learning_rate)


CONFIG = TrainAttentionConfig(
    batch=24, clip_ticks=40, horizon_ticks=12, modality_dropout=0.0, dropout=0.0, plain_share=1.0,
    teacher=stage(100, 2e-2), student=stage(60, 1e-2), gains=stage(60),
)  # fmt: skip


def made_bank(people: int = 24, seed: int = 0) -> FeatureBank:
    """Make people whose level shows only in the face, and only in one burst of three frames for each block of ticks."""
    rng = torch.Generator().manual_seed(seed)
    frames = (TICKS - 1) * FRAMES_PER_TICK + 1
    levels = torch.randint(0, 3, (people, TICKS // BLOCK, 2), generator=rng).repeat_interleave(BLOCK, dim=1)
    expressed = torch.zeros(people, frames, 3)
    for person in range(people):
        for block in range(TICKS // BLOCK):
            at = block * BLOCK * FRAMES_PER_TICK + int(torch.randint(4, 20, (1,), generator=rng))
            expressed[person, at : at + 3, 0] = 1.0
    tick = torch.arange(frames) // FRAMES_PER_TICK
    visible = expressed[..., 0] > 0.5
    face = torch.where(visible[..., None], (levels[:, tick] - 1.0).repeat(1, 1, 2), torch.zeros(()))
    stimulus = torch.arange(TICKS).expand(people, -1) // BLOCK
    there = torch.ones(people, frames, dtype=torch.bool)
    return FeatureBank(
        face=face,
        presence=torch.where(visible, 6.0, -6.0),
        face_there=there,
        bands=torch.zeros(people, 2, TICKS, 3, 4),
        eeg_there=torch.ones(people, TICKS, dtype=torch.bool),
        levels=levels,
        stimulus=stimulus,
        since_onset_s=torch.zeros(people, TICKS),
        thumbnails=torch.zeros(people, frames, THUMBNAIL, THUMBNAIL, dtype=torch.uint8),
        theta=torch.zeros(people, frames),
        expressed=expressed,
    )


def trained(bank: FeatureBank) -> AttentionNet:
    torch.manual_seed(0)
    net = AttentionNet(SIZES)
    weights = torch.ones(2, 3)
    core.train_core(
        net, bank, weights, CONFIG, core.CoreTraining(CONFIG.teacher, core.every_frame, None, 7), unkept(net)
    )
    teacher = core.teacher_of(net)
    core.train_core(
        net, bank, weights, CONFIG, core.CoreTraining(CONFIG.student, core.random_patterns, teacher, 8), unkept(net)
    )
    return net.eval()


@pytest.fixture(scope="module")
def bank() -> FeatureBank:
    return made_bank()


@pytest.fixture(scope="module")
def net(bank: FeatureBank) -> AttentionNet:
    return trained(bank)


def recall(net: AttentionNet, bank: FeatureBank, clips: Clips, looks: Tensor) -> float:
    rollout = roll_out(net, bank, clips, fixed(looks))
    return float(recall_of_decisions(decisions_of(net, bank, clips, rollout.cores, looks)).mean())


def test_elapsed_counts_from_the_last_look_that_found_a_face() -> None:
    found = torch.zeros(4, FRAMES_PER_TICK, 1, dtype=torch.bool)
    found[1, 2, 0] = True
    assert elapsed_since(found)[:, 0].tolist() == [10.0, 0.125, 0.625, 1.125]


def test_a_roll_out_of_fixed_looks_is_the_whole_at_once(net: AttentionNet, bank: FeatureBank) -> None:
    clips = whole_sessions(bank)
    looks = torch.rand(clips.length, FRAMES_PER_TICK, bank.people, generator=torch.Generator().manual_seed(1)) < 0.1
    with torch.no_grad():
        _, cores, _ = net.run(net.start(bank.people), ticks_of(bank, clips, looks))
    assert torch.allclose(roll_out(net, bank, clips, fixed(looks)).cores, cores, atol=1e-5)


def test_looks_at_expressions_are_worth_more_than_others(net: AttentionNet, bank: FeatureBank) -> None:
    fresh = made_bank(seed=5)
    clips = whole_sessions(fresh)
    visible = fresh.expressed[clips.person, clips.frames][..., 0] > 0.5
    blind = recall(net, fresh, clips, torch.zeros_like(visible))
    assert recall(net, fresh, clips, visible) > blind + 0.2
    assert recall(net, fresh, clips, ~visible) < blind + 0.1
    assert recall(net, fresh, clips, torch.ones_like(visible)) > blind + 0.2


def test_the_policy_learns_from_measured_gains_to_look_when_it_pays(net: AttentionNet, bank: FeatureBank) -> None:
    torch.manual_seed(4)
    hazard = HazardPolicy(SIZES.core)
    # A periphery that knows: its hidden state holds whether an expression is on.
    frames, people = bank.face.shape[1], bank.people
    hidden = torch.zeros(frames, people, hazard.units)
    hidden[..., 0] = bank.expressed[..., 0].T
    policy.train_gains(hazard, net, bank, hidden, CONFIG, unkept(hazard))
    clips = whole_sessions(bank)
    price = policy.price_for(hazard, net, bank, hidden, clips, 0.03)
    rollout = roll_out(net, bank, clips, by_hazard(hazard, clip_hidden(hidden, clips), price, clips.no_face))
    hits, base = hit_rate(bank, clips, rollout.looks)
    assert rollout.looks.float().mean() < 0.04
    assert hits > 3.0 * base
    # With a periphery that is blind there is nothing to time looks by.
    none = by_hazard(hazard, clip_hidden(torch.zeros_like(hidden), clips), price, clips.no_face)
    assert hit_rate(bank, clips, roll_out(net, bank, clips, none).looks)[0] < 0.5 * hits


def test_whole_stimuli_are_answered_at_their_end(bank: FeatureBank, net: AttentionNet) -> None:
    clips = whole_sessions(bank)
    levels = bank.levels[clips.person, clips.ticks]
    logits = torch.nn.functional.one_hot(levels, 3).float()
    decisions = replace(
        decisions_of(net, bank, clips, torch.zeros(clips.length, bank.people, SIZES.core), torch.zeros(1, 4, 1)),
        logits=logits,
    )
    people, truth, answers = answers_of_stimuli(decisions)
    assert len(people) == bank.people * (TICKS // BLOCK)
    assert (truth == answers).all()


def test_hidden_states_follow_the_thumbnails() -> None:
    hazard = HazardPolicy(SIZES.core)
    measured = torch.zeros(5, 2, 2 * THUMBNAIL**2 + 4)
    measured[3, 1] = 1.0
    hidden = hidden_states(hazard, measured)
    assert torch.equal(hidden[2, 0], hidden[2, 1])
    assert not torch.equal(hidden[3, 0], hidden[3, 1])


def test_learning_on_sequences_does_not_blind_the_periphery(bank: FeatureBank) -> None:
    rows = torch.arange(THUMBNAIL)[:, None].expand(THUMBNAIL, THUMBNAIL)
    smile = (rows > 15) & (rows < 19) & bank.expressed[..., 0][..., None, None].gt(0.5)
    noise = torch.randint(0, 40, (*smile.shape,), generator=torch.Generator().manual_seed(3))
    seen = replace(bank, thumbnails=(noise + 120 * smile).to(torch.uint8))
    measured = periphery_of(HazardPolicy(SIZES.core), seen, torch.arange(seen.people), seen.face.shape[1])

    def periphery(batches: int) -> HazardPolicy:
        torch.manual_seed(4)
        hazard = HazardPolicy(SIZES.core)
        config = CONFIG.model_copy(update={"thumbnail": stage(80), "periphery": stage(batches, 5e-2)})
        policy.train_periphery(hazard, seen, measured, config, unkept(hazard))
        return hazard

    short, hazard = periphery(1), periphery(120)
    assert torch.equal(embedded_frames(short, measured), embedded_frames(hazard, measured))
    with torch.no_grad():
        told = hazard.expression(hidden_states(hazard, measured))[..., 0]
    assert roc_auc_score(seen.expressed[..., 0].T.flatten() > 0.5, told.flatten()) > 0.98


class Cut(BaseException):
    """The process is killed."""


def tiny(named: str) -> TrainAttentionConfig:
    """Return a config of a policy; with "stopping" in its place, of the hazard policy stopped early on two of six."""
    few = {name: stage(2) for name in (
        "expression", "bands", "teacher", "student", "thumbnail", "periphery", "gains", "reinforce", "own",
    )}  # fmt: skip
    stops = named == "stopping"
    people = AttentionPeopleSection(
        count=6 if stops else 3, seconds=40.0, validation_seconds=40.0, validation_seeds=(801,),
        calibration_seeds=(841,), workers=1,
    )  # fmt: skip
    early = {"on": "always", "people": 0.3, "every": 1, "patience": 1} if stops else {}
    return TrainAttentionConfig.model_validate({
        "policy": "hazard" if stops else named, "batch": 8, "clip_ticks": 32, "horizon_ticks": 8, "people": people,
        "early_stopping": early, **few,
    })  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TrainedAttention]:
    """Trainings that were never cut, each made once; the folder of each holds its cache."""
    folder = tmp_path_factory.mktemp("attention")
    return functools.cache(lambda named: train_attention(tiny(named), folder / f"{named}.safetensors", quiet, folder))


@pytest.mark.parametrize("named", ["hazard", "gaussian"])
def test_a_training_run_is_resumed_to_the_same_file(named: str, whole: Callable[[str], TrainedAttention]) -> None:
    first, said = whole(named), list[str]()
    folder = first.path.parent
    again = train_attention(tiny(named), folder / f"{named}-again.safetensors", said.append, folder)
    assert first.sha256 == again.sha256
    assert sum("from the cache" in line for line in said) >= 5
    assert np.isfinite(first.scores["no_eeg"].looked)
    assert has_gate(load_bundle(first.path))
    assert "Demonstration model" in (folder / f"{named}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", ["hazard", "gaussian", "stopping"])
def test_a_training_cut_between_and_within_stages_ends_in_the_same_file(
    named: str, whole: Callable[[str], TrainedAttention], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, said = whole(named), list[str]()
    for person in first.path.parent.glob("prepared-*"):
        shutil.copy(person, tmp_path)
    left, attempts = 0, 0
    write = stage_run.write_file

    def write_and_cut(path: Path, content: bytes) -> None:
        nonlocal left
        write(path, content)
        left -= 1
        if left == 0:
            raise Cut

    # A checkpoint after each batch; the seventh of each attempt is the last thing that it does.
    monkeypatch.setattr(stage_run, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(stage_run, "write_file", write_and_cut)
    while attempts < 20:
        left, attempts = 7, attempts + 1
        try:
            cut = train_attention(tiny(named), tmp_path / "cut.safetensors", said.append, tmp_path)
        except Cut:
            continue
        break
    assert sum("goes on after batch" in line for line in said) == attempts - 1 >= 1
    assert cut.sha256 == first.sha256
    losses = first.path.with_suffix(".losses.csv").read_text()
    assert losses == (tmp_path / "cut.losses.csv").read_text()
    assert losses.startswith("stage,part,batch,loss,people\nexpressed faces,1,2,")
    assert not list(tmp_path.glob("*.partial"))


def test_stages_stop_early_on_people_who_are_not_trained_on(
    whole: Callable[[str], TrainedAttention], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, config = whole("stopping"), tiny("stopping")
    held_out = held_out_of(config, config.people.training_seeds)
    assert len(held_out) == 2
    assert f"trained on seeds 1-6, of these {held_out[0]}, {held_out[1]} held out to stop early" in one.spec.protocol
    card = one.path.with_suffix(".md").read_text(encoding="utf-8")
    assert (
        f"stop early on 2 simulated people (seeds {held_out[0]}, {held_out[1]}), taken from those to train on" in card
    )
    losses = one.path.with_suffix(".losses.csv").read_text(encoding="utf-8")
    for named in ("band maps", "teacher", "student", "core on its own looks"):
        assert f"\n{named},1,1," in losses
        assert "held out" in next(line for line in losses.splitlines() if line.startswith(f"{named},1,1,"))
    assert "Every stage ran all its batches" in whole("hazard").path.with_suffix(".md").read_text(encoding="utf-8")
    audited: dict[str, list[str]] = {}
    audit_parts = simulated_data.audit_parts

    def note(what: str, parts: Mapping[str, Sequence[Part]]) -> None:
        audit_parts(what, parts)
        audited.update({name: [part.person for part in members] for name, members in parts.items()})

    monkeypatch.setattr(simulated_data, "audit_parts", note)
    again = train_attention(config, tmp_path / "again.safetensors", quiet, one.path.parent)
    assert again.sha256 == one.sha256
    assert audited["early stopping"] == [str(seed) for seed in held_out]
    assert audited["weights and normaliser"] == [str(seed) for seed in range(1, 7) if seed not in held_out]


def test_the_core_stops_where_it_begins_to_learn_people_by_heart() -> None:
    """Faces that tell who somebody is, and nothing else: what is learned of some people is wrong of others."""

    def strangers(people: int, seed: int) -> FeatureBank:
        made, rng = made_bank(people, seed), torch.Generator().manual_seed(seed)
        who = torch.randn(people, 1, SIZES.face_features, generator=rng).expand(made.face.shape)
        levels = torch.randint(0, 3, (people, 1, 2), generator=rng).expand(made.levels.shape)
        return replace(made, face=who, levels=levels)

    some, others = strangers(6, 1), strangers(24, 2)
    config = CONFIG.model_copy(update={"early_stopping": EarlyStoppingSection(every=5, patience=3)})
    weights, losses, batches = torch.ones(2, 3), [], []
    for held_out in (None, others):
        torch.manual_seed(0)
        net = AttentionNet(SIZES)
        training, run = core.CoreTraining(config.teacher, core.every_frame, None, 7, held_out), unkept(net)
        core.train_core(net, some, weights, config, training, run)
        losses.append(core.held_out_loss(net, others, weights, config, training))
        batches.append(run.curves[-1].batch)
    assert batches[0] == 100
    assert batches[1] < 80
    assert losses[1] < 0.8 * losses[0]


_CHILD = """
import sys
from pathlib import Path
from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.train_attention import TrainAttentionConfig
from moodring.offline.training.attention.stopping import held_out_of
from moodring.offline.training.attention.train import train_attention
from moodring.offline.training.common import stage_run
from moodring.offline.training.common.stage_run import StageRun
from moodring.offline.training.common import stage_run
stage_run.CHECKPOINT_S = stage_run._REPORT_S = 0.0
config, folder = TrainAttentionConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2])
train_attention(config, folder / "killed.safetensors", lambda line: print(line, flush=True), folder)
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("after", "stops"),
    [
        ("teacher: batch 20/", False),
        ("gains of looks: batch 10/", False),
        ("stage reinforce:", False),
        ("teacher: batch 10/", True),
    ],
)
def test_a_killed_process_goes_on_to_the_same_file(after: str, stops: bool, tmp_path: Path) -> None:
    more: dict[str, Any] = {name: stage(30) for name in ("teacher", "student", "gains")}
    early = EarlyStoppingSection(on="always", every=4, patience=4)
    stopping = {"policy": "every", "early_stopping": early} if stops else {}
    config = tiny("stopping" if stops else "hazard").model_copy(update=more | stopping)
    whole = train_attention(config, tmp_path / "whole" / "whole.safetensors", quiet, tmp_path / "whole")
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, config.model_dump_json(), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout as lines:
        assert any(after in line for line in lines)
        child.kill()
    assert not (tmp_path / "killed.safetensors").exists()
    assert train_attention(config, tmp_path / "killed.safetensors", quiet, tmp_path).sha256 == whole.sha256


def test_what_is_no_table_of_losses_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "model.losses.csv").write_text("my own notes")
    with pytest.raises(MoodringError, match="would hold the losses"):
        train_attention(tiny("every"), tmp_path / "model.safetensors", quiet, tmp_path)
