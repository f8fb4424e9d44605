"""Chapter 6, leaving backpropagation's solution: will FA leave, at which angle, when, by push or by growth, and to where."""

import numpy as np

import fa_teach as fa
from fa_teach import dynamics
from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. Will it leave? --------------------------------------------------------------------------


def fastest_growth(network, x, feedback):
    true = dynamics.output_jacobian(network, x)
    rule = dynamics.output_jacobian(network, x, "fa", feedback)
    K = true @ rule.T / len(x)
    return -np.linalg.eigvals(K).real.min()


def _point(rng, sizes, n, angle, *, leaves):
    """A network, and feedback at an angle, under which it clearly leaves or clearly holds."""
    while True:
        network = fa.init_network(sizes, seed=int(rng.integers(10**6)), scale=1.5)
        feedback = fa.init_feedback(network, angle=angle)
        x = rng.normal(size=(n, sizes[0]))
        growth = fastest_growth(network, x, feedback)
        if (growth > 0.1) if leaves else (growth < -0.02):
            return network, x, feedback


def _kernel(network, x, feedback, *, rule="fa", frozen=()):
    return dynamics.residual_kernel(network, x, rule, feedback, frozen=frozen)


def _growth(K):
    return -np.linalg.eigvals(K).real.min()


FASTEST_GROWTH = Exercise(
    answer=fastest_growth,
    title="Will it leave?",
    parts=(
        Part(
            "points that FA leaves",
            2,
            lambda rng: [
                _point(rng, [3, 5, 2], 4, 120.0, leaves=True),
                _point(rng, [2, 4, 3, 2], 3, 120.0, leaves=True),
            ],
        ),
        Part("a point that holds", 2, lambda rng: [_point(rng, [3, 12, 2], 3, 40.0, leaves=False)]),
        Part("a single sample", 1, lambda rng: [_point(rng, [3, 4, 3], 1, 130.0, leaves=True)]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation",
            lambda network, x, feedback: _growth(_kernel(network, x, (), rule="bp")),
            "Both factors of the kernel are the true Jacobian here: that is backpropagation, for which nothing grows. What the *rule* makes of an error is the other factor.",
        ),
        Misconception(
            "both factors from the rule",
            lambda network, x, feedback: _growth(
                (J := dynamics.output_jacobian(network, x, "fa", feedback)) @ J.T / len(x)
            ),
            "Both factors are what FA believes. How the outputs really answer to a change of the weights is the true Jacobian.",
        ),
        Misconception(
            "sign",
            lambda network, x, feedback: np.linalg.eigvals(_kernel(network, x, feedback)).real.max(),
            "The residual obeys `-K`: it is the eigenvalues of *minus* the kernel that grow.",
        ),
        Misconception(
            "alignment for stability",
            lambda network, x, feedback: (
                -np.linalg.eigvalsh((K := _kernel(network, x, feedback)) + K.T).min() / 2
            ),
            "This is the symmetric part, which `eigvalsh` needs. It says from which error FA goes uphill at first; what grows for good is in the spectrum of the kernel itself.",
        ),
        Misconception(
            "sum over samples",
            lambda network, x, feedback: fastest_growth(network, x, feedback) * len(x),
            "The update is a *mean* over the samples: divide by their number.",
        ),
        Misconception(
            "neutral directions",
            lambda network, x, feedback: max(fastest_growth(network, x, feedback), 0.0),
            "The Jacobian by all weights has zeros besides, along the solutions: they are no answer to how errors change, and here they hide that all of them shrink.",
        ),
        Misconception(
            "slowest",
            lambda network, x, feedback: -np.linalg.eigvals(_kernel(network, x, feedback)).real.max(),
            "This is the error that shrinks fastest. FA leaves as soon as *one* grows.",
        ),
        Misconception(
            "hidden layers alone",
            lambda network, x, feedback: _growth(
                _kernel(network, x, feedback, frozen=[len(network.weights)])
            ),
            "The output layer has been left out. Its share of the kernel never harms, and it may hold what the hidden layers let go.",
        ),
    ),
    hints=(
        "Near a perfect solution the residual obeys `-K`, with `K` the product of two Jacobians over the number of samples. Which two?",
        "`dynamics.output_jacobian(network, x)` is the true one, and with the rule's name and the feedback it is what the rule believes.",
        "`K = true @ rule.T / len(x)`; the fastest growth is minus the smallest real part among `np.linalg.eigvals(K)`.",
    ),
    explanation=(
        "At a point without error these are all eigenvalues of FA's Jacobian that are not zero. Positive: FA leaves, from the smallest kick. "
        "No target occurs: any network is a perfect solution of the task of its own outputs."
    ),
    rtol=1e-5,
)


# -- 2. Feedback at an angle --------------------------------------------------------------------


def feedback_at_angle(W, R, degrees):
    along = W.T / np.linalg.norm(W)
    across = R - (R * along).sum() * along
    across = across / np.linalg.norm(across)
    turn = np.deg2rad(degrees)
    return np.linalg.norm(W) * (np.cos(turn) * along + np.sin(turn) * across)


def _matrices(rng, n_1, n_2, degrees):
    return 2 * rng.normal(size=(n_2, n_1)), rng.normal(size=(n_1, n_2)), float(degrees)


def _unit(X):
    return X / np.linalg.norm(X)


def _mixed(W, R, degrees, *, first, second):
    turn = np.deg2rad(degrees)
    return np.linalg.norm(W) * (np.cos(turn) * first + np.sin(turn) * second)


def _straight(W, R, degrees):
    share = degrees / 180
    return (1 - 2 * share) * W.T + (1 - abs(1 - 2 * share)) * np.linalg.norm(W) * _unit(R)


def _by_column(W, R, degrees):
    pairs = zip(W, R.T, strict=True)
    return np.stack([feedback_at_angle(w[None], r[:, None], degrees)[:, 0] for w, r in pairs], axis=1)


def _across(W, R):
    return R - (R * _unit(W.T)).sum() * _unit(W.T)


def _not_transposed(W, R, degrees):
    along = W / np.linalg.norm(W)
    across = R - (R * along).sum() * along
    return _mixed(W, R, degrees, first=along, second=_unit(across))


FEEDBACK_AT_ANGLE = Exercise(
    answer=feedback_at_angle,
    title="Feedback at an angle",
    parts=(
        Part(
            "between the ends",
            3,
            lambda rng: [
                _matrices(rng, 5, 3, rng.uniform(20, 70)),
                _matrices(rng, 2, 4, rng.uniform(100, 160)),
            ],
        ),
        Part("as many hidden units as outputs", 1, lambda rng: [_matrices(rng, 3, 3, rng.uniform(20, 70))]),
        Part("the ends", 1, lambda rng: [_matrices(rng, 4, 2, 0), _matrices(rng, 4, 2, 180)]),
    ),
    misconceptions=(
        Misconception(
            "not made perpendicular",
            lambda W, R, degrees: _mixed(W, R, degrees, first=_unit(W.T), second=_unit(R)),
            "Cosine and sine belong to two *perpendicular* directions. `R` has a part along `W.T`, which must be taken out first.",
        ),
        Misconception(
            "radians",
            lambda W, R, degrees: feedback_at_angle(W, R, np.rad2deg(degrees)),
            "The angle is in degrees; `np.cos` takes radians.",
        ),
        Misconception(
            "length 1",
            lambda W, R, degrees: _unit(feedback_at_angle(W, R, degrees)),
            "The angle is right, the length is 1. Feedback of another length is a faster or slower rule: give it the length of `W`.",
        ),
        Misconception(
            "not normalised",
            lambda W, R, degrees: _mixed(W, R, degrees, first=_unit(W.T), second=_across(W, R)),
            "The perpendicular part has kept its own length, so that sine and cosine are not measured with the same rod.",
        ),
        Misconception(
            "exchanged",
            lambda W, R, degrees: feedback_at_angle(W, R, 90 - degrees),
            "Sine and cosine are exchanged. At 0° the feedback is `W.T` itself.",
        ),
        Misconception(
            "straight line",
            _straight,
            "Right at the ends and not between: mixing in proportion to the angle does not turn at an even pace.",
        ),
        Misconception(
            "column by column",
            _by_column,
            "Each column is turned by itself. The whole is at the right angle, too, but asked for is the turn in the *one* plane of `W.T` and `R`, as long vectors.",
        ),
        Misconception(
            "from W, not its transpose",
            _not_transposed,
            "The feedback stands in the place of `W.T`, with the shape of that. Where `W` is square, nothing but the result tells you.",
        ),
    ),
    hints=(
        "Take `W.T` and `R` as long vectors. You need two directions of length 1, one along `W.T`, one perpendicular to it in the plane with `R`.",
        "Perpendicular: subtract from `R` its part along the first direction, `(R * along).sum() * along`, and divide by the length.",
        "Then `cos` of the angle times the first plus `sin` times the second, times the length of `W`.",
    ),
    explanation=(
        "At 0° FA is backpropagation, as long as the weights do not move; at 180° its hidden layer goes exactly uphill. The length stays the "
        "same, so that what one sees is the effect of the direction alone."
    ),
)


# -- 3. When? -----------------------------------------------------------------------------------


def steps_to_leave(eigenvalue, rate, kick, far):
    factor = np.abs(1 + rate * eigenvalue)
    return np.log(far / kick) / np.log(factor) if factor > 1 else np.inf


def _departure(rng, real, turn=0.0):
    """An eigenvalue given by step size times its real and imaginary part."""
    rate = rng.uniform(0.02, 0.2)
    return complex(real, turn) / rate, rate, 10.0 ** -rng.uniform(3, 5), rng.uniform(0.1, 1)


def _by_the_flow(eigenvalue, kick, far):
    return np.log(far / kick) / eigenvalue.real if eigenvalue.real > 0 else np.inf


def _forever(eigenvalue, rate, steps):
    return steps if np.abs(1 + rate * eigenvalue) > 1 else np.inf


STEPS_TO_LEAVE = Exercise(
    answer=steps_to_leave,
    title="When?",
    parts=(
        Part(
            "a real eigenvalue",
            2,
            lambda rng: [_departure(rng, rng.uniform(0.1, 0.3)), _departure(rng, rng.uniform(0.3, 0.6))],
        ),
        Part(
            "a pair that turns",
            1,
            lambda rng: [_departure(rng, rng.uniform(0.1, 0.3), rng.uniform(0.4, 0.8))],
        ),
        Part("a step too long", 1, lambda rng: [_departure(rng, -rng.uniform(2.2, 3))]),
        Part("a kick that is forgotten", 1, lambda rng: [_departure(rng, -rng.uniform(0.2, 1.5), 0.1)]),
    ),
    misconceptions=(
        Misconception(
            "time of the flow, in steps",
            lambda eigenvalue, rate, kick, far: _by_the_flow(eigenvalue, kick, far) / rate,
            "This is the flow's time, divided by the step size. A step multiplies by `1 + rate * eigenvalue`, not by an exponential: growth is slower, and a long step may overshoot.",
        ),
        Misconception(
            "time of the flow",
            lambda eigenvalue, rate, kick, far: _by_the_flow(eigenvalue, kick, far),
            "This is a *time* of the flow. Asked for is a number of steps of the size given.",
        ),
        Misconception(
            "real part only",
            lambda eigenvalue, rate, kick, far: steps_to_leave(eigenvalue.real, rate, kick, far),
            "The imaginary part is left out. A kick that turns moves sideways as well at each step, and the sideways part adds to its length.",
        ),
        Misconception(
            "flow's test",
            lambda eigenvalue, rate, kick, far: (
                steps_to_leave(eigenvalue, rate, kick, far) if eigenvalue.real > 0 else np.inf
            ),
            "Whether it leaves was decided by the sign of the real part, which is the flow's test. Steps leave also where they overshoot.",
        ),
        Misconception(
            "negative steps",
            lambda eigenvalue, rate, kick, far: np.log(far / kick) / np.log(np.abs(1 + rate * eigenvalue)),
            "A negative number of steps: the kick was that large in the past. If it shrinks, the network never leaves: `np.inf`.",
        ),
        Misconception(
            "upside down",
            lambda eigenvalue, rate, kick, far: -steps_to_leave(eigenvalue, rate, kick, far),
            "The ratio is upside down: the kick has to *grow*, from `kick` to `far`.",
        ),
        Misconception(
            "constant speed",
            lambda eigenvalue, rate, kick, far: _forever(
                eigenvalue, rate, (far - kick) / (rate * np.abs(eigenvalue) * kick)
            ),
            "This is a walk of constant speed, with the first step repeated: a drift. A departure gets faster in proportion to how far it has come.",
        ),
        Misconception(
            "powers of ten",
            lambda eigenvalue, rate, kick, far: _forever(
                eigenvalue, rate, np.log10(far / kick) / np.log(np.abs(1 + rate * eigenvalue))
            ),
            "The logarithm to base ten is divided by the natural one. Any base will do, but the same one in both.",
        ),
        Misconception(
            "rounded up",
            lambda eigenvalue, rate, kick, far: np.ceil(steps_to_leave(eigenvalue, rate, kick, far)),
            "This is rounded up. Asked for is a number that need not be whole.",
        ),
        Misconception(
            "rounded down",
            lambda eigenvalue, rate, kick, far: np.floor(steps_to_leave(eigenvalue, rate, kick, far)),
            "This is rounded down. Asked for is a number that need not be whole.",
        ),
    ),
    hints=(
        "By which number does one step multiply the length of a displacement along this eigenvector? After how many factors is `far` reached?",
        "The factor is the size of the complex number `1 + rate * eigenvalue`. The number of steps solves `kick * factor**steps = far`.",
        "`np.log(far / kick) / np.log(factor)` if the factor is above 1, else `np.inf`.",
    ),
    explanation=(
        "Logarithmic in the kick: a thousand times smaller a kick only costs as many more steps as one factor of a thousand takes. That is why "
        "rounding errors are kicks enough."
    ),
)


# -- 4. Push or growth? -------------------------------------------------------------------------


def forecast(f, J, rate, steps, start):
    delta = start
    for _ in range(steps):
        delta = delta + rate * (f + J @ delta)
    return delta


def _near(rng, n, *, push=1.0, kick=1.0, steps=12):
    """A point in whose neighbourhood one direction grows."""
    J = rng.normal(size=(n, n)) - np.eye(n)
    return push * rng.normal(size=n), J, 0.1, steps, kick * rng.normal(size=n)


def _by_flow(f, J, rate, steps, start):
    values, vectors = np.linalg.eig(J)
    time, inverse = rate * steps, np.linalg.inv(vectors)
    grown = np.exp(values * time)
    return ((vectors * grown) @ (inverse @ start) + (vectors * ((grown - 1) / values)) @ (inverse @ f)).real


def _forecast_in_place(f, J, rate, steps, start):
    for _ in range(steps):
        start += rate * (f + J @ start)
    return start


def _push_unscaled(f, J, rate, steps, start):
    for _ in range(steps):
        start = start + f + rate * J @ start
    return start


FORECAST = Exercise(
    answer=forecast,
    title="Push or growth?",
    parts=(
        Part("a push, from rest", 2, lambda rng: [_near(rng, 4, kick=0), _near(rng, 6, kick=0, steps=20)]),
        Part("a kick, without a push", 1, lambda rng: [_near(rng, 4, push=0)]),
        Part("both", 1, lambda rng: [_near(rng, 5), _near(rng, 3, steps=30)]),
    ),
    misconceptions=(
        Misconception(
            "drift alone",
            lambda f, J, rate, steps, start: start + steps * rate * f,
            "This is the push alone: it drifts at constant speed. The field changes along the way, by `J` times how far it has come.",
        ),
        Misconception(
            "growth alone",
            lambda f, J, rate, steps, start: forecast(0 * f, J, rate, steps, start),
            "The push is left out. That is right at a fixed point; elsewhere the motion begins without any kick.",
        ),
        Misconception(
            "update for field",
            lambda f, J, rate, steps, start: forecast(-f, J, rate, steps, start),
            "The push is subtracted. `f` is the field, which already is *minus* the update.",
        ),
        Misconception(
            "stuck at the start",
            lambda f, J, rate, steps, start: start + steps * rate * (f + J @ start),
            "The field of the start is used for all steps. It must be taken anew where the network has got to.",
        ),
        Misconception(
            "flow",
            _by_flow,
            "This is the flow for a time of `steps * rate`. Steps are not infinitely small: do as many as are asked for.",
        ),
        Misconception(
            "transposed",
            lambda f, J, rate, steps, start: forecast(f, J.T, rate, steps, start),
            "The Jacobian has been transposed, or multiplied from the wrong side: `J @ delta`.",
        ),
        Misconception(
            "push at full length",
            _push_unscaled,
            "The push has not been multiplied by the step size.",
        ),
        Misconception(
            "one step short",
            lambda f, J, rate, steps, start: forecast(f, J, rate, steps - 1, start),
            "One step is missing.",
        ),
        Misconception(
            "in place",
            _forecast_in_place,
            "`start += ...` changes the caller's array. Begin with `delta = start` and write `delta = delta + ...`.",
        ),
    ),
    hints=(
        "At a displacement `delta` from the point the field is, to first order, the push plus the Jacobian times `delta`.",
        "A loop: at each step, the step size times that field is added to the displacement.",
        "`delta = delta + rate * (f + J @ delta)`, as often as `steps` says, from `delta = start`.",
    ),
    explanation=(
        "Nothing of the network is asked again: push and Jacobian are computed once, before anything moves. With `J` set to zero it is the "
        "drift alone, with `f` set to zero the departure alone; their difference from the whole tells which of the two it is."
    ),
)


# -- 5. What kind of rest -----------------------------------------------------------------------


def rest_report(network, x, t, feedback):
    vectors = []
    for rule in ("fa", "bp"):
        parts = fa.pseudo_gradient(network, x, t, rule, feedback)
        arrays = (*parts.weights, *parts.biases)
        vectors.append(np.concatenate([array.ravel() for array in arrays]))
    u, g = vectors
    lengths = np.linalg.norm(u), np.linalg.norm(g)
    return *lengths, (u @ g) / (lengths[0] * lengths[1])


def _at_work(rng, sizes, n, *, angle):
    network = fa.init_network(sizes, seed=int(rng.integers(10**6)))
    biases = tuple(0.3 * rng.normal(size=c.shape) for c in network.biases)
    network = fa.Network(network.weights, biases, network.activations, network.loss)
    x, t = rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))
    return network, x, t, fa.init_feedback(network, angle=angle, seed=int(rng.integers(10**6)))


def _updates(network, x, t, feedback):
    return (fa.pseudo_gradient(network, x, t, rule, feedback) for rule in ("fa", "bp"))


def _report(u, g):
    """From two lists of arrays."""
    u, g = (np.concatenate([p.ravel() for p in parts]) for parts in (u, g))
    a, b = np.linalg.norm(u), np.linalg.norm(g)
    return a, b, u @ g / (a * b)


def _without_biases(network, x, t, feedback):
    u, g = _updates(network, x, t, feedback)
    return _report(u.weights, g.weights)


def _hidden_only(network, x, t, feedback):
    u, g = _updates(network, x, t, feedback)
    return _report((*u.weights[:-1], *u.biases[:-1]), (*g.weights[:-1], *g.biases[:-1]))


def _lengths_added(network, x, t, feedback):
    parts = [(*u.weights, *u.biases) for u in _updates(network, x, t, feedback)]
    a, b = (sum(np.linalg.norm(p) for p in arrays) for arrays in parts)
    return a, b, rest_report(network, x, t, feedback)[2]


def _layers_averaged(network, x, t, feedback):
    u, g, _ = rest_report(network, x, t, feedback)
    return u, g, np.mean(fa.gradient_alignment(network, x, t, "fa", feedback))


def _mended(**items):
    """The right report with some items changed."""

    def report(network, x, t, feedback):
        values = dict(zip("ugc", rest_report(network, x, t, feedback), strict=True))
        return tuple(items[key](values) if key in items else values[key] for key in "ugc")

    return report


REST_REPORT = Exercise(
    answer=rest_report,
    title="What kind of rest",
    parts=(
        Part(
            "one hidden layer",
            2,
            lambda rng: [_at_work(rng, [4, 6, 3], 7, angle=60.0), _at_work(rng, [3, 3, 3], 5, angle=80.0)],
        ),
        Part("two hidden layers", 1, lambda rng: [_at_work(rng, [4, 5, 3, 2], 6, angle=70.0)]),
        Part("feedback that points the wrong way", 1, lambda rng: [_uphill(rng)]),
    ),
    misconceptions=(
        Misconception(
            "biases left out",
            _without_biases,
            "Only the weights are looked at. Biases move as well, and belong to the vector of everything that moves.",
        ),
        Misconception(
            "hidden layers only",
            _hidden_only,
            "The output layer is left out. A network is at rest if *nothing* moves.",
        ),
        Misconception(
            "lengths added",
            _lengths_added,
            "The lengths of the layers are added up. Of one long vector it is the squares that add up.",
        ),
        Misconception(
            "mean of the layers' cosines",
            _layers_averaged,
            "The cosine of each layer has been averaged. The total alignment is one cosine, of two long vectors.",
        ),
        Misconception(
            "exchanged",
            _mended(u=lambda v: v["g"], g=lambda v: v["u"]),
            "Update and gradient are exchanged: first what FA does, then the slope of the loss.",
        ),
        Misconception(
            "gradient for both",
            _mended(u=lambda v: v["g"], c=lambda v: 1.0),
            "Both are the gradient. Whether FA rests is told by FA's own update.",
        ),
        Misconception(
            "absolute value",
            _mended(c=lambda v: abs(v["c"])),
            "The sign of the cosine is lost. Below zero FA goes uphill.",
        ),
        Misconception(
            "angle",
            _mended(c=lambda v: np.rad2deg(np.arccos(v["c"]))),
            "This is the angle; asked for is its cosine.",
        ),
        Misconception(
            "inner product",
            _mended(c=lambda v: v["c"] * v["u"] * v["g"]),
            "This is the inner product. Near a point of rest it is small whatever the direction: divide by both lengths.",
        ),
    ),
    hints=(
        "`fa.pseudo_gradient(network, x, t, rule, feedback)` has attributes `.weights` and `.biases`, a tuple of arrays each.",
        "Make one long vector of them, for FA and for backpropagation: `np.concatenate([p.ravel() for p in (*u.weights, *u.biases)])`.",
        "Then `np.linalg.norm` of both, and the inner product divided by both lengths.",
    ),
    explanation=(
        "Three numbers, three questions: does FA rest, does the loss have a slope there, and does FA go down it. FA's rest is the first alone; "
        "the gradient may be far from zero."
    ),
)


def _uphill(rng):
    """An output layer that has settled for its hidden layer, and feedback that is the negative of the weights."""
    network, x, t, _ = _at_work(rng, [4, 6, 2], 12, angle=90.0)
    h = fa.forward(network, x).h[1]
    W = np.linalg.lstsq(np.c_[h, np.ones(len(h))], t, rcond=None)[0].T
    settled = fa.Network(
        (network.weights[0], 0.9 * W[:, :-1]),
        (network.biases[0], W[:, -1]),
        network.activations,
        network.loss,
    )
    return settled, x, t, fa.init_feedback(settled, angle=180.0)


EXERCISES = (FASTEST_GROWTH, FEEDBACK_AT_ANGLE, STEPS_TO_LEAVE, FORECAST, REST_REPORT)
