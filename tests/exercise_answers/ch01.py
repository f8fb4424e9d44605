"""Right answers to chapter 1 in other styles than the solution's: loops, einsum, other orders."""

import numpy as np


def forward_by_loops(x, W_1, c_1, W_2, c_2):
    hidden, scores = [], []
    for sample in x:
        h = [np.tanh(sum(w * s for w, s in zip(row, sample)) + c) for row, c in zip(W_1, c_1)]
        hidden.append(h)
        scores.append([sum(w * s for w, s in zip(row, h)) + c for row, c in zip(W_2, c_2)])
    return hidden, scores  # lists of lists


def forward_by_einsum(x, W_1, c_1, W_2, c_2):
    h = np.tanh(np.einsum("si,oi->so", x, W_1) + c_1)
    return [h, np.einsum("si,oi->so", h, W_2) + c_2]  # a list of two


def forward_with_columns(samples, A, a, B, b):
    h = np.tanh(A @ samples.T + a[:, None])
    return h.T, (B @ h + b[:, None]).T


def error_by_logs(y, t):
    top = y.max(axis=1)
    log_sum = top + np.log(np.exp(y - top[:, np.newaxis]).sum(axis=1))
    return np.exp(y - log_sum[:, np.newaxis]) - t


def error_by_loop(y, t):
    out = np.empty(y.shape)
    for i, (scores, right) in enumerate(zip(y, t)):
        e = np.exp(scores - max(scores))
        out[i] = -right + e / sum(e)
    return out


def error_subtracting_at_the_right_place(y, t):
    p = np.exp(y - y.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    p[np.arange(len(y)), t.argmax(axis=1)] -= 1
    return p


def hidden_by_einsum(delta_2, W_2, h_1):
    return np.einsum("sk,kj,sj->sj", delta_2, W_2, 1 - h_1 * h_1)


def hidden_with_columns(d, W, h):
    return ((W.T @ d.T) * (1 - np.square(h.T))).T


def hidden_by_loop(delta_2, W_2, h_1):
    result = np.zeros_like(h_1)
    for s in range(h_1.shape[0]):
        for j in range(h_1.shape[1]):
            result[s, j] = (1 - h_1[s, j] ** 2) * sum(delta_2[s, k] * W_2[k, j] for k in range(W_2.shape[0]))
    return result


def hidden_from_slope(delta_2, W_2, h_1):
    return (1 + h_1) * (1 - h_1) * np.dot(delta_2, W_2)


def gradient_by_outer_products(delta, h):
    return sum(np.outer(d, a) for d, a in zip(delta, h)) / delta.shape[0]


def gradient_by_einsum(delta, h):
    return np.einsum("so,si->soi", delta, h).mean(axis=0)


def gradient_other_way_round(delta, h):
    return np.dot(h.T, delta).T / np.shape(delta)[0]


def nudged_flat(loss, W, eps):
    g = []
    for i in range(W.size):
        nudge = np.zeros(W.size)
        nudge[i] = eps
        nudge = nudge.reshape(W.shape)
        g.append((loss(W + nudge) - loss(W - nudge)) / eps / 2)
    return np.array(g).reshape(W.shape)


def nudged_and_put_back(loss, W, eps):
    V = np.array(W)
    g = np.empty_like(V)
    for i in range(V.shape[0]):
        for j in range(V.shape[1]):
            kept = V[i, j]
            V[i, j] = kept + eps
            up = loss(V)
            V[i, j] = kept - eps
            down = loss(V)
            V[i, j] = kept
            g[i, j] = (up - down) / (2 * eps)
    return g


RIGHT = {
    "forward_pass": [forward_by_loops, forward_by_einsum, forward_with_columns],
    "output_error": [error_by_logs, error_by_loop, error_subtracting_at_the_right_place],
    "hidden_error": [hidden_by_einsum, hidden_with_columns, hidden_by_loop, hidden_from_slope],
    "weight_gradient": [gradient_by_outer_products, gradient_by_einsum, gradient_other_way_round],
    "nudged_gradient": [nudged_flat, nudged_and_put_back],
}
