"""What the library computes, once more: sample by sample, from the formulas, sharing no code with it.

Slow and plain on purpose. Also the one helper that says what a good error message is.
"""

import math
import re
from contextlib import contextmanager

import hypothesis
import numpy as np
import pytest

# The same examples in every run, and no clock: a test that fails on a busy machine teaches nothing.
hypothesis.settings.register_profile("fa_teach", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("fa_teach")

SLOPES = {  # φ'(a), written out
    "identity": lambda a: 1.0,
    "tanh": lambda a: 1 / math.cosh(a) ** 2,
    "logistic": lambda a: math.exp(-a) / (1 + math.exp(-a)) ** 2,
    "erf": lambda a: 2 / math.sqrt(math.pi) * math.exp(-(a**2)),
    "relu": lambda a: 1.0 if a > 0 else 0.0,
}
FUNCTIONS = {
    "identity": lambda a: a,
    "tanh": math.tanh,
    "logistic": lambda a: 1 / (1 + math.exp(-a)),
    "erf": math.erf,
    "relu": lambda a: max(a, 0.0),
}


def entrywise(function, vector):
    return np.array([function(float(v)) for v in vector])


def sample_loss(kind, y, t):
    """Loss of one sample."""
    if kind == "squared":
        return sum((y_i - t_i) ** 2 for y_i, t_i in zip(y, t, strict=True)) / 2
    partition = math.fsum(math.exp(y_i) for y_i in y)
    return -sum(t_i * math.log(math.exp(y_i) / partition) for y_i, t_i in zip(y, t, strict=True))


def sample_error(kind, y, t):
    """δ_L of one sample."""
    if kind == "squared":
        return y - t
    return np.exp(y) / np.exp(y).sum() - t


def sample_pass(net, x):
    """All a_l and h_l of one sample."""
    h, a = [x], []
    for l, W in enumerate(net.weights):
        a.append(np.array([np.dot(row, h[-1]) for row in W]))
        if net.biases:
            a[-1] = a[-1] + net.biases[l]
        if l < len(net.weights) - 1:
            h.append(entrywise(FUNCTIONS[net.activations[l]], a[-1]))
    return a, h


def sample_deltas(net, x, t, rule, B):
    """All h_l and all δ_l of one sample: the formulas of each rule, one after the other."""
    W, L = net.weights, len(net.weights)
    a, h = sample_pass(net, x)
    delta = {L: sample_error(net.loss, a[-1], t)}
    for l in range(L - 1, 0, -1):
        above = W[l].T  # W_{l+1}ᵀ, (n_l, n_{l+1})
        if rule == "bp":
            signal = above @ delta[l + 1]
        elif rule == "dfa":
            signal = B[l - 1] @ delta[L]
        elif rule == "sign_symmetry":
            size = math.sqrt(sum(b**2 for b in B[l - 1].flat) / B[l - 1].size)
            signal = size * np.sign(above) @ delta[l + 1]
        elif rule == "sign_symmetry_magnitudes":
            signal = (np.sign(above) * np.abs(B[l - 1])) @ delta[l + 1]
        elif rule == "output_only":
            signal = np.zeros(len(above))
        else:
            assert rule in {"fa", "kolen_pollack", "weight_mirror", "redrawn"}
            signal = B[l - 1] @ delta[l + 1]
        delta[l] = signal * entrywise(SLOPES[net.activations[l - 1]], a[l - 1])
    return h, [delta[l] for l in range(1, L + 1)]


def update(net, X, T, rule, B=()):
    """u_l of weights and biases: the mean over samples of δ_l h_{l-1}ᵀ and of δ_l."""
    weights = [np.zeros(W.shape) for W in net.weights]
    biases = [np.zeros(len(W)) for W in net.weights]
    for x, t in zip(X, T, strict=True):
        h, deltas = sample_deltas(net, x, t, rule, B)
        for l, delta in enumerate(deltas):
            weights[l] += np.outer(delta, h[l]) / len(X)
            biases[l] += delta / len(X)
    return weights, biases if net.biases else []


def changed_feedback(rule, B, W, u, rate, decay, noise):
    """The feedback after a step, for the rules that change it; W and u are of layers 2..L."""
    if rule == "kolen_pollack":
        return [b - rate * u_l.T - rate * decay * b for b, u_l in zip(B, u, strict=True)]
    if rule == "weight_mirror":  # its defaults
        mirrored = []
        for b, W_l in zip(B, W, strict=True):
            xi = noise.normal(size=(32, W_l.shape[1]))
            estimate = sum(np.outer(v, W_l @ v) for v in xi) / 32
            mirrored.append(0.95 * b + 0.05 * estimate)
        return mirrored
    if rule == "redrawn":
        new = [noise.normal(size=b.shape) for b in B]
        return [n / np.sqrt((n**2).sum()) * np.sqrt((b**2).sum()) for n, b in zip(new, B, strict=True)]
    return B


class Plain:
    """A network as lists of arrays that may be changed."""

    def __init__(self, network):
        self.weights = [np.array(W, dtype=float) for W in network.weights]
        self.biases = [np.array(c, dtype=float) for c in network.biases]
        self.activations, self.loss = network.activations, network.loss


def train(network, X, T, *, rule, feedback=(), rate, decay=0.0, size, steps, frozen=(), noise=None):
    """Plain SGD in the order of the data; returns the networks and the feedback before and after each step.

    `rule` and `rate` are functions of the step.
    """
    net, B = Plain(network), [np.array(b, dtype=float) for b in feedback]
    starts = list(range(0, len(X), size))
    passed = [(Plain(net), B)]
    for step in range(steps):
        start = starts[step % len(starts)]
        u, u_c = update(net, X[start : start + size], T[start : start + size], rule(step), B)
        for l in range(1, len(net.weights) + 1):
            if l in frozen:
                continue
            net.weights[l - 1] = net.weights[l - 1] - rate(step) * (u[l - 1] + decay * net.weights[l - 1])
            if net.biases:
                net.biases[l - 1] = net.biases[l - 1] - rate(step) * u_c[l - 1]
        B = changed_feedback(rule(step), B, net.weights[1:], u[1:], rate(step), decay, noise)
        passed.append((Plain(net), B))
    return passed


LEAKS = (
    r"broadcast together|operands|core dimension|matmul|inhomogeneous|could not be broadcast|has no attribute"
)
LEAKS += r"|unhashable|not iterable|not callable|has no len|invalid literal|same shape|at least one array"


@contextmanager
def refused(name, *errors):
    """What is inside must be refused with one sentence: the argument, what was expected, what came."""
    with pytest.raises(errors or (ValueError, TypeError)) as caught:
        yield caught
    assert_one_sentence(caught.value, name)


def assert_one_sentence(error, name):
    text = str(error)
    assert re.fullmatch(r"[^\n]+ got [^\n]+\.", text, re.DOTALL), text
    assert not re.search(r"\.\s+[A-Z]", text), f"more than one sentence: {text}"
    assert re.search(rf"(?<![a-z_]){re.escape(name)}(?![a-z_])", text), f"{name} is not named: {text}"
    assert not re.search(LEAKS, text), text
