"""Right answers to chapter 8 in other styles."""

import numpy as np

import fa_teach as fa


def account_by_records(weights, gradients):
    fall = [0.0] * len(weights)
    for k in range(len(weights[0]) - 1):
        for l in range(len(weights)):
            step = weights[l][k + 1] - weights[l][k]
            fall[l] -= np.vdot(0.5 * gradients[l][k] + 0.5 * gradients[l][k + 1], step)
    return fall


def account_by_einsum(weights, gradients):
    return [
        -np.einsum("kij,kij->", (g[:-1] + g[1:]) / 2, W[1:] - W[:-1])
        for W, g in zip(weights, gradients, strict=True)
    ]


def worth_by_loop(network, train, test, feedback, layer, steps):
    losses = []
    for frozen in ([], [layer]):
        run = fa.train(
            network,
            train,
            rule="fa",
            feedback=feedback,
            steps=steps,
            batch_size=None,
            learning_rate=0.1,
            frozen=frozen,
        )
        losses.append(fa.loss(run.network, *test))
    return losses[1] - losses[0]


def rate_by_factors(g, u, beta):
    """As in the proposition: cosine, length of the gradient, length of the update."""
    long_g, long_u = np.linalg.norm(g), np.linalg.norm(u)
    cosine = np.vdot(g, u) / (long_g * long_u)
    if cosine <= 0:
        return 0
    return 2 * cosine * long_g / beta / long_u


def share_by_arrays(cosines, accuracies):
    a = np.sign(cosines[:, None] - cosines)
    b = np.sign(accuracies[:, None] - accuracies)
    return (a * b == -1).sum() / (a * b != 0).sum()  # 0 / 0 is NaN


RIGHT = {
    "descent_by_layer": [account_by_records, account_by_einsum],
    "worth_of_layer": [worth_by_loop],
    "largest_safe_rate": [rate_by_factors],
    "contrary_share": [share_by_arrays],
}
