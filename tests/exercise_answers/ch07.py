"""Right answers to chapter 7 in other styles."""

import numpy as np

import fa_teach as fa


def gain_by_loop(path):
    walked = 0.0
    for old, new in zip(path[:-1], path[1:], strict=True):
        walked += np.sum((new - old) ** 2)
    return 0.5 * (np.sum(path[-1] ** 2) - np.sum(path[0] ** 2) - walked)


def gain_by_agreement(path):
    """What each step has in common with the weights before it."""
    return sum(np.vdot(old, new - old) for old, new in zip(path[:-1], path[1:], strict=True))


def step_by_einsum(W_1, W_2, B_2, x, delta_2, rate):
    n = x.shape[0]
    u_1 = np.einsum("sk,jk,si->ji", delta_2, B_2, x) / n
    u_2 = np.einsum("sk,ji,si->kj", delta_2, W_1, x) / n
    return [W_1 - rate * u_1, W_2 - rate * u_2]


def step_by_samples(W_1, W_2, B_2, x, delta_2, rate):
    u_1, u_2 = np.zeros_like(W_1), np.zeros_like(W_2)
    for signal, error in zip(x, delta_2, strict=True):
        u_1 += np.outer(B_2 @ error, signal) / len(x)
        u_2 += np.outer(error, W_1 @ signal) / len(x)
    return W_1 - rate * u_1, W_2 - rate * u_2


def first_by_running_it(B_2, x, delta_2):
    """Two small steps from zero."""
    W_1 = -(B_2 @ delta_2.T @ x)
    W_2 = -(delta_2.T @ (x @ W_1.T))
    return fa.cosine(W_2.T.ravel(), B_2.ravel())


def split_of_the_library(start, end, B_2):
    change = np.subtract(end, start)
    share = np.sqrt(np.square(change).sum() / np.square(end).sum())
    return share, fa.cosine(change.T.ravel(), B_2.ravel())


def lead_by_loop(cosines, losses):
    leads = []
    for c, loss in zip(cosines.T, losses.T, strict=True):
        first_aligned = next(k for k in range(len(c)) if c[k] > c[-1] / 2)
        first_halved = next(k for k in range(len(c)) if loss[k] < loss[0] / 2)
        leads.append(first_halved - first_aligned)
    return leads


RIGHT = {
    "predicted_gain": [gain_by_loop, gain_by_agreement],
    "open_loop_step": [step_by_einsum, step_by_samples],
    "first_alignment": [first_by_running_it],
    "split_alignment": [split_of_the_library],
    "alignment_lead": [lead_by_loop],
}
