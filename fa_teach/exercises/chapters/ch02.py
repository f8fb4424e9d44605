"""Chapter 2, random feedback learns: the line that makes the difference, direct feedback, a step, an experiment."""

import numpy as np

import fa_teach as fa
from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. The line --------------------------------------------------------------------------------


def fa_hidden_error(delta_2, W_2, B_2, h_1):
    return delta_2 @ B_2.T * (1 - h_1**2)


def _backward(rng, batch, n_1, n_2, *, dtype=np.float64):
    shapes = ((batch, n_2), (n_2, n_1), (n_1, n_2))
    delta_2, W_2, B_2 = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    return delta_2, W_2, B_2, np.tanh(rng.normal(size=(batch, n_1))).astype(dtype)


def _line_in_place(delta_2, W_2, B_2, h_1):
    h_1 **= 2
    return delta_2 @ B_2.T * (1 - h_1)


FA_HIDDEN_ERROR = Exercise(
    answer=fa_hidden_error,
    title="The line",
    parts=(
        Part("hidden wider than output", 2, lambda rng: [_backward(rng, 5, 4, 3), _backward(rng, 3, 6, 2)]),
        Part("as many hidden units as outputs", 1, lambda rng: [_backward(rng, 5, 3, 3)]),
        Part("a batch of one", 1, lambda rng: [_backward(rng, 1, 4, 3)]),
        Part("float32", 1, lambda rng: [_backward(rng, 6, 5, 2, dtype=np.float32)]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ W_2 * (1 - h_1**2),
            "This is backpropagation. Feedback alignment does not look at the weights on the way back: `B_2` stands in their place.",
        ),
        Misconception(
            "both ways at once",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ (W_2 + B_2.T) * (1 - h_1**2),
            "The feedback is not added to the transposed weights. It takes their place.",
        ),
        Misconception(
            "no slope",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ B_2.T,
            "The slope of `tanh` is missing. Only the matrix is replaced, the rest of the formula stays.",
        ),
        Misconception(
            "not transposed",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ B_2 * (1 - h_1**2),
            "`B_2` has the shape of the *transposed* weights, `(n_1, n_2)`. For samples in rows it needs a transpose of its own.",
        ),
        Misconception(
            "bend instead of its slope",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ B_2.T * h_1,
            "The factor is the *slope* of `tanh`, which is 1 minus `h_1` squared, not `h_1` itself.",
        ),
        Misconception(
            "slope of what was sent",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ B_2.T * (1 - np.tanh(h_1) ** 2),
            "`h_1` is already `tanh` of what came in. The slope is `1 - tanh(a)**2`, and `tanh(a)` is `h_1` itself.",
        ),
        Misconception(
            "sign-symmetry",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ (np.sign(W_2) * np.abs(B_2.T)) * (1 - h_1**2),
            "This takes its signs from the weights: a rule of its own, sign-symmetry. FA uses `B_2` as it is, signs included.",
        ),
        Misconception(
            "sign",
            lambda delta_2, W_2, B_2, h_1: -(delta_2 @ B_2.T) * (1 - h_1**2),
            "The sign is turned round. The minus comes with the step, not with the error.",
        ),
        Misconception(
            "mean over the batch",
            lambda delta_2, W_2, B_2, h_1: delta_2 @ B_2.T * (1 - h_1**2) / len(h_1),
            "Errors are sample by sample. The mean over the batch comes later, in the update of the weights.",
        ),
        Misconception(
            "in place",
            _line_in_place,
            "`h_1 **= 2` overwrites the activity that the update of `W_2` still needs.",
        ),
    ),
    hints=(
        "Begin with your `hidden_error` of chapter 1. One matrix in it is exchanged, everything else stays.",
        "`W_2` has shape `(n_2, n_1)`, `B_2` has shape `(n_1, n_2)`: where `delta_2 @ W_2` stood, what fits?",
        "`delta_2 @ B_2.T`, times the slope `1 - h_1**2`. `W_2` is not used at all.",
    ),
    explanation=(
        "`W_2` does not occur: on the way back the network makes no use of its weights. That is the whole difference from "
        "backpropagation, and the whole of feedback alignment."
    ),
)


# -- 2. Straight from the output ----------------------------------------------------------------


def dfa_errors(delta_L, feedback, h):
    pairs = zip(feedback, h, strict=True)
    return [delta_L @ B.T * (1 - h_l**2) for B, h_l in pairs]


def _direct(rng, batch, hidden, n_L):
    feedback = [rng.normal(size=(n, n_L)) for n in hidden]
    return rng.normal(size=(batch, n_L)), feedback, [np.tanh(rng.normal(size=(batch, n))) for n in hidden]


def _layer_to_layer(delta_L, feedback, h):
    errors, delta = list(h), delta_L
    for l in reversed(range(len(h))):
        delta = delta @ feedback[l].T * (1 - h[l] ** 2)
        errors[l] = delta
    return errors


def _direct_in_place(delta_L, feedback, h):
    for h_l in h:
        h_l *= h_l
    return [delta_L @ B.T * (1 - h_l) for B, h_l in zip(feedback, h, strict=True)]


DFA_ERRORS = Exercise(
    answer=dfa_errors,
    title="Straight from the output",
    parts=(
        Part("two hidden layers", 2, lambda rng: [_direct(rng, 5, (6, 4), 3), _direct(rng, 4, (5, 5), 2)]),
        Part("one hidden layer", 1, lambda rng: [_direct(rng, 5, (4,), 3)]),
        Part("three layers, as wide as the output", 1, lambda rng: [_direct(rng, 4, (3, 3, 3), 3)]),
        Part("a batch of one", 1, lambda rng: [_direct(rng, 1, (4, 5), 2)]),
    ),
    misconceptions=(
        Misconception(
            "from layer to layer",
            _layer_to_layer,
            "Here each layer gets its error from the layer above. In direct feedback every layer hears the *output*, `delta_L`.",
        ),
        Misconception(
            "no slope",
            lambda delta_L, feedback, h: [delta_L @ B.T for B in feedback],
            "The slope of each layer's own `tanh` is missing.",
        ),
        Misconception(
            "slope of the top layer",
            lambda delta_L, feedback, h: [delta_L @ B.T * (1 - h[-1] ** 2) for B in feedback],
            "Each layer has a slope of its own: `h[l]` belongs to `feedback[l]`.",
        ),
        Misconception(
            "from the top down",
            lambda delta_L, feedback, h: dfa_errors(delta_L, feedback, h)[::-1],
            "The errors are right and in the wrong order: first the lowest hidden layer, as in `feedback` and `h`.",
        ),
        Misconception(
            "with the output",
            lambda delta_L, feedback, h: [*dfa_errors(delta_L, feedback, h), delta_L],
            "The output's own error is not asked for: one error for each hidden layer.",
        ),
        Misconception(
            "not transposed",
            lambda delta_L, feedback, h: [delta_L @ B * (1 - a**2) for B, a in zip(feedback, h, strict=True)],
            "Each `B` has shape `(n_l, n_L)`. For samples in rows it needs a transpose.",
        ),
        Misconception(
            "sign",
            lambda delta_L, feedback, h: [-e for e in dfa_errors(delta_L, feedback, h)],
            "The sign is turned round. The minus comes with the step.",
        ),
        Misconception(
            "in place",
            _direct_in_place,
            "The activities are squared where they lie, in the caller's list. Make new arrays.",
        ),
    ),
    hints=(
        "There is no way through the layers: the error of a hidden layer does not depend on that of any other.",
        "A loop, or a list comprehension, over the pairs of `feedback` and `h`. In it stands the line of part 1.",
        "`delta_L @ B.T * (1 - h_l**2)` for each pair, from below.",
    ),
    explanation=(
        "All layers could do this at the same time, as none waits for another. With one hidden layer it is the line of part 1: the "
        "output *is* the layer above."
    ),
)


# -- 3. A step ----------------------------------------------------------------------------------


def fa_step(W_1, W_2, B_2, x, t, rate):
    h_1 = np.tanh(x @ W_1.T)
    delta_2 = h_1 @ W_2.T - t
    delta_1 = delta_2 @ B_2.T * (1 - h_1**2)
    u_1, u_2 = delta_1.T @ x / len(x), delta_2.T @ h_1 / len(x)
    return W_1 - rate * u_1, W_2 - rate * u_2


def _task(rng, batch, n_0, n_1, n_2, *, rate=0.3):
    shapes = ((n_1, n_0), (n_2, n_1), (n_1, n_2), (batch, n_0), (batch, n_2))
    return *(rng.normal(size=shape) for shape in shapes), rate


def _any_step(W_1, W_2, B_2, x, t, rate, *, back=None, bend=np.tanh, slope=True, mean=True, later=False):
    """A step with one thing done differently."""
    h_1 = bend(x @ W_1.T)
    delta_2 = h_1 @ W_2.T - t
    delta_1 = delta_2 @ (B_2.T if back is None else back) * ((1 - h_1**2) if slope else 1)
    n = len(x) if mean else 1
    new_1 = W_1 - rate * delta_1.T @ x / n
    if later:
        h_1 = bend(x @ new_1.T)
        delta_2 = h_1 @ W_2.T - t
    return new_1, W_2 - rate * delta_2.T @ h_1 / n


def _no_bend(a):
    return a


def _step_in_place(W_1, W_2, B_2, x, t, rate):
    new_1, new_2 = fa_step(W_1, W_2, B_2, x, t, rate)
    W_1[:], W_2[:] = new_1, new_2
    return W_1, W_2


FA_STEP = Exercise(
    answer=fa_step,
    title="A step",
    parts=(
        Part("a batch", 2, lambda rng: [_task(rng, 5, 4, 3, 2), _task(rng, 7, 2, 5, 3)]),
        Part("layers of equal width", 1, lambda rng: [_task(rng, 4, 3, 3, 3)]),
        Part("one sample", 1, lambda rng: [_task(rng, 1, 4, 3, 2)]),
        Part("a small step", 1, lambda rng: [_task(rng, 5, 3, 4, 2, rate=1e-2)]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation",
            lambda W_1, W_2, B_2, x, t, rate: _any_step(W_1, W_2, B_2, x, t, rate, back=W_2),
            "The hidden layer's error has come back through `W_2`. That is a step of backpropagation.",
        ),
        Misconception(
            "uphill",
            lambda W_1, W_2, B_2, x, t, rate: fa_step(W_1, W_2, B_2, x, t, -rate),
            "Both layers go the wrong way. Is the error `y - t`, and the step *minus* the rate times `u`?",
        ),
        Misconception(
            "one layer after the other",
            lambda W_1, W_2, B_2, x, t, rate: _any_step(W_1, W_2, B_2, x, t, rate, later=True),
            "`W_2` is changed with activities that were computed from the *new* `W_1`. Both updates belong to the old weights.",
        ),
        Misconception(
            "output layer only",
            lambda W_1, W_2, B_2, x, t, rate: (W_1, fa_step(W_1, W_2, B_2, x, t, rate)[1]),
            "The hidden layer stands still: this is the baseline that FA has to beat.",
        ),
        Misconception(
            "hidden layer only",
            lambda W_1, W_2, B_2, x, t, rate: (fa_step(W_1, W_2, B_2, x, t, rate)[0], W_2),
            "The output layer stands still. It learns, too, and by its exact gradient.",
        ),
        Misconception(
            "sum",
            lambda W_1, W_2, B_2, x, t, rate: _any_step(W_1, W_2, B_2, x, t, rate, mean=False),
            "The updates are sums over the samples; they should be means.",
        ),
        Misconception(
            "no slope",
            lambda W_1, W_2, B_2, x, t, rate: _any_step(W_1, W_2, B_2, x, t, rate, slope=False),
            "The slope of `tanh` is missing in the hidden layer's error.",
        ),
        Misconception(
            "no bend",
            lambda W_1, W_2, B_2, x, t, rate: _any_step(
                W_1, W_2, B_2, x, t, rate, bend=_no_bend, slope=False
            ),
            "This is a step of a linear network. What the hidden layer sends on is bent, `tanh` of what it receives.",
        ),
        Misconception(
            "no bend on the way up",
            lambda W_1, W_2, B_2, x, t, rate: _any_step(W_1, W_2, B_2, x, t, rate, bend=_no_bend),
            "The slope of `tanh` is there, but not `tanh` itself: on the way up, what the hidden layer sends on is not bent.",
        ),
        Misconception(
            "updates instead of weights",
            lambda W_1, W_2, B_2, x, t, rate: tuple(
                (old - new) / rate
                for old, new in zip((W_1, W_2), fa_step(W_1, W_2, B_2, x, t, rate), strict=True)
            ),
            "These are the updates `u`. Asked for are the weights after the step.",
        ),
        Misconception(
            "in place",
            _step_in_place,
            "`W -= ...` changes the caller's weights. Return new ones: who compares two rules needs the same start twice.",
        ),
    ),
    hints=(
        "Four things in order: forward, error of the output, error of the hidden layer (part 1), both updates.",
        "For the squared loss the output's error is `y - t`. Compute *both* updates before you change any weight.",
        "`u_1 = delta_1.T @ x / len(x)` and `u_2 = delta_2.T @ h_1 / len(x)`; then `W_1 - rate * u_1`, and likewise for `W_2`.",
    ),
    explanation=(
        "`u_2` is the exact gradient of `W_2`, as the output's error has come through no feedback; `u_1` is not the gradient of "
        "`W_1`. Both belong to the weights before the step."
    ),
)


# -- 4. The control -----------------------------------------------------------------------------


def gain_over_control(network, train, test, feedback, steps):
    how = {"steps": steps, "batch_size": None, "learning_rate": 0.1}
    run = fa.train(network, train, rule="fa", feedback=feedback, **how)
    control = fa.train(network, train, rule="output_only", **how)
    return fa.loss(control.network, *test) - fa.loss(run.network, *test)


def _experiment(rng, sizes, *, seeds):
    network = fa.init_network(sizes, seed=seeds)
    feedback = fa.init_feedback(network, seed=np.add(seeds, int(rng.integers(1000))))
    T = rng.normal(size=(sizes[-1], sizes[0]))
    train, test = ((x, np.sin(x @ T.T)) for x in (rng.normal(size=(n, sizes[0])) for n in (12, 9)))
    return network, train, test, feedback, 25


def _end(network, train, test, *, steps, **rule):
    run = fa.train(network, train, steps=steps, batch_size=None, learning_rate=0.1, **rule)
    return fa.loss(run.network, *test)


def _against(**control):
    """FA against some other control."""

    def compare(network, train, test, feedback, steps):
        other = _end(network, train, test, steps=steps, **control)
        return other - _end(network, train, test, steps=steps, rule="fa", feedback=feedback)

    return compare


def _continued(network, train, test, feedback, steps):
    how = {"steps": steps, "batch_size": None, "learning_rate": 0.1}
    run = fa.train(network, train, rule="fa", feedback=feedback, **how)
    return _end(run.network, train, test, steps=steps, rule="output_only") - fa.loss(run.network, *test)


def _other_start(network, train, test, feedback, steps):
    other = fa.init_network(network.sizes, seed=np.add(network.seed, 1))
    control = _end(other, train, test, steps=steps, rule="output_only")
    return control - _end(network, train, test, steps=steps, rule="fa", feedback=feedback)


def _frozen_output(network, train, test, feedback, steps):
    top = [len(network.weights)]
    control = _end(network, train, test, steps=steps, rule="fa", feedback=feedback, frozen=top)
    return control - _end(network, train, test, steps=steps, rule="fa", feedback=feedback)


GAIN_OVER_CONTROL = Exercise(
    answer=gain_over_control,
    title="Against the control",
    parts=(
        Part("three networks at once", 2, lambda rng: [_experiment(rng, [4, 6, 2], seeds=[0, 1, 2])]),
        Part("a single network", 1, lambda rng: [_experiment(rng, [3, 5, 2], seeds=4)]),
        Part("two hidden layers", 1, lambda rng: [_experiment(rng, [3, 5, 4, 2], seeds=[5, 6])]),
    ),
    misconceptions=(
        Misconception(
            "backpropagation as control",
            _against(rule="bp"),
            "The control here is backpropagation. That asks whether FA is as good as the gradient; asked is whether the *hidden layers* learned.",
        ),
        Misconception(
            "redrawn feedback as control",
            _against(rule="redrawn"),
            "In this control the hidden layers move as well, at random. What would the output layer reach *alone*?",
        ),
        Misconception(
            "untrained network as control",
            lambda network, train, test, feedback, steps: (
                fa.loss(network, *test)
                - _end(network, train, test, steps=steps, rule="fa", feedback=feedback)
            ),
            "The control is not trained at all. Then the gain contains all that the output layer has learned, too.",
        ),
        Misconception(
            "control goes on where FA ended",
            _continued,
            "The control starts from the network that FA has trained. Both must start from the *same* weights: `network`.",
        ),
        Misconception(
            "control from another start",
            _other_start,
            "The control has other initial weights. Then the difference is one of luck as well.",
        ),
        Misconception(
            "output frozen, not hidden",
            _frozen_output,
            "The control's *output* layer is frozen. It should be the hidden ones that stand still.",
        ),
        Misconception(
            "training data",
            lambda network, train, test, feedback, steps: gain_over_control(
                network, train, train, feedback, steps
            ),
            "The losses are those on the training data. Measure on `test`.",
        ),
        Misconception(
            "sign",
            lambda network, train, test, feedback, steps: (
                -gain_over_control(network, train, test, feedback, steps)
            ),
            "A gain is positive when FA is *better*, which means that its loss is lower.",
        ),
        Misconception(
            "one number for all seeds",
            lambda network, train, test, feedback, steps: (
                gain_over_control(network, train, test, feedback, steps).mean() + np.zeros(())
            ),
            "The networks are averaged. Return one gain for each: the spread is what tells luck from effect.",
        ),
    ),
    hints=(
        "Two runs that differ in one thing only. Which rule of the library leaves the hidden layers as they are?",
        "`fa.train(network, train, rule=..., steps=steps, batch_size=None, learning_rate=0.1)`, twice; `.network` is the result.",
        "The rules are `fa` (with `feedback=feedback`) and `output_only`. The loss is `fa.loss(run.network, *test)`.",
    ),
    explanation=(
        "Same start, same data, same steps, same rate: the runs differ in whether the hidden layers move. `fa.train` does not change "
        "the network it is given, so that one start serves both."
    ),
)

EXERCISES = (FA_HIDDEN_ERROR, DFA_ERRORS, FA_STEP, GAIN_OVER_CONTROL)
