"""Simulated fMRI of listeners to emotional utterances, with known truth of who responds.

Each utterance drives a few latent responses: a code of its emotion, and what else it holds, which is shared by all who
hear it. They are delayed and smeared by the haemodynamic response. Every listener turns them into regions by a
topography of his own, which is only partly that of the others, with a gain of his own, and adds a private response to
the utterance, slow drift and noise. Silent listeners respond to nothing. The response of contrary ones turns its sign
from block to block, as often one way as the other, so that what some blocks teach of them is wrong in the rest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from ..datasets.fmri.scans import Event, IntArray, Scans
from .randomness import aspect_rng, ornstein_uhlenbeck

EMOTIONS = ("sad", "happy", "neutral", "angry")
IMAGE_INTERVAL_S = 1.0
HEARD_S = (4.0, 10.0)
"""Shortest and longest utterance; the mean fills six blocks of five minutes with 251 of them."""
TAIL_S = 14.0
"""Of silence at a block's end, so that the last response is scanned."""
_OTHER_DIMENSIONS = 6
_PRIVATE_DIMENSIONS = 6
_NOISE_TAU_S = 2.0
_DRIFT_TAU_S = 60.0
_BLOB_VOXELS = 0.8
Array = NDArray[np.float64]


@dataclass(frozen=True)
class ListeningDesign:
    """Who listens to what.

    Attributes
    ----------
    listeners, silent, contrary : int
        All of them; how many are silent and how many contrary.
    regions, blocks : int
    utterances : tuple of int
        Of each of :data:`EMOTIONS`; by default those of the paper.
    common_topography : float
        Share of the variance of a listener's topography that is the same in all, 0..1.
    gain_spread : float
        Standard deviation of the logarithm of the gains of those who respond.
    emotion, other, private, drift, noise : float
        Standard deviations of the parts of a region's response: the utterance's emotion, what else it holds for all,
        what it holds for this listener alone, slow drift, and noise.
    """

    listeners: int = 18
    silent: int = 6
    contrary: int = 1
    regions: int = 40
    blocks: int = 6
    utterances: tuple[int, ...] = (33, 79, 69, 70)
    common_topography: float = 0.1
    gain_spread: float = 0.3
    emotion: float = 0.2
    other: float = 0.3
    private: float = 0.3
    drift: float = 0.5
    noise: float = 1.0


@dataclass(frozen=True)
class SimulatedListening:
    """Scans and events, and the truth about the listeners.

    Attributes
    ----------
    scans : Scans
    events : tuple of Event
    responds : (n_listeners,) bool
        False of silent and of contrary listeners.
    """

    scans: Scans
    events: tuple[Event, ...]
    responds: NDArray[np.bool_]


def haemodynamic_response(interval_s: float, length_s: float = 30.0) -> Array:
    """Return the response to a moment of stimulation, summing to 1: two gamma densities, peak after 5 s.

    Glover (1999), Deconvolution of impulse response in event-related BOLD fMRI, with the parameters of SPM.
    """
    times = np.arange(0.0, length_s, interval_s)
    shape = gamma.pdf(times, 6.0) - gamma.pdf(times, 16.0) / 6.0
    return np.asarray(shape / shape.sum())


def simulate_listening(
    seed: int, design: ListeningDesign = ListeningDesign(), volumes: bool = False
) -> SimulatedListening:
    """Return simulated scans of a group of listeners.

    Parameters
    ----------
    seed : int
        Of the stimulus and of the group.
    design : ListeningDesign
    volumes : bool
        Return small volumes instead of region matrices: each region is a blob in space.
    """
    events, heard, runs = _stimulus(seed, design)
    latent = _latent(seed, design, events, heard, runs)
    gains, responds, signs = _listeners(seed, design)
    common = aspect_rng(seed, "common topography").standard_normal((latent.shape[1], design.regions))
    images = []
    for number in range(design.listeners):
        rng = aspect_rng(seed, f"listener {number}")
        own = rng.standard_normal(common.shape)
        topography = np.sqrt(design.common_topography) * common + np.sqrt(1.0 - design.common_topography) * own
        response = latent @ topography
        response += _private(rng, design, heard, runs)
        response *= (gains[number] * signs[number, runs])[:, None]
        response += design.drift * ornstein_uhlenbeck(
            rng, len(runs), design.regions, 1.0 / IMAGE_INTERVAL_S, _DRIFT_TAU_S
        )
        response += design.noise * ornstein_uhlenbeck(
            rng, len(runs), design.regions, 1.0 / IMAGE_INTERVAL_S, _NOISE_TAU_S
        )
        images.append((_as_volumes(response) if volumes else response).astype(np.float32))
    names = tuple(f"listener {number + 1}" for number in range(design.listeners))
    return SimulatedListening(Scans(names, tuple(images), IMAGE_INTERVAL_S, runs), events, responds)


def _stimulus(seed: int, design: ListeningDesign) -> tuple[tuple[Event, ...], IntArray, IntArray]:
    """Return the events, the number of the utterance heard at each image (-1: none), and the run of each image."""
    rng = aspect_rng(seed, "stimulus")
    labels = rng.permutation(np.repeat(np.arange(len(design.utterances)), design.utterances))
    events: list[Event] = []
    heard: list[int] = []
    runs: list[int] = []
    for block, several in enumerate(np.array_split(labels, design.blocks)):
        for label in several:
            events.append(Event(len(heard) * IMAGE_INTERVAL_S, int(label), block))
            heard += [len(events) - 1] * round(rng.uniform(*HEARD_S) / IMAGE_INTERVAL_S)
        heard += [-1] * round(TAIL_S / IMAGE_INTERVAL_S)
        runs += [block] * (len(heard) - len(runs))
    return tuple(events), np.array(heard), np.array(runs)


def _latent(seed: int, design: ListeningDesign, events: tuple[Event, ...], heard: IntArray, runs: IntArray) -> Array:
    """Return what all listeners respond to at each image, each dimension scaled by its part's deviation."""
    labels = np.array([one.label for one in events])
    codes = np.eye(len(design.utterances))[labels]
    codes -= codes.mean(axis=0)
    rest = aspect_rng(seed, "what utterances hold").standard_normal((len(events), _OTHER_DIMENSIONS))
    parts = []
    for values, deviation in ((codes, design.emotion), (rest, design.other)):
        course = _smeared(values, heard, runs)
        parts.append(deviation * course / np.sqrt(np.square(course).sum(axis=1).mean()))
    return np.hstack(parts)


def _private(rng: np.random.Generator, design: ListeningDesign, heard: IntArray, runs: IntArray) -> Array:
    values = rng.standard_normal((heard.max() + 1, _PRIVATE_DIMENSIONS))
    course = _smeared(values, heard, runs) @ rng.standard_normal((_PRIVATE_DIMENSIONS, design.regions))
    return np.asarray(design.private * course / course.std())


def _smeared(values: Array, heard: IntArray, runs: IntArray) -> Array:
    """Return values of utterances as courses over images, through the haemodynamic response, run by run."""
    courses = np.where((heard >= 0)[:, None], values[heard], 0.0)
    kernel = haemodynamic_response(IMAGE_INTERVAL_S)
    for run in np.unique(runs):
        inside = np.flatnonzero(runs == run)
        courses[inside] = np.stack([np.convolve(one, kernel)[: len(inside)] for one in courses[inside].T], axis=1)
    return np.asarray(courses)


def _listeners(seed: int, design: ListeningDesign) -> tuple[Array, NDArray[np.bool_], Array]:
    """Return gains, who responds, and the sign of each in each block."""
    rng = aspect_rng(seed, "listeners")
    order = rng.permutation(design.listeners)
    silent, contrary = order[: design.silent], order[design.silent : design.silent + design.contrary]
    gains = np.exp(design.gain_spread * rng.standard_normal(design.listeners))
    gains[silent] = 0.0
    signs = np.ones((design.listeners, design.blocks))
    for one in contrary:
        signs[one] = rng.permutation(np.resize([1.0, -1.0], design.blocks))
    responds = np.ones(design.listeners, bool)
    responds[order[: design.silent + design.contrary]] = False
    return gains, responds, signs


def _as_volumes(response: Array) -> Array:
    """Return region courses as volumes: the regions lie on a grid, each a Gaussian blob."""
    side = int(np.ceil(response.shape[1] ** (1 / 3)))
    centres = np.stack(np.unravel_index(np.arange(response.shape[1]), (side,) * 3), axis=1) * 1.5
    places = np.stack(np.meshgrid(*(np.arange(np.ceil(1.5 * side)),) * 3, indexing="ij"), axis=-1)
    distance = np.linalg.norm(places[..., None, :] - centres, axis=-1)
    weights = np.exp(-0.5 * np.square(distance / _BLOB_VOXELS))
    return np.asarray(np.tensordot(response, weights, axes=([1], [3])))
