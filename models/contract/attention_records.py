"""What pictures of attention show: a stretch of one session seen from within, and the bands over many people."""

from dataclasses import dataclass

from .arrays import BoolArray, FloatArray, TimeArray


@dataclass(frozen=True)
class AttentionRecord:
    """A stretch of a simulated person's session, as the attention model decoded it.

    Attributes
    ----------
    person : str
    frames_s : (frames,) float64
        From the session's start, 8 a second.
    expressed : (frames,)
        Intensity of the expression, 0 to 1: the truth.
    gain : (frames,)
        That the policy expects of a look, in nats.
    price : float
        Of a look.
    looked : (frames,) bool
    ticks_s : (ticks,) float64
        2 a second.
    weights : (ticks, 3)
        Of theta, alpha and beta.
    expected, spread : (ticks, 2)
        Mean and standard deviation of the probabilities over the places of low, medium and high on -1..1: valence,
        arousal.
    felt : (ticks, 2)
        The truth, -1..1.
    onsets_s : (n,) float64
        Of stimuli.
    """

    person: str
    frames_s: TimeArray
    expressed: FloatArray
    gain: FloatArray
    price: float
    looked: BoolArray
    ticks_s: TimeArray
    weights: FloatArray
    expected: FloatArray
    spread: FloatArray
    felt: FloatArray
    onsets_s: TimeArray


@dataclass(frozen=True)
class BandRecord:
    """Band attention over people; intervals are value, low and high.

    Attributes
    ----------
    people : int
    worth : (3, 3, 3)
        Share of right answers lost without a band: band, level of valence, level of arousal.
    weight : (3, 3, 3)
        Mean weight of a band in the same states.
    conditions : tuple of str
        Names of kinds of EEG.
    condition_weights : (conditions, 3, 3)
        Mean weights of the bands: condition, band, interval.
    ablations : tuple of str
        What stands in the place of the learned weights or of a band.
    losses : (ablations, 3)
        UAR lost by each, mean of valence and arousal: intervals.
    """

    people: int
    worth: FloatArray
    weight: FloatArray
    conditions: tuple[str, ...]
    condition_weights: FloatArray
    ablations: tuple[str, ...]
    losses: FloatArray
