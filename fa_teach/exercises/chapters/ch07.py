"""Chapter 7, how alignment emerges: the ledger, open loop, the first moment, large starts, and what comes first."""

import numpy as np

from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. The ledger ------------------------------------------------------------------------------


def predicted_gain(path):
    growth = (path[-1] ** 2).sum() - (path[0] ** 2).sum()
    squared_steps = (np.diff(path, axis=0) ** 2).sum()
    return (growth - squared_steps) / 2


def _path(rng, steps, *shape, start=1.0, drift=0.5, shake=0.2):
    """A layer that goes one way, with some noise."""
    first = start * rng.normal(size=shape)
    moves = drift * (first if drift < 0 else rng.normal(size=shape)) + shake * rng.normal(
        size=(steps, *shape)
    )
    return (first + np.concatenate([np.zeros((1, *shape)), moves]).cumsum(axis=0),)


def _squares(path):
    return (np.asarray(path) ** 2).sum(axis=(-2, -1))


PREDICTED_GAIN = Exercise(
    answer=predicted_gain,
    title="The ledger",
    parts=(
        Part("a layer that grows", 2, lambda rng: [_path(rng, 5, 4, 3), _path(rng, 9, 2, 2)]),
        Part("a layer that shrinks", 1, lambda rng: [_path(rng, 4, 3, 5, drift=-0.1, shake=0.02)]),
        Part("a start at zero", 1, lambda rng: [_path(rng, 6, 3, 4, start=0.0)]),
        Part("a random walk", 1, lambda rng: [_path(rng, 8, 3, 3, drift=0.0, shake=1.0)]),
    ),
    misconceptions=(
        Misconception(
            "no half",
            lambda path: 2 * predicted_gain(path),
            "This is the coherent growth. The alignment gains *half* of it.",
        ),
        Misconception(
            "the flow's law",
            lambda path: (_squares(path)[-1] - _squares(path)[0]) / 2,
            "This law holds for the flow, that is, for infinitely small steps. Steps of a finite size make a layer longer even "
            "if they do not agree with each other; that part of the growth has to be taken off.",
        ),
        Misconception(
            "squared steps added",
            lambda path: (_squares(path)[-1] - _squares(path)[0] + _squares(np.diff(path, axis=0)).sum()) / 2,
            "The squared steps are what a random walk would grow by. They are not coherent: take them off, do not add them.",
        ),
        Misconception(
            "the whole way squared",
            lambda path: (_squares(path)[-1] - _squares(path)[0] - _squares(path[-1] - path[0])) / 2,
            "This squares the distance from first to last. What has to be added up are the squares of the single steps.",
        ),
        Misconception(
            "lengths",
            lambda path: (
                (
                    np.sqrt(_squares(path)[-1])
                    - np.sqrt(_squares(path)[0])
                    - np.sqrt(_squares(np.diff(path, axis=0))).sum()
                )
                / 2
            ),
            "These are lengths. The ledger is kept in *squared* lengths: they are what adds up for steps at right angles.",
        ),
        Misconception(
            "start against end",
            lambda path: (_squares(path)[0] - _squares(path)[-1] - _squares(np.diff(path, axis=0)).sum()) / 2,
            "The growth has the wrong sign: it is what the layer has at the end, less what it had at the start.",
        ),
        Misconception(
            "start forgotten",
            lambda path: (_squares(path)[-1] - _squares(np.diff(path, axis=0)).sum()) / 2,
            "This is right from zero weights only. What the layer had at the start has not grown.",
        ),
        Misconception(
            "nothing but the steps",
            lambda path: _squares(np.diff(path, axis=0)).sum() / 2,
            "These are the squared steps alone. They say how far the layer has walked, not whether its steps agree.",
        ),
    ),
    hints=(
        "Two numbers: by how much the squared length of the layer has grown, and the sum of the squared lengths of its steps.",
        "`path[-1]` and `path[0]` are the last and the first matrix; `np.diff(path, axis=0)` holds all steps.",
        "Half of: sum of squares at the end, minus sum of squares at the start, minus sum of squares of all steps.",
    ),
    explanation=(
        "Steps at right angles to what went before make a layer longer by their squared lengths, and no more. What is left after "
        "these are taken off is growth by steps that agree with each other, and the layer above turns towards its feedback by half of it."
    ),
)


# -- 2. A step in open loop ---------------------------------------------------------------------


def open_loop_step(W_1, W_2, B_2, x, delta_2, rate):
    h_1 = x @ W_1.T
    delta_1 = delta_2 @ B_2.T
    u_1, u_2 = delta_1.T @ x / len(x), delta_2.T @ h_1 / len(x)
    return W_1 - rate * u_1, W_2 - rate * u_2


def _signals(rng, batch, n_0, n_1, n_2, *, rate=0.3):
    shapes = ((n_1, n_0), (n_2, n_1), (n_1, n_2), (batch, n_0), (batch, n_2))
    return *(rng.normal(size=shape) for shape in shapes), rate


def _any_step(W_1, W_2, B_2, x, delta_2, rate, *, back=None, mean=True, later=False):
    n = len(x) if mean else 1
    back = B_2.T if back is None else back
    new_1 = W_1 - rate * (delta_2 @ back).T @ x / n
    return new_1, W_2 - rate * delta_2.T @ (x @ (new_1 if later else W_1).T) / n


def _along_and_against(W_1, W_2, B_2, x, delta_2, rate, *, first, second):
    """A step whose two layers may have signs of their own."""
    new_1, _ = open_loop_step(W_1, W_2, B_2, x, delta_2, first * rate)
    _, new_2 = open_loop_step(W_1, W_2, B_2, x, delta_2, second * rate)
    return new_1, new_2


def _bent(W_1, W_2, B_2, x, delta_2, rate, *, slope):
    h_1 = np.tanh(x @ W_1.T)
    delta_1 = delta_2 @ B_2.T * ((1 - h_1**2) if slope else 1)
    return W_1 - rate * delta_1.T @ x / len(x), W_2 - rate * delta_2.T @ h_1 / len(x)


def _closed(W_1, W_2, B_2, x, delta_2, rate):
    return open_loop_step(W_1, W_2, B_2, x, x @ W_1.T @ W_2.T - delta_2, rate)


def _loop_in_place(W_1, W_2, B_2, x, delta_2, rate):
    new_1, new_2 = open_loop_step(W_1, W_2, B_2, x, delta_2, rate)
    W_1[:], W_2[:] = new_1, new_2
    return W_1, W_2


OPEN_LOOP_STEP = Exercise(
    answer=open_loop_step,
    title="A step in open loop",
    parts=(
        Part("a batch", 2, lambda rng: [_signals(rng, 5, 4, 3, 2), _signals(rng, 7, 2, 5, 3)]),
        Part("layers of equal width", 1, lambda rng: [_signals(rng, 4, 3, 3, 3)]),
        Part("one sample", 1, lambda rng: [_signals(rng, 1, 4, 3, 2, rate=0.1)]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation",
            lambda W_1, W_2, B_2, x, delta_2, rate: _any_step(W_1, W_2, B_2, x, delta_2, rate, back=W_2),
            "The error has come back through `W_2`. Then nothing writes `B_2` into the first layer, and there is nothing to read.",
        ),
        Misconception(
            "loop closed",
            _closed,
            "`delta_2` was taken for a target, and an error was made of it. In open loop it *is* the error signal, whatever the network says.",
        ),
        Misconception(
            "one layer after the other",
            lambda W_1, W_2, B_2, x, delta_2, rate: _any_step(W_1, W_2, B_2, x, delta_2, rate, later=True),
            "`W_2` is changed with activities that come from the *new* `W_1`. Both updates belong to the old weights.",
        ),
        Misconception(
            "sign",
            lambda W_1, W_2, B_2, x, delta_2, rate: open_loop_step(W_1, W_2, B_2, x, delta_2, -rate),
            "The weights go *along* `u`. The step is minus the rate times `u`.",
        ),
        Misconception(
            "sign of the first layer",
            lambda *given: _along_and_against(*given, first=-1, second=1),
            "The first layer goes *along* its `u`, the second against it. Both take minus the rate times `u`.",
        ),
        Misconception(
            "sign of the second layer",
            lambda *given: _along_and_against(*given, first=1, second=-1),
            "The second layer goes *along* its `u`, the first against it. Both take minus the rate times `u`.",
        ),
        Misconception(
            "bent",
            lambda *given: _bent(*given, slope=True),
            "There is a `tanh` in it. This network is linear: the hidden layer sends on what it receives, and no slope is needed.",
        ),
        Misconception(
            "bent on the way up",
            lambda *given: _bent(*given, slope=False),
            "The hidden layer's activity is bent by `tanh`. This network is linear: it sends on what it receives.",
        ),
        Misconception(
            "sum",
            lambda W_1, W_2, B_2, x, delta_2, rate: _any_step(W_1, W_2, B_2, x, delta_2, rate, mean=False),
            "The updates are sums over the samples; they should be means.",
        ),
        Misconception(
            "first layer frozen",
            lambda W_1, W_2, B_2, x, delta_2, rate: (
                W_1,
                open_loop_step(W_1, W_2, B_2, x, delta_2, rate)[1],
            ),
            "The first layer stands still. `B_2` occurs in the update of `W_1` alone, so that now it occurs nowhere.",
        ),
        Misconception(
            "in place",
            _loop_in_place,
            "`W -= ...` changes the caller's weights. Return new ones.",
        ),
    ),
    hints=(
        "It is FA without the first half: no target, no loss. `delta_2` is given; only `delta_1` has to be made.",
        "There is no activation function, hence no slope: `delta_1` is `delta_2` sent through the transpose of `B_2`.",
        "`u_1 = delta_1.T @ x / len(x)` and `u_2 = delta_2.T @ h_1 / len(x)`, with `h_1 = x @ W_1.T` from the old weights.",
    ),
    explanation=(
        "The feedback occurs in one place, the update of the layer below. The layer above meets it there, in the activities that it "
        "receives. Nothing in these lines knows whether anything is being learned."
    ),
)


# -- 3. The first moment ------------------------------------------------------------------------


def first_alignment(B_2, x, delta_2):
    C = delta_2.T @ x / len(x)
    BS = B_2 @ (C @ C.T)
    return (BS * B_2).sum() / (np.linalg.norm(BS) * np.linalg.norm(B_2))


def _still_signals(rng, batch, n_0, n_1, n_2):
    return rng.normal(size=(n_1, n_2)), rng.normal(size=(batch, n_0)), rng.normal(size=(batch, n_2))


def _related(rng):
    x, R = rng.normal(size=(40, 6)), rng.normal(size=(4, 6))
    return rng.normal(size=(8, 4)), x, x @ R.T


def _cosine(a, b):
    return (a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b))


def _root(B_2, x, delta_2):
    left, values, _ = np.linalg.svd(delta_2.T @ x)
    values = np.resize(np.append(values, np.zeros(len(left))), len(left))
    return _cosine(B_2 @ (left * values) @ left.T, B_2)


FIRST_ALIGNMENT = Exercise(
    answer=first_alignment,
    title="The first moment",
    parts=(
        Part("a batch", 2, lambda rng: [_still_signals(rng, 3, 4, 6, 5), _still_signals(rng, 4, 5, 3, 3)]),
        Part("one pair of signals", 1, lambda rng: [_still_signals(rng, 1, 4, 7, 5)]),
        Part("errors that depend on the input", 1, lambda rng: [_related(rng)]),
    ),
    misconceptions=(
        Misconception(
            "the errors alone",
            lambda B_2, x, delta_2: _cosine(B_2 @ delta_2.T @ delta_2, B_2),
            "This takes how the errors vary. What the first layer writes is made of errors *and* inputs, `delta_2.T @ x`: errors that have "
            "nothing to do with the input cancel out.",
        ),
        Misconception(
            "perfect",
            lambda B_2, x, delta_2: 1.0,
            "That would be so if the error came from all directions alike. In general only a part of `B_2` is written.",
        ),
        Misconception(
            "rule of thumb",
            lambda B_2, x, delta_2: 1 / np.sqrt(B_2.shape[1]),
            "One over the root of the number of outputs is what *one* pair of signals gives, and even there only about.",
        ),
        Misconception(
            "sample by sample",
            lambda B_2, x, delta_2: np.mean([_cosine(B_2 @ np.outer(d, d), B_2) for d in delta_2]),
            "Each sample has a cosine of its own here, and these are averaged. The weights see the mean of the products: average first.",
        ),
        Misconception(
            "product of means",
            lambda B_2, x, delta_2: _cosine(
                B_2
                @ np.outer(delta_2.mean(axis=0), x.mean(axis=0))
                @ np.outer(x.mean(axis=0), delta_2.mean(axis=0)),
                B_2,
            ),
            "The mean of products is not the product of means: multiply error and input within each sample, and average then.",
        ),
        Misconception(
            "one factor",
            _root,
            "The matrix `S` is there with a root too many. `W_2` reads what `W_1` has written: each of the two brings a factor `C`.",
        ),
        Misconception(
            "angle",
            lambda B_2, x, delta_2: np.rad2deg(np.arccos(first_alignment(B_2, x, delta_2))),
            "This is the angle; asked for is its cosine.",
        ),
        Misconception(
            "inner product",
            lambda B_2, x, delta_2: (B_2 @ (delta_2.T @ x) @ (delta_2.T @ x).T / len(x) ** 2 * B_2).sum(),
            "This is the inner product. For a cosine, divide by both lengths.",
        ),
    ),
    hints=(
        "First the matrix `C`, the mean over the samples of error times input; then `S`, which is `C` times its own transpose.",
        "`C = delta_2.T @ x / len(x)` has one row for each output. `S = C @ C.T` is square, and never points backwards.",
        "The cosine of `B_2 @ S` and `B_2`: sum of the products of all entries, divided by both lengths.",
    ),
    explanation=(
        "From zero, `W_1` becomes minus a multiple of `B_2 @ C`. So the activities are minus `B_2 @ C @ x`, and `W_2` transposed becomes a "
        "multiple of `B_2 @ C @ C.T`: the two signs cancel. A matrix `C @ C.T` has no negative eigenvalue, and so the cosine is never negative."
    ),
)


# -- 4. What a large start does -----------------------------------------------------------------


def split_alignment(start, end, B_2):
    change = end - start
    share = np.linalg.norm(change) / np.linalg.norm(end)
    lengths = np.linalg.norm(change) * np.linalg.norm(B_2)
    return share, (change.T * B_2).sum() / lengths


def _turned(rng, n_1, n_2, *, towards, start=1.0):
    """Weights whose change has a cosine of known sign."""
    B_2 = rng.normal(size=(n_1, n_2))
    first = start * rng.normal(size=(n_2, n_1))
    return first, first + towards * (B_2.T + 0.2 * rng.normal(size=(n_2, n_1))), B_2


def _untransposed(start, end, B_2):
    share, _ = split_alignment(start, end, B_2)
    return share, _cosine(end - start, B_2)


SPLIT_ALIGNMENT = Exercise(
    answer=split_alignment,
    title="What a large start does",
    parts=(
        Part("a change towards the feedback", 2, lambda rng: [_turned(rng, 4, 3, towards=2.0)]),
        Part("a change away from it", 1, lambda rng: [_turned(rng, 5, 2, towards=-2.0)]),
        Part("a square matrix", 1, lambda rng: [_turned(rng, 3, 3, towards=1.0, start=3.0)]),
        Part("a start at zero", 1, lambda rng: [_turned(rng, 3, 4, towards=0.5, start=0.0)]),
    ),
    misconceptions=(
        Misconception(
            "relative to the start",
            lambda start, end, B_2: (
                np.linalg.norm(end - start) / np.linalg.norm(start),
                split_alignment(start, end, B_2)[1],
            ),
            "The change is compared with the start. What the cosine is diluted in is the length of `W_2` as it is *now*.",
        ),
        Misconception(
            "alignment of the whole",
            lambda start, end, B_2: (split_alignment(start, end, B_2)[0], _cosine(end.T, B_2)),
            "The second number is the alignment of the whole matrix. Asked for is that of its *change*: what was written.",
        ),
        Misconception(
            "alignment of the start",
            lambda start, end, B_2: (
                split_alignment(start, end, B_2)[0],
                (start.T * B_2).sum() / max(np.linalg.norm(start) * np.linalg.norm(B_2), 1e-300),
            ),
            "The second number is the alignment of the start, the stranger. Asked for is that of the change.",
        ),
        Misconception(
            "not transposed",
            _untransposed,
            "`B_2` stands in the place of the *transpose* of `W_2`. For square matrices the wrong one runs, too, and means nothing.",
        ),
        Misconception(
            "absolute value",
            lambda start, end, B_2: tuple(np.abs(split_alignment(start, end, B_2))),
            "The sign is lost: weights that turn *away* from the feedback would look aligned.",
        ),
        Misconception(
            "start minus end",
            lambda start, end, B_2: (
                split_alignment(start, end, B_2)[0],
                -split_alignment(start, end, B_2)[1],
            ),
            "This is the change from the end to the start. It leads from start to end: `end - start`.",
        ),
        Misconception(
            "share of the start",
            lambda start, end, B_2: (
                np.linalg.norm(start) / np.linalg.norm(end),
                split_alignment(start, end, B_2)[1],
            ),
            "The first number is the share of the *start*. The two do not add up to 1, as they are lengths of vectors at an angle.",
        ),
        Misconception(
            "shares of squares",
            lambda start, end, B_2: (
                split_alignment(start, end, B_2)[0] ** 2,
                split_alignment(start, end, B_2)[1],
            ),
            "These are squared lengths. In a cosine the lengths stand as they are.",
        ),
    ),
    hints=(
        "Take `end - start` first. Then a ratio of two lengths, and a cosine.",
        "The ratio is the length of the change over that of `end`. The cosine is between the change, transposed, and `B_2`.",
        "`np.linalg.norm(change) / np.linalg.norm(end)`, and `(change.T * B_2).sum()` over the product of both lengths.",
    ),
    explanation=(
        "The product of the two numbers is what the change contributes to the weight alignment. It is small for two different reasons: the "
        "change is drowned in a long start, or it is not aligned itself, because the layer below had nothing to pass on."
    ),
)


# -- 5. What comes first ------------------------------------------------------------------------


def alignment_lead(cosines, losses):
    aligned = np.argmax(cosines > cosines[-1] / 2, axis=0)
    halved = np.argmax(losses < losses[0] / 2, axis=0)
    return halved - aligned


def _course(rng, *, aligned, halved):
    """Curves that cross where they should, start aligned the wrong way, and do not end at zero.

    The first has a peak on the way: half of the largest cosine is not half of the last.
    """
    now = np.arange(61)[:, None]
    aligned, halved = np.asarray(aligned) + rng.integers(0, 3), np.asarray(halved) + rng.integers(0, 3)
    rise = 1 / (1 + np.exp(-(now - aligned + 0.4) / 1.5))
    cosines = rng.uniform(0.52, 0.56, size=len(aligned)) * (1.8 * rise - 0.8) * (1 - np.exp(-now))
    cosines[:, 0] *= 1 + 0.7 * np.exp(-(((now[:, 0] - 48) / 4) ** 2))
    fall = 1 / (1 + np.exp((now - halved + 0.4) / 4))
    losses = rng.uniform(1, 3, size=len(halved)) * (0.3 + 0.7 * fall)
    losses[halved + 16, np.arange(len(halved))] = losses[0]  # one bad record afterwards
    return cosines, losses


def _first(condition):
    return np.argmax(condition, axis=0)


def _of_medians(cosines, losses):
    middle = (np.median(curve, axis=1, keepdims=True) for curve in (cosines, losses))
    return alignment_lead(*middle)


ALIGNMENT_LEAD = Exercise(
    answer=alignment_lead,
    title="What comes first",
    parts=(
        Part(
            "several seeds",
            2,
            lambda rng: [_course(rng, aligned=[8, 20, 12], halved=[25, 10, 30])],
        ),
        Part("one seed", 1, lambda rng: [_course(rng, aligned=[10], halved=[20])]),
        Part("the loss first", 1, lambda rng: [_course(rng, aligned=[32, 34], halved=[9, 15])]),
    ),
    misconceptions=(
        Misconception(
            "sign",
            lambda cosines, losses: -alignment_lead(cosines, losses),
            "A positive number should say that the alignment comes *first*: it is the later record minus the earlier one.",
        ),
        Misconception(
            "absolute value",
            lambda cosines, losses: alignment_lead(np.abs(cosines), losses),
            "The sign of the cosines is lost. These networks start aligned the wrong way, and that is taken for alignment.",
        ),
        Misconception(
            "fixed threshold",
            lambda cosines, losses: _first(losses < losses[0] / 2) - _first(cosines > 0.5),
            "A cosine of 0.5 is not half-way for everybody. Compare with half of what *this* seed reaches at the end.",
        ),
        Misconception(
            "half of the largest",
            lambda cosines, losses: (
                _first(losses < losses[0] / 2) - _first(cosines > cosines.max(axis=0) / 2)
            ),
            "The cosine is compared with half of the *largest* that the seed has had. Asked for is half of its last one.",
        ),
        Misconception(
            "half-way to the last loss",
            lambda cosines, losses: (
                _first(losses < (losses[0] + losses[-1]) / 2) - _first(cosines > cosines[-1] / 2)
            ),
            "The loss is asked to be half-way between its first and its last value. Asked for is one half of the *first* value.",
        ),
        Misconception(
            "the last crossing",
            lambda cosines, losses: (
                len(losses) - _first(losses[::-1] >= losses[0] / 2) - _first(cosines > cosines[-1] / 2)
            ),
            "This waits until the loss is below one half for good. Asked for is the *first* record at which it is.",
        ),
        Misconception(
            "curve of medians",
            _of_medians,
            "The curves are averaged over seeds, and then there is one number left. Each seed has its own moment: ask each one.",
        ),
        Misconception(
            "loss alone",
            lambda cosines, losses: _first(losses < losses[0] / 2),
            "This says when the loss is halved, not by how many records the alignment was earlier.",
        ),
    ),
    hints=(
        "Two numbers for each seed: when the cosine is first above half of its last value, and when the loss is first below half of its first.",
        "`np.argmax(condition, axis=0)` gives, for each column, the first place where the condition is true.",
        "`np.argmax(losses < losses[0] / 2, axis=0)` minus the same for `cosines > cosines[-1] / 2`.",
    ),
    explanation=(
        "Seed by seed, because a curve of medians belongs to no network: it may cross where none does. And with their signs, as a network that "
        "starts at minus one half has not aligned."
    ),
)

EXERCISES = (PREDICTED_GAIN, OPEN_LOOP_STEP, FIRST_ALIGNMENT, SPLIT_ALIGNMENT, ALIGNMENT_LEAD)
