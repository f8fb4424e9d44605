"""Chapter 9, other feedback: signs, feedback that learns, feedback that drifts, a walk's exponent, lost errors."""

import numpy as np

from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. Signs -----------------------------------------------------------------------------------


def sign_carriers(weights, feedback):
    carriers = []
    for W, B in zip(weights[1:], feedback, strict=True):
        size = np.sqrt((B**2).mean(axis=(-2, -1), keepdims=True))
        carriers.append(size * np.sign(W.mT))
    return carriers


def _network(rng, *sizes, ensemble=()):
    pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
    weights = [rng.normal(size=(*ensemble, n_out, n_in)) for n_in, n_out in pairs]
    return weights, [rng.normal(size=(*ensemble, n_in, n_out)) for n_in, n_out in pairs[1:]]


def _signed(weights, feedback, carrier):
    return [carrier(W, B) for W, B in zip(weights[1:], feedback, strict=True)]


def _size(M):
    return np.sqrt((M**2).mean(axis=(-2, -1), keepdims=True))


SIGN_CARRIERS = Exercise(
    answer=sign_carriers,
    title="One bit for each weight",
    parts=(
        Part("one hidden layer", 1, lambda rng: [_network(rng, 4, 5, 3), _network(rng, 2, 4, 4)]),
        Part("three hidden layers", 2, lambda rng: [_network(rng, 3, 4, 4, 5, 2)]),
        Part("an ensemble", 1, lambda rng: [_network(rng, 3, 4, 2, ensemble=(3,))]),
    ),
    misconceptions=(
        Misconception(
            "not transposed",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: np.sign(W) * _size(B)),
            "The signs are those of `W`, not of its transpose. Into a layer the error comes the other way round.",
        ),
        Misconception(
            "signs of the feedback",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: np.sign(B) * _size(B)),
            "These are the signs of the random matrices. That is FA with all magnitudes equal; nothing of the weights is in it.",
        ),
        Misconception(
            "size of the weights",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: np.sign(W.mT) * _size(W)),
            "The common size is taken from the weights. Then more than one bit of each is known: the carriers grow as the weights do.",
        ),
        Misconception(
            "size one",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: np.sign(W.mT)),
            "All entries are 1 or -1, much larger than those of the feedback. A comparison of rules would become one of step sizes.",
        ),
        Misconception(
            "magnitudes of the feedback",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: np.sign(W.mT) * np.abs(B)),
            "Each entry has a magnitude of its own here. That rule exists, too; asked for is one size for all entries of a matrix.",
        ),
        Misconception(
            "mean magnitude",
            lambda weights, feedback: _signed(
                weights,
                feedback,
                lambda W, B: np.sign(W.mT) * np.abs(B).mean(axis=(-2, -1), keepdims=True),
            ),
            "This is the mean of the magnitudes. For carriers as long as `B` it takes the root of the mean *square*.",
        ),
        Misconception(
            "standard deviation",
            lambda weights, feedback: _signed(
                weights, feedback, lambda W, B: np.sign(W.mT) * B.std(axis=(-2, -1), keepdims=True)
            ),
            "`std` subtracts the mean first. The size asked for is the root of the mean square of the entries as they are.",
        ),
        Misconception(
            "standard deviation of all",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: np.sign(W.mT) * B.std()),
            "`std` subtracts the mean first, and here it runs over all networks of an ensemble. Take the root of the mean square, over the last two axes.",
        ),
        Misconception(
            "backpropagation",
            lambda weights, feedback: _signed(weights, feedback, lambda W, B: W.mT),
            "These are the transposed weights themselves: backpropagation, with all of the weight transport.",
        ),
        Misconception(
            "one size for all networks",
            lambda weights, feedback: _signed(
                weights, feedback, lambda W, B: np.sign(W.mT) * np.sqrt((B**2).mean())
            ),
            "The mean is taken over all networks of the ensemble. Each has its own: average over the last two axes only.",
        ),
    ),
    hints=(
        "For each hidden layer one matrix: signs from the transposed weights of the layer above, one size for all entries.",
        "The pairs are `zip(weights[1:], feedback)`. `W.mT` transposes the last two axes, also for ensembles; `np.sign` gives the signs.",
        "The size is `np.sqrt((B**2).mean(axis=(-2, -1), keepdims=True))`; the carrier is size times `np.sign(W.mT)`.",
    ),
    explanation=(
        "The carriers are as long as FA's, so that the two rules take steps of comparable size, and all that differs is one bit for each weight. "
        "Whenever a weight changes its sign, so does its carrier."
    ),
)


# -- 2. Feedback that learns --------------------------------------------------------------------


def kolen_pollack_step(W_2, B_2, u_2, rate, decay):
    new_W = W_2 - rate * (u_2 + decay * W_2)
    new_B = B_2 - rate * (u_2.T + decay * B_2)
    return new_W, new_B


def _pair(rng, n_1, n_2, *, rate=0.1, decay=0.2):
    return rng.normal(size=(n_2, n_1)), rng.normal(size=(n_1, n_2)), rng.normal(size=(n_2, n_1)), rate, decay


def _any_kp(W_2, B_2, u_2, rate, decay, *, both=1.0, outside=False, later=False):
    new_W = W_2 - rate * (u_2 + decay * W_2)
    if outside:
        return W_2 - rate * u_2 - decay * W_2, B_2 - rate * u_2.T - decay * B_2
    return new_W, B_2 - rate * (u_2.T + both * decay * (new_W.T if later else B_2))


def _kp_in_place(W_2, B_2, u_2, rate, decay):
    W_2 -= rate * (u_2 + decay * W_2)
    B_2 -= rate * (u_2.T + decay * B_2)
    return W_2, B_2


KOLEN_POLLACK_STEP = Exercise(
    answer=kolen_pollack_step,
    title="Feedback that learns",
    parts=(
        Part("with decay", 2, lambda rng: [_pair(rng, 4, 3), _pair(rng, 2, 5, rate=0.3)]),
        Part("a square matrix", 1, lambda rng: [_pair(rng, 3, 3)]),
        Part("without decay", 1, lambda rng: [_pair(rng, 4, 2, decay=0.0)]),
    ),
    misconceptions=(
        Misconception(
            "feedback fixed",
            lambda W_2, B_2, u_2, rate, decay: (_any_kp(W_2, B_2, u_2, rate, decay)[0], B_2),
            "The feedback stays as it was: this is FA with weight decay.",
        ),
        Misconception(
            "no decay of the feedback",
            lambda W_2, B_2, u_2, rate, decay: _any_kp(W_2, B_2, u_2, rate, decay, both=0.0),
            "Only the weights forget. Then the feedback keeps for ever the random matrix that it began with.",
        ),
        Misconception(
            "feedback forgets only",
            lambda W_2, B_2, u_2, rate, decay: (
                _any_kp(W_2, B_2, u_2, rate, decay)[0],
                B_2 - rate * decay * B_2,
            ),
            "The feedback forgets, and learns nothing. It takes the same update as the weights, transposed.",
        ),
        Misconception(
            "sign",
            lambda W_2, B_2, u_2, rate, decay: (
                _any_kp(W_2, B_2, u_2, rate, decay)[0],
                B_2 - rate * (decay * B_2 - u_2.T),
            ),
            "The feedback's update has the other sign, so that the two drift apart. They take the *same* step.",
        ),
        Misconception(
            "decay without the rate",
            lambda W_2, B_2, u_2, rate, decay: _any_kp(W_2, B_2, u_2, rate, decay, outside=True),
            "The decay stands outside of the rate. Then the difference shrinks by `1 - decay` at each step, not by `1 - rate * decay`.",
        ),
        Misconception(
            "weights copied",
            lambda W_2, B_2, u_2, rate, decay: (
                _any_kp(W_2, B_2, u_2, rate, decay)[0],
                _any_kp(W_2, B_2, u_2, rate, decay)[0].T,
            ),
            "The feedback is made a copy of the weights. That is weight transport; here it may learn of the *changes* only.",
        ),
        Misconception(
            "not transposed",
            lambda W_2, B_2, u_2, rate, decay: (
                _any_kp(W_2, B_2, u_2, rate, decay)[0],
                B_2 - rate * (u_2 + decay * B_2),
            ),
            "The feedback has the shape of the *transposed* weights, and so must have its update. For square matrices the wrong one runs, too.",
        ),
        Misconception(
            "in place",
            _kp_in_place,
            "`-=` changes the caller's matrices. Return new ones.",
        ),
    ),
    hints=(
        "Both take the same step, one of them transposed, and both decay by the same factor.",
        "The step of the weights is minus `rate * (u_2 + decay * W_2)`.",
        "For the feedback, `u_2.T` and `B_2` stand in the places of `u_2` and `W_2`.",
    ),
    explanation=(
        "Subtract the two lines: the update cancels, and what is left of the difference is multiplied by `1 - rate * decay`. So "
        "nobody ever tells a weight; both ends of a connection see the same change, and both forget."
    ),
)


# -- 3. Feedback that drifts --------------------------------------------------------------------


def drifted(B, fresh, half_life):
    keep = 0.5 ** (1 / half_life)
    return keep * B + np.sqrt(1 - keep**2) * fresh


def _matrices(rng, n, m, half_life):
    return rng.normal(size=(n, m)), rng.normal(size=(n, m)), half_life


DRIFTED = Exercise(
    answer=drifted,
    title="Feedback that drifts",
    parts=(
        Part(
            "some steps",
            2,
            lambda rng: [_matrices(rng, 4, 3, 3.0), _matrices(rng, 3, 3, float(rng.uniform(5, 9)))],
        ),
        Part("nearly redrawn", 1, lambda rng: [_matrices(rng, 5, 2, 0.3)]),
        Part("for ever", 1, lambda rng: [_matrices(rng, 3, 4, np.inf)]),
    ),
    misconceptions=(
        Misconception(
            "shares that add up to one",
            lambda B, fresh, half_life: 0.5 ** (1 / half_life) * B + (1 - 0.5 ** (1 / half_life)) * fresh,
            "The two factors add up to 1, and so the feedback becomes shorter. For independent matrices it is the *squares* that must.",
        ),
        Misconception(
            "half a step",
            lambda B, fresh, half_life: (
                (1 - 0.5 / half_life) * B + np.sqrt(max(1 - (1 - 0.5 / half_life) ** 2, 0)) * fresh
            ),
            "Half is spread evenly over the steps. What decays by a factor at each step is halved when the *product* of the factors is a half.",
        ),
        Misconception(
            "nothing new",
            lambda B, fresh, half_life: 0.5 ** (1 / half_life) * B,
            "It forgets and takes in nothing, so that the feedback dies out. What is lost in length must come back from `fresh`.",
        ),
        Misconception(
            "added to all of it",
            lambda B, fresh, half_life: B + np.sqrt(1 - 0.25 ** (1 / half_life)) * fresh,
            "Nothing is forgotten: the feedback grows with every step, as a random walk does.",
        ),
        Misconception(
            "the two exchanged",
            lambda B, fresh, half_life: drifted(fresh, B, half_life),
            "It keeps the fresh matrix, and mixes in the old one. A long half-life means that much of the *old* one is kept.",
        ),
        Misconception(
            "time constant",
            lambda B, fresh, half_life: (
                np.exp(-1 / half_life) * B + np.sqrt(1 - np.exp(-2 / half_life)) * fresh
            ),
            "After this many steps 37 % are left, one part in e. A *half*-life is the time after which it is a half.",
        ),
        Misconception(
            "redrawn",
            lambda B, fresh, half_life: fresh,
            "This is feedback that is redrawn at each step. It has no memory, whatever the half-life is.",
        ),
    ),
    hints=(
        "The factor `keep` of the old matrix is such that `half_life` steps of it make one half.",
        "`keep**half_life` is 0.5, so `keep = 0.5 ** (1 / half_life)`. For an infinite half-life that is 1.",
        "Squared lengths of independent matrices add up on average: the factor of `fresh` is the root of `1 - keep**2`.",
    ),
    explanation=(
        "The squares of the two factors add up to 1, which keeps the size of the feedback the same for ever. Redrawn feedback and FA are the two ends "
        "of this one rule: a half-life of nothing, and one without end."
    ),
)


# -- 4. Walk or way -----------------------------------------------------------------------------


def walk_exponent(path, lags):
    squared = []
    for lag in lags:
        moved = path[lag:] - path[:-lag]
        squared.append((moved**2).sum(axis=1).mean())
    return np.polyfit(np.log(lags), np.log(squared), 1)[0]


def _walk(rng, steps, weights, *, drift=0.0):
    moves = rng.normal(size=(steps, weights)) + drift * rng.normal(size=weights)
    return np.concatenate([np.zeros((1, weights)), moves]).cumsum(axis=0) + rng.normal(size=weights), [
        1,
        2,
        4,
        8,
    ]


def _slope(lags, values):
    return np.polyfit(np.log(lags), np.log(values), 1)[0]


def _any_exponent(path, lags, *, distance, fit=_slope):
    return fit(lags, [distance(path, lag) for lag in lags])


def _squared(path, lag):
    return ((path[lag:] - path[:-lag]) ** 2).sum(axis=1).mean()


WALK_EXPONENT = Exercise(
    answer=walk_exponent,
    title="Walk or way",
    parts=(
        Part("a random walk", 1, lambda rng: [_walk(rng, 60, 9)]),
        Part(
            "a walk with a drift", 2, lambda rng: [_walk(rng, 50, 7, drift=0.7), _walk(rng, 40, 5, drift=1.5)]
        ),
        Part("a single weight", 1, lambda rng: [_walk(rng, 80, 1, drift=1.0)]),
    ),
    misconceptions=(
        Misconception(
            "distance, not squared",
            lambda path, lags: _any_exponent(
                path, lags, distance=lambda p, k: np.sqrt(((p[k:] - p[:-k]) ** 2).sum(axis=1)).mean()
            ),
            "These are distances. Their exponent is about one half for a walk and 1 for a straight way; asked for is that of the *squares*.",
        ),
        Misconception(
            "from the start only",
            lambda path, lags: _any_exponent(path, lags, distance=lambda p, k: ((p[k] - p[0]) ** 2).sum()),
            "Only displacements from the first record are used: one for each lag. Average over all records from which one can start.",
        ),
        Misconception(
            "without overlap",
            lambda path, lags: _any_exponent(
                path, lags, distance=lambda p, k: (np.diff(p[::k], axis=0) ** 2).sum(axis=1).mean()
            ),
            "Only every `lag`-th record serves as a start. All of them should.",
        ),
        Misconception(
            "no logarithms",
            lambda path, lags: _any_exponent(
                path, lags, distance=_squared, fit=lambda k, v: np.polyfit(k, v, 1)[0]
            ),
            "This is the slope of the squares themselves. An exponent is a slope on logarithmic axes, both of them.",
        ),
        Misconception(
            "axes exchanged",
            lambda path, lags: _any_exponent(path, lags, distance=_squared, fit=lambda k, v: _slope(v, k)),
            "The two axes are exchanged: this is steps over squares.",
        ),
        Misconception(
            "first and last lag",
            lambda path, lags: _any_exponent(
                path,
                lags,
                distance=_squared,
                fit=lambda k, v: np.log(v[-1] / v[0]) / np.log(k[-1] / k[0]),
            ),
            "This draws the line through the first and the last point. Fit it to all of them.",
        ),
        Misconception(
            "mean displacement squared",
            lambda path, lags: _any_exponent(
                path, lags, distance=lambda p, k: ((p[k:] - p[:-k]).mean(axis=0) ** 2).sum()
            ),
            "The displacements are averaged *before* they are squared, so that those of a walk cancel. Square first.",
        ),
    ),
    hints=(
        "For each lag one number: the squared displacement over that many records, averaged over all starts.",
        "`path[lag:] - path[:-lag]` holds all displacements. Square, add over the weights (`axis=1`), and average.",
        "The exponent is the slope of the logarithms: `np.polyfit(np.log(lags), np.log(squared), 1)[0]`.",
    ),
    explanation=(
        "Independent steps add up their squares, and the mean square is proportional to the number of steps: exponent 1. Steps that all go the same "
        "way add up themselves: exponent 2. That steps are orthogonal to the gradient says nothing about either."
    ),
)


# -- 5. Errors that never arrive ----------------------------------------------------------------


def lost_errors(feedback, direct):
    lost = []
    for l in range(len(feedback)):
        way = feedback[l]
        if not direct:
            for B in feedback[l + 1 :]:
                way = way @ B
        lost.append(way.shape[1] - np.linalg.matrix_rank(way))
    return lost


def _chain(rng, *sizes):
    """FA's feedback of a network with these hidden layers and outputs."""
    return [rng.normal(size=pair) for pair in zip(sizes[:-1], sizes[1:], strict=True)], False


def _around(rng, *sizes):
    return [rng.normal(size=(n, sizes[-1])) for n in sizes[:-1]], True


def _low_rank(rng):
    low = rng.normal(size=(8, 2)) @ rng.normal(size=(2, 6))
    sparse = np.zeros((7, 6))
    sparse[[0, 3, 5], [4, 1, 2]] = rng.uniform(1, 2, size=3)
    return [low, sparse], True


def _each_alone(feedback, direct):
    return [B.shape[1] - int(np.linalg.matrix_rank(B)) for B in feedback]


def _by_width(feedback, direct):
    widths = [len(B) for B in feedback]
    n = feedback[-1].shape[1]
    return [max(n - (widths[l] if direct else min(widths[l:])), 0) for l in range(len(feedback))]


def _by_own_width(feedback, direct):
    n = feedback[-1].shape[1]
    return [max(n - len(B), 0) for B in feedback]


def _silent(feedback, direct):
    ways = [B if direct else np.linalg.multi_dot(feedback[l:]) for l, B in enumerate(feedback[:-1])]
    return [int((np.abs(way).max(axis=0) < 1e-9).sum()) for way in [*ways, feedback[-1]]]


def _rows(feedback, direct):
    ways = [B if direct else np.linalg.multi_dot(feedback[l:]) for l, B in enumerate(feedback[:-1])]
    return [len(way) - int(np.linalg.matrix_rank(way)) for way in [*ways, feedback[-1]]]


LOST_ERRORS = Exercise(
    answer=lost_errors,
    title="Errors that never arrive",
    parts=(
        Part("step by step", 2, lambda rng: [_chain(rng, 6, 2, 7, 4), _chain(rng, 3, 8, 5)]),
        Part("direct", 1, lambda rng: [_around(rng, 6, 2, 7, 4)]),
        Part("direct, few entries or low rank", 1, lambda rng: [_low_rank(rng)]),
        Part("wide everywhere", 1, lambda rng: [_chain(rng, 6, 7, 3)]),
    ),
    misconceptions=(
        Misconception(
            "each matrix alone",
            _each_alone,
            "Each matrix is looked at alone. Step by step, the error of a low layer has come through *all* the matrices above it.",
        ),
        Misconception(
            "always the whole way",
            lambda feedback, direct: (
                lost_errors(feedback, False)
                if not direct
                else [max(lost_errors(feedback, True))] * len(feedback)
            ),
            "Direct feedback is treated as if it passed the narrow layer, too. It goes around it.",
        ),
        Misconception(
            "widths only",
            _by_width,
            "This goes by the widths. A wide matrix can have a low rank as well, if its rows repeat each other or are empty.",
        ),
        Misconception(
            "the layer's own width",
            _by_own_width,
            "This compares each layer's own width with the number of outputs. A wide layer hears little, too, if its errors have come through a narrow one.",
        ),
        Misconception(
            "ranks",
            lambda feedback, direct: [feedback[-1].shape[1] - lost for lost in lost_errors(feedback, direct)],
            "These are the ranks: how many combinations *arrive*. Asked is how many do not.",
        ),
        Misconception(
            "rows",
            _rows,
            "The rank is compared with the number of units. The errors are counted at the output: compare it with the number of *columns*.",
        ),
        Misconception(
            "silent outputs",
            _silent,
            "This counts outputs from which nothing arrives at all. What gets lost are *combinations* of output errors: count by the rank.",
        ),
    ),
    hints=(
        "Which matrix turns the output's error into what arrives at this layer? Directly it is `B` itself; step by step a product.",
        "For the lowest hidden layer of FA it is `feedback[0] @ feedback[1] @ ...`, for the highest `feedback[-1]` alone.",
        "The rank is how many independent combinations arrive, `np.linalg.matrix_rank`; lost is the number of columns minus the rank.",
    ),
    explanation=(
        "A matrix with `n` columns and rank `r` sends an `n - r`-dimensional family of errors to zero. A product has at most the smallest rank of its "
        "factors, so a narrow layer is a bottleneck for everything below it. Direct feedback is not, for better or worse."
    ),
)

EXERCISES = (SIGN_CARRIERS, KOLEN_POLLACK_STEP, DRIFTED, WALK_EXPONENT, LOST_ERRORS)
