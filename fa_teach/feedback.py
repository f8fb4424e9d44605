"""Learning rules: what carries the error backwards.

All rules share one backward pass and one formula for the update. They differ in three things, and
a `Rule` is the record of them: which matrices carry the error, from where, and whether they change.

    backpropagation     δ_l = (W_{l+1}ᵀ δ_{l+1}) ⊙ φ'(a_l)
    feedback alignment  δ_l = (B_{l+1} δ_{l+1}) ⊙ φ'(a_l)
    direct FA           δ_l = (B_l δ_L) ⊙ φ'(a_l)
    every rule          u_l = mean over samples of δ_l h_{l-1}ᵀ

Feedback is a tuple with one matrix for each hidden layer ``l``: the one that carries the error into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.network import (
    ACTIVATIONS,
    INITS,
    LOSSES,
    Forward,
    Network,
    check_network,
    forward,
    random_matrix,
    targets,
)
from fa_teach.streams import Seed, draw

Array = npt.NDArray[Any]
Feedback = tuple[Array, ...]


class Gradient(NamedTuple):
    """The pseudo-gradient ``u`` (for backpropagation, the gradient ``g``).

    Attributes
    ----------
    weights : tuple of ndarray
        ``weights[l-1]`` is ``u_l``, shape ``(..., n_l, n_{l-1})``.
    biases : tuple of ndarray, or empty
        ``biases[l-1]``, shape ``(..., n_l)``; empty for a network without biases.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a rule may look at when it changes its feedback, after each step of training.

    Attributes
    ----------
    network : Network
        After the step; training goes on in the same arrays.
    feedback : tuple of ndarray
        As it was in the step.
    update : Gradient
        The pseudo-gradient ``u`` of the step; zero in frozen layers and for members that have stopped.
    learning_rate : float or array
        Of the step; an array, ``(..., 1, 1)``, where members have rates of their own.
    weight_decay : float
    frozen : frozenset of int
        Layers, counted from 1.
    normal : callable
        ``(n, m) -> array``, shape ``(..., n, m)``: standard normal numbers, each member's from its own stream.
    """

    network: Network
    feedback: Feedback
    update: Gradient
    learning_rate: Any
    weight_decay: float
    frozen: frozenset[int] = frozenset()
    normal: Callable[[int, int], Array]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A learning rule, as data.

    Attributes
    ----------
    name : str
    carriers : callable
        ``(network, feedback) -> matrices``: for each hidden layer, the matrix that carries the error into it,
        shape ``(..., n_l, n_{l+1})``; for a direct rule ``(..., n_l, n_L)``.
    direct : bool
        Whether the error comes straight from the output, not from the layer above.
    adapt : callable or None
        ``(step) -> feedback``, called after each step of training, for rules whose feedback changes.
    uses_feedback : bool
        Whether the rule needs feedback matrices at all.

    Examples
    --------
    A rule of your own: half of the true transpose, half random.

    >>> half = Rule(name="half", carriers=lambda net, B: [
    ...     (W.mT + b) / 2 for W, b in zip(net.weights[1:], B)])
    >>> half
    Rule('half')
    """

    name: str
    carriers: Callable[[Network, Feedback], Sequence[Array]]
    direct: bool = False
    adapt: Callable[[Step], Feedback] | None = None
    uses_feedback: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be called, and names that are none."""
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string; got {_checks.shown(self.name)}.")
        _checks.function("carriers", self.carriers)
        if self.adapt is not None:
            _checks.function("adapt", self.adapt)

    def __repr__(self) -> str:
        return f"Rule({self.name!r})"


# -- The backward pass --------------------------------------------------------------------------


def backward(network: Network, run: Forward, t: Array, rule: Rule, feedback: Feedback) -> list[Array]:
    """Error signals ``δ_l`` of all layers, sample by sample, by any rule.

    Parameters
    ----------
    network : Network
    run : Forward
        The forward pass on the batch.
    t : ndarray, shape ``(..., batch, n_L)``
    rule : Rule
    feedback : tuple of ndarray

    Returns
    -------
    list of ndarray
        ``deltas[l-1]`` is ``δ_l``, shape ``(..., batch, n_l)``.
    """
    deltas = [LOSSES[network.loss].error(run.y, t)]  # δ_L, the same for every rule
    carriers = rule.carriers(network, feedback)
    for l in range(network.depth - 1, 0, -1):
        source = deltas[-1] if rule.direct else deltas[0]  # δ_L or δ_{l+1}
        slope = ACTIVATIONS[network.activations[l - 1]].slope(run.a[l - 1], run.h[l])
        deltas.insert(0, source @ carriers[l - 1].mT * slope)
    return deltas


def outer(network: Network, run: Forward, deltas: list[Array]) -> Gradient:
    """Updates ``u_l``: the mean over samples of ``δ_l h_{l-1}ᵀ``; of a bias, whose input is 1, of ``δ_l``."""
    n = run.y.shape[-2]
    share = np.full(n, 1 / n, run.y.dtype)  # of each sample; a product with it is a mean, but faster
    weights = tuple((delta / n).mT @ h for delta, h in zip(deltas, run.h, strict=True))  # (..., n_l, n_{l-1})
    biases = tuple(share @ delta for delta in deltas) if network.biases else ()
    return Gradient(weights, biases)


def pseudo_gradient(
    network: Network, x: Any, t: Any, rule: str | Rule = "bp", feedback: Feedback | None = None
) -> Gradient:
    """The direction ``u`` in which a rule would step: the weights move by ``-η u``.

    Parameters
    ----------
    network : Network
    x, t : array
        Inputs and targets or labels, see `fa_teach.network.targets`.
    rule : str or Rule
        A name of `RULES`, or a rule of your own.
    feedback : tuple of ndarray, optional
        The feedback matrices; not needed by backpropagation.

    Returns
    -------
    Gradient
        For ``"bp"``, the exact gradient of the loss.

    Raises
    ------
    ValueError, TypeError
        If feedback, or the carriers of a rule of your own, are missing or do not fit the network.

    Examples
    --------
    >>> from fa_teach import init_network
    >>> net = init_network([3, 4, 2])
    >>> B = init_feedback(net, seed=0)
    >>> u = pseudo_gradient(net, [[1.0, 2.0, 3.0]], [[0.0, 1.0]], "fa", B)
    >>> [w.shape for w in u.weights]
    [(4, 3), (2, 4)]
    """
    rule = as_rule(rule)
    x, t = targets(network, x, t)
    feedback = check_feedback(network, rule, feedback)
    check_carriers(network, rule, feedback)
    run = forward(network, x)
    return outer(network, run, backward(network, run, t, rule, feedback))


# -- Feedback matrices --------------------------------------------------------------------------


def path_transposes(network: Network, *, direct: bool = False) -> tuple[Array, ...]:
    """What backpropagation would use: ``W_{l+1}ᵀ``, or for direct feedback ``(W_L ⋯ W_{l+1})ᵀ``.

    Examples
    --------
    >>> from fa_teach import init_network
    >>> [W.shape for W in path_transposes(init_network([5, 4, 3, 2]), direct=True)]
    [(4, 2), (3, 2)]
    """
    check_network(network)
    above = [W.mT for W in network.weights[1:]]  # (..., n_l, n_{l+1})
    if direct:
        for l in range(len(above) - 2, -1, -1):
            above[l] = above[l] @ above[l + 1]  # (..., n_l, n_L)
    return tuple(above)


def init_feedback(
    network: Network,
    *,
    direct: bool = False,
    scale: Any = 1.0,
    distribution: str = "lecun",
    sparsity: float = 0.0,
    angle: Any = None,
    seed: Seed | None = None,
) -> Feedback:
    """Draw feedback matrices for a network.

    Parameters
    ----------
    network : Network
    direct : bool
        For direct rules: every matrix starts at the output.
    scale : float or array
        The matrices are multiplied by it; an array broadcasts to the ensemble.
    distribution : str
        As for weights, see `fa_teach.network.random_matrix`: the transpose of such a matrix. The default draws ``B_l``
        from the distribution from which ``W_lᵀ`` was drawn.
    sparsity : float
        Fraction of entries set to zero, from 0 to 1.
    angle : float or array, optional
        Angle in degrees between ``B`` and the network's ``Wᵀ``, exactly: 0 gives ``Wᵀ`` itself, 180 its negative.
        The norm is then that of ``Wᵀ`` times `scale`. Entries are no longer exactly sparse.
    seed : int or array of int, optional
        By default the seeds of the network.

    Returns
    -------
    tuple of ndarray
        One matrix for each hidden layer ``l``: shape ``(..., n_l, n_{l+1})``, or ``(..., n_l, n_L)`` if direct.

    Raises
    ------
    ValueError
        For unknown names, values out of range, an angle from weights that are zero, or an angle (other than 0 and
        180) where the random matrix is zero or a single number, and so gives no direction to turn to.

    Examples
    --------
    >>> from fa_teach import init_network, weight_alignment
    >>> net = init_network([5, 4, 3, 2], seed=0)
    >>> [B.shape for B in init_feedback(net)], [B.shape for B in init_feedback(net, direct=True)]
    ([(4, 3), (3, 2)], [(4, 2), (3, 2)])
    >>> print(weight_alignment(net, "fa", init_feedback(net, angle=60)).round(6))
    [0.5 0.5]
    """
    transposes = path_transposes(network, direct=_checks.flag("direct", direct))
    _checks.one_of("distribution", distribution, INITS)
    sparsity = _checks.number("sparsity", sparsity, low=0.0, high=1.0)
    factor = _checks.numbers("scale", scale, low=0.0)
    _checks.broadcast("scale", factor.shape, network.ensemble)
    if not transposes:
        return ()

    def draw_layers(rng: np.random.Generator) -> Array:
        flat = []
        for like in transposes:
            n, m = like.shape[-2:]
            B = random_matrix(rng, m, n, init=distribution).T
            keep = rng.permutation(n * m).reshape(n, m) >= round(sparsity * n * m)
            flat.append((B * keep).ravel())
        return np.concatenate(flat)

    flat = draw(network.seed if seed is None else seed, "feedback", draw_layers)
    _checks.broadcast("seed", flat.shape[:-1], network.ensemble)
    ends = np.cumsum([like.shape[-2] * like.shape[-1] for like in transposes])
    matrices = []
    for block, like in zip(np.split(flat, ends[:-1], axis=-1), transposes, strict=True):
        B = block.reshape(*flat.shape[:-1], *like.shape[-2:])
        if angle is not None:
            B = _turn(B, like, angle, network.ensemble)
        matrices.append((B * factor[..., None, None]).astype(network.dtype))
    return tuple(matrices)


def _turn(random: Array, target: Array, angle: Any, ensemble: tuple[int, ...]) -> Array:
    """A matrix with the target's norm, at an exact angle from it, turned towards a random one."""
    degrees = _checks.numbers("angle", angle, low=0.0, high=180.0)
    _checks.broadcast("angle", degrees.shape, ensemble)
    norm = np.linalg.norm(target, axis=(-2, -1), keepdims=True)
    if not norm.all():
        raise ValueError("angle needs weights that are not zero; got zero weights, which have no direction.")
    unit = target / norm
    across = random - (random * unit).sum(axis=(-2, -1), keepdims=True) * unit
    length = np.linalg.norm(across, axis=(-2, -1), keepdims=True)
    tilted = ((degrees % 180) != 0)[..., None, None]
    if (tilted & (length < 1e-12 * norm)).any():
        got = np.atleast_1d(degrees)[np.atleast_1d(degrees % 180 != 0)][0]
        raise ValueError(
            f"angle must be 0 or 180 where a 1x1 or zero random matrix gives no direction to turn to; got {got:g}."
        )
    turn = np.deg2rad(degrees)[..., None, None]
    with np.errstate(invalid="ignore"):
        sideways = np.where(tilted, np.sin(turn) * across / np.where(length > 0, length, 1), 0)
    return np.asarray(norm * (np.cos(turn) * unit + sideways))


def check_feedback(network: Network, rule: Rule, feedback: Any) -> Feedback:
    """Refuse feedback that is missing, does not fit, or is not finite."""
    check_network(network)
    if not rule.uses_feedback:
        return ()
    shapes = carrier_shapes(network, rule)
    if feedback is None:
        raise ValueError(f"feedback must be given for rule {rule.name!r}, drawn by init_feedback; got None.")
    if isinstance(feedback, np.ndarray) and feedback.ndim < 3:
        got = f"one array of shape {feedback.shape}"
        raise TypeError(f"feedback must be a sequence of matrices, one for each hidden layer; got {got}.")
    given = _checks.items("feedback", feedback, "matrices")
    given = [_checks.real_array(f"feedback[{i}]", B) for i, B in enumerate(given)]
    check_shapes("feedback", given, shapes, rule)
    arrays = []
    for i, B in enumerate(given):
        _checks.broadcast(f"feedback[{i}]'s leading axes", B.shape[:-2], network.ensemble)
        arrays.append(B.astype(network.dtype, copy=False))
    return tuple(arrays)


def carrier_shapes(network: Network, rule: Rule) -> list[tuple[int, ...]]:
    """Shapes ``(n_l, n_{l+1})`` of what carries the error into each hidden layer; ``(n_l, n_L)`` if direct."""
    widths = network.sizes
    return [
        (n, widths[-1] if rule.direct else above) for n, above in zip(widths[1:], widths[2:], strict=False)
    ]


def check_shapes(name: str, given: Any, shapes: list[tuple[int, ...]], rule: Rule) -> None:
    """Refuse anything but one matrix of the right shape for each hidden layer."""
    got = [np.shape(B)[-2:] for B in _checks.items(name, given, "matrices")]
    if got != shapes:
        raise ValueError(f"{name} must have shapes {shapes} for rule {rule.name!r}; got {got}.")


def check_carriers(network: Network, rule: Rule, feedback: Feedback) -> None:
    """Refuse a rule of your own whose carriers do not fit the network."""
    if RULES.get(rule.name) is rule:
        return
    shapes = carrier_shapes(network, rule)
    check_shapes("what carriers returns", rule.carriers(network, feedback), shapes, rule)


# -- The rules ----------------------------------------------------------------------------------


def _transposes(network: Network, feedback: Feedback) -> list[Array]:
    return [W.mT for W in network.weights[1:]]


def _fixed(network: Network, feedback: Feedback) -> Feedback:
    return feedback


def _signs_uniform(network: Network, feedback: Feedback) -> list[Array]:
    pairs = zip(network.weights[1:], feedback, strict=True)
    return [np.sign(W.mT.real) * np.sqrt((B * B).mean(axis=(-2, -1), keepdims=True)) for W, B in pairs]


def _signs(network: Network, feedback: Feedback) -> list[Array]:
    return [np.sign(W.mT.real) * abs(B) for W, B in zip(network.weights[1:], feedback, strict=True)]


def _nothing(network: Network, feedback: Feedback) -> list[Array]:
    return [np.zeros_like(W.mT) for W in network.weights[1:]]


def _kolen_pollack(step: Step) -> Feedback:
    """The feedback takes the step that its weight takes: ``Wᵀ - B`` then only decays."""
    pairs = zip(step.feedback, step.update.weights[1:], strict=True)
    return tuple(
        B if l in step.frozen else B - step.learning_rate * (u.mT + step.weight_decay * B)
        for l, (B, u) in enumerate(pairs, start=2)  # from layer l
    )


def _redraw(step: Step) -> Feedback:
    """New matrices of the same norm."""
    return tuple(_with_norm_of(B, step.normal(*B.shape[-2:]).astype(B.dtype)) for B in step.feedback)


def _with_norm_of(B: Array, new: Array) -> Array:
    old_norm = np.linalg.norm(B, axis=(-2, -1), keepdims=True)
    return np.asarray(new * (old_norm / np.linalg.norm(new, axis=(-2, -1), keepdims=True)))


def weight_mirror(*, rate: float = 0.05, samples: int = 32) -> Rule:
    """Rule that learns its feedback from noise: ``B`` moves towards the mean of ``ξ (W ξ)ᵀ``, which is ``Wᵀ``.

    Parameters
    ----------
    rate : float
        How far ``B`` moves each step, above 0 and at most 1.
    samples : int
        Noise vectors ``ξ`` in each step, sent through each layer's weights alone.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError, TypeError
        For a rate or a number of samples out of range.

    References
    ----------
    Akrout et al., Deep learning without weight transport, NeurIPS 2019.

    Examples
    --------
    >>> weight_mirror(rate=0.1)
    Rule('weight_mirror')
    """
    rate = _checks.number("rate", rate, low=0.0, high=1.0, open_low=True)
    samples = _checks.integer("samples", samples, low=1)

    def adapt(step: Step) -> Feedback:
        mirrored = []
        for W, B in zip(step.network.weights[1:], step.feedback, strict=True):
            noise = step.normal(samples, W.shape[-1]).astype(W.dtype)  # (..., samples, n_l)
            estimate = noise.mT @ (noise @ W.mT) / samples  # (..., n_l, n_{l+1})
            mirrored.append(B + rate * (estimate - B))
        return tuple(mirrored)

    return Rule(name="weight_mirror", carriers=_fixed, adapt=adapt)


RULES = {
    "bp": Rule(name="bp", carriers=_transposes, uses_feedback=False),
    "fa": Rule(name="fa", carriers=_fixed),
    "dfa": Rule(name="dfa", carriers=_fixed, direct=True),
    "sign_symmetry": Rule(name="sign_symmetry", carriers=_signs_uniform),
    "sign_symmetry_magnitudes": Rule(name="sign_symmetry_magnitudes", carriers=_signs),
    "kolen_pollack": Rule(name="kolen_pollack", carriers=_fixed, adapt=_kolen_pollack),
    "weight_mirror": weight_mirror(),
    "redrawn": Rule(name="redrawn", carriers=_fixed, adapt=_redraw),
    "output_only": Rule(name="output_only", carriers=_nothing, uses_feedback=False),
}


def as_rule(rule: str | Rule) -> Rule:
    """A rule by its name, or the rule itself.

    Examples
    --------
    >>> as_rule("fa")
    Rule('fa')
    """
    if isinstance(rule, Rule):
        return rule
    _checks.one_of("rule", rule, RULES)
    return RULES[rule]
