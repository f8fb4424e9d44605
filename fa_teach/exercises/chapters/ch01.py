"""Chapter 1, who gets the blame? Forward pass, errors, gradient, and the gradient by nudging."""

import numpy as np

from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. Forward ---------------------------------------------------------------------------------


def forward_pass(x, W_1, c_1, W_2, c_2):
    h_1 = np.tanh(x @ W_1.T + c_1)
    y = h_1 @ W_2.T + c_2
    return h_1, y


def _network(rng, batch, sizes, *, dtype=np.float64):
    n_0, n_1, n_2 = sizes
    x, W_1, W_2 = rng.normal(size=(batch, n_0)), rng.normal(size=(n_1, n_0)), rng.normal(size=(n_2, n_1))
    c_1, c_2 = rng.normal(size=n_1), rng.normal(size=n_2)
    return tuple(array.astype(dtype) for array in (x, W_1, c_1, W_2, c_2))


def _forward_in_place(x, W_1, c_1, W_2, c_2):
    c_1 += x[0] @ W_1.T
    return np.tanh(c_1 + (x - x[0]) @ W_1.T), np.tanh(c_1 + (x - x[0]) @ W_1.T) @ W_2.T + c_2


FORWARD = Exercise(
    answer=forward_pass,
    title="The forward pass",
    parts=(
        Part("a batch", 2, lambda rng: [_network(rng, 5, (4, 3, 2)), _network(rng, 3, (3, 3, 3))]),
        Part("a batch of one", 1, lambda rng: [_network(rng, 1, (4, 3, 2))]),
        Part("float32", 1, lambda rng: [_network(rng, 4, (5, 6, 3), dtype=np.float32)]),
    ),
    misconceptions=(
        Misconception(
            "no biases",
            lambda x, W_1, c_1, W_2, c_2: (np.tanh(x @ W_1.T), np.tanh(x @ W_1.T) @ W_2.T),
            "The biases are missing: each layer adds its own, before the bend.",
        ),
        Misconception(
            "bend at the output",
            lambda x, W_1, c_1, W_2, c_2: (
                np.tanh(x @ W_1.T + c_1),
                np.tanh(np.tanh(x @ W_1.T + c_1) @ W_2.T + c_2),
            ),
            "The output layer is linear: the scores `y` are not bent. Only hidden layers are.",
        ),
        Misconception(
            "no bend",
            lambda x, W_1, c_1, W_2, c_2: (x @ W_1.T + c_1, (x @ W_1.T + c_1) @ W_2.T + c_2),
            "Without `tanh` the two layers are one matrix. What the hidden layer sends on is bent.",
        ),
        Misconception(
            "bias after the bend",
            lambda x, W_1, c_1, W_2, c_2: (
                np.tanh(x @ W_1.T) + c_1,
                (np.tanh(x @ W_1.T) + c_1) @ W_2.T + c_2,
            ),
            "The bias is part of what a unit *receives*: it is added before the bend, not after.",
        ),
        Misconception(
            "weights not transposed",
            lambda x, W_1, c_1, W_2, c_2: (np.tanh(x @ W_1 + c_1), np.tanh(x @ W_1 + c_1) @ W_2 + c_2),
            "Samples are rows here. `W_1` has a row for each *receiving* unit, so it needs a transpose: `x @ W_1.T`.",
        ),
        Misconception(
            "wrong order",
            lambda x, W_1, c_1, W_2, c_2: forward_pass(x, W_1, c_1, W_2, c_2)[::-1],
            "The two results are in the other order: first `h_1`, then `y`.",
        ),
        Misconception(
            "received for sent",
            lambda x, W_1, c_1, W_2, c_2: (x @ W_1.T + c_1, np.tanh(x @ W_1.T + c_1) @ W_2.T + c_2),
            "The first result is what the hidden layer receives, `a_1`. What it sends on is `h_1`, the bent one.",
        ),
        Misconception(
            "in place",
            _forward_in_place,
            "`c_1 += ...` writes into the caller's bias. Make a new array: `c_1 + ...`.",
        ),
    ),
    hints=(
        "Two layers, so two lines and a `return`. Each line: what comes in, times the weights, plus the biases.",
        "A formula for one sample, `W h`, becomes `h @ W.T` for samples in rows.",
        "`h_1 = np.tanh(x @ W_1.T + c_1)`. The second line is the same without the bend.",
    ),
    explanation=(
        "Each row of `x` is a sample. `x @ W_1.T` has shape `(batch, n_1)`; the bias, of shape `(n_1,)`, is added to every row."
    ),
)


# -- 2. The error at the output -----------------------------------------------------------------


def output_error(y, t):
    e = np.exp(y - y.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) - t


def _softmax(y, axis=1):
    e = np.exp(y - y.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _scores(rng, batch, classes, *, dtype=np.float64):
    t = np.eye(classes)[rng.integers(classes, size=batch)]
    return rng.normal(size=(batch, classes)).astype(dtype), t.astype(dtype)


def _large_scores(rng):
    """Scores whose softmax is 0 or 1; the first sample is wrong, the second right: no mark is left to luck."""
    y = 1000.0 * rng.permuted(np.tile(np.arange(3.0), (4, 1)), axis=1)
    labels = (y.argmax(axis=1) + np.array([1, 0, 0, 2])) % 3
    return y, np.eye(3)[labels]


def _overflowing(y, t):
    e = np.exp(y)
    return e / e.sum(axis=1, keepdims=True) - t


def _error_in_place(y, t):
    y -= y.max(axis=1, keepdims=True)
    return _softmax(y) - t


OUTPUT_ERROR = Exercise(
    answer=output_error,
    title="The error at the output",
    parts=(
        Part("a batch", 2, lambda rng: [_scores(rng, 5, 3), _scores(rng, 4, 4)]),
        Part("a batch of one", 1, lambda rng: [_scores(rng, 1, 4)]),
        Part("float32", 1, lambda rng: [_scores(rng, 6, 3, dtype=np.float32)]),
        Part("large scores", 1, lambda rng: [_large_scores(rng)]),
    ),
    misconceptions=(
        Misconception(
            "sign",
            lambda y, t: t - _softmax(y),
            "The sign is turned round. The error is the derivative of the loss: positive where a score is too *high*.",
        ),
        Misconception(
            "squared loss",
            lambda y, t: y - t,
            "This is the error of the squared loss. Here the scores become probabilities first, by the softmax.",
        ),
        Misconception(
            "softmax over samples",
            lambda y, t: _softmax(y, axis=0) - t,
            "The softmax runs over the wrong axis: the probabilities of *one sample*, a row, add up to 1.",
        ),
        Misconception(
            "softmax over everything",
            lambda y, t: np.exp(y - y.max()) / np.exp(y - y.max()).sum() - t,
            "All samples together add up to 1 here. Each row has a softmax of its own: `axis=1, keepdims=True`.",
        ),
        Misconception(
            "overflow",
            _overflowing,
            "`np.exp` of a large score is infinite. Subtract each row's largest score first: the softmax stays the same.",
        ),
        Misconception(
            "mean over the batch",
            lambda y, t: (_softmax(y) - t) / len(y),
            "The error is asked for sample by sample. The mean over samples is taken later, in the gradient of the weights.",
        ),
        Misconception(
            "slope of the softmax twice",
            lambda y, t: (_softmax(y) - t) * _softmax(y) * (1 - _softmax(y)),
            "The slope of the softmax is in `p - t` already: this is what cross-entropy and softmax give *together*.",
        ),
        Misconception(
            "derivative by the probabilities",
            lambda y, t: -t / _softmax(y),
            "This is the derivative of the loss by the *probabilities*. Wanted is the one by the scores `y`, a step further back.",
        ),
        Misconception(
            "answer instead of probabilities",
            lambda y, t: np.eye(y.shape[1])[y.argmax(axis=1)] - t,
            "This compares the network's decision with the label. The loss depends on how sure it is: use its probabilities.",
        ),
        Misconception(
            "in place",
            _error_in_place,
            "`y -= ...` changes the caller's scores. Write `y - ...`, which makes a new array.",
        ),
    ),
    hints=(
        "Two things are subtracted from each other: what the network says, as probabilities, and what is right.",
        "Each row's softmax: `np.exp` of the scores, divided by its sum over the row. `keepdims=True` keeps the shapes fitting.",
        "`np.exp(1000)` is infinite. Subtract `y.max(axis=1, keepdims=True)` from the scores first; nothing else changes.",
    ),
    explanation=(
        "For softmax and minus the log of the right digit's probability, the derivative by the scores is `p - t`. Subtracting "
        "each row's largest score multiplies numerator and denominator by the same number, and keeps `np.exp` finite."
    ),
)


# -- 3. The error of the hidden layer -----------------------------------------------------------


def hidden_error(delta_2, W_2, h_1):
    return delta_2 @ W_2 * (1 - h_1**2)


def _backward(rng, batch, n_1, n_2, *, dtype=np.float64):
    delta_2, W_2 = rng.normal(size=(batch, n_2)), rng.normal(size=(n_2, n_1))
    h_1 = np.tanh(rng.normal(size=(batch, n_1)))
    return delta_2.astype(dtype), W_2.astype(dtype), h_1.astype(dtype)


def _hidden_in_place(delta_2, W_2, h_1):
    h_1 *= h_1
    return delta_2 @ W_2 * (1 - h_1)


HIDDEN_ERROR = Exercise(
    answer=hidden_error,
    title="The error of the hidden layer",
    parts=(
        Part("hidden wider than output", 2, lambda rng: [_backward(rng, 5, 4, 3), _backward(rng, 3, 6, 2)]),
        Part("as many hidden units as outputs", 1, lambda rng: [_backward(rng, 5, 3, 3)]),
        Part("a batch of one", 1, lambda rng: [_backward(rng, 1, 4, 3)]),
        Part("float32", 1, lambda rng: [_backward(rng, 6, 5, 2, dtype=np.float32)]),
    ),
    misconceptions=(
        Misconception(
            "no slope",
            lambda delta_2, W_2, h_1: delta_2 @ W_2,
            "The slope of the bend is missing: blame has to pass back through `tanh`, too.",
        ),
        Misconception(
            "slope of what was sent",
            lambda delta_2, W_2, h_1: delta_2 @ W_2 * (1 - np.tanh(h_1) ** 2),
            "`h_1` is already `tanh` of what came in. The slope is `1 - tanh(a)**2`, and `tanh(a)` is `h_1` itself.",
        ),
        Misconception(
            "bend instead of its slope",
            lambda delta_2, W_2, h_1: delta_2 @ W_2 * h_1,
            "The factor is the *slope* of the bend, not its value `h_1`.",
        ),
        Misconception(
            "slope of the logistic function",
            lambda delta_2, W_2, h_1: delta_2 @ W_2 * h_1 * (1 - h_1),
            "`h * (1 - h)` is the slope of the logistic function. This network bends with `tanh`.",
        ),
        Misconception(
            "square forgotten",
            lambda delta_2, W_2, h_1: delta_2 @ W_2 * (1 - h_1),
            "Nearly: the slope of `tanh` is 1 minus the *square* of `tanh`.",
        ),
        Misconception(
            "not transposed",
            lambda delta_2, W_2, h_1: delta_2 @ W_2.T * (1 - h_1**2),
            "The transpose is in the formula for columns, `W.T @ delta`. With samples as rows the same sum is `delta @ W`.",
        ),
        Misconception(
            "sign",
            lambda delta_2, W_2, h_1: -(delta_2 @ W_2) * (1 - h_1**2),
            "The sign is turned round. Blame is handed on as it is; the minus comes with the step, `W - eta * g`.",
        ),
        Misconception(
            "mean over the batch",
            lambda delta_2, W_2, h_1: delta_2 @ W_2 * (1 - h_1**2) / len(delta_2),
            "This is divided by the batch. Errors are sample by sample; the mean comes with the gradient of the weights.",
        ),
        Misconception(
            "in place",
            _hidden_in_place,
            "`h_1 *= ...` overwrites the activity that the gradient of `W_2` still needs.",
        ),
    ),
    hints=(
        "Who gets the blame? Those who spoke loudly to units that erred: the errors above, weighted by the weights between.",
        "Check the shapes: `(batch, n_2)` times what of shape `(n_2, n_1)` gives `(batch, n_1)`.",
        "Then, entry by entry, times the slope of `tanh`. It can be had from `h_1` alone: `1 - h_1**2`.",
    ),
    explanation=(
        "For one sample, as a column, this is the transpose of `W_2` times the error, times the slope entry by entry. For samples "
        "in rows the transposed weights become `delta_2 @ W_2`."
    ),
)


# -- 4. The gradient of a layer's weights -------------------------------------------------------


def weight_gradient(delta, h):
    return delta.T @ h / len(h)


def _pair(rng, batch, n_out, n_in, *, dtype=np.float64):
    return rng.normal(size=(batch, n_out)).astype(dtype), rng.normal(size=(batch, n_in)).astype(dtype)


def _gradient_in_place(delta, h):
    delta /= len(h)
    return delta.T @ h


WEIGHT_GRADIENT = Exercise(
    answer=weight_gradient,
    title="The gradient of the weights",
    parts=(
        Part("a batch", 2, lambda rng: [_pair(rng, 5, 3, 4), _pair(rng, 7, 2, 6)]),
        Part("a square matrix", 1, lambda rng: [_pair(rng, 5, 3, 3)]),
        Part("a batch of one", 1, lambda rng: [_pair(rng, 1, 3, 4)]),
        Part("float32", 1, lambda rng: [_pair(rng, 6, 2, 5, dtype=np.float32)]),
    ),
    misconceptions=(
        Misconception(
            "sum",
            lambda delta, h: delta.T @ h,
            "This is the sum over the samples. The loss is a mean over samples, and so is its gradient.",
        ),
        Misconception(
            "transposed",
            lambda delta, h: h.T @ delta / len(h),
            "The shape is turned round: a row for each unit that receives, `(n_out, n_in)`, as in `W`.",
        ),
        Misconception(
            "outer product of the means",
            lambda delta, h: np.outer(delta.mean(axis=0), h.mean(axis=0)),
            "The mean of products is not the product of means: multiply sample by sample first, then average.",
        ),
        Misconception(
            "divided by the units",
            lambda delta, h: delta.T @ h / delta.shape[1],
            "The division is by the number of outputs. Samples are rows: divide by `len(h)`.",
        ),
        Misconception(
            "divided by all entries",
            lambda delta, h: delta.T @ h / delta.size,
            "The division is by all entries of `delta`. The mean is over samples only.",
        ),
        Misconception(
            "first sample only",
            lambda delta, h: np.outer(delta[0], h[0]),
            "Only the first sample is used. The gradient is the mean over the whole batch.",
        ),
        Misconception(
            "sign",
            lambda delta, h: -(delta.T @ h) / len(h),
            "This is the step, not the gradient: the minus comes when the weights move.",
        ),
        Misconception(
            "in place",
            _gradient_in_place,
            "`delta /= ...` changes the caller's errors. Divide the product instead.",
        ),
    ),
    hints=(
        "For one sample it is an outer product: the error behind each weight times the activity before it.",
        "The sum of outer products over the rows of two matrices is one matrix product.",
        "`delta.T @ h` is that sum, of shape `(n_out, n_in)`. One division is missing.",
    ),
    explanation=(
        "`(delta.T @ h)[i, j]` adds up `delta[s, i] * h[s, j]` over the samples `s`: the sum of outer products. Dividing by the "
        "number of samples makes it the gradient of the mean loss."
    ),
)


# -- 5. The gradient by nudging -----------------------------------------------------------------


def nudged_gradient(loss, W, eps):
    g = np.zeros(W.shape)
    for place in np.ndindex(*W.shape):
        up, down = W.copy(), W.copy()
        up[place] += eps
        down[place] -= eps
        g[place] = (loss(up) - loss(down)) / (2 * eps)
    return g


def _task(rng, n, m, *, eps=1e-2):
    """A loss that is no quadratic, so that one-sided and two-sided differences can be told apart."""
    x, t = rng.normal(size=(4, m)), rng.normal(size=(4, n))

    def loss(W):
        return float((0.5 * (np.tanh(x @ W.T) - t) ** 2).sum(axis=1).mean())

    return loss, rng.normal(size=(n, m)), eps


def _one_sided(loss, W, eps):
    g = np.zeros(W.shape)
    for place in np.ndindex(*W.shape):
        up = W.copy()
        up[place] += eps
        g[place] = (loss(up) - loss(W)) / eps
    return g


def _all_at_once(loss, W, eps):
    return np.full(W.shape, (loss(W + eps) - loss(W - eps)) / (2 * eps))


def _left_nudged(loss, W, eps):
    g = np.zeros(W.shape)
    for place in np.ndindex(*W.shape):
        W[place] += eps
        above = loss(W)
        W[place] -= 2 * eps
        g[place] = (above - loss(W)) / (2 * eps)
    return g


def _never_back(loss, W, eps):
    g = np.zeros(W.shape)
    V = W.copy()
    for place in np.ndindex(*W.shape):
        V[place] += eps
        above = loss(V)
        V[place] -= 2 * eps
        g[place] = (above - loss(V)) / (2 * eps)
    return g


NUDGED_GRADIENT = Exercise(
    answer=nudged_gradient,
    title="The gradient by nudging",
    parts=(
        Part("a matrix", 2, lambda rng: [_task(rng, 3, 2), _task(rng, 2, 4)]),
        Part("a square matrix", 1, lambda rng: [_task(rng, 3, 3)]),
        Part("a single weight", 1, lambda rng: [_task(rng, 1, 1)]),
        Part("a smaller nudge", 1, lambda rng: [_task(rng, 2, 3, eps=1e-4)]),
    ),
    misconceptions=(
        Misconception(
            "one side",
            _one_sided,
            "Only upwards. Nudge up *and* down: the errors of the two cancel, and what is left is of the order `eps**2`.",
        ),
        Misconception(
            "half the width",
            lambda loss, W, eps: 2 * nudged_gradient(loss, W, eps),
            "Between the two nudged weights lie `2 * eps`, not `eps`.",
        ),
        Misconception(
            "all weights at once",
            _all_at_once,
            "All weights are nudged at once, which measures one slope for all. Nudge one weight, leave the others alone.",
        ),
        Misconception(
            "never back",
            _never_back,
            "A weight stays nudged while the next one is measured. Put it back, or start from a fresh copy each time.",
        ),
        Misconception(
            "left nudged",
            _left_nudged,
            "The weights that came in are nudged and not put back: work on a copy of `W`.",
        ),
        Misconception(
            "sign",
            lambda loss, W, eps: -nudged_gradient(loss, W, eps),
            "Up minus down, not down minus up.",
        ),
        Misconception(
            "not divided",
            lambda loss, W, eps: 2 * eps * nudged_gradient(loss, W, eps),
            "This is the change of the loss. Its slope is the change *per nudge*: divide by the distance.",
        ),
    ),
    hints=(
        "A loop over all entries: `for place in np.ndindex(*W.shape)`. In it, `W[place]` is one weight.",
        "Make two copies of `W`, push the one entry up in the first and down in the second, and compare the losses.",
        "The slope is `(loss(up) - loss(down)) / (2 * eps)`.",
    ),
    explanation=(
        "The error of the difference to both sides is of the order `eps**2`, that of one side of the order `eps`. Two forward "
        "passes for *every* weight: this is the oracle that backpropagation is checked against, not a way to train."
    ),
    atol=1e-9,
)

EXERCISES = (FORWARD, OUTPUT_ERROR, HIDDEN_ERROR, WEIGHT_GRADIENT, NUDGED_GRADIENT)
