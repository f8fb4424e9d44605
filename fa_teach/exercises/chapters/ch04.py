"""Chapter 4, the smallest network: field, fixed points, Jacobian of the rule, stability, and where a start ends."""

import numpy as np

from fa_teach import chain
from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. The field -------------------------------------------------------------------------------


def chain_field(w_1, w_2, b, t):
    e = t - w_1 * w_2
    return b * e, w_1 * e


def _states(rng, *shape, b=0.7, t=1.3):
    w_1, w_2 = rng.normal(size=(2, *shape))
    w_1, w_2 = (w_1, w_2) if shape else (float(w_1), float(w_2))
    return w_1, w_2, b * rng.uniform(0.8, 1.2), t * rng.uniform(0.8, 1.2)


def _both_through_b(w_1, w_2, b, t):
    e = t - w_1 * w_2
    return b * e, b * e


def _exchanged(w_1, w_2, b, t):
    e = t - w_1 * w_2
    return w_1 * e, b * e


CHAIN_FIELD = Exercise(
    answer=chain_field,
    title="The field",
    parts=(
        Part("one state", 1, lambda rng: [_states(rng), _states(rng, t=-2.0)]),
        Part("many states at once", 2, lambda rng: [_states(rng, 6), _states(rng, 3, 4, b=2.0)]),
        Part("feedback of the other sign", 1, lambda rng: [_states(rng, 5, b=-1.6)]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation",
            lambda w_1, w_2, b, t: (w_2 * (t - w_1 * w_2), w_1 * (t - w_1 * w_2)),
            "This is the flow of backpropagation: the hidden weight hears the error through `w_2`. Under FA it hears it through `b`.",
        ),
        Misconception(
            "uphill",
            lambda w_1, w_2, b, t: tuple(-v for v in chain_field(w_1, w_2, b, t)),
            "These are the updates `u`, or the residual is output minus target. The weights move along *minus* `u`, and `e` is what is missing.",
        ),
        Misconception(
            "feedback for both",
            _both_through_b,
            "Both weights move by `b`. The output weight's update is its exact gradient: no feedback lies on its way.",
        ),
        Misconception(
            "exchanged",
            _exchanged,
            "The two velocities are exchanged: `b` carries the error to the *first* weight.",
        ),
        Misconception(
            "sign of the feedback",
            lambda w_1, w_2, b, t: (np.sign(b) * (t - w_1 * w_2), w_1 * (t - w_1 * w_2)),
            "Only the sign of `b` is used. Its size counts as well: it is a factor.",
        ),
        Misconception(
            "feedback beside the weight",
            lambda w_1, w_2, b, t: (b * w_2 * (t - w_1 * w_2), w_1 * (t - w_1 * w_2)),
            "`b` stands in the *place* of `w_2`, not beside it.",
        ),
        Misconception(
            "first weight uphill",
            lambda w_1, w_2, b, t: (-b * (t - w_1 * w_2), w_1 * (t - w_1 * w_2)),
            "The first velocity has the wrong sign. `e` is what is *missing*, and both weights follow it in the same way, without a minus.",
        ),
        Misconception(
            "output only",
            lambda w_1, w_2, b, t: (0 * w_1, w_1 * (t - w_1 * w_2)),
            "The first weight does not move. That is the case `b = 0` alone.",
        ),
        Misconception(
            "target 1",
            lambda w_1, w_2, b, t: chain_field(w_1, w_2, b, 1.0),
            "The target slope is taken for 1. The residual is `t` minus the product of the weights.",
        ),
    ),
    hints=(
        "First the residual: what is missing of the slope `t`. The network's slope is the product of its weights.",
        "Each weight moves by the residual times what lies between it and the error: for `w_2` the activity behind it, `w_1`.",
        "`e = t - w_1 * w_2`; the velocities are `b * e` and `w_1 * e`.",
    ),
    explanation=(
        "`w_2` occurs in the residual only: on the way back the network does not use it. Both velocities have the factor `e`, and for "
        "that reason there is an invariant."
    ),
)


# -- 2. Fixed points on a rail ------------------------------------------------------------------


def rail_fixed_points(w_1, w_2, b, t):
    C = w_1**2 - 2 * b * w_2
    roots = np.roots([1, 0, -C, -2 * b * t])
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    return np.stack([real, t / real], axis=1)


def _rail(rng, bends, *, sign=1.0):
    """A state on the rail ``C = bends · 3(bt)^(2/3)``: with more than 1, three fixed points lie on it."""
    b, alpha = sign * rng.uniform(0.5, 2), sign * rng.uniform(0.7, 1.4)
    t, C = alpha**3 / b, bends * 3 * alpha**2
    w_1 = float(rng.uniform(-2, 2))
    return w_1, (w_1**2 - C) / (2 * b), b, t


def _points(w_1, t):
    w_1 = np.sort(w_1)
    return np.stack([w_1, t / w_1], axis=1)


def _cubic(C, product):
    return np.roots([1, 0, -C, -product])


def _real(roots):
    return roots[np.abs(roots.imag) < 1e-9].real


def _rail_of_bp(w_1, w_2, b, t):
    K = w_1**2 - w_2**2
    r = np.sqrt((K + np.sqrt(K**2 + 4 * t**2)) / 2)
    return _points(np.array([-r, r]), t)


def _rail_with_origin(w_1, w_2, b, t):
    points = np.vstack([rail_fixed_points(w_1, w_2, b, t), [0, 0]])
    return points[np.argsort(points[:, 0])]


def _unsorted(w_1, w_2, b, t):
    roots = _real(_cubic(w_1**2 - 2 * b * w_2, 2 * b * t))
    return np.stack([roots, t / roots], axis=1)


def _stable_of(points, b):
    return points[points[:, 0] ** 2 + b * points[:, 1] > 0]


RAIL_FIXED_POINTS = Exercise(
    answer=rail_fixed_points,
    title="Fixed points on a rail",
    parts=(
        Part("a rail with one", 2, lambda rng: [_rail(rng, 0.4), _rail(rng, -1.5)]),
        Part("a rail with three", 2, lambda rng: [_rail(rng, 1.7), _rail(rng, 2.5)]),
        Part(
            "feedback of the other sign", 1, lambda rng: [_rail(rng, 2.0, sign=-1), _rail(rng, 0.3, sign=-1)]
        ),
    ),
    misconceptions=(
        Misconception(
            "backpropagation's rail",
            _rail_of_bp,
            "This is where backpropagation's curve meets the hyperbola: it conserves `w_1**2 - w_2**2`. FA conserves something else.",
        ),
        Misconception(
            "factor of two",
            lambda w_1, w_2, b, t: _points(_real(_cubic(w_1**2 - b * w_2, 2 * b * t)), t),
            "Is `w_1**2 - b * w_2` conserved? Its derivative is `2 * w_1 * b * e - b * w_1 * e`, which is not zero.",
        ),
        Misconception(
            "sign of the invariant",
            lambda w_1, w_2, b, t: _points(_real(_cubic(w_1**2 + 2 * b * w_2, 2 * b * t)), t),
            "With a plus, both terms of the derivative have the same sign, and nothing cancels.",
        ),
        Misconception(
            "real parts of complex roots",
            lambda w_1, w_2, b, t: _points(_cubic(w_1**2 - 2 * b * w_2, 2 * b * t).real, t),
            "The cubic has three roots, but not always three *real* ones. A complex root is no place in the plane; its real part is not one either.",
        ),
        Misconception(
            "roots as they come",
            lambda w_1, w_2, b, t: _points(_cubic(w_1**2 - 2 * b * w_2, 2 * b * t), t),
            "`np.roots` gives all three roots of the cubic, and where only one is real the other two are complex: no places in the plane.",
        ),
        Misconception(
            "not sorted",
            _unsorted,
            "These are the right points, but `np.roots` gives them in an order of its own. Sort them by `w_1`.",
        ),
        Misconception(
            "stable ones only",
            lambda w_1, w_2, b, t: _stable_of(rail_fixed_points(w_1, w_2, b, t), b),
            "Only the stable ones are left. A fixed point is where nothing moves, whether it holds or not; stability comes later.",
        ),
        Misconception(
            "one branch",
            lambda w_1, w_2, b, t: rail_fixed_points(w_1, w_2, b, t)[-1:],
            "Only the outermost on the right is given. A rail can meet the hyperbola on both branches.",
        ),
        Misconception(
            "the origin, too",
            _rail_with_origin,
            "At the origin FA does not rest: the first weight moves by `b * t`. It is backpropagation that stands still there.",
        ),
        Misconception(
            "feedback left out",
            lambda w_1, w_2, b, t: _points(_real(_cubic(w_1**2 - 2 * b * w_2, 2 * t)), t),
            "The rail depends on `b`, and so does the point where it meets the hyperbola: there is a `b` missing in the cubic.",
        ),
        Misconception(
            "start's second weight",
            lambda w_1, w_2, b, t: [(r, w_2) for r, _ in rail_fixed_points(w_1, w_2, b, t)],
            "Both weights move along the rail. At a fixed point `w_2` is `t` divided by `w_1`, not what it was.",
        ),
    ),
    hints=(
        "Find a number made of `w_1` and `w_2` whose derivative along the flow is zero: the squares' and the product's rule, and `b * e`, `w_1 * e`.",
        "`C = w_1**2 - 2 * b * w_2`. On the hyperbola `w_2` is `t / w_1`: put that in, multiply by `w_1`, and a cubic is left.",
        "`np.roots([1, 0, -C, -2 * b * t])` gives all three roots. Keep the real ones, sort them, and put `t / w_1` beside them.",
    ),
    explanation=(
        "A trajectory cannot leave its parabola, so that these are the only places where it can end. One or three: the three come about "
        "in pairs, where a rail touches the hyperbola."
    ),
)


# -- 3. The Jacobian of the rule ----------------------------------------------------------------


def rule_jacobian(w_1, w_2, b, t):
    e = t - w_1 * w_2
    return np.array([[-b * w_2, -b * w_1], [e - w_1 * w_2, -(w_1**2)]])


def _at_fixed_point(rng, *, sign=1.0):
    w_1 = float(rng.choice([-1, 1]) * rng.uniform(0.5, 2))
    t = rng.uniform(0.5, 2)
    return w_1, t / w_1, sign * rng.uniform(0.5, 2), t


def _off(rng):
    w_1, w_2 = rng.choice([-1, 1], size=2) * rng.uniform(0.5, 2, size=2)
    b = rng.uniform(0.5, 2)
    return float(w_1), float(w_2), b, w_1 * w_2 + rng.uniform(0.5, 2)


def _hessian(w_1, w_2, t):
    mixed = 2 * w_1 * w_2 - t
    return np.array([[w_2**2, mixed], [mixed, w_1**2]])


def _without_residual(w_1, w_2, b, t):
    return -np.outer([b, w_1], [w_2, w_1])


def _symmetric(w_1, w_2, b, t):
    J = rule_jacobian(w_1, w_2, b, t)
    return (J + J.T) / 2


RULE_JACOBIAN = Exercise(
    answer=rule_jacobian,
    title="The Jacobian of the rule",
    parts=(
        Part("at fixed points", 2, lambda rng: [_at_fixed_point(rng), _at_fixed_point(rng)]),
        Part("elsewhere", 1, lambda rng: [_off(rng), _off(rng)]),
        Part("feedback of the other sign", 1, lambda rng: [_at_fixed_point(rng, sign=-1)]),
    ),
    misconceptions=(
        Misconception(
            "Hessian",
            lambda w_1, w_2, b, t: _hessian(w_1, w_2, t),
            "This is the Hessian of the *loss*. FA does not slide down the loss: differentiate its velocity, in which `b` occurs.",
        ),
        Misconception(
            "backpropagation's Jacobian",
            lambda w_1, w_2, b, t: -_hessian(w_1, w_2, t),
            "This is minus the Hessian of the loss, the Jacobian of backpropagation's flow. It knows no `b`, so it cannot tell what FA does.",
        ),
        Misconception(
            "of the update",
            lambda w_1, w_2, b, t: -rule_jacobian(w_1, w_2, b, t),
            "This is the Jacobian of `u`. The weights move along minus `u`; with this sign every verdict is turned round.",
        ),
        Misconception(
            "transposed",
            lambda w_1, w_2, b, t: rule_jacobian(w_1, w_2, b, t).T,
            "Rows and columns are exchanged: row `i` holds the derivatives of the velocity of weight `i`. It matters, as FA's Jacobian is not symmetric.",
        ),
        Misconception(
            "as at a fixed point",
            _without_residual,
            "Right where the residual is zero. Elsewhere the product rule has a second term: `w_1 * e` contains `w_1` twice.",
        ),
        Misconception(
            "residual held fixed",
            lambda w_1, w_2, b, t: np.array([[0.0, 0.0], [t - w_1 * w_2, 0.0]]),
            "The residual has been treated as a constant. It depends on both weights, and at a fixed point that is all there is.",
        ),
        Misconception(
            "feedback varies",
            lambda w_1, w_2, b, t: rule_jacobian(w_1, w_2, b, t) + np.array([[0, t - w_1 * w_2], [0, 0]]),
            "`b` has been differentiated as if it were `w_2`. It is fixed: no weight changes it.",
        ),
        Misconception(
            "symmetric part",
            _symmetric,
            "This is symmetric. Only a rule that slides down a function has a symmetric Jacobian; FA in the plane does not.",
        ),
        Misconception(
            "diagonal",
            lambda w_1, w_2, b, t: np.diag(np.diag(rule_jacobian(w_1, w_2, b, t))),
            "Each velocity depends on *both* weights, so that there are entries beside the diagonal.",
        ),
    ),
    hints=(
        "Begin with your velocities `b * e` and `w_1 * e`. Which derivatives has `e`?",
        "`e` has the derivatives `-w_2` by `w_1` and `-w_1` by `w_2`. In `w_1 * e`, the product rule gives one term more.",
        "First row: `-b * w_2`, `-b * w_1`. Second row: `e - w_1 * w_2`, `-w_1**2`.",
    ),
    explanation=(
        "Not the curvature of the loss but the derivative of what the rule *does*. At a fixed point it is minus a column, from the rule, times a "
        "row, from the network: minus its trace, `w_1**2 + b * w_2`, is the criterion."
    ),
)


# -- 4. The verdict, for the flow and for steps -------------------------------------------------


def holds_kick(w_1, b, t, rate):
    c = w_1**2 + b * t / w_1
    return c > 0, 0 < rate * c < 2


def _solution(rng, r, times_limit, *, sign=1.0):
    """A perfect solution at ``r`` in units of ``(bt)^(1/3)``; the step in units of the critical one, ``2/|c|``."""
    alpha, q = sign * rng.uniform(0.7, 1.4), rng.uniform(0.1, 0.3)
    b, t, w_1 = alpha / np.sqrt(q), np.sqrt(q) * alpha**2, r * alpha
    return w_1, b, t, times_limit * 2 / abs(w_1**2 + b * t / w_1)


def _curvature(w_1, b, t, rate):
    h = w_1**2 + (t / w_1) ** 2
    return h > 0, 0 < rate * h < 2


def _hidden_layer(w_1, b, t, rate):
    c, hidden = w_1**2 + b * t / w_1, b * t / w_1
    return hidden > 0, hidden > 0 and 0 < rate * c < 2


HOLDS_KICK = Exercise(
    answer=holds_kick,
    title="Flow and steps",
    parts=(
        Part(
            "stable, and steps short enough",
            1,
            lambda rng: [_solution(rng, 1.1, 0.3), _solution(rng, rng.uniform(1, 1.3), 0.8)],
        ),
        Part(
            "stable, and steps too long",
            2,
            lambda rng: [_solution(rng, 1.2, 1.2), _solution(rng, 1.0, 2.0)],
        ),
        Part(
            "the unstable stretch",
            2,
            lambda rng: [_solution(rng, -rng.uniform(0.3, 0.8), 0.2), _solution(rng, -0.6, 1.5)],
        ),
        Part(
            "the negative branch, further out",
            1,
            lambda rng: [_solution(rng, -rng.uniform(1.5, 2.5), 0.3)],
        ),
        Part(
            "feedback of the other sign",
            1,
            lambda rng: [_solution(rng, 1.2, 0.4, sign=-1), _solution(rng, -0.5, 0.4, sign=-1)],
        ),
    ),
    misconceptions=(
        Misconception(
            "flow's test for steps",
            lambda w_1, b, t, rate: (w_1**2 + b * t / w_1 > 0, w_1**2 + b * t / w_1 > 0),
            "The flow's test is used for steps as well. A step multiplies the residual by `1 - rate * c`: even a stable point is overshot if it is too long.",
        ),
        Misconception(
            "steps' test for the flow",
            lambda w_1, b, t, rate: (0 < rate * (w_1**2 + b * t / w_1) < 2,) * 2,
            "The flow has no step size: its verdict cannot depend on `rate`.",
        ),
        Misconception(
            "short steps hold everything",
            lambda w_1, b, t, rate: (w_1**2 + b * t / w_1 > 0, rate * (w_1**2 + b * t / w_1) < 2),
            "Where the criterion is negative, `1 - rate * c` is larger than 1 for every step size. No short step makes an unstable point stable.",
        ),
        Misconception(
            "absolute value",
            lambda w_1, b, t, rate: (w_1**2 + b * t / w_1 > 0, abs(rate * (w_1**2 + b * t / w_1)) < 2),
            "The sign of the criterion has been lost: a kick that grows by a small factor at each step grows nevertheless.",
        ),
        Misconception(
            "no overshooting allowed",
            lambda w_1, b, t, rate: (w_1**2 + b * t / w_1 > 0, 0 < rate * (w_1**2 + b * t / w_1) < 1),
            "Up to 1 the residual keeps its sign. From 1 to 2 it changes sign at each step, and still shrinks.",
        ),
        Misconception(
            "curvature of the loss",
            _curvature,
            "This is the curvature of the *loss*, which decides for backpropagation. What FA does near the point is in the Jacobian of its own field.",
        ),
        Misconception(
            "rest taken for stability",
            lambda w_1, b, t, rate: (True, True),
            "All these points are at rest. A pencil on its tip is at rest as well: the question is what becomes of a kick.",
        ),
        Misconception(
            "hidden layer alone",
            _hidden_layer,
            "The hidden layer's share `b * w_2` may be negative: the output layer's, `w_1**2`, can outweigh it. Their sum decides.",
        ),
        Misconception(
            "sign of the eigenvalue",
            lambda w_1, b, t, rate: (w_1**2 + b * t / w_1 < 0, -2 < rate * (w_1**2 + b * t / w_1) < 0),
            "The eigenvalue is *minus* the criterion. A kick shrinks where the eigenvalue is negative, so where the criterion is positive.",
        ),
    ),
    hints=(
        "The Jacobian at a perfect solution has the eigenvalues 0 and `-c`. What is `c` there, with `w_2` from the hyperbola?",
        "Under the flow a small residual changes as `exp(-c * time)`; by a step it is multiplied by `1 - rate * c`.",
        "The first answer is `c > 0`. The second is whether `1 - rate * c` lies between -1 and 1, which is `0 < rate * c < 2`.",
    ),
    explanation=(
        "Two motions, two tests: the flow asks for the sign of the eigenvalue, steps ask whether 1 plus the step size times the eigenvalue lies "
        "between -1 and 1. Where steps hold, the flow does as well, but not the other way round."
    ),
)


# -- 5. Where it ends ---------------------------------------------------------------------------


def end_of_flow(w_1, w_2, b, t):
    C = w_1**2 - 2 * b * w_2
    roots = np.roots([1, 0, -C, -2 * b * t])
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    end = real[0] if len(real) == 1 or w_1 < real[1] else real[2]
    return end, t / end


def _start(rng, where, *, sign=1.0):
    """A start on a rail with three fixed points; ``where`` takes them to its first weight."""
    b, alpha = sign * rng.uniform(0.5, 2), sign * rng.uniform(0.7, 1.4)
    C = rng.uniform(1.5, 2.5) * 3 * alpha**2
    w_1 = float(where(*np.sort(_real(_cubic(C, 2 * alpha**3)))))
    return w_1, (w_1**2 - C) / (2 * b), b, alpha**3 / b


def _choose(w_1, w_2, b, t, chosen):
    ends = rail_fixed_points(w_1, w_2, b, t)
    return tuple(ends[chosen(ends)])


def _end_of_bp(w_1, w_2, b, t):
    return tuple(chain.path([w_1, w_2], t=t, rule="bp").w[-1])


def _simulated(w_1, w_2, b, t, rate=0.01, steps=2000):
    for _ in range(steps):
        e = t - w_1 * w_2
        w_1, w_2 = w_1 + rate * b * e, w_2 + rate * w_1 * e
    return w_1, w_2


END_OF_FLOW = Exercise(
    answer=end_of_flow,
    title="Where it ends",
    parts=(
        Part("a rail with one fixed point", 1, lambda rng: [_rail(rng, 0.4), _rail(rng, -1.0)]),
        Part(
            "outside of the fixed points",
            1,
            lambda rng: [
                _start(rng, lambda low, middle, high: low - rng.uniform(0.5, 1)),
                _start(rng, lambda low, middle, high: high + rng.uniform(0.5, 1)),
            ],
        ),
        Part(
            "between the outer two",
            2,
            lambda rng: [
                _start(rng, lambda low, middle, high: middle - rng.uniform(0.02, 0.1)),
                _start(rng, lambda low, middle, high: middle + rng.uniform(0.02, 0.1)),
                _start(rng, lambda low, middle, high: -middle / 4),
            ],
        ),
        Part(
            "feedback of the other sign",
            1,
            lambda rng: [
                _start(rng, lambda low, middle, high: middle - 0.05, sign=-1),
                _start(rng, lambda low, middle, high: middle + 0.05, sign=-1),
            ],
        ),
    ),
    misconceptions=(
        Misconception(
            "nearest",
            lambda w_1, w_2, b, t: _choose(w_1, w_2, b, t, lambda ends: np.abs(ends[:, 0] - w_1).argmin()),
            "This is the nearest fixed point on the rail. If it is the one in the middle, the flow runs *away* from it.",
        ),
        Misconception(
            "nearest stable",
            lambda w_1, w_2, b, t: _choose(
                w_1,
                w_2,
                b,
                t,
                lambda ends: np.where(
                    ends[:, 0] ** 2 + b * ends[:, 1] > 0, np.abs(ends[:, 0] - w_1), np.inf
                ).argmin(),
            ),
            "This is the nearest *stable* point. The border between the two basins is not half way: it is the unstable point.",
        ),
        Misconception(
            "right end",
            lambda w_1, w_2, b, t: _choose(w_1, w_2, b, t, lambda ends: -1),
            "The outermost point on the right is taken always. A start left of the watershed goes the other way.",
        ),
        Misconception(
            "same branch",
            lambda w_1, w_2, b, t: _choose(w_1, w_2, b, t, lambda ends: 0 if w_1 < 0 else -1),
            "The branch was chosen by the sign of `w_1` at the start. The axis is no border: the flow crosses it. The border is the unstable point.",
        ),
        Misconception(
            "backpropagation",
            _end_of_bp,
            "This is where backpropagation ends: it runs along other curves, on which `w_1**2 - w_2**2` is conserved.",
        ),
        Misconception(
            "second weight held fixed",
            lambda w_1, w_2, b, t: (t / w_2, w_2),
            "Here the start moves straight sideways to the hyperbola. Both weights move, along the rail.",
        ),
        Misconception(
            "wrong way",
            lambda w_1, w_2, b, t: _choose(
                w_1, w_2, b, t, lambda ends: -1 if len(ends) == 3 and w_1 < ends[1, 0] else 0
            ),
            "The two basins are exchanged: a start left of the unstable point runs to the left.",
        ),
        Misconception(
            "simulation",
            _simulated,
            "Close, but this looks like a simulation: steps of a finite size leave the rail a little, and end beside the true point. Use the fixed points of part 2.",
            rtol=0.03,
        ),
    ),
    hints=(
        "The start has to stay on its rail: it can end only at a fixed point of `rail_fixed_points`. If there is one, that is it.",
        "With three, between two of them the velocity keeps its sign. From the one in the middle the flow runs away, on both sides.",
        "Compare `w_1` with the middle root: below it the end is the lowest root, above it the highest. Then `w_2` is `t` divided by it.",
    ),
    explanation=(
        "No step and no solver: the invariant leaves one line to move on, and on a line one can only run until the next fixed point. The "
        "unstable one is not an end but a border, the watershed of two basins."
    ),
)

EXERCISES = (CHAIN_FIELD, RAIL_FIXED_POINTS, RULE_JACOBIAN, HOLDS_KICK, END_OF_FLOW)
