"""Named random streams: the same when they should be, independent when they should be."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fa_teach import generator, init_feedback, init_network
from fa_teach.streams import STREAMS, draw


@given(seed=st.integers(0, 2**63), stream=st.sampled_from(STREAMS))
def test_a_seed_and_a_stream_give_the_same_numbers_again(seed, stream):
    # The book prints numbers; a reader must get the same ones.
    assert np.array_equal(generator(seed, stream).normal(size=5), generator(seed, stream).normal(size=5))


def test_streams_and_seeds_are_independent():
    # If "weights" and "feedback" shared numbers, feedback would start aligned and the book would be wrong.
    drawn = [generator(seed, stream).normal(size=4000) for seed in range(6) for stream in STREAMS]
    correlations = np.corrcoef(drawn)[np.triu_indices(len(drawn), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)  # 435 pairs: 5 standard deviations


def test_the_numbers_of_a_stream_are_fixed_for_good():
    # NumPy's recipe, written out: a change of ours would silently change every number in the book.
    for number, stream in enumerate(["data", "weights", "feedback", "batches", "noise"]):
        recipe = np.random.default_rng(np.random.SeedSequence(17, spawn_key=(number,)))
        assert np.array_equal(generator(17, stream).normal(size=3), recipe.normal(size=3))


def test_weights_and_feedback_of_one_seed_are_unrelated():
    # The same scheme, the same shape, the same seed: still no alignment, but for chance.
    net = init_network([40, 40, 40], seed=range(50))
    (B,) = init_feedback(net)
    W = net.weights[1]
    cosines = (
        (B.mT * W).sum(axis=(-2, -1)) / np.linalg.norm(B, axis=(-2, -1)) / np.linalg.norm(W, axis=(-2, -1))
    )
    assert abs(cosines.mean()) < 5 / 40 / np.sqrt(50)
    assert np.abs(cosines).max() < 5 / 40


def test_weights_and_feedback_share_no_number():
    # With equal fan-in a feedback drawn from the weights' stream would repeat their very numbers.
    net = init_network([4, 4, 4], seed=range(3))
    assert np.intersect1d(np.stack(net.weights), init_feedback(net)[0]).size == 0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=4))
def test_drawing_for_many_seeds_stacks_what_each_gives_alone(seeds):
    # The foundation of ensembles whose members equal networks alone.
    def make(rng):
        return rng.normal(size=(2, 3))

    together = draw(seeds, "weights", make)
    assert together.shape == (len(seeds), 2, 3)
    for i, seed in enumerate(seeds):
        assert np.array_equal(together[i], draw(seed, "weights", make))
    assert draw(seeds[0], "weights", make).shape == (2, 3)
    assert np.array_equal(draw([seeds, seeds], "weights", make)[1], together)


@pytest.mark.parametrize("seed", [-1, [0, -3], 0.5, "one", None, [], [[1], [2, 3]], True, 10**30, np.nan])
def test_bad_seeds_are_refused(seed):
    # A seed that were rounded, or cut, would look as if it worked.
    with oracles.refused("seed"):
        draw(seed, "data", lambda rng: rng.normal(size=2))
    with oracles.refused("seed"):
        generator(seed, "data")
    with oracles.refused("seed"):
        init_network([2, 2], seed=seed)


def test_one_generator_has_one_seed():
    # An array here would be a mistake for `draw`.
    with oracles.refused("seed"):
        generator([1, 2], "data")


@pytest.mark.parametrize("stream", ["weight", "", None, 1, ["data"]])
def test_unknown_streams_are_refused(stream):
    # The message lists the streams there are.
    with oracles.refused("stream", ValueError) as caught:
        generator(0, stream)
    assert all(repr(known) in str(caught.value) for known in STREAMS)
