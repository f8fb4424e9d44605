"""Networks: forward pass, losses, gradients and bad input, against scipy, finite differences and plain loops."""

from functools import partial

import numpy as np
import oracles
import pytest
import scipy.special
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fa_teach import (
    accuracy,
    dynamics,
    fixed_points,
    forward,
    init_network,
    loss,
    one_hot,
    pseudo_gradient,
    random_matrix,
    softmax,
    train,
)
from fa_teach.network import ACTIVATIONS, INITS, LOSSES, Network, erf, targets

CASES = [(a, l, b) for a in ACTIVATIONS for l in LOSSES for b in (True, False)]


def problem(activation, kind, *, bias=True, sizes=(4, 5, 3, 2), n=6, dtype=np.float64, seed=0):
    """A network with biases that are not zero, inputs and targets; ReLU's kinks are far from all samples."""
    for trial in range(seed, seed + 200):
        rng = np.random.default_rng(trial)
        net = init_network(sizes, activation=activation, loss=kind, bias=bias, seed=trial)
        biases = tuple(rng.normal(size=c.shape) for c in net.biases)
        net = Network(net.weights, biases, net.activations, kind, trial)
        x = rng.normal(size=(n, sizes[0]))
        t = (
            rng.dirichlet(np.ones(sizes[-1]), n)
            if kind == "cross_entropy"
            else rng.normal(size=(n, sizes[-1]))
        )
        if activation != "relu" or min(np.abs(a).min() for a in forward(net, x).a[:-1]) > 1e-2:
            return astype(net, dtype), x.astype(dtype), t.astype(dtype)
    raise AssertionError


def astype(net, dtype):
    weights, biases = ([a.astype(dtype) for a in arrays] for arrays in (net.weights, net.biases))
    return Network(tuple(weights), tuple(biases), net.activations, net.loss, net.seed)


def shifted(net, place, entry, by):
    """The same network with one weight or bias moved."""
    arrays = [a.astype(np.result_type(a, type(by))) for a in (*net.weights, *net.biases)]
    arrays[place][entry] += by
    return Network(
        tuple(arrays[: net.depth]), tuple(arrays[net.depth :]), net.activations, net.loss, net.seed
    )


def numerical_gradient(net, x, t, difference):
    """Derivative of the loss by every single parameter."""
    arrays = (*net.weights, *net.biases)
    result = [np.zeros(a.shape) for a in arrays]
    for place, array in enumerate(arrays):
        for entry in np.ndindex(array.shape):
            result[place][entry] = difference(lambda by, p=place, e=entry: loss(shifted(net, p, e, by), x, t))
    return result


def central(f, step=1e-5):
    return (f(step) - f(-step)) / (2 * step)


def complex_step(f):
    return f(1e-30j).imag / 1e-30


# -- Gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("activation", "kind", "bias"), CASES)
def test_the_gradient_is_that_of_finite_differences(activation, kind, bias):
    # Knows nothing of the chain rule: moves one parameter at a time and looks at the loss.
    net, x, t = problem(activation, kind, bias=bias)
    g = pseudo_gradient(net, x, t)
    expected = numerical_gradient(net, x, t, central)
    assert len(g.weights) + len(g.biases) == len(expected) == (6 if bias else 3)
    for ours, theirs in zip((*g.weights, *g.biases), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
    assert min(np.abs(a).max() for a in expected) > 1e-3  # there was something to compare


@pytest.mark.parametrize(("activation", "kind", "bias"), CASES)
def test_the_gradient_is_that_of_the_complex_step(activation, kind, bias):
    # Exact to rounding; also shows that the forward pass takes complex weights, as the dynamics will need it.
    net, x, t = problem(activation, kind, bias=bias, seed=500)
    g = pseudo_gradient(net, x, t)
    for ours, theirs in zip(
        (*g.weights, *g.biases), numerical_gradient(net, x, t, complex_step), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("activation", "kind", "bias"), CASES)
def test_float32_is_float32_throughout_and_as_exact_as_it_can_be(activation, kind, bias):
    # One float64 constant would silently make everything after it twice as slow.
    net, x, t = problem(activation, kind, bias=bias)
    single, xs, ts = problem(activation, kind, bias=bias, dtype=np.float32)
    run = forward(single, xs)
    assert {a.dtype for a in (*run.a, *run.h)} == {np.dtype(np.float32)}
    assert loss(single, xs, ts).dtype == np.float32
    exact, g = pseudo_gradient(net, x, t), pseudo_gradient(single, xs, ts)
    for ours, theirs in zip((*g.weights, *g.biases), (*exact.weights, *exact.biases), strict=True):
        assert ours.dtype == np.float32
        assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


@pytest.mark.parametrize("sizes", [(3, 2), (3, 1, 2), (2, 6, 6, 6, 6, 1)])
def test_gradients_of_other_depths(sizes):
    # No hidden layer, a bottleneck, a deep one: off-by-one errors live at the ends.
    net, x, t = problem("tanh", "squared", sizes=sizes)
    g = pseudo_gradient(net, x, t)
    for ours, theirs in zip(
        (*g.weights, *g.biases), numerical_gradient(net, x, t, complex_step), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14)


def test_each_hidden_layer_has_its_own_activation():
    # A slope of the wrong layer would pass every test with one activation for all.
    names = ("tanh", "relu", "logistic", "erf", "identity")
    for trial in range(100):
        net = init_network([3, 4, 4, 4, 4, 4, 2], activation=names, seed=trial)
        x = np.random.default_rng(trial).normal(size=(3, 3))
        if np.abs(forward(net, x).a[1]).min() > 1e-2:
            break
    t = np.ones((3, 2))
    g = pseudo_gradient(net, x, t)
    for ours, theirs in zip(
        (*g.weights, *g.biases), numerical_gradient(net, x, t, complex_step), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14)


# -- Activations and losses ---------------------------------------------------------------------

EXACT = {
    "identity": lambda a: a,
    "tanh": np.tanh,
    "logistic": scipy.special.expit,
    "erf": scipy.special.erf,
    "relu": lambda a: np.maximum(a, 0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_scipy(name):
    # From the middle to far in the tails, without a warning (which is an error here).
    a = np.concatenate([np.linspace(-8, 8, 401), [-1e4, -700, -40, -1e-9, 0, 1e-9, 40, 700, 1e4]])
    function, slope, _ = ACTIVATIONS[name]
    np.testing.assert_allclose(function(a), EXACT[name](a), rtol=1e-13, atol=3e-16)
    single = function(a.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, EXACT[name](a), rtol=1e-5, atol=1e-6)
    slopes = slope(a, function(a))
    inner = np.abs(a) < 9
    expected = [oracles.SLOPES[name](float(v)) for v in a[inner]]
    np.testing.assert_allclose(slopes[inner], expected, rtol=1e-8, atol=1e-15)
    assert slope(a.astype(np.float32), single).dtype == np.float32
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("name", [name for name, activation in ACTIVATIONS.items() if activation.analytic])
@given(a=st.floats(-8, 8))
def test_slopes_are_derivatives(name, a):
    # By the complex step, to rounding; ReLU has none at its kink and is tested with the gradients.
    function, slope, _ = ACTIVATIONS[name]
    derivative = np.imag(function(np.array([a + 1e-30j]))) / 1e-30
    np.testing.assert_allclose(
        slope(np.array([a]), function(np.array([a]))), derivative, rtol=1e-9, atol=1e-14
    )


def test_erf_takes_complex_numbers():
    # The Jacobian of the dynamics is computed by complex steps; scipy has the complex function.
    rng = np.random.default_rng(0)
    z = rng.uniform(-4, 4, 50) + 1j * rng.uniform(-0.5, 0.5, 50)
    np.testing.assert_allclose(erf(z), scipy.special.erf(z), rtol=1e-12, atol=1e-14)


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4)), st.integers(0, 3))
def test_softmax_and_cross_entropy_are_those_of_scipy(y, label):
    # Written so that large outputs neither overflow nor lose the loss.
    np.testing.assert_allclose(softmax(y), scipy.special.softmax(y, axis=-1), rtol=1e-10, atol=1e-300)
    t = np.tile(np.eye(4)[label], (3, 1))
    expected = -scipy.special.log_softmax(y, axis=-1)[:, label]
    np.testing.assert_allclose(LOSSES["cross_entropy"].value(y, t), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", LOSSES)
def test_forward_pass_and_loss_against_plain_loops(kind):
    # Sample by sample with Python's math; the loss is the mean over the samples, squared error has its half.
    net, x, t = problem("logistic", kind)
    values = []
    run = forward(net, x)
    for i in range(len(x)):
        a, h = oracles.sample_pass(net, x[i])
        for ours, theirs in zip((*run.a, *run.h), (*a, *h), strict=True):
            np.testing.assert_allclose(ours[i], theirs, rtol=1e-12)
        values.append(oracles.sample_loss(kind, a[-1], t[i]))
    np.testing.assert_allclose(loss(net, x, t), np.mean(values), rtol=1e-12)
    np.testing.assert_allclose(run.y, run.a[-1])
    assert len(run.h) == net.depth  # the input and the hidden layers; the output is linear


def test_accuracy_counts():
    # Known by hand: a network that copies its input.
    net = Network((np.eye(3),), (), ())
    x = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert accuracy(net, x, [0, 1, 2, 0]) == 0.75
    assert accuracy(net, x, one_hot([0, 1, 2, 0], 3)) == 0.75
    many = Network((np.stack([np.eye(3), -np.eye(3)]),), (), ())
    assert accuracy(many, x, [0, 1, 2, 0]).tolist() == [0.75, 0.25]  # -x: the first of two equal ones wins


def test_labels_are_one_hot_targets():
    # Loss, accuracy and gradients take either.
    net, x, _ = problem("tanh", "cross_entropy")
    labels = np.array([0, 1, 1, 0, 1, 0])
    np.testing.assert_array_equal(targets(net, x, labels)[1], np.eye(2)[labels])
    np.testing.assert_array_equal(targets(net, x, labels.astype(np.uint8))[1], np.eye(2)[labels])
    assert loss(net, x, labels) == loss(net, x, np.eye(2)[labels])
    np.testing.assert_array_equal(one_hot([[0, 2], [1, 1]], 3), np.eye(3)[[[0, 2], [1, 1]]])


# -- Ensembles ----------------------------------------------------------------------------------


def test_functions_broadcast_over_the_ensemble():
    # forward, loss, accuracy and gradient of a grid are those of its members, with shared and with own data.
    net = init_network([4, 5, 3], scale=[[0.5], [2.0]], seed=[7, 8, 9], loss="cross_entropy")
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=6)
    for x in (rng.normal(size=(6, 4)), rng.normal(size=(3, 6, 4)), rng.normal(size=(2, 1, 6, 4))):
        t = np.broadcast_to(labels, x.shape[:-1])
        y, losses, rates, g = (
            forward(net, x).y,
            loss(net, x, t),
            accuracy(net, x, t),
            pseudo_gradient(net, x, t),
        )
        assert losses.shape == rates.shape == (2, 3)
        for index in np.ndindex(2, 3):
            own, member = np.broadcast_to(x, (2, 3, 6, 4))[index], net.member(*index)
            np.testing.assert_allclose(y[index], forward(member, own).y, rtol=1e-12)
            np.testing.assert_allclose(losses[index], loss(member, own, labels), rtol=1e-12)
            assert rates[index] == accuracy(member, own, labels)
            alone = pseudo_gradient(member, own, labels)
            for ours, theirs in zip((*g.weights, *g.biases), (*alone.weights, *alone.biases), strict=True):
                np.testing.assert_allclose(ours[index], theirs, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("init", INITS)
def test_a_member_is_the_network_of_its_seed(init, dtype):
    # To the last bit, also in a grid with scales.
    net = init_network([4, 5, 3], init=init, scale=[[0.5], [2.0]], seed=[7, 8, 9], dtype=dtype)
    assert (net.ensemble, net.sizes, net.depth, net.dtype) == ((2, 3), (4, 5, 3), 2, np.dtype(dtype))
    for i, scale in enumerate([0.5, 2.0]):
        for j, seed in enumerate([7, 8, 9]):
            alone = init_network([4, 5, 3], init=init, scale=scale, seed=seed, dtype=dtype)
            member = net.member(i, j)
            assert int(member.seed) == seed
            assert all(np.array_equal(a, b) for a, b in zip(member.weights, alone.weights, strict=True))
            assert all(np.array_equal(a, b) for a, b in zip(member.biases, alone.biases, strict=True))
            assert repr(member) == repr(alone)


def test_members_and_copies_share_no_memory():
    # Changing a copy must not change the original.
    net = init_network([4, 5, 3], seed=[7, 8])
    for other in (net.copy(), net.member(0)):
        for ours, theirs in zip((*net.weights, *net.biases), (*other.weights, *other.biases), strict=True):
            assert not np.shares_memory(ours, theirs)
            assert theirs.flags.writeable


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (lambda: init_network([3, 2]), "Network(3-2, squared, 8 parameters)"),
        (lambda: init_network([3, 4, 2], bias=False), "Network(3-4-2, tanh, squared, 20 parameters)"),
        (
            lambda: init_network([3, 4, 4, 2], activation=["relu", "erf"], seed=range(3)),
            "Network(3-4-4-2, relu, erf, squared, 46 parameters, ensemble (3,))",
        ),
    ],
)
def test_repr(net, text):
    # What a reader sees in a notebook, with the number of parameters counted by hand.
    assert repr(net()) == text


# -- Initial weights ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "std"),
    [("lecun", 50**-0.5), ("glorot", (2 / 250) ** 0.5), ("he", (2 / 50) ** 0.5), ("uniform", 3**-0.5)],
)
def test_schemes_have_their_spread(init, std):
    # Fan-in is the number of columns: taking rows instead is the classic mistake.
    W = random_matrix(np.random.default_rng(0), 200, 50, init=init)
    assert W.shape == (200, 50)
    assert abs(W.mean()) < 5 * std / 100
    np.testing.assert_allclose(W.std(), std, rtol=0.03)
    kurtosis = ((W / W.std()) ** 4).mean()
    assert abs(kurtosis - (1.8 if init == "uniform" else 3.0)) < 0.25  # flat, or bell-shaped
    if init == "uniform":
        assert 0.99 < np.abs(W).max() <= 1


def test_sign_zeros_and_orthogonal_matrices_are_exact():
    # Their definitions, and for the orthogonal ones a uniform distribution over both sides.
    rng = np.random.default_rng(0)
    W = random_matrix(rng, 30, 20, init="sign")
    np.testing.assert_allclose(np.abs(W), 20**-0.5)
    assert 240 < (W > 0).sum() < 360
    assert not random_matrix(rng, 3, 2, init="zeros").any()
    for shape in [(6, 4), (4, 6), (5, 5)]:
        Q = random_matrix(rng, *shape, init="orthogonal")
        assert Q.shape == shape
        gram = Q.T @ Q if shape[0] >= shape[1] else Q @ Q.T
        np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-12)
    diagonal = np.array([random_matrix(rng, 3, 3, init="orthogonal")[0, 0] for _ in range(1000)])
    assert abs(diagonal.mean()) < 5 * 3**-0.5 / 1000**0.5


def test_scale_multiplies_and_biases_start_at_zero():
    # Weights of one seed at two scales are proportional, which the comparisons of initial scales rely on.
    one, five = init_network([4, 5, 3], seed=2), init_network([4, 5, 3], seed=2, scale=5.0)
    for a, b in zip(one.weights, five.weights, strict=True):
        np.testing.assert_allclose(5 * a, b)
    assert not any(c.any() for c in one.biases)
    assert init_network([4, 5, 3], bias=False).biases == ()


def test_layers_are_drawn_one_after_the_other():
    # Square layers that repeated the same numbers would start in a special relation.
    net = init_network([4, 4, 4], seed=2)
    assert not np.isclose(net.weights[0], net.weights[1]).any()


# -- Properties ---------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.permutations(range(5)))
def test_the_order_of_samples_and_of_hidden_units_does_not_matter(seed, order):
    # The loss is a mean, and hidden units have no names.
    net, x, t = problem("tanh", "cross_entropy", sizes=(3, 5, 2), n=5, seed=seed)
    order = list(order)
    np.testing.assert_allclose(loss(net, x[order], t[order]), loss(net, x, t), rtol=1e-12)
    renamed = Network(
        (net.weights[0][order], net.weights[1][:, order]),
        (net.biases[0][order], net.biases[1]),
        net.activations,
        net.loss,
    )
    np.testing.assert_allclose(loss(renamed, x, t), loss(net, x, t), rtol=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(-100, 100))
def test_cross_entropy_ignores_what_is_added_to_all_outputs(seed, shift):
    # The softmax is invariant, so loss and error must be too.
    rng = np.random.default_rng(seed)
    y, t = rng.normal(size=(4, 3)), rng.dirichlet(np.ones(3), 4)
    for function in LOSSES["cross_entropy"]:
        np.testing.assert_allclose(function(y + shift, t), function(y, t), rtol=1e-9, atol=1e-11)


# -- Bad input ----------------------------------------------------------------------------------

NET = init_network([3, 4, 2], loss="cross_entropy")
X, T = np.ones((5, 3)), np.zeros((5, 2))


def with_one(array, value):
    array = array.copy()
    array[1, 1] = value
    return array


@pytest.mark.parametrize(
    ("name", "x", "t"),
    [
        ("x", np.ones((5, 4)), T),
        ("x", np.ones(3), T),
        ("x", 1.0, T),
        ("x", np.ones((0, 3)), np.ones((0, 2))),
        ("x", with_one(X, np.nan), T),
        ("x", with_one(X, np.inf), T),
        ("x", with_one(X, -np.inf), T),
        ("x", [[1, 2, 3], [1, 2]], T),
        ("x", X.astype(complex), T),
        ("x", "abc", T),
        ("x", None, T),
        ("x", {"a": 1}, T),
        ("x", np.ones((4, 5, 3)), np.ones((4, 5, 2))),
        ("t", X, np.zeros((4, 2))),
        ("t", X, np.zeros((5, 3))),
        ("t", X, np.zeros((2, 5))),
        ("t", X, with_one(T, np.nan)),
        ("t", X, with_one(T, np.inf)),
        ("t", X, np.zeros(5)),
        ("t", X, np.zeros(4, int)),
        ("t", X, 0),
        ("t", X, None),
        ("t", X, list("abcde")),
        ("t", X, np.zeros((3, 5, 2))),
        ("labels", X, [0, 1, 2, 0, 1]),
        ("labels", X, [0, 1, -1, 0, 1]),
    ],
)
def test_bad_data_is_refused_by_every_function(name, x, t):
    # One sentence at the door, whichever door it is.
    for function in (loss, accuracy, pseudo_gradient):
        with oracles.refused(name):
            function(NET, x, t)


@settings(max_examples=60)
@given(
    hnp.array_shapes(min_dims=0, max_dims=4, max_side=6), hnp.array_shapes(min_dims=0, max_dims=4, max_side=6)
)
def test_shapes_that_do_not_fit_are_never_numpys_business(x_shape, t_shape):
    # Any pair of shapes: either both fit the network, or one of them is named.
    fits = x_shape[-1:] == (3,) and len(x_shape) == 2 and t_shape == (x_shape[0], 2)
    assume(not fits)
    with oracles.refused("", ValueError) as caught:
        loss(NET, np.ones(x_shape), np.ones(t_shape))
    assert str(caught.value)[0] in "xt"


@given(hnp.arrays(np.int64, 5, elements=st.integers(-3, 4)))
def test_labels_out_of_range_are_refused(labels):
    # NumPy would take -1 for the last class.
    if labels.min() >= 0 and labels.max() < 2:
        loss(NET, X, labels)
    else:
        with oracles.refused("labels", ValueError):
            loss(NET, X, labels)


@pytest.mark.parametrize(
    ("labels", "classes"), [([0.5], 3), (["a"], 3), ([[0], [1, 2]], 3), ([3], 3), ([-1], 3)]
)
def test_one_hot_refuses_what_is_no_label(labels, classes):
    # 1.0 is refused too: it may have been a target.
    with oracles.refused("labels"):
        one_hot(labels, classes)


@pytest.mark.parametrize("classes", [0, -1, 2.5, None])
def test_one_hot_refuses_what_is_no_number_of_classes(classes):
    # Zero classes have no labels.
    with oracles.refused("classes"):
        one_hot([0], classes)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sizes", {"sizes": [3]}),
        ("sizes", {"sizes": []}),
        ("sizes", {"sizes": 3}),
        ("sizes", {"sizes": None}),
        ("sizes", {"sizes": "3-2"}),
        ("sizes[1]", {"sizes": [3, 0, 2]}),
        ("sizes[0]", {"sizes": [-3, 2]}),
        ("sizes[1]", {"sizes": [3, 2.5]}),
        ("sizes[1]", {"sizes": [3, True]}),
        ("activation", {"activation": "sigmoid"}),
        ("activation", {"activation": ["tanh", "tanh"]}),
        ("activation", {"activation": []}),
        ("activation", {"activation": ["nope"]}),
        ("activation", {"activation": [np.tanh]}),
        ("activation", {"activation": np.tanh}),
        ("activation", {"activation": None}),
        ("activation", {"sizes": [3, 2], "activation": "sigmoid"}),
        ("loss", {"loss": "mse"}),
        ("loss", {"loss": None}),
        ("loss", {"loss": ["squared"]}),
        ("init", {"init": "xavier"}),
        ("init", {"init": 1.0}),
        ("scale", {"scale": -1.0}),
        ("scale", {"scale": np.nan}),
        ("scale", {"scale": [1.0, np.inf]}),
        ("scale", {"scale": "big"}),
        ("scale", {"scale": [1.0, 2.0], "seed": [1, 2, 3]}),
        ("dtype", {"dtype": np.int64}),
        ("dtype", {"dtype": "banana"}),
        ("dtype", {"dtype": np.float16}),
        ("dtype", {"dtype": complex}),
    ],
)
def test_init_network_names_what_is_wrong(name, arguments):
    # The first call a newcomer makes.
    with oracles.refused(name):
        init_network(**{"sizes": [3, 4, 2], **arguments})


def test_no_hidden_layer_needs_no_activation():
    # An empty list is what such a network's own `activations` says.
    net = init_network([3, 2], activation=())
    assert net.activations == init_network([3, 2], activation="relu").activations == ()


RNG = np.random.default_rng(0)
W1, W2, C1, C2 = np.ones((4, 3)), np.ones((2, 4)), np.ones(4), np.ones(2)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("weights", ((), (), ())),
        ("weights[1]", ((W1, W2.T), (), ("tanh",))),
        ("weights[1]", ((W1, np.ones(4)), (), ("tanh",))),
        ("weights[0]", (([[1.0, 2.0]], W2), (), ("tanh",))),
        ("weights", (W1, (), ())),
        ("weights", (None, (), ())),
        ("weights[1]", ((W1, W2.astype(int)), (), ("tanh",))),
        ("biases", ((W1, W2), None, ("tanh",))),
        ("biases[0]", ((W1, W2), (C1.astype(int), C2), ("tanh",))),
        ("activations", ((W1, W2), (), "tanh")),
        ("weights[0]", ((np.ones((0, 3)), np.ones((2, 0))), (), ("tanh",))),
        ("biases", ((W1, W2), (C1,), ("tanh",))),
        ("biases[0]", ((W1, W2), (C2, C1), ("tanh",))),
        ("biases[1]", ((W1, W2), (C1, None), ("tanh",))),
        ("activations", ((W1, W2), (), ())),
        ("activations", ((W1, W2), (), ("tanh", "tanh"))),
        ("activations", ((W1, W2), (), ("nope",))),
        ("loss", ((W1, W2), (), ("tanh",), "mse")),
        ("weights and biases", ((np.ones((2, 4, 3)), np.ones((3, 2, 4))), (), ("tanh",))),
        ("weights and biases", ((np.ones((2, 4, 3)), W2), (np.ones((3, 4)), C2), ("tanh",))),
    ],
)
def test_networks_whose_layers_do_not_fit_are_refused(name, arguments):
    # Students put matrices of their own into a network; the mistake must show there, not in a product later.
    with oracles.refused(name):
        Network(*arguments)


@pytest.mark.parametrize("network", [None, [np.ones((2, 3))], "net"])
def test_what_is_no_network_is_refused(network):
    # Arguments in the wrong order, most likely.
    for function in (loss, accuracy, pseudo_gradient):
        with oracles.refused("network", TypeError):
            function(network, X, T)
    with oracles.refused("network", TypeError):
        forward(network, X)
    for at_a_point in (dynamics.to_vector, partial(dynamics.from_vector, theta=[1.0])):
        with oracles.refused("network", TypeError):
            at_a_point(network)
    for of_a_rule in (dynamics.jacobian, fixed_points.fixed_point):
        with oracles.refused("network", TypeError):
            of_a_rule(network, X, T, "fa")
    with oracles.refused("network", TypeError):
        dynamics.output_jacobian(network, X)


@pytest.mark.parametrize("bias", ["no", 2, None])
def test_what_is_neither_true_nor_false_is_refused(bias):
    """Python would take the word no for true."""
    with oracles.refused("bias", TypeError):
        init_network([3, 2], bias=bias)
    with oracles.refused("shuffle", TypeError):
        train(init_network([3, 2]), (X, T), steps=1, batch_size=None, shuffle=bias)


def test_forward_refuses_inputs_that_do_not_fit():
    # It skips the other checks for speed; a list will do.
    for x in (np.ones((5, 4)), np.ones(3), 1.0):
        with oracles.refused("x", ValueError):
            forward(NET, x)
    for x in ("abc", None, [[1.0, 2.0, 3.0], [1.0]]):
        with oracles.refused("x", TypeError):
            forward(NET, x)
    with oracles.refused("x", ValueError):
        forward(init_network([3, 2], seed=range(4)), np.ones((2, 5, 3)))
    assert forward(NET, [[1.0, 2.0, 3.0]]).y.shape == (1, 2)
    assert forward(NET, np.ones((4, 5, 3))).y.shape == (4, 5, 2)


def test_members_that_do_not_exist_are_refused():
    # Counting from 1, most likely; a slice would give an ensemble.
    nets = init_network([3, 2], seed=range(4))
    for index in [(4,), (-5,), (0, 0), ("a",), (1.0,), (slice(2),)]:
        with oracles.refused("index", IndexError):
            nets.member(*index)
    with oracles.refused("index", IndexError):
        NET.member(0)
    assert nets.member(-1).seed == 3


def test_softmax_takes_a_list():
    # As every other function does.
    np.testing.assert_allclose(softmax([1.0, 1.0]), 0.5)


def test_one_output_has_no_accuracy():
    # The largest of one output is always right.
    with oracles.refused("network", ValueError):
        accuracy(init_network([3, 1]), X, np.ones((5, 1)))


@pytest.mark.parametrize(
    ("name", "arguments"), [("rng", (0, 2, 2)), ("n_out", (RNG, 0, 2)), ("n_in", (RNG, 2, 1.5))]
)
def test_random_matrix_names_what_is_wrong(name, arguments):
    # A seed in the place of a generator is the commonest.
    with oracles.refused(name):
        random_matrix(*arguments)


@pytest.mark.parametrize("init", ["nope", None, ["lecun"]])
def test_random_matrix_refuses_unknown_schemes(init):
    # The message lists those there are.
    with oracles.refused("init", ValueError) as caught:
        random_matrix(np.random.default_rng(0), 2, 2, init=init)
    assert all(repr(known) in str(caught.value) for known in INITS)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ("a", TypeError, r"y must be an array of numbers; got 'a'\."),
        ([], ValueError, r"y must have at least one entry along its last axis; got shape \(0,\)\."),
        (1.0, ValueError, r"y must have at least one entry along its last axis; got shape \(\)\."),
    ],
)
def test_softmax_of_what_has_none(y, error, message):
    with pytest.raises(error, match=message):
        softmax(y)


def test_softmax_is_shifted_exponentials_over_their_sum():
    """Against the definition, far from zero, in all number types."""
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64, np.complex128):
        y = rng.normal(size=(3, 5, 7)).astype(dtype)
        share = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)
        assert softmax(y).dtype == dtype
        np.testing.assert_allclose(softmax(y), share, rtol=1e-5)
        np.testing.assert_allclose(softmax(y + 1e4), share, rtol=1e-2 if dtype == np.float32 else 1e-9)


def test_one_output_asks_for_a_column_of_targets():
    with pytest.raises(ValueError, match=r"t must be a column .* take t\[:, None\]"):
        loss(init_network([2, 1]), [[1.0, 2.0], [3.0, 4.0]], [1, 3])


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ("x", r"scale must hold real numbers; got 'x'\."),
        (None, r"scale must hold real numbers; got None\."),
        (np.nan, r"scale must be finite; got nan\."),
        ([[1], [1, 2]], r"scale must be an array of numbers; got rows of different lengths\."),
    ],
)
def test_messages_show_what_came(scale, message):
    with pytest.raises((TypeError, ValueError), match=message):
        init_network([2, 1], scale=scale)
