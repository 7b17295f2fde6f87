"""What the attention model does within a session: gain against price, looks, weights of the bands, the estimate."""

import numpy as np
import torch
from torch import Tensor

from ....models.contract.attention_records import AttentionRecord
from ....models.networks.attention import FRAME_HZ, FRAMES_PER_TICK, TICK_HZ
from ...decoding.response_lag import PLACES
from ...simulate.difficulty import BENCHMARK
from ...simulate.latents import simulate_latents
from ...training.attention.feature_bank import FeatureBank, whole_sessions
from ...training.attention.roll_out import Rollout, clip_hidden
from .system import AttentionSystem


def attention_record(
    system: AttentionSystem,
    bank: FeatureBank,
    hidden: Tensor,
    rollout: Rollout,
    person: int,
    seed: int,
    span_s: tuple[float, float],
) -> AttentionRecord:
    """Cut a stretch out of one person's decoded session.

    Parameters
    ----------
    system : AttentionSystem
        With the hazard policy.
    bank : FeatureBank
        Of simulated people of the benchmark.
    hidden : (frames, people, units)
        Of the policy's periphery.
    rollout : Rollout
        Of these people's whole sessions.
    person, seed : int
        Row of the bank, and the simulation's seed.
    span_s : (start, stop)
        From the session's start.
    """
    hazard, net = system.networks.hazard, system.networks.net
    clips = whole_sessions(bank)
    with torch.no_grad():
        before = rollout.before[:, None, person].expand(-1, FRAMES_PER_TICK, -1)
        gain = hazard.advantage(clip_hidden(hidden, clips)[:, :, person], before, rollout.waited[..., person])
        probabilities = system.probabilities(net.logits(rollout.cores[:, person]))
    ticks_s, frames_s = clips.ticks[:, person].numpy() / TICK_HZ, clips.frames[..., person].flatten().numpy() / FRAME_HZ
    expected = probabilities @ PLACES
    spread = np.sqrt(np.maximum(probabilities @ PLACES**2 - expected**2, 0.0))
    latents = simulate_latents(seed, bank.ticks / TICK_HZ, BENCHMARK)
    tick = (ticks_s >= span_s[0]) & (ticks_s <= span_s[1])
    frame = (frames_s >= span_s[0]) & (frames_s <= span_s[1])
    onsets_s = np.array([shown.start_s for shown in latents.presentations])
    expressed = bank.expressed[person, clips.frames[..., person]][..., 0].flatten().numpy()
    return AttentionRecord(
        person=f"simulated person {seed}",
        frames_s=frames_s[frame],
        expressed=expressed[frame],
        gain=gain.flatten().numpy()[frame],
        price=float(hazard.price),
        looked=rollout.looks[..., person].flatten().numpy()[frame],
        ticks_s=ticks_s[tick],
        weights=rollout.attention[:, person].numpy()[tick],
        expected=expected[tick].astype(np.float32),
        spread=spread[tick].astype(np.float32),
        felt=latents.at(ticks_s[tick]).astype(np.float32),
        onsets_s=onsets_s[(onsets_s >= span_s[0]) & (onsets_s <= span_s[1])],
    )
