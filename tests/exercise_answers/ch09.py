"""Right answers to chapter 9 in other styles."""

from functools import reduce

import numpy as np


def signs_by_where(weights, feedback):
    carriers = []
    for l, B in enumerate(feedback):
        n = B.shape[-1] * B.shape[-2]
        size = np.linalg.norm(B, axis=(-2, -1), keepdims=True) / np.sqrt(n)
        carriers.append(np.where(np.swapaxes(weights[l + 1], -1, -2) > 0, size, -size))
    return tuple(carriers)


def kp_by_factor(W_2, B_2, u_2, rate, decay):
    shrink = 1 - rate * decay
    return shrink * W_2 - rate * u_2, shrink * B_2 - rate * np.transpose(u_2)


def drifted_by_angle(B, fresh, half_life):
    angle = np.arccos(2 ** (-1 / half_life))
    return np.cos(angle) * B + np.sin(angle) * fresh


def exponent_by_regression(path, lags):
    x, y = [], []
    for lag in lags:
        squares = [np.sum((path[k + lag] - path[k]) ** 2) for k in range(len(path) - lag)]
        x.append(np.log(lag))
        y.append(np.log(np.mean(squares)))
    x, y = np.array(x), np.array(y)
    return np.cov(x, y)[0, 1] / np.var(x, ddof=1)


def lost_by_reduce(feedback, direct):
    lost = []
    for l, B in enumerate(feedback):
        way = B if direct else reduce(np.matmul, feedback[l:])
        values = np.linalg.svd(way, compute_uv=False)
        lost.append(way.shape[1] - (values > 1e-10 * values[0]).sum())
    return np.array(lost)


RIGHT = {
    "sign_carriers": [signs_by_where],
    "kolen_pollack_step": [kp_by_factor],
    "drifted": [drifted_by_angle],
    "walk_exponent": [exponent_by_regression],
    "lost_errors": [lost_by_reduce],
}
