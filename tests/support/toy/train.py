"""Train logistic regression on the mean and the spread of two seconds of skin conductance, and write a bundle."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from moodring.models.contract import Head, ModelSpec, SignalInput
from moodring.models.io.bundle import save_bundle

from .signal import CHANNELS, MODALITY, RATE_HZ

CLASSES = ("calm", "stressed")
WINDOW_S = 2.0
SPEC = ModelSpec(
    kind="stress",
    inputs=(SignalInput(MODALITY, RATE_HZ, len(CHANNELS), WINDOW_S),),
    outputs=(
        Head("stress", "felt", CLASSES, temperature=2.0, conformal_threshold=0.2),
        Head("stress_level", "felt", scale=(0.0, 10.0)),
    ),
    label_source="what was simulated, per stretch",
    domain=("simulated",),
    protocol="people apart: the last is tested",
    data_hashes=(),
    seed=0,
    network={"features": 2 * len(CHANNELS)},
)


def features(window):
    """Return mean and spread of each channel of a window, ``(4,)``."""
    return np.concatenate([window.mean(axis=0), window.std(axis=0)]).astype(np.float64)


def windows_of(dataset, trials):
    """Return features ``(n, 4)`` and labels ``(n,)`` of every whole window of trials."""
    n = round(WINDOW_S * RATE_HZ)
    x, y = [], []
    for trial in trials:
        samples = dataset.load(trial)
        for first in range(0, len(samples) - n + 1, n):
            x.append(features(samples[first : first + n]))
            y.append(CLASSES.index(trial.labels["stress"]))
    return np.array(x), np.array(y)


def train(dataset, out):
    """Fit on all people but the last, write the bundle, and return the accuracy on the last."""
    last = dataset.trials[-1].subject
    x, y = windows_of(dataset, [trial for trial in dataset.trials if trial.subject != last])
    model = LogisticRegression().fit(x, y)
    tensors = {
        "weights": torch.tensor(np.concatenate([-model.coef_, model.coef_]) / 2),
        "bias": torch.tensor(np.concatenate([-model.intercept_, model.intercept_]) / 2),
    }
    save_bundle(out, SPEC, tensors)
    return float(model.score(*windows_of(dataset, [trial for trial in dataset.trials if trial.subject == last])))
