"""Chapter 8, necessary but not sufficient: accounts of the descent, a control, a step that is sure, and a map."""

import numpy as np

import fa_teach as fa
from fa_teach.exercises._engine import Exercise, Misconception, Part

# -- 1. The account -----------------------------------------------------------------------------


def descent_by_layer(weights, gradients):
    falls = []
    for W, g in zip(weights, gradients, strict=True):
        steps, slopes = np.diff(W, axis=0), (g[1:] + g[:-1]) / 2
        falls.append(-(slopes * steps).sum())
    return np.array(falls)


def _ways(rng, records, *shapes, towards):
    """Weights and gradients of each layer along a way; each layer goes downhill or uphill as `towards` says."""
    weights, gradients = [], []
    for shape, sign in zip(shapes, towards, strict=True):
        g = rng.normal(size=shape) + 0.4 * rng.normal(size=(records, *shape))
        steps = -0.3 * sign * g[:-1] + 0.1 * rng.normal(size=(records - 1, *shape))
        first = rng.normal(size=(1, *shape))
        weights.append(np.concatenate([first, first + steps.cumsum(axis=0)]))
        gradients.append(g)
    return weights, gradients


def _account(weights, gradients, *, slope, term=lambda products: products.sum()):
    pairs = zip(weights, gradients, strict=True)
    return np.array([-term(slope(g) * np.diff(W, axis=0)) for W, g in pairs])


def _middle(g):
    return (g[1:] + g[:-1]) / 2


DESCENT_BY_LAYER = Exercise(
    answer=descent_by_layer,
    title="The account",
    parts=(
        Part("two layers", 2, lambda rng: [_ways(rng, 5, (4, 3), (2, 4), towards=(1, 1))]),
        Part(
            "a layer that goes uphill",
            2,
            lambda rng: [_ways(rng, 6, (3, 3), (3, 3), (2, 3), towards=(-1, 1, 1))],
        ),
        Part("two records only", 1, lambda rng: [_ways(rng, 2, (2, 5), (3, 2), towards=(1, -1))]),
    ),
    misconceptions=(
        Misconception(
            "slope at the beginning",
            lambda weights, gradients: _account(weights, gradients, slope=lambda g: g[:-1]),
            "Each step is charged at the slope where it *begins*. On the way the slope changes, and the layers no longer add up to the fall.",
        ),
        Misconception(
            "slope at the end",
            lambda weights, gradients: _account(weights, gradients, slope=lambda g: g[1:]),
            "Each step is charged at the slope where it *ends*. Take the mean of both ends.",
        ),
        Misconception(
            "sign",
            lambda weights, gradients: -descent_by_layer(weights, gradients),
            "This is by how much each layer has *raised* the loss. The loss falls where a step goes against the gradient.",
        ),
        Misconception(
            "first to last",
            lambda weights, gradients: np.array(
                [
                    -(_middle(g).mean(axis=0) * (W[-1] - W[0])).sum()
                    for W, g in zip(weights, gradients, strict=True)
                ]
            ),
            "One step from the first record to the last, and a mean slope. The books have to be kept along the way: step by step.",
        ),
        Misconception(
            "shares",
            lambda weights, gradients: (
                descent_by_layer(weights, gradients) / descent_by_layer(weights, gradients).sum()
            ),
            "These are shares, which add up to 1. Asked for are falls of the loss, which add up to *its* fall.",
        ),
        Misconception(
            "absolute values",
            lambda weights, gradients: np.abs(descent_by_layer(weights, gradients)),
            "A layer that raises the loss is booked as if it lowered it. Then the layers cannot add up.",
        ),
        Misconception(
            "all layers together",
            lambda weights, gradients: descent_by_layer(weights, gradients).sum() + np.zeros(len(weights)),
            "This is the fall of all layers together, once for each. Keep one account for each layer.",
        ),
        Misconception(
            "mean over the way",
            lambda weights, gradients: _account(
                weights,
                gradients,
                slope=_middle,
                term=lambda products: products.sum() / len(products),
            ),
            "The steps' contributions are averaged. They add up.",
        ),
    ),
    hints=(
        "Layer by layer. From one record to the next, the loss changes by slope times step; take for the slope the mean of both ends.",
        "`np.diff(W, axis=0)` holds the steps of a layer, `(g[1:] + g[:-1]) / 2` the slopes that go with them.",
        "For each layer: minus the sum of all entries of slopes times steps. Collect them in an array.",
    ),
    explanation=(
        "The loss falls by the integral of the gradient along the way, and an integral over all weights is a sum over layers. Between two "
        "records the mean slope of the ends is exact where the slope changes evenly, and very nearly right where records are close."
    ),
)


# -- 2. The control -----------------------------------------------------------------------------


def worth_of_layer(network, train, test, feedback, layer, steps):
    how = {"steps": steps, "batch_size": None, "learning_rate": 0.1}
    how |= {"rule": "fa", "feedback": feedback}
    run = fa.train(network, train, **how)
    control = fa.train(network, train, frozen=[layer], **how)
    return fa.loss(control.network, *test) - fa.loss(run.network, *test)


def _experiment(rng, sizes, *, seeds, layer):
    network = fa.init_network(sizes, seed=seeds)
    feedback = fa.init_feedback(network, seed=np.add(seeds, int(rng.integers(1000))))
    T = rng.normal(size=(sizes[-1], sizes[0]))
    train, test = ((x, np.sin(x @ T.T)) for x in (rng.normal(size=(n, sizes[0])) for n in (12, 9)))
    return network, train, test, feedback, layer, 20


def _end(network, train, test, feedback, *, steps, **options):
    how = {"rule": "fa", "feedback": feedback} | options
    if how["rule"] in {"bp", "output_only"}:
        del how["feedback"]
    run = fa.train(network, train, steps=steps, batch_size=None, learning_rate=0.1, **how)
    return fa.loss(run.network, *test)


def _other_control(choose):
    """The run of FA against some other control: `choose` gives the options of its training."""

    def compare(network, train, test, feedback, layer, steps):
        options = choose(len(network.weights), layer)
        control = _end(network, train, test, feedback, steps=steps, **options)
        return control - _end(network, train, test, feedback, steps=steps)

    return compare


def _thawed(network, train, test, feedback, layer, steps):
    how = {"rule": "fa", "feedback": feedback, "steps": steps, "batch_size": None, "learning_rate": 0.1}
    run = fa.train(network, train, **how)
    return _end(run.network, train, test, feedback, steps=steps, frozen=[layer]) - fa.loss(run.network, *test)


def _untrained(network, train, test, feedback, layer, steps):
    return fa.loss(network, *test) - _end(network, train, test, feedback, steps=steps)


def _other_start(network, train, test, feedback, layer, steps):
    other = fa.init_network(network.sizes, seed=np.add(network.seed, 1))
    control = _end(other, train, test, feedback, steps=steps, frozen=[layer])
    return control - _end(network, train, test, feedback, steps=steps)


def _against_backprop(network, train, test, feedback, layer, steps):
    control = _end(network, train, test, feedback, steps=steps, frozen=[layer])
    return control - _end(network, train, test, feedback, steps=steps, rule="bp")


WORTH_OF_LAYER = Exercise(
    answer=worth_of_layer,
    title="The control",
    parts=(
        Part("layer 1 of three", 2, lambda rng: [_experiment(rng, [3, 5, 4, 2], seeds=[0, 1, 2], layer=1)]),
        Part("layer 2 of three", 2, lambda rng: [_experiment(rng, [4, 4, 4, 3], seeds=[3, 4], layer=2)]),
        Part("a single network", 1, lambda rng: [_experiment(rng, [3, 5, 4, 2], seeds=6, layer=1)]),
    ),
    misconceptions=(
        Misconception(
            "all hidden layers frozen",
            _other_control(lambda depth, layer: {"rule": "output_only"}),
            "In this control *all* hidden layers stand still. Then the difference is the worth of all of them, not of this one.",
        ),
        Misconception(
            "counted from zero",
            _other_control(lambda depth, layer: {"frozen": [layer + 1]}),
            "Another layer is frozen than the one that was asked about. Layers are counted from 1, as in the text.",
        ),
        Misconception(
            "everything else frozen",
            _other_control(lambda depth, layer: {"frozen": [l for l in range(1, depth + 1) if l != layer]}),
            "Here the layer trains alone and all others stand still. The control is the other way round: one difference, this layer.",
        ),
        Misconception(
            "backpropagation as control",
            _other_control(lambda depth, layer: {"rule": "bp"}),
            "This compares FA with backpropagation. Asked is whether it matters that this *layer* learns, under FA.",
        ),
        Misconception(
            "run by backpropagation",
            _against_backprop,
            "The control trains by FA, and the run by backpropagation. They differ in two things: whatever comes out has two explanations.",
        ),
        Misconception(
            "frozen afterwards",
            _thawed,
            "The control goes on from where the run has ended. Its layer has been trained already: freeze it from the *start*.",
        ),
        Misconception(
            "no training as control",
            _untrained,
            "The control is not trained at all. Then the difference holds what the other layers have learned, too.",
        ),
        Misconception(
            "another start",
            _other_start,
            "The control has other initial weights. Then luck is in the difference.",
        ),
        Misconception(
            "training data",
            lambda network, train, test, feedback, layer, steps: worth_of_layer(
                network, train, train, feedback, layer, steps
            ),
            "The losses are those on the training data. Measure on `test`.",
        ),
        Misconception(
            "sign",
            lambda network, train, test, feedback, layer, steps: (
                -worth_of_layer(network, train, test, feedback, layer, steps)
            ),
            "A layer is worth something if the loss is *higher* without its learning.",
        ),
    ),
    hints=(
        "Two runs from the same start, which differ in one thing: whether this layer moves.",
        "`fa.train(network, train, rule='fa', feedback=feedback, steps=steps, batch_size=None, learning_rate=0.1)`; it takes `frozen=[layer]`, too.",
        "The loss of a run is `fa.loss(run.network, *test)`. Return that of the control minus that of the run.",
    ),
    explanation=(
        "Same start, same feedback, same data, same steps: whatever differs in the end is due to this layer's learning. Bookkeeping says "
        "who moved the loss; only such a control says who was needed."
    ),
)


# -- 3. How long a step may be ------------------------------------------------------------------


def largest_safe_rate(g, u, beta):
    descent, squared = (g * u).sum(), (u**2).sum()
    return max(2 * descent / (beta * squared), 0.0)


def _slopes(rng, *shape, towards=1.0):
    g = rng.normal(size=shape)
    return g, towards * (g + 0.3 * rng.normal(size=shape)), float(rng.uniform(2.0, 5.0))


LARGEST_SAFE_RATE = Exercise(
    answer=largest_safe_rate,
    title="How long a step may be",
    parts=(
        Part("aligned", 2, lambda rng: [_slopes(rng, 12), _slopes(rng, 4, 3)]),
        Part("a long update", 1, lambda rng: [_slopes(rng, 8, towards=30.0)]),
        Part("a short update", 1, lambda rng: [_slopes(rng, 8, towards=0.01)]),
        Part("turned away", 1, lambda rng: [_slopes(rng, 10, towards=-1.0)]),
    ),
    misconceptions=(
        Misconception(
            "cosine alone",
            lambda g, u, beta: max((g * u).sum() / np.sqrt((g**2).sum() * (u**2).sum()), 0.0),
            "This is the cosine. It knows nothing of lengths, and so cannot tell how long a step may be.",
        ),
        Misconception(
            "half of it",
            lambda g, u, beta: largest_safe_rate(g, u, beta) / 2,
            "At this rate the bound is lowest: the best step, not the longest. Twice as far it is back at zero.",
        ),
        Misconception(
            "length not squared",
            lambda g, u, beta: max(2 * (g * u).sum() / (beta * np.linalg.norm(u)), 0.0),
            "This is the length of the step, `rate * norm(u)`. Asked for is the rate: divide by the length once more.",
        ),
        Misconception(
            "gradient descent's",
            lambda g, u, beta: 2 / beta,
            "That is right for a step along the gradient itself. FA's update has another direction and another length.",
        ),
        Misconception(
            "negative rate",
            lambda g, u, beta: 2 * (g * u).sum() / (beta * (u**2).sum()),
            "Where the update leads uphill there is no safe step along it: zero, not a negative rate.",
        ),
        Misconception(
            "absolute value",
            lambda g, u, beta: np.abs(2 * (g * u).sum() / (beta * (u**2).sum())),
            "The sign is lost: an update that leads uphill is given a step as if it led downhill.",
        ),
        Misconception(
            "no curvature",
            lambda g, u, beta: max(2 * (g * u).sum() / (u**2).sum(), 0.0),
            "`beta` is missing. The faster the gradient changes, the shorter must a step be.",
        ),
        Misconception(
            "gradient's length",
            lambda g, u, beta: max(2 * (g * u).sum() / (beta * (g**2).sum()), 0.0),
            "The lengths are exchanged. It is the *update* that makes a step long.",
        ),
    ),
    hints=(
        "The bound is the loss, minus rate times descent, plus `beta / 2` times the squared length of the step. When is it back where it was?",
        "With `s = (u**2).sum()` the bound is below the old loss while `rate * beta * s / 2` is smaller than `(g * u).sum()`.",
        "`2 * (g * u).sum() / (beta * (u**2).sum())`, and 0 if that is negative.",
    ),
    explanation=(
        "Besides `beta`, three things decide: the cosine, the length of the gradient, and that of the update. Ten times as long an update needs a rate ten times as "
        "small; with the same rate it may raise the loss although its cosine is 1."
    ),
)


# -- 4. Reading a map ---------------------------------------------------------------------------


def contrary_share(cosines, accuracies):
    contrary, pairs = 0, 0
    for i in range(len(cosines)):
        for j in range(i):
            product = (cosines[i] - cosines[j]) * (accuracies[i] - accuracies[j])
            contrary += product < 0
            pairs += product != 0
    return contrary / pairs if pairs > 0 else np.nan


def _settings(rng, count, *, turn):
    """Settings of a map in a random order: some pairs are contrary, and more are not, or the other way round."""
    cosines = np.linspace(-0.5, 0.9, count) + rng.uniform(0, 0.02, size=count)
    accuracies = np.linspace(0.1, 0.9, count) + rng.uniform(0, 0.02, size=count)
    accuracies[-2:] = accuracies[0] - 0.02 * np.arange(1, 3)  # the most aligned are poor
    accuracies = accuracies if turn > 0 else 1 - accuracies
    order = rng.permutation(count)
    return cosines[order], accuracies[order]


def _ties(rng):
    cosines, accuracies = _settings(rng, 7, turn=1)
    lowest, highest = cosines.argmin(), cosines.argmax()
    cosines[highest] = cosines[lowest]
    accuracies[np.argsort(accuracies)[:2]] = accuracies.min()
    return cosines, accuracies


def _same(rng):
    return rng.uniform(size=5), np.full(5, float(rng.uniform(0.2, 0.9)))


def _pairs(cosines, accuracies):
    i, j = np.triu_indices(len(cosines), 1)
    return np.subtract(cosines[i], cosines[j]), np.subtract(accuracies[i], accuracies[j])


def _ratio(part, whole):
    return part / whole if whole else np.nan


def _of_all(cosines, accuracies):
    a, b = _pairs(cosines, accuracies)
    return (a * b < 0).mean()


def _agreeing(cosines, accuracies):
    a, b = _pairs(cosines, accuracies)
    return _ratio((a * b > 0).sum(), (a * b != 0).sum())


def _not_agreeing(cosines, accuracies):
    a, b = _pairs(cosines, accuracies)
    return _ratio((a * b <= 0).sum(), len(a))


def _correlation(cosines, accuracies):
    a, b = cosines - cosines.mean(), accuracies - accuracies.mean()
    return _ratio((a * b).sum(), np.sqrt((a**2).sum() * (b**2).sum()))


def _neighbours(cosines, accuracies):
    order = np.argsort(cosines, kind="stable")
    a, b = np.diff(cosines[order]), np.diff(accuracies[order])
    return _ratio((a * b < 0).sum(), (a * b != 0).sum())


CONTRARY_SHARE = Exercise(
    answer=contrary_share,
    title="Reading a map",
    parts=(
        Part(
            "mostly in the same order", 2, lambda rng: [_settings(rng, 8, turn=1), _settings(rng, 11, turn=1)]
        ),
        Part("mostly in the other order", 1, lambda rng: [_settings(rng, 9, turn=-1)]),
        Part("with equals", 1, lambda rng: [_ties(rng)]),
        Part("no pair that counts", 1, lambda rng: [_same(rng)]),
    ),
    misconceptions=(
        Misconception(
            "pairs that agree",
            _agreeing,
            "These are the pairs in which the more aligned setting is also the *better* one. Contrary are the others.",
        ),
        Misconception(
            "share of all pairs",
            _of_all,
            "Pairs with equal cosines or equal accuracies are counted, too. They have no order that could be contrary.",
        ),
        Misconception(
            "equals are contrary",
            _not_agreeing,
            "Equals are taken for contrary. They say nothing, neither for nor against.",
        ),
        Misconception(
            "correlation",
            _correlation,
            "This is a correlation coefficient. A single far-off setting can turn it round; asked for is a count of pairs.",
        ),
        Misconception(
            "absolute cosines",
            lambda cosines, accuracies: contrary_share(np.abs(cosines), accuracies),
            "The sign of the cosines is lost, and a network that is anti-aligned passes for an aligned one.",
        ),
        Misconception(
            "neighbours only",
            _neighbours,
            "Only neighbours in the order of alignment are compared. Every setting has to be compared with every other one.",
        ),
        Misconception(
            "a number of pairs",
            lambda cosines, accuracies: float((np.prod(_pairs(cosines, accuracies), axis=0) < 0).sum()),
            "This is how many there are. Asked for is their share among the pairs that can be compared.",
        ),
        Misconception(
            "zero where nothing counts",
            lambda cosines, accuracies: np.nan_to_num(contrary_share(cosines, accuracies)),
            "Where no pair can be compared there is no share: NaN. 0 would say that alignment has put all in the right order.",
        ),
    ),
    hints=(
        "Two loops, over all pairs of settings. A pair is contrary if the difference of the cosines and that of the accuracies have different signs.",
        "The product of both differences is negative for contrary pairs, and zero for pairs that do not count.",
        "Count the products below zero, and those that are not zero, and divide. If there are none, `np.nan`.",
    ),
    explanation=(
        "If alignment decided, no pair would be contrary; if it had nothing to do with accuracy, about half of them would be. The share says "
        "where between the two a map lies, and it belongs to that map."
    ),
)

EXERCISES = (DESCENT_BY_LAYER, WORTH_OF_LAYER, LARGEST_SAFE_RATE, CONTRARY_SHARE)
