"""Chapter 3, measuring alignment: cosine, angle, the alignment of a layer, and what a step should do to the loss."""

import numpy as np

from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. The signed cosine -----------------------------------------------------------------------


def signed_cosine(a, b):
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return (a * b).sum() / norms if norms > 0 else np.nan


def _pairs(rng, *shape):
    """One pair at an acute angle, one at an obtuse one: neither sign is left to luck."""
    for towards in (1.0, -1.0):
        a = rng.normal(size=shape)
        b = rng.normal(size=shape)
        yield a, b + (towards - (a * b).sum() / (a * a).sum()) * a


def _opposite(rng, *shape):
    a = rng.normal(size=shape)
    return a, -3 * a + 0.1 * rng.normal(size=shape)


def _rows(a, b):
    a, b = np.atleast_2d(a), np.atleast_2d(b)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return ((a * b).sum(axis=1) / norms).mean()


def _spectral(a, b):
    order = 2 if a.ndim == 2 else None
    return (a * b).sum() / (np.linalg.norm(a, order) * np.linalg.norm(b, order))


def _cosine_in_place(a, b):
    a /= np.linalg.norm(a)
    return (a * b).sum() / np.linalg.norm(b)


SIGNED_COSINE = Exercise(
    answer=signed_cosine,
    title="The signed cosine",
    parts=(
        Part("vectors", 1, lambda rng: [*_pairs(rng, 5), *_pairs(rng, 40)]),
        Part("matrices", 1, lambda rng: [*_pairs(rng, 4, 3), *_pairs(rng, 3, 3)]),
        Part("opposite directions", 1, lambda rng: [_opposite(rng, 6), _opposite(rng, 3, 4)]),
        Part("a zero vector", 1, lambda rng: [(np.zeros(4), rng.normal(size=4))]),
    ),
    misconceptions=(
        Misconception(
            "absolute value",
            lambda a, b: np.abs(signed_cosine(a, b)),
            "The sign is lost. Then feedback that points exactly the wrong way is taken for perfect.",
        ),
        Misconception(
            "not divided by the lengths",
            lambda a, b: (a * b).sum(),
            "This is the inner product. It grows with the lengths; the cosine is divided by both.",
        ),
        Misconception(
            "one length only",
            lambda a, b: (a * b).sum() / np.linalg.norm(a),
            "Only one of the two lengths has been divided away.",
        ),
        Misconception(
            "squared lengths",
            lambda a, b: (a * b).sum() / ((a**2).sum() * (b**2).sum()),
            "`(a**2).sum()` is the *square* of the length. There is a root missing.",
        ),
        Misconception(
            "zero for a zero vector",
            lambda a, b: np.nan_to_num(signed_cosine(a, b)),
            "A zero vector has no direction. 0 would say that it stands at a right angle; NaN says that there is nothing to measure.",
        ),
        Misconception(
            "mean over rows",
            _rows,
            "A matrix counts as *one* long vector of its entries. Here each row has a cosine of its own, and these are averaged.",
        ),
        Misconception(
            "spectral norm",
            _spectral,
            "`np.linalg.norm(a, 2)` is the largest singular value of a matrix. Its length as a long vector is `np.linalg.norm(a)`.",
        ),
        Misconception(
            "angle",
            lambda a, b: np.rad2deg(np.arccos(np.clip(signed_cosine(a, b), -1, 1))),
            "This is the angle. That comes in the next part; asked for is its cosine.",
        ),
        Misconception(
            "in place",
            _cosine_in_place,
            "`a /= ...` changes the caller's vector.",
        ),
    ),
    hints=(
        "The sum of products of all entries, divided by both lengths. No loop, and no difference between vectors and matrices.",
        "`(a * b).sum()` and `np.linalg.norm(a)` take all entries of an array of any shape.",
        "If either length is 0, return `np.nan`.",
    ),
    explanation=(
        "`(a * b).sum()` and `np.linalg.norm(a)` take matrices as long vectors. Where a length is zero there is no direction, and "
        "the honest answer is NaN: any number would be read as a measurement."
    ),
)


# -- 2. The angle -------------------------------------------------------------------------------


def angle_in_degrees(cosine):
    return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))


def _cosines(rng, *shape):
    """Acute and obtuse ones in turn."""
    signs = np.resize([1.0, -1.0], shape)
    return (signs * rng.uniform(0.1, 0.9, size=shape),)


ANGLE_IN_DEGREES = Exercise(
    answer=angle_in_degrees,
    title="The angle",
    parts=(
        Part("an array", 2, lambda rng: [_cosines(rng, 6), _cosines(rng, 2, 3)]),
        Part("one number", 1, lambda rng: [(float(rng.uniform(-0.9, -0.1)),)]),
        Part("a hair beyond 1", 1, lambda rng: [(np.array([1 + 2e-16 * rng.integers(2, 9), -1 - 4e-16]),)]),
        Part("NaN", 1, lambda rng: [(np.array([np.nan, rng.uniform(0.1, 0.9)]),)]),
    ),
    misconceptions=(
        Misconception(
            "no clip",
            lambda cosine: np.rad2deg(np.arccos(cosine)),
            "Rounding can make a cosine 1.0000000000000002, and `np.arccos` of that is NaN. Clip it first.",
        ),
        Misconception(
            "radians",
            lambda cosine: np.arccos(np.clip(cosine, -1, 1)),
            "This is in radians. Asked for are degrees.",
        ),
        Misconception(
            "folded",
            lambda cosine: np.rad2deg(np.arccos(np.clip(np.abs(cosine), -1, 1))),
            "Angles beyond 90° are folded back. 180° is the opposite direction, not the same one.",
        ),
        Misconception(
            "clipped at zero",
            lambda cosine: np.rad2deg(np.arccos(np.clip(cosine, 0, 1))),
            "Negative cosines are clipped to 0 and become 90°. The cosine runs from *minus* 1 to 1.",
        ),
        Misconception(
            "sine for cosine",
            lambda cosine: np.rad2deg(np.arcsin(np.clip(cosine, -1, 1))),
            "`np.arcsin` gives what is missing to 90°. The inverse of the cosine is `np.arccos`.",
        ),
        Misconception(
            "cosine for angle",
            lambda cosine: cosine + np.zeros(np.shape(cosine)),
            "This is still the cosine.",
        ),
        Misconception(
            "straight line",
            lambda cosine: 90 * (1 - np.clip(cosine, -1, 1)),
            "Right at -1, 0 and 1, and wrong between: the angle is not a straight line in the cosine.",
        ),
        Misconception(
            "NaN hidden",
            lambda cosine: np.nan_to_num(angle_in_degrees(cosine), nan=90.0),
            "Where there is no cosine there is no angle: NaN should stay NaN.",
        ),
    ),
    hints=(
        "NumPy has the inverse of the cosine, and a function that turns radians into degrees.",
        "`np.arccos(1.0000000000000002)` is NaN. `np.clip` keeps a number within bounds, and leaves NaN alone.",
        "`np.rad2deg(np.arccos(...))` of the cosine clipped to between -1 and 1.",
    ),
    explanation=(
        "A cosine that is computed may miss the range by a rounding error, most easily where it matters: at perfect alignment. "
        "Clipping repairs that and nothing else, and NaN passes through."
    ),
    rtol=1e-7,
    atol=1e-5,  # near 1 the inverse cosine turns a rounding error of 1e-16 into 1e-6 degrees
)


# -- 3. The alignment of a layer ----------------------------------------------------------------


def layer_alignment(delta_bp, delta_rule, h):
    g, u = delta_bp.T @ h, delta_rule.T @ h
    norms = np.linalg.norm(g) * np.linalg.norm(u)
    return (g * u).sum() / norms if norms > 0 else np.nan


def _errors(rng, batch, n_out, n_in, *, towards=1.0):
    delta, h = rng.normal(size=(batch, n_out)), rng.normal(size=(batch, n_in))
    return delta, towards * (delta + 0.3 * rng.normal(size=(batch, n_out))), h


LAYER_ALIGNMENT = Exercise(
    answer=layer_alignment,
    title="The alignment of a layer",
    parts=(
        Part("a batch", 2, lambda rng: [_errors(rng, 5, 3, 4), _errors(rng, 8, 4, 2, towards=-0.5)]),
        Part("a batch of one", 1, lambda rng: [_errors(rng, 1, 5, 3)]),
        Part("errors that point the wrong way", 1, lambda rng: [_errors(rng, 6, 3, 3, towards=-2.0)]),
        Part(
            "no error sent",
            1,
            lambda rng: [(rng.normal(size=(4, 3)), np.zeros((4, 3)), rng.normal(size=(4, 2)))],
        ),
    ),
    misconceptions=(
        Misconception(
            "errors only",
            lambda delta_bp, delta_rule, h: signed_cosine(delta_bp, delta_rule),
            "This compares the error signals. The gradient of the layer is made of errors *and* of what came in: `delta.T @ h`.",
        ),
        Misconception(
            "mean of the samples' cosines",
            lambda delta_bp, delta_rule, h: np.mean(
                [signed_cosine(a, b) for a, b in zip(delta_bp, delta_rule, strict=True)]
            ),
            "Each sample has a cosine of its own here, and these are averaged. What moves the weights is the mean *update*: average first.",
        ),
        Misconception(
            "mean errors",
            lambda delta_bp, delta_rule, h: signed_cosine(
                np.outer(delta_bp.mean(axis=0), h.mean(axis=0)),
                np.outer(delta_rule.mean(axis=0), h.mean(axis=0)),
            ),
            "The mean of the products is not the product of the means: multiply sample by sample, then add up.",
        ),
        Misconception(
            "absolute value",
            lambda delta_bp, delta_rule, h: np.abs(layer_alignment(delta_bp, delta_rule, h)),
            "The sign is lost: a layer whose step leads uphill would look aligned.",
        ),
        Misconception(
            "inner product",
            lambda delta_bp, delta_rule, h: ((delta_bp.T @ h) * (delta_rule.T @ h)).sum(),
            "This is the inner product. For a cosine, divide by both lengths.",
        ),
        Misconception(
            "zero where there is no update",
            lambda delta_bp, delta_rule, h: np.nan_to_num(layer_alignment(delta_bp, delta_rule, h)),
            "An update that is zero has no direction: NaN, not 0.",
        ),
        Misconception(
            "angle",
            lambda delta_bp, delta_rule, h: angle_in_degrees(layer_alignment(delta_bp, delta_rule, h)),
            "This is the angle; asked for is the cosine.",
        ),
    ),
    hints=(
        "Two matrices first: the gradient `g` of the layer, and what the rule has in its place, `u`. Then their cosine.",
        "`g` is `delta_bp.T @ h`, and `u` is the same with the rule's errors. Dividing by the batch changes no cosine.",
        "Then `signed_cosine(g, u)`, or its two lines.",
    ),
    explanation=(
        "`delta.T @ h` adds up the samples' updates before anything is compared. For a single sample the activities drop out, and the "
        "cosine is that of the two errors; for a batch they do not."
    ),
)


# -- 4. What a step should do -------------------------------------------------------------------


def predicted_change(g, u, rate):
    total = 0.0
    for g_l, u_l in zip(g, u, strict=True):
        total += (g_l * u_l).sum()
    return -rate * total


def _layers(rng, *shapes, rate=0.1, towards=(1.0, 1.0)):
    """Hidden layers that go downhill or uphill, as `towards` says, and the output layer with its exact gradient."""
    g = [rng.normal(size=shape) for shape in shapes]
    u = [s * (layer + 0.3 * rng.normal(size=layer.shape)) for s, layer in zip(towards, g[:-1], strict=False)]
    return g, [*u, g[-1].copy()], rate


def _uphill(rng):
    return _layers(rng, (4, 3), (2, 4), towards=(-5.0,))


def _still(rng):
    g, u, rate = _layers(rng, (4, 3), (2, 4), rate=0.5)
    return g, [np.zeros((4, 3)), u[1]], rate


PREDICTED_CHANGE = Exercise(
    answer=predicted_change,
    title="What a step should do",
    parts=(
        Part(
            "three layers",
            2,
            lambda rng: [
                _layers(rng, (4, 3), (5, 4), (2, 5), towards=(2.0, -1.0)),
                _layers(rng, (3, 3), (3, 3), (3, 3)),
            ],
        ),
        Part("a single layer", 1, lambda rng: [_layers(rng, (2, 5), rate=0.03)]),
        Part("a hidden layer that goes uphill", 1, lambda rng: [_uphill(rng)]),
        Part("a hidden layer that stands still", 1, lambda rng: [_still(rng)]),
    ),
    misconceptions=(
        Misconception(
            "sign",
            lambda g, u, rate: -predicted_change(g, u, rate),
            "The step is *minus* the rate times `u`: where gradient and update agree, the loss falls.",
        ),
        Misconception(
            "no rate",
            lambda g, u, rate: predicted_change(g, u, 1.0),
            "The step has the length of the rate times `u`: the change has the rate in it.",
        ),
        Misconception(
            "cosines",
            lambda g, u, rate: -rate * np.nansum([signed_cosine(a, b) for a, b in zip(g, u, strict=True)]),
            "These are cosines. The loss does not care for directions alone: long updates of steep layers change it more.",
        ),
        Misconception(
            "gradient with itself",
            lambda g, u, rate: predicted_change(g, g, rate),
            "This is what a step along the *gradient* would do. The weights move along `u`.",
        ),
        Misconception(
            "update with itself",
            lambda g, u, rate: predicted_change(u, u, rate),
            "The length of the update alone says nothing: how it lies to the gradient decides.",
        ),
        Misconception(
            "output layer only",
            lambda g, u, rate: predicted_change(g[-1:], u[-1:], rate),
            "Only the last layer is counted. All layers move.",
        ),
        Misconception(
            "mean over layers",
            lambda g, u, rate: predicted_change(g, u, rate) / len(g),
            "The layers' shares add up; they are not averaged.",
        ),
        Misconception(
            "absolute values",
            lambda g, u, rate: -rate * sum(np.abs((a * b).sum()) for a, b in zip(g, u, strict=True)),
            "Every layer is counted as if it went downhill. A hidden layer's share can have the other sign.",
        ),
        Misconception(
            "each entry without its sign",
            lambda g, u, rate: -rate * sum(np.abs(a * b).sum() for a, b in zip(g, u, strict=True)),
            "The products are added up without their signs. Where `g` and `u` disagree, the loss rises.",
        ),
    ),
    hints=(
        "To first order, the loss changes by the slope times the step, added up over all weights.",
        "The slopes are the entries of `g`, the steps those of `-rate * u`. Multiply and add, in each layer and over the layers.",
        "`-rate` times the sum over layers of `(g_l * u_l).sum()`.",
    ),
    explanation=(
        "The inner product of gradient and step, over all layers. Each layer's term is its share of the descent: never negative for "
        "the output layer, whose `u` is `g`, and of either sign for a hidden one."
    ),
)

EXERCISES = (SIGNED_COSINE, ANGLE_IN_DEGREES, LAYER_ALIGNMENT, PREDICTED_CHANGE)
