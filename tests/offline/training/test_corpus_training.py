"""Training of the attention model on a corpus: people apart, rests carried on, absent modalities, going on again."""

import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import ModelsSection
from moodring.configs.schema.train_attention import AttentionPeopleSection, TrainAttentionConfig
from moodring.configs.schema.training import StageSection
from moodring.models.io.bundle import load_bundle
from moodring.offline.datasets.array_pickles import read_arrays
from moodring.offline.datasets.open_affect import read_affect
from moodring.offline.decoding.decode import decode_with
from moodring.offline.training.attention.corpora import bank as corpus_bank
from moodring.offline.training.attention.corpora import trials as corpus_trials
from moodring.offline.training.attention.prepare import read_prepared
from moodring.offline.training.attention.scores import Decisions, by_person
from moodring.offline.training.attention.train import TrainedAttention, train_attention
from tests.support.corpus_parts import write_film
from tests.support.deap_fake import write_preprocessed

STAGES = ("expression", "bands", "teacher", "student", "thumbnail", "periphery", "gains", "reinforce", "own")
SECONDS = 10


def quiet(_: str) -> None:
    """Take a report and say nothing."""


def config_for(root: Path, **more: object) -> TrainAttentionConfig:
    few = {name: StageSection(batches=2, learning_rate=5e-3) for name in STAGES}
    people = AttentionPeopleSection(workers=1)
    values = {
        "data": root,
        "seed": 2,
        "batch": 8,
        "clip_ticks": 24,
        "horizon_ticks": 8,
        "people": people,
        **few,
        **more,
    }
    return TrainAttentionConfig.model_validate(values)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_preprocessed(tmp_path_factory.mktemp("deap") / "DEAP", (1, 2, 3, 23), 2, SECONDS, missing={(1, 2)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="module")
def trained(root: Path, folder: Path) -> tuple[TrainedAttention, list[str]]:
    said: list[str] = []
    return train_attention(config_for(root), folder / "deap.safetensors", said.append, folder), said


def test_a_corpus_trains_a_bundle_of_its_own_domain(trained: tuple[TrainedAttention, list[str]], folder: Path) -> None:
    one, said = trained
    spec = load_bundle(one.path).spec
    assert spec.domain == ("DEAP",)
    assert spec.label_source.startswith("rated by the person after each video")
    assert "people apart: trained on s" in spec.protocol
    card = (folder / "deap.md").read_text(encoding="utf-8")
    assert "Demonstration model" not in card
    assert "tuned through the labels" in card
    assert "Every stage ran all its batches: 2 training people are too few to hold some out" in card
    assert any("prepared 8/8 trials (100 %), 0.0 min left" in line for line in said)
    assert np.isfinite(one.scores["full"].recall).all()
    assert 0.0 < one.scores["full"].looked < 0.5
    assert one.scores["no_face"].looked == 0.0


def test_an_interrupted_run_goes_on_to_the_same_file(
    trained: tuple[TrainedAttention, list[str]], root: Path, folder: Path, tmp_path: Path
) -> None:
    one, _ = trained
    lost = sorted(folder.glob("trial-*.npz"))[0]
    lost.unlink()
    said: list[str] = []
    again = train_attention(config_for(root), tmp_path / "again.safetensors", said.append, folder)
    assert again.sha256 == one.sha256
    assert any(line == "preparing 1 trials of DEAP (7 are in the cache)" for line in said)
    assert sum("from the cache" in line for line in said) >= 5


def test_the_bundle_decodes_a_trial_of_the_corpus(trained: tuple[TrainedAttention, list[str]], root: Path) -> None:
    corpus = read_affect(root)
    trial = next(one for one in corpus.trials if one.video is not None)
    result = decode_with(corpus.load(trial), ModelsSection(video_eeg=str(trained[0].path)))
    answers = [head for estimate in result.estimates[8:] for head in estimate.heads if head.name == "valence"]
    assert answers
    assert all(head.answered for head in answers)


def test_the_rest_of_earlier_trials_counts_for_later_ones_and_not_before(
    trained: tuple[TrainedAttention, list[str]], root: Path, folder: Path
) -> None:
    corpus = read_affect(root)
    ready = corpus_trials.prepare_trials(corpus, folder, 1, "stop", quiet)
    names = corpus_bank.common_channels(ready, 8)
    sitting = corpus_bank.sittings_of(ready)[0]
    joined, lengths = corpus_bank.read_eeg(sitting, names)
    normal = corpus_bank.fit_people([joined])
    rows = corpus_bank.draw_rows([sitting], names, normal, 8, 1, 0, 60)
    alone = corpus_bank.draw_rows([replace(sitting, trials=sitting.trials[1:])], names, normal, 8, 1, 0, 60)
    first = replace(sitting, trials=sitting.trials[:1])
    before = corpus_bank.draw_rows([first], names, normal, 8, 1, 0, 60)
    assert np.array_equal(rows.images[0], before.images[0])
    assert not np.array_equal(rows.images[1], alone.images[0])
    assert rows.images.shape[2] == 60
    assert rows.lengths.tolist() == lengths == [26, 26]
    assert (rows.levels[:, 26:] == -1).all()
    assert not rows.eeg_there[:, 26:].any()


def test_what_is_odd_in_a_trial_is_told_and_what_is_wrong_stops_or_is_left_out(tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path / "DEAP", (1,), 3, 4, films=False)
    corpus = read_affect(root)
    path = root / "data_preprocessed_python" / "s01.dat"
    arrays = read_arrays(path)
    data = arrays["data"].copy()
    data[0, 3] = 7.0
    path.write_bytes(pickle.dumps({"data": data, "labels": arrays["labels"]}, protocol=2))
    films = {1: {"seconds": 4, "face": False}, 2: {"seconds": 2}, 3: {"seconds": 4}}
    paths = {video: write_film(tmp_path / f"{video}.avi", **values) for video, values in films.items()}
    trials = tuple(replace(one, video=paths[int(one.stimulus)]) for one in corpus.trials)
    corpus = replace(corpus, trials=tuple(sorted(trials, key=lambda one: one.name)))
    with pytest.raises(MoodringError, match=r"trial 's01 video 02': film '.*2\.avi' ends 2\.0 s before the EEG"):
        corpus_trials.prepare_trials(corpus, tmp_path / "cache", 1, "stop", quiet)
    said: list[str] = []
    ready = corpus_trials.prepare_trials(corpus, tmp_path / "other", 1, "skip", said.append)
    assert [one.trial.stimulus for one in ready] == ["1", "3"]
    assert any(line.startswith("left out: trial 's01 video 02': film") for line in said)
    assert "trial 's01 video 01': F7 never moves; it counts as a bad electrode" in said
    assert "trial 's01 video 01': no face was found in '1.avi'; it counts as without" in said
    assert not read_prepared(ready[0].path).face_there.any()
    assert read_prepared(ready[1].path).face_there[4 * 8 :].all()


def test_decisions_of_trials_become_those_of_people() -> None:
    """Two trials of one person and one of another, of 3, 2 and 4 ticks; the first tick of each is not decided."""
    ticks, rows = 4, 3
    levels = torch.arange(rows * (ticks - 1)).reshape(rows, ticks - 1).T[..., None].expand(-1, -1, 2)
    looks = torch.zeros(ticks - 1, 4, rows, dtype=torch.bool)
    looks[0] = True
    decisions = Decisions(torch.zeros(ticks - 1, rows, 2, 3), levels, levels[..., 0], looks)
    bank = SimpleNamespace(who=torch.tensor([1, 0, 1]), lengths=torch.tensor([3, 2, 4]))
    strung = by_person(decisions, bank)  # type: ignore[arg-type]
    assert strung.levels[:, 0, 0].tolist() == [3, -1, -1, -1, -1]
    assert strung.levels[:, 1, 0].tolist() == [0, 1, 6, 7, 8]
    assert strung.looked.tolist() == pytest.approx([1.0, 0.4])


def test_where_nobody_rested_the_mean_stands_for_the_rest(
    trained: tuple[TrainedAttention, list[str]], root: Path, folder: Path
) -> None:
    ready = corpus_trials.prepare_trials(read_affect(root), folder, 1, "stop", quiet)
    joined, _ = corpus_bank.read_eeg(corpus_bank.sittings_of(ready)[0], corpus_bank.common_channels(ready, 8))
    normal = corpus_bank.fit_people([replace(joined, resting=np.zeros(joined.n_ticks, np.bool_))])
    mean = joined.power[joined.eeg_there].mean(axis=0)
    assert np.isfinite(normal.scale).all()
    assert (normal.scale > 0).all()
    assert np.abs(normal.prior.at(normal.prior.names) - mean).max() < 0.2


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"network": {"face_features": 8}}, "its face network has face_features 16, the config has 8"),
        ({"corpus": "nonsense"}, "corpus 'nonsense' is not known; name one of deap"),
    ],
)
def test_settings_that_do_not_fit_are_named(
    more: dict[str, object], line: str, trained: tuple[TrainedAttention, list[str]], root: Path, folder: Path
) -> None:
    with pytest.raises(ConfigError, match=line):
        train_attention(config_for(root, **more), folder / "never.safetensors", quiet, folder)


def test_fewer_than_three_people_are_refused_with_their_names(tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path / "DEAP", (1, 2), 1, 2, table=False, films=False)
    with pytest.raises(MoodringError, match=r"DEAP has 2 people with usable trials \(s01, s02\)"):
        train_attention(config_for(root), tmp_path / "never.safetensors", quiet, tmp_path)


def test_without_films_the_model_reads_eeg_alone_and_sees_no_face(tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path / "DEAP", (1, 2, 3), 2, 6, films=False)
    said: list[str] = []
    one = train_attention(config_for(root), tmp_path / "eeg.safetensors", said.append, tmp_path)
    assert any("the model reads the EEG alone" in line for line in said)
    assert one.spec.modalities == ("eeg",)
    filmed = write_film(tmp_path / "film.avi", 6.0)
    corpus = read_affect(root)
    trial = replace(corpus.trials[0], video=filmed)
    models = ModelsSection(video_eeg=str(one.path), face="none")
    seen, unseen = (decode_with(corpus.load(which), models).estimates for which in (trial, corpus.trials[0]))
    assert not any(estimate.looks for estimate in seen)
    assert [e.heads for e in seen][:10] == [e.heads for e in unseen][:10]
