"""Right answers to chapter 4 in other styles."""

import numpy as np

from fa_teach import chain, dynamics


def field_of_the_library(w_1, w_2, b, t):
    v = chain.velocity(np.stack([w_1, w_2], axis=-1), b=b, t=t)
    return v[..., 0], v[..., 1]


def field_as_array(w1, w2, feedback, slope):
    missing = slope - np.multiply(w1, w2)
    return np.array([feedback * missing, np.multiply(w1, missing)])


def rail_by_companion(w_1, w_2, b, t):
    C = w_1 * w_1 - 2 * b * w_2
    roots = np.linalg.eigvals([[0, 0, 2 * b * t], [1, 0, C], [0, 1, 0]])
    return [[r.real, t / r.real] for r in sorted(roots, key=lambda r: r.real) if abs(r.imag) < 1e-8]


def rail_by_bisection(w_1, w_2, b, t):
    """Between the places where the cubic turns there is one sign change or none."""
    C = w_1**2 - 2 * b * w_2
    turn = np.sqrt(C / 3) if C > 0 else 0.0
    borders = [-50.0, -turn, turn, 50.0]
    found = []
    for low, high in zip(borders, borders[1:]):
        f = [r**3 - C * r - 2 * b * t for r in (low, high)]
        if f[0] * f[1] > 0:
            continue
        for _ in range(70):
            middle = (low + high) / 2
            same = (middle**3 - C * middle - 2 * b * t) * f[0] > 0
            low, high = (middle, high) if same else (low, middle)
        found.append((low, t / low))
    return np.array(found)


def rail_of_the_library(w_1, w_2, b, t):
    points = chain.fixed_points(chain.invariant([w_1, w_2], b=b), b=b, t=t)
    return points[~np.isnan(points[:, 0])]


def jacobian_by_complex_steps(w_1, w_2, b, t):
    columns = []
    for d in ((1e-30j, 0), (0, 1e-30j)):
        v_1, v_2 = w_1 + d[0], w_2 + d[1]
        e = t - v_1 * v_2
        columns.append([(b * e).imag / 1e-30, (v_1 * e).imag / 1e-30])
    return np.transpose(columns)


def jacobian_by_differences(w_1, w_2, b, t):
    def f(w):
        e = t - w[0] * w[1]
        return np.array([b * e, w[0] * e])

    w, h = np.array([w_1, w_2]), 1e-5
    return np.stack([(f(w + d) - f(w - d)) / (2 * h) for d in h * np.eye(2)], axis=1)


def jacobian_of_the_general_code(w_1, w_2, b, t):
    network = chain.as_network([w_1, w_2])
    return dynamics.jacobian(network, [[1.0]], [[t]], "fa", (np.array([[b]]),))


def holds_by_eigenvalues(w_1, b, t, rate):
    J = -np.outer([b, w_1], [t / w_1, w_1])
    values = np.linalg.eigvals(J)
    moving = values[np.abs(values) > 1e-9]
    return bool((moving.real < 0).all()), bool((np.abs(1 + rate * moving) < 1).all())


def holds_as_numbers(w_1, b, t, rate):
    c = (w_1**3 + b * t) / w_1
    return [int(c > 0), 1.0 if abs(1 - rate * c) < 1 else 0.0]


def end_of_the_library(w_1, w_2, b, t):
    return chain.endpoint([w_1, w_2], b=b, t=t)


def end_by_direction(w_1, w_2, b, t):
    """Run in the direction of the velocity to the first root on the way."""
    C = w_1**2 - 2 * b * w_2
    real = [r.real for r in np.roots([1, 0, -C, -2 * b * t]) if abs(r.imag) < 1e-9]
    if b * (t - w_1 * w_2) > 0:
        end = min(r for r in real if r > w_1)
    else:
        end = max(r for r in real if r < w_1)
    return np.array([end, t / end])


RIGHT = {
    "chain_field": [field_of_the_library, field_as_array],
    "rail_fixed_points": [rail_by_companion, rail_by_bisection, rail_of_the_library],
    "rule_jacobian": [jacobian_by_complex_steps, jacobian_by_differences, jacobian_of_the_general_code],
    "holds_kick": [holds_by_eigenvalues, holds_as_numbers],
    "end_of_flow": [end_of_the_library, end_by_direction],
}
