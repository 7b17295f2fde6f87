"""Face-expression bundles with weights drawn at random, for what does not depend on what was learned."""

import torch

from moodring.configs.schema.train_faces import TrainFacesConfig
from moodring.models.io.bundle import Bundle
from moodring.models.networks.face_expression import FaceExpressionNetwork
from moodring.offline.training.face_expression.train import HEADS, uncalibrated


def untrained(seed: int = 0) -> Bundle:
    torch.manual_seed(seed)
    network = FaceExpressionNetwork(HEADS)
    with torch.no_grad():
        for head in network.heads.values():
            head.weight.mul_(20.0)  # so that answers differ
    network.train()
    for _ in range(5):
        network(255.0 * torch.rand(16, 48, 48))
    return uncalibrated(network.eval(), TrainFacesConfig(domain="nobody"), "0" * 64, "untrained.safetensors")
