"""Right answers to chapter 6 in other styles."""

import numpy as np

import fa_teach as fa
from fa_teach import dynamics


def growth_of_the_kernel(network, x, feedback):
    return np.linalg.eigvals(-dynamics.residual_kernel(network, x, "fa", feedback)).real.max()


def growth_of_the_jacobian(network, x, feedback):
    """All weights: sort out the zeros, of which there are as many as there are more weights than errors."""
    t = fa.forward(network, x).y
    values = np.linalg.eigvals(dynamics.jacobian(network, x, t, "fa", feedback))
    moving = values[np.argsort(-np.abs(values))][: t.size]
    return moving.real.max()


def steps_by_loop(eigenvalue, rate, kick, far):
    """Whole steps, and the last one in part."""
    factor = abs(complex(1 + rate * eigenvalue))
    if factor <= 1:
        return float("inf")
    steps, size = 0, kick
    while size * factor <= far:
        size, steps = size * factor, steps + 1
    return steps + np.log(far / size) / np.log(factor)


def steps_in_powers_of_two(eigenvalue, rate, kick, far):
    z = 1 + rate * eigenvalue
    factor = np.sqrt(z.real**2 + z.imag**2)
    return np.inf if factor <= 1 else (np.log2(far) - np.log2(kick)) / np.log2(factor)


def feedback_by_long_vectors(W, R, degrees):
    w, r = W.T.ravel(), R.ravel()
    r = r - (w @ r) / (w @ w) * w
    angle = degrees * np.pi / 180
    b = np.cos(angle) * w + np.sin(angle) * r * np.sqrt((w @ w) / (r @ r))
    return b.reshape(R.shape)


def feedback_by_qr(W, R, degrees):
    plane, upper = np.linalg.qr(np.stack([W.T.ravel(), R.ravel()], axis=1))
    plane = plane * np.sign(np.diag(upper))
    turn = [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
    return np.sqrt((W**2).sum()) * (plane @ turn).reshape(R.shape)


def forecast_in_one_matrix(f, J, rate, steps, start):
    n = len(f)
    step = np.eye(n + 1)
    step[:n, :n] += rate * J
    step[:n, n] = rate * f
    return (np.linalg.matrix_power(step, steps) @ np.append(start, 1))[:n]


def forecast_backwards(f, J, rate, steps, start):
    if steps == 0:
        return start.copy()
    return forecast_backwards(f, J, rate, steps - 1, start + rate * f + rate * np.dot(J, start))


def report_from_the_field(network, x, t, feedback):
    field = dynamics.update_field(network, x, t, "fa", feedback)
    u, g = field(field.theta), field.of_gradient(field.theta)
    return np.array([np.linalg.norm(u), np.linalg.norm(g), fa.cosine(u, g)])


def report_by_sums(network, x, t, feedback):
    u = fa.pseudo_gradient(network, x, t, "fa", feedback)
    g = fa.pseudo_gradient(network, x, t, "bp")
    uu = gg = ug = 0.0
    for a, b in zip(u.weights + u.biases, g.weights + g.biases):
        uu, gg, ug = uu + (a * a).sum(), gg + (b * b).sum(), ug + (a * b).sum()
    return np.sqrt(uu), np.sqrt(gg), ug / np.sqrt(uu * gg)


RIGHT = {
    "fastest_growth": [growth_of_the_kernel, growth_of_the_jacobian],
    "steps_to_leave": [steps_by_loop, steps_in_powers_of_two],
    "feedback_at_angle": [feedback_by_long_vectors, feedback_by_qr],
    "forecast": [forecast_in_one_matrix, forecast_backwards],
    "rest_report": [report_from_the_field, report_by_sums],
}
