"""Networks of single listeners, trained side by side, and the features they read."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from ....configs.schema.papers.voting import FmriCnnSection
from ....models.networks.fmri_cnn import FmriCnn
from ..common.optimization import generator_for

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


class ListenerNetworks:
    """An :class:`FmriCnn` for each listener, trained on windows of the same events.

    The networks share nothing: their weights lie in one array for speed alone.

    Parameters
    ----------
    windows : (n_listeners, n_events, channels, *shape) float32
    labels : (n_events,) int64
    classes : int
    settings : FmriCnnSection
    seed : int
        Of the first weights and of the batches, which are those of the same seed whatever is trained on.
    """

    def __init__(
        self, windows: FloatArray, labels: IntArray, classes: int, settings: FmriCnnSection, seed: int
    ) -> None:
        channels, *shape = windows.shape[2:]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            networks = [FmriCnn(channels, tuple(shape), classes) for _ in windows]
        self._network = networks[0]
        self._weights: Mapping[str, Tensor] = stack_module_state(networks)[0]
        self._train(torch.from_numpy(windows), torch.from_numpy(labels), settings, seed)

    def features(self, windows: FloatArray) -> FloatArray:
        """Return the 500 features of each listener, ``(n_listeners, n_events, 500)`` float32."""
        with torch.no_grad():
            found: FloatArray = self._read(torch.from_numpy(windows))[0].numpy()
        return found

    def _read(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        def one(weights: Mapping[str, Tensor], events: Tensor) -> tuple[Tensor, Tensor]:
            read: tuple[Tensor, Tensor] = functional_call(self._network, dict(weights), (events,))
            return read

        both: tuple[Tensor, Tensor] = vmap(one)(self._weights, windows)
        return both

    def _train(self, windows: Tensor, labels: Tensor, settings: FmriCnnSection, seed: int) -> None:
        optimizer = torch.optim.SGD(
            list(self._weights.values()),
            settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        generator = generator_for(seed, 0)
        for _ in range(settings.epochs):
            for batch in torch.split(torch.randperm(len(labels), generator=generator), settings.batch):
                _, logits = self._read(windows[:, batch])
                # The sum over listeners: each network's gradient is that of its own mean loss.
                loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[batch].repeat(len(windows)))
                optimizer.zero_grad()
                torch.autograd.backward(loss * len(windows))
                optimizer.step()
