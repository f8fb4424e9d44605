"""Chapter 5, linear networks: how errors decay, the critical step, what is conserved, the worst error, the bottleneck."""

import numpy as np

from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. How errors decay ------------------------------------------------------------------------


def error_operator(A, W, B):
    n_2, n_0 = len(W), A.shape[1]
    hidden = np.kron(W @ B, np.eye(n_0))
    output = np.kron(np.eye(n_2), A.T @ A)
    return hidden + output


def _network(rng, n_0, n_1, n_2):
    return rng.normal(size=(n_1, n_0)), rng.normal(size=(n_2, n_1)), rng.normal(size=(n_1, n_2))


def _operator(C, D):
    """``M -> C M + M D`` for a matrix ``M`` row by row."""
    return np.kron(C, np.eye(len(D))) + np.kron(np.eye(len(C)), D.T)


ERROR_OPERATOR = Exercise(
    answer=error_operator,
    title="How errors decay",
    parts=(
        Part("several outputs", 2, lambda rng: [_network(rng, 4, 3, 2), _network(rng, 2, 5, 3)]),
        Part("all layers equally wide", 1, lambda rng: [_network(rng, 3, 3, 3)]),
        Part("one output", 1, lambda rng: [_network(rng, 3, 4, 1)]),
    ),
    misconceptions=(
        Misconception(
            "columns first",
            lambda A, W, B: np.kron(np.eye(A.shape[1]), W @ B) + np.kron(A.T @ A, np.eye(len(W))),
            "This acts on the *columns* of the error, one after the other. `M.ravel()` takes a matrix row by row: the Kronecker products' factors stand the other way round.",
        ),
        Misconception(
            "backpropagation",
            lambda A, W, B: _operator(W @ W.T, A.T @ A),
            "Here the error comes back through `W.T`: this is backpropagation's operator. Under FA it comes back through `B`.",
        ),
        Misconception(
            "the other sign",
            lambda A, W, B: -error_operator(A, W, B),
            "With the minus this is the Jacobian's part, whose eigenvalues are *growth* rates. Asked for is `K` in `-K M`: rates of decay.",
        ),
        Misconception(
            "hidden layer only",
            lambda A, W, B: np.kron(W @ B, np.eye(A.shape[1])),
            "The product `W A` changes because `A` does, and because `W` does. The output layer's share is missing.",
        ),
        Misconception(
            "output layer only",
            lambda A, W, B: np.kron(np.eye(len(W)), A.T @ A),
            "The product `W A` changes because `W` does, and because `A` does. The hidden layer's share is missing.",
        ),
        Misconception(
            "wrong square",
            lambda A, W, B: _operator(W @ B, A @ A.T),
            "`A @ A.T` has a row for each *hidden* unit. An error `M` has a column for each input, and is multiplied by `A.T @ A`.",
        ),
        Misconception(
            "transposed",
            lambda A, W, B: _operator((W @ B).T, A.T @ A),
            "`W @ B` has been transposed. The hidden layer moves by `-B @ M`, and `W` multiplies that from the left.",
        ),
        Misconception(
            "symmetric part",
            lambda A, W, B: _operator((W @ B + (W @ B).T) / 2, A.T @ A),
            "This is the symmetric part. It tells about alignment; how errors decay is told by the operator itself.",
        ),
        Misconception(
            "factors multiply",
            lambda A, W, B: np.kron(W @ B, A.T @ A),
            "The two layers' shares are multiplied here. They add up: the product rule has two terms.",
        ),
    ),
    hints=(
        "Product rule: `W A - T` changes by `W` times the velocity of `A`, plus the velocity of `W` times `A`. Put the flow in.",
        "So `M` is sent to `W @ B @ M + M @ A.T @ A`. Applied to matrices with a single 1, it gives the columns, one by one.",
        "In closed form: `C @ M` is `np.kron(C, I)` on `M.ravel()`, and `M @ D` is `np.kron(I, D.T)`, with unit matrices that fit.",
    ),
    explanation=(
        "One large matrix for all errors at once. Its eigenvalues are sums of one of `W @ B` and one of `A.T @ A`, and at a perfect "
        "solution they are, with a minus, all of the Jacobian's eigenvalues that are not zero."
    ),
)


# -- 2. The critical step -----------------------------------------------------------------------


def critical_step(rates):
    if (rates.real <= 0).any():
        return 0.0
    return (2 * rates.real / np.abs(rates) ** 2).min()


def _turning(rng, *, slow):
    """Real rates, and a pair that turns quickly and so has the last word, whether or not it is the slowest."""
    r = rng.uniform(0.3, 0.5) if slow else rng.uniform(0.5, 1)
    pair = r + 1j * r * rng.uniform(3, 4) * np.array([1, -1])
    return (np.concatenate([rng.uniform(1, 2, size=3) if slow else rng.uniform(0.2, 0.4, size=3), pair]),)


def _decaying(rng, n):
    return (rng.uniform(0.2, 3, size=n) + 0j,)


def _one_out(rng):
    rates = rng.uniform(0.5, 3, size=5) + 0j
    rates[rng.integers(5)] = -rng.uniform(0.2, 1)
    return (rates,)


def _pair_out(rng):
    pair = -rng.uniform(0.2, 0.5) + 1j * rng.uniform(1, 2) * np.array([1, -1])
    return (np.concatenate([rng.uniform(0.5, 3, size=4), pair]),)


def _limits(rates):
    return 2 * rates.real / np.abs(rates) ** 2


def _if_stable(rates, value):
    return value if (rates.real > 0).all() else 0.0


CRITICAL_STEP = Exercise(
    answer=critical_step,
    title="The critical step",
    parts=(
        Part("real rates", 1, lambda rng: [_decaying(rng, 5), _decaying(rng, 8)]),
        Part("a pair that turns", 2, lambda rng: [_turning(rng, slow=False), _turning(rng, slow=True)]),
        Part("one that grows", 1, lambda rng: [_one_out(rng), _pair_out(rng)]),
    ),
    misconceptions=(
        Misconception(
            "real part only",
            lambda rates: _if_stable(rates, 2 / rates.real.max()),
            "The imaginary parts are left out. An error that turns while it shrinks is overshot much sooner: the whole number `1 - step * rate` must be shorter than 1.",
        ),
        Misconception(
            "as if all were real and shrank",
            lambda rates: 2 / rates.real.max(),
            "Right if all rates are real and positive. A pair that turns is overshot sooner, and where one rate is negative no step holds.",
        ),
        Misconception(
            "size for real part",
            lambda rates: _if_stable(rates, 2 / np.abs(rates).max()),
            "This takes the size of the rate for the rate. For a pair that turns, the square of `1 - step * rate` is 1 - 2·step·real part + (step·size)².",
        ),
        Misconception(
            "slowest rate",
            lambda rates: _if_stable(rates, 2 / rates.real.min()),
            "The slowest rate says how long one has to wait. The *fastest* is overshot first.",
        ),
        Misconception(
            "mildest limit",
            lambda rates: _if_stable(rates, _limits(rates).max()),
            "Each rate has a limit. All of them have to be kept, so the smallest counts.",
        ),
        Misconception(
            "no overshooting",
            lambda rates: critical_step(rates) / 2,
            "From here on, errors change their sign at each step, but they still shrink, up to a step twice as long.",
        ),
        Misconception(
            "negative step",
            lambda rates: _limits(rates).min(),
            "A negative step is no step. If one error grows under the flow, no step size holds: the answer is 0.",
        ),
        Misconception(
            "growing ones left out",
            lambda rates: _limits(rates[rates.real > 0]).min(),
            "The rates that grow are left out here. One of them is enough: no step holds.",
        ),
        Misconception(
            "flow's test",
            lambda rates: _if_stable(rates, np.inf),
            "For the flow, the signs of the real parts are all. Steps have a size, and long ones overshoot.",
        ),
    ),
    hints=(
        "A step multiplies the error along an eigenvector by `1 - step * rate`. When is this complex number shorter than 1?",
        "Its squared length is 1 - 2·step·(real part) + step²·(size)². It is below 1 if the step is below 2·(real part)/(size)².",
        "The smallest of `2 * rates.real / np.abs(rates)**2`; but 0 if any real part is not positive.",
    ),
    explanation=(
        "For a real rate the limit is 2 divided by it. A pair on the imaginary axis would have the limit 0: the flow turns it for ever, and "
        "every step, along the tangent, leads a little outward."
    ),
)


# -- 3. What is conserved -----------------------------------------------------------------------


def conserved_matrix(A, W, B):
    return A @ A.T - (B @ W + W.T @ B.T)


CONSERVED_MATRIX = Exercise(
    answer=conserved_matrix,
    title="What is conserved",
    parts=(
        Part("several outputs", 2, lambda rng: [_network(rng, 4, 3, 2), _network(rng, 2, 4, 3)]),
        Part("all layers equally wide", 1, lambda rng: [_network(rng, 3, 3, 3)]),
        Part("one hidden unit", 1, lambda rng: [_network(rng, 3, 1, 2)]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation's",
            lambda A, W, B: A @ A.T - W.T @ W,
            "This is conserved by backpropagation, whose hidden layer hears through `W.T`. With `B` in its place something else cancels.",
        ),
        Misconception(
            "one half",
            lambda A, W, B: A @ A.T - B @ W,
            "The derivative of `A A.T` has two terms, one the transpose of the other. `B W` takes away only the first.",
        ),
        Misconception(
            "the same half twice",
            lambda A, W, B: A @ A.T - 2 * B @ W,
            "The trace of this is conserved, the matrix is not: the second term of the derivative of `A A.T` is the *transpose* of the first.",
        ),
        Misconception(
            "plus",
            lambda A, W, B: A @ A.T + B @ W + W.T @ B.T,
            "With a plus the derivatives add up. Multiply the velocity of `W` by `B` from the left, and compare with the velocity of `A` times `A.T`.",
        ),
        Misconception(
            "two from chapter 4",
            lambda A, W, B: A @ A.T - 2 * (B @ W + W.T @ B.T),
            "For numbers, `B W` and its transpose are equal, and together they make the 2 of chapter 4. Here both stand there already.",
        ),
        Misconception(
            "trace",
            lambda A, W, B: np.trace(A @ A.T) - 2 * np.trace(B @ W),
            "That number is conserved. But so is every entry of a matrix with a row for each hidden unit: do not add up the diagonal.",
        ),
        Misconception(
            "antisymmetric",
            lambda A, W, B: A @ A.T - (B @ W - W.T @ B.T),
            "`A A.T` is symmetric, and so is its derivative: what is taken away must be symmetric as well.",
        ),
    ),
    hints=(
        "Differentiate `A @ A.T` by time: two terms. Put in the velocity of `A`, and look for the velocity of `W` in what comes out.",
        "`B` times the velocity of `W` is `-B M A.T`, which is the velocity of `A` times `A.T`. And the second term is its transpose.",
        "So `A @ A.T` changes as much as `B @ W + W.T @ B.T` does. Subtract.",
    ),
    explanation=(
        "One equation for each pair of hidden units, for any target. With one unit and one output it is `w_1**2 - 2 * b * w_2` of chapter 4. "
        "From zero weights it is zero for ever, and so `W.T` has to turn towards `B` as `A` grows."
    ),
)


# -- 4. The worst error -------------------------------------------------------------------------


def most_misaligned_error(A, W, B):
    C = W @ B
    mu, s = np.linalg.eigh((C + C.T) / 2)
    nu, p = np.linalg.eigh(A.T @ A)
    M = np.outer(s[:, 0], p[:, 0])
    M = M * np.sign(M.flat[np.abs(M).argmax()])
    return mu[0] + nu[0], M


def _one_output(rng, sign):
    A, W, B = _network(rng, 3, 4, 1)
    return A, W, B * sign * np.sign((W @ B)[0, 0])


def _upright(M):
    M = np.asarray(M).real
    return M / np.linalg.norm(M) * np.sign(M.flat[np.abs(M).argmax()])


def _lowest(C, D, *, which=0):
    """Like the answer, for any pair of symmetric matrices."""
    (mu, s), (nu, p) = np.linalg.eigh(C), np.linalg.eigh(D)
    return mu[which] + nu[which], _upright(np.outer(s[:, which], p[:, which]))


def _slowest(A, W, B):
    values, vectors = np.linalg.eig(W @ B)
    nu, p = np.linalg.eigh(A.T @ A)
    i = np.lexsort((values.imag, values.real.round(9)))[0]
    M = np.outer(vectors[:, i].real, p[:, 0])  # of a pair, only the complex vector has length 1
    return values[i].real + nu[0], M * np.sign(M.flat[np.abs(M).argmax()])


def _singular(A, W, B):
    u, values, _ = np.linalg.svd(W @ B)
    nu, p = np.linalg.eigh(A.T @ A)
    return values[-1] + nu[0], _upright(np.outer(u[:, -1], p[:, 0]))


def _form(A, W, B):
    C = W @ B
    return (C + C.T) / 2, A.T @ A


MOST_MISALIGNED_ERROR = Exercise(
    answer=most_misaligned_error,
    title="The worst error",
    parts=(
        Part("hidden layer wide enough", 2, lambda rng: [_network(rng, 3, 4, 2), _network(rng, 2, 5, 3)]),
        Part("fewer hidden units than inputs", 1, lambda rng: [_network(rng, 4, 3, 2)]),
        Part("one output", 1, lambda rng: [_one_output(rng, 1), _one_output(rng, -1)]),
    ),
    misconceptions=(
        Misconception(
            "slowest error",
            _slowest,
            "This is the error that decays most slowly (or grows): the eigenvector of `W @ B`, the question of *stability*. Alignment is a quadratic form, and only the symmetric part of `W @ B` is seen by it.",
        ),
        Misconception(
            "best error",
            lambda A, W, B: _lowest(*_form(A, W, B), which=-1),
            "This is the error with the *largest* alignment. `np.linalg.eigh` sorts from the smallest up.",
        ),
        Misconception(
            "backpropagation",
            lambda A, W, B: _lowest(W @ W.T, A.T @ A),
            "`W @ W.T` belongs to backpropagation, which is never misaligned with itself.",
        ),
        Misconception(
            "hidden layer's share",
            lambda A, W, B: (np.linalg.eigvalsh(_form(A, W, B)[0])[0], most_misaligned_error(A, W, B)[1]),
            "The error is right, but only the hidden layer's share of its alignment is counted. The output layer adds an eigenvalue of `A.T @ A`.",
        ),
        Misconception(
            "singular values",
            _singular,
            "Singular values are never negative, so they cannot tell aligned from anti-aligned. The form needs eigenvalues, of the symmetric part.",
        ),
        Misconception(
            "criterion of stability",
            lambda A, W, B: (_slowest(A, W, B)[0], most_misaligned_error(A, W, B)[1]),
            "The error is right. The number beside it is the criterion for stability, made of the eigenvalues of `W @ B` itself.",
        ),
        Misconception(
            "the other sign",
            lambda A, W, B: (most_misaligned_error(A, W, B)[0], -most_misaligned_error(A, W, B)[1]),
            "The same error, turned round. An eigenvector has no sign of its own: take the one whose largest entry is positive.",
        ),
        Misconception(
            "half of the matrix",
            lambda A, W, B: _lowest(W @ B, A.T @ A),
            "`np.linalg.eigh` reads the lower half of a matrix and takes the upper one for its mirror image. `W @ B` is not symmetric: take its symmetric part first.",
        ),
        Misconception(
            "twice the symmetric part",
            lambda A, W, B: _lowest(2 * _form(A, W, B)[0], A.T @ A),
            "`C + C.T` is *twice* the symmetric part of `C`.",
        ),
    ),
    hints=(
        "The alignment is a sum of two forms in `M`: one sees the columns of `M`, by `W @ B`, the other its rows, by `A.T @ A`. Try `M = np.outer(s, p)`.",
        "Then it is `s @ (W @ B) @ s` plus `p @ (A.T @ A) @ p`. In the first, `W @ B` and its transpose do the same: take the mean of both.",
        "Lowest eigenvectors of `(C + C.T) / 2` and of `A.T @ A` (`np.linalg.eigh`), their outer product, the sum of both eigenvalues; then fix the sign.",
    ),
    explanation=(
        "Stability asks for eigenvalues of `W @ B`, alignment for those of its symmetric part. The latter can be lower, and where it is "
        "low enough FA goes uphill from this error, at a point that is stable nevertheless."
    ),
    atol=1e-9,
)


# -- 5. The counterexample ----------------------------------------------------------------------


def bottleneck_point(T, B):
    A = B @ T
    W = T @ A.T @ np.linalg.inv(A @ A.T)
    return A, W


def _task(rng, n_0, n_1, n_2):
    return rng.normal(size=(n_2, n_0)), rng.normal(size=(n_1, n_2))


def _optimum(T, B):
    u, s, v = np.linalg.svd(T, full_matrices=False)
    return v[: len(B)], u[:, : len(B)] * s[: len(B)]


def _orthonormal(T, B):
    A = np.linalg.svd(B @ T, full_matrices=False)[2]
    return A, T @ A.T


BOTTLENECK_POINT = Exercise(
    answer=bottleneck_point,
    title="A fixed point on a slope",
    parts=(
        Part("one hidden unit", 1, lambda rng: [_task(rng, 3, 1, 2), _task(rng, 2, 1, 4)]),
        Part("two hidden units", 2, lambda rng: [_task(rng, 5, 2, 4), _task(rng, 4, 2, 3)]),
        Part("a square target", 1, lambda rng: [_task(rng, 4, 3, 4)]),
    ),
    misconceptions=(
        Misconception(
            "only the hidden layer rests",
            lambda T, B: (B @ T, np.linalg.pinv(B)),
            "With this `W` the hidden layer hears no error: `B @ M` is zero. But the output layer still learns: what must be zero is `M @ A.T`, too.",
        ),
        Misconception(
            "the optimum",
            _optimum,
            "This is the best network of this width, where *backpropagation* rests. FA does not: there `B @ M` is not zero.",
        ),
        Misconception(
            "all zeros",
            lambda T, B: (np.zeros((len(B), T.shape[1])), np.zeros((len(T), len(B)))),
            "With all weights zero backpropagation rests. FA's hidden layer moves by `B @ T`.",
        ),
        Misconception(
            "no inverse",
            lambda T, B: (B @ T, T @ (B @ T).T),
            "`W @ A @ A.T` has to be `T @ A.T`. So divide by `A @ A.T`, by a matrix from the right.",
        ),
        Misconception(
            "aligned weights",
            lambda T, B: (B @ T, B.T),
            "Weights that are perfectly aligned with the feedback are not thereby at rest. Ask what makes both velocities zero.",
        ),
        Misconception(
            "another one of the family",
            _orthonormal,
            "This is a fixed point, with the same map `W @ A`: the family has a free matrix in it. Asked for is the one with `A = B @ T` itself.",
        ),
    ),
    hints=(
        "Two conditions: `B @ M` is zero, and `M @ A.T` is zero, with `M = W @ A - T`. `A` is given; begin with the second.",
        "`W @ A @ A.T = T @ A.T`: a linear regression of the targets on the hidden units. Solve it for `W`.",
        "`W = T @ A.T @ np.linalg.inv(A @ A.T)`, with `A = B @ T`. Multiply by `B` and see that the first condition holds by itself.",
    ),
    explanation=(
        "FA fills the narrow layer with a random mixture of the target's rows, and then makes the best of it. Both updates are zero, and the "
        "gradient of `A`, which is `W.T @ M`, is not: a fixed point that is no extremum of the loss."
    ),
)

EXERCISES = (ERROR_OPERATOR, CRITICAL_STEP, CONSERVED_MATRIX, MOST_MISALIGNED_ERROR, BOTTLENECK_POINT)
