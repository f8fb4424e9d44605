"""Right answers to chapter 5 in other styles."""

import numpy as np

from fa_teach import linear


def operator_by_unit_errors(A, W, B):
    columns = []
    for i in range(W.shape[0]):
        for j in range(A.shape[1]):
            M = np.zeros((W.shape[0], A.shape[1]))
            M[i, j] = 1
            columns.append((W @ (B @ M) + (M @ A.T) @ A).ravel())
    return np.array(columns).T


def operator_by_einsum(A, W, B):
    n_2, n_0 = W.shape[0], A.shape[1]
    C, D = np.einsum("ik,kj->ij", W, B), np.einsum("ki,kj->ij", A, A)
    four = np.einsum("ik,jl->ijkl", C, np.eye(n_0)) + np.einsum("ik,jl->ijkl", np.eye(n_2), D)
    return four.reshape(n_2 * n_0, n_2 * n_0)


def operator_of_the_library(A, W, B):
    return linear.residual_operator(A, W, B)


def step_by_loop(rates):
    limits = []
    for rate in rates:
        if rate.real <= 0:
            return 0
        limits.append(2 * rate.real / (rate.real**2 + rate.imag**2))
    return min(limits)


def step_from_inverses(rates):
    """``2 Re λ / |λ|²`` is twice the real part of ``1/λ``."""
    return max(0.0, 2 * (1 / np.asarray(rates)).real.min())


def step_by_bisection(rates):
    def holds(step):
        return bool((np.abs(1 - step * rates) < 1).all())

    low, high = 0.0, 1e3
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low if holds(low) else 0.0


def conserved_by_einsum(A, W, B):
    G = np.einsum("ik,kj->ij", B, W)
    return np.einsum("ik,jk->ij", A, A) - G - np.transpose(G)


def conserved_of_the_library(A, W, B):
    return linear.conserved(A, W, B)


def worst_from_the_whole_form(A, W, B):
    K = operator_by_unit_errors(A, W, B)
    values, vectors = np.linalg.eigh((K + K.T) / 2)
    M = vectors[:, 0].reshape(W.shape[0], A.shape[1])
    if M.ravel()[np.argmax(abs(M))] < 0:
        M = -M
    return values[0], M


def worst_of_the_library(A, W, B):
    worst = linear.worst_error(A, W, B)
    return worst.value, worst.M


def worst_by_singular_vectors(A, W, B):
    """The lowest eigenvector of ``A.T A`` is the last right singular vector of ``A``."""
    C = W @ B
    mu, s = np.linalg.eigh(0.5 * C + 0.5 * C.T)
    _, sizes, rows = np.linalg.svd(A)
    nu = sizes[-1] ** 2 if len(sizes) == A.shape[1] else 0.0
    M = s[:, :1] * rows[-1]
    return [mu[0] + nu, M * (1 if M.max() > -M.min() else -1)]


def bottleneck_by_least_squares(T, B):
    A = B @ T
    return A, np.linalg.lstsq(A.T, T.T, rcond=None)[0].T


def bottleneck_by_pinv(T, B):
    return [np.dot(B, T), T @ np.linalg.pinv(B @ T)]


def bottleneck_of_the_library(T, B):
    point = linear.bottleneck(T, B)
    return point.A, point.W


RIGHT = {
    "error_operator": [operator_by_unit_errors, operator_by_einsum, operator_of_the_library],
    "critical_step": [step_by_loop, step_from_inverses, step_by_bisection],
    "conserved_matrix": [conserved_by_einsum, conserved_of_the_library],
    "most_misaligned_error": [worst_from_the_whole_form, worst_of_the_library, worst_by_singular_vectors],
    "bottleneck_point": [bottleneck_by_least_squares, bottleneck_by_pinv, bottleneck_of_the_library],
}
