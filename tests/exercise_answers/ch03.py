"""Right answers to chapter 3 in other styles."""

import numpy as np

import fa_teach as fa


def cosine_of_the_library(a, b):
    return fa.cosine(a.ravel(), b.ravel())


def cosine_by_vdot(b, a):
    return np.vdot(a, b) / np.sqrt(np.vdot(a, a) * np.vdot(b, b))  # 0 / 0 is NaN, with a warning


def cosine_of_unit_vectors(a, b):
    lengths = [np.sqrt(np.sum(np.square(v))) for v in (a, b)]
    if 0 in lengths:
        return float("nan")
    return float(np.sum((a / lengths[0]) * (b / lengths[1])))


def angle_of_the_library(cosine):
    return fa.angle(cosine)


def angle_by_hand(cosine):
    c = np.minimum(1.0, np.maximum(-1.0, cosine))
    return 180 / np.pi * np.arccos(c)


def angle_from_arcsin(cosine):
    return 90 - np.degrees(np.arcsin(np.clip(cosine, -1, 1)))


def alignment_by_einsum(delta_bp, delta_rule, h):
    g = np.einsum("so,si->oi", delta_bp, h) / len(h)
    u = np.einsum("so,si->oi", delta_rule, h) / len(h)
    return np.sum(g * u) / np.sqrt(np.sum(g * g) * np.sum(u * u))


def alignment_from_kernels(delta_bp, delta_rule, h):
    K = h @ h.T  # <d h', e k'> = <d, e> <h, k>
    dot = ((delta_bp @ delta_rule.T) * K).sum()
    gg, uu = ((delta_bp @ delta_bp.T) * K).sum(), ((delta_rule @ delta_rule.T) * K).sum()
    return dot / np.sqrt(gg * uu) if gg > 0 and uu > 0 else np.nan


def change_by_long_vectors(g, u, rate):
    long_g, long_u = (np.concatenate([layer.ravel() for layer in layers]) for layers in (g, u))
    return -rate * (long_g @ long_u)


def change_by_steps(g, u, rate):
    return sum(np.vdot(slope, -rate * step) for slope, step in zip(g, u))


RIGHT = {
    "signed_cosine": [cosine_of_the_library, cosine_by_vdot, cosine_of_unit_vectors],
    "angle_in_degrees": [angle_of_the_library, angle_by_hand, angle_from_arcsin],
    "layer_alignment": [alignment_by_einsum, alignment_from_kernels],
    "predicted_change": [change_by_long_vectors, change_by_steps],
}
