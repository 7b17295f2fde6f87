"""The backbone "expression": the network of real faces, frozen, in the place of the small face network."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from moodring.configs.schema.live import ModelsSection
from moodring.configs.schema.train_attention import AttentionNetworkSection, TrainAttentionConfig
from moodring.models.decoders.attention import networks_of
from moodring.models.decoders.face_expression import EMOTION, FaceExpressionDecoder
from moodring.models.io.bundle import load_bundle
from moodring.models.networks.face_nets import ExpressionFaceNet
from moodring.offline.datasets.open_affect import read_affect
from moodring.offline.decoding.decode import decode_with
from moodring.offline.training.attention.corpora.real_faces import expressed_by, real_faces, take_trunk
from moodring.offline.training.attention.train import TrainedAttention, train_attention
from tests.offline.training.test_corpus_training import SECONDS, config_for
from tests.support.deap_fake import write_preprocessed


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_preprocessed(tmp_path_factory.mktemp("deap") / "DEAP", (1, 2, 3), 2, SECONDS)


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedAttention, list[str]]:
    folder, said = tmp_path_factory.mktemp("faces"), list[str]()
    config = config_for(root, network=AttentionNetworkSection(backbone="expression"))
    return train_attention(config, folder / "deap.safetensors", said.append, folder), said


def test_a_corpus_trains_on_the_frozen_network_and_its_bundle_decodes(
    trained: tuple[TrainedAttention, list[str]], root: Path
) -> None:
    one, said = trained
    bundle = load_bundle(one.path)
    assert bundle.spec.network["backbone"] == "expression"
    assert any("as the bundle reads them: mean error" in line for line in said)
    net = networks_of(bundle)[0].face_net
    assert isinstance(net, ExpressionFaceNet)
    fresh = ExpressionFaceNet(16)
    take_trunk(fresh, real_faces())
    kept = net.trunk.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in fresh.trunk.state_dict().items()), "it is frozen"
    corpus = read_affect(root)
    trial = next(one for one in corpus.trials if one.video is not None)
    decoded = decode_with(corpus.load(trial), ModelsSection(video_eeg=str(one.path), face="none"))
    assert any(head.answered for estimate in decoded.estimates for head in estimate.heads)
    assert any(look.face is not None for estimate in decoded.estimates for look in estimate.looks)
    assert "frozen network of the bundle `face`" in one.path.with_suffix(".md").read_text(encoding="utf-8")


def test_the_trunk_reads_what_the_bundle_reads() -> None:
    bundle = real_faces()
    net = ExpressionFaceNet(16)
    take_trunk(net, bundle)
    rng = np.random.default_rng(0)
    middle = torch.from_numpy(rng.integers(0, 255, (3, 38, 38)).astype(np.float32))
    crops = torch.nn.functional.pad(middle[:, None], (5, 5, 5, 5), mode="replicate")[:, 0]
    framed = torch.nn.functional.interpolate(middle[:, None], size=(48, 48), mode="bilinear")[:, 0]
    decoder = FaceExpressionDecoder(bundle, torch.device("cpu"))
    with torch.inference_mode():
        told = decoder._network(framed)
    assert net.embed(crops).numpy() == pytest.approx(told.embedding.numpy(), abs=1e-3)
    taught = expressed_by(bundle, told.embedding.clone())
    head = bundle.spec.head(EMOTION)
    neutral = torch.softmax(told.logits["emotion"] / head.temperature, dim=-1)[:, head.classes.index("neutral")]
    assert taught[:, 0].numpy() == pytest.approx(1.0 - neutral.numpy(), abs=1e-4)


def test_drawn_faces_are_not_read_by_it() -> None:
    section = AttentionNetworkSection(backbone="expression")
    with pytest.raises(ValidationError, match="ones are drawn: give data=FOLDER"):
        TrainAttentionConfig(network=section)
    with pytest.raises(ValidationError, match="'expression' needs none"):
        AttentionNetworkSection(backbone="expression", weights=Path("vgg16.pth"))


def test_crops_of_another_size_are_told() -> None:
    with pytest.raises(ValueError, match="crops of 48 pixels were expected"):
        ExpressionFaceNet(16).embed(torch.zeros(1, 32, 32))
