"""Right answers to chapter 2 in other styles."""

import numpy as np

import fa_teach as fa


def line_by_einsum(delta_2, W_2, B_2, h_1):
    return np.einsum("sk,jk->sj", delta_2, B_2) * (1 - np.square(h_1))


def line_with_columns(d, W, B, h):
    return ((B @ d.T) * (1 - h.T * h.T)).T


def line_by_loops(delta_2, W_2, B_2, h_1):
    rows = []
    for d, h in zip(delta_2, h_1):
        rows.append([sum(b * e for b, e in zip(row, d)) * (1 - a * a) for row, a in zip(B_2, h)])
    return rows


def errors_by_index(delta_L, feedback, h):
    out = {}
    for l in reversed(range(len(h))):
        out[l] = (1 - h[l] * h[l]) * np.dot(delta_L, feedback[l].T)
    return [out[l] for l in range(len(h))]


def errors_as_tuple(delta_L, feedback, h):
    return tuple(np.einsum("sk,jk,sj->sj", delta_L, B, 1 - a**2) for B, a in zip(feedback, h))


def step_by_outer_products(W_1, W_2, B_2, x, t, rate):
    new_1, new_2 = W_1.copy(), W_2.copy()
    for sample, target in zip(x, t):
        h = np.tanh(W_1 @ sample)
        e = W_2 @ h - target
        new_1 -= rate / len(x) * np.outer((B_2 @ e) * (1 - h**2), sample)
        new_2 -= rate / len(x) * np.outer(e, h)
    return new_1, new_2


def step_of_the_library(W_1, W_2, B_2, x, t, rate):
    net = fa.Network((W_1, W_2), (), ("tanh",))
    u = fa.pseudo_gradient(net, x, t, "fa", (B_2,))
    return [W - rate * g for W, g in zip(net.weights, u.weights)]


def step_in_place_of_copies(W_1, W_2, B_2, x, t, rate):
    W_1, W_2 = W_1.copy(), W_2.copy()
    h = np.tanh(x @ W_1.T)
    y = h @ W_2.T
    back = ((y - t) @ B_2.T) * (1 - h * h)
    W_1 += rate * (-back).T @ x / x.shape[0]
    W_2 += rate * (t - y).T @ h / x.shape[0]
    return W_1, W_2


def gain_with_frozen_layers(network, train, test, feedback, steps):
    hidden = range(1, network.depth)
    how = {"steps": steps, "batch_size": None, "learning_rate": 0.1, "rule": "fa", "feedback": feedback}
    frozen = fa.train(network, train, frozen=hidden, **how).network
    free = fa.train(network, train, **how).network
    return fa.loss(frozen, *test) - fa.loss(free, *test)


def gain_from_the_records(network, train, test, feedback, steps):
    losses = [
        fa.train(
            network,
            train,
            rule=rule,
            feedback=feedback,
            steps=steps,
            batch_size=None,
            test=test,
            record=["test_loss"],
            record_at=[steps],
        )["test_loss"][-1]
        for rule in ("output_only", "fa")
    ]
    return losses[0] - losses[1]


RIGHT = {
    "fa_hidden_error": [line_by_einsum, line_with_columns, line_by_loops],
    "dfa_errors": [errors_by_index, errors_as_tuple],
    "fa_step": [step_by_outer_products, step_of_the_library, step_in_place_of_copies],
    "gain_over_control": [gain_with_frozen_layers, gain_from_the_records],
}
