"""The emergence explorer: what was recorded against runs made now, and what is said of it."""

import numpy as np
import pytest

from fa_teach import datasets, init_feedback, init_network, train
from fa_teach.explorers.emergence import Emergence, clock, connections, course, opposite, references
from fa_teach.explorers.recorded import emergence as recorder
from fa_teach.explorers.recorded.emergence import DEPTHS, FEEDBACKS, FILE, RULES, SCALES, SEEDS, STEPS

SHORT = STEPS[:8]  # up to step 11: rounding of another BLAS has no time to grow


@pytest.mark.parametrize(
    ("rule", "depth", "scale", "feedback"),
    [
        ("fa", 2, 0.01, 1.0),
        ("fa", 1, 4.0, 0.25),
        ("dfa", 3, 1.0, 4.0),
        ("bp", 2, 0.5, 1.0),
        ("output_only", 1, 2.0, 1.0),
    ],
)
def test_recorded_runs_are_those_that_the_script_makes(rule, depth, scale, feedback):
    """A change of the library that changes the runs must not leave old ones on the page."""
    now = recorder.runs(rule, depth, scales=[scale], feedbacks=[feedback], steps=SHORT)
    with np.load(FILE) as file:
        assert abs(now.pop("targets") - file[f"targets_{rule}_{depth}"]).max() < 1e-6
        for name, values in now.items():
            places = SCALES.index(scale), FEEDBACKS.index(feedback) if rule in ("fa", "dfa") else 0
            kept = file[f"{name}_{rule}_{depth}"][places][: len(SHORT)]
            fine = recorder.FINENESS.get(name, 1000)
            if name == "agree":  # an entry that is next to nothing may have either sign
                assert abs(kept - values[0, 0]).max() <= 1
                continue
            # half a unit of rounding, and for accuracies one digit of 500
            assert abs(kept / fine - values[0, 0]).max() < 0.5 / fine + 2.1e-3, name


def test_a_run_written_out_as_in_the_chapter_ends_where_the_explorer_ends():
    """An independent way: no ensembles over scales, one seed after the other, medians by hand."""
    train_set, test_set = (datasets.Dataset(d.x.astype("f4"), d.t.astype("f4")) for d in datasets.digits())
    accuracies, losses = [], []
    for seed in range(SEEDS):
        net = init_network([64, 64, 10], loss="cross_entropy", scale=0.5, seed=seed, dtype="f4")
        feedback = init_feedback(net, scale=4.0)
        run = train(
            net,
            train_set,
            rule="fa",
            feedback=feedback,
            steps=41,
            test=test_set,
            probe=train_set.subset(slice(recorder.PROBE)),
            record=["train_loss", "test_accuracy"],
            record_at=[41],
        )
        accuracies.append(run["test_accuracy"][0])
        losses.append(run["train_loss"][0])
    shown = course("fa", "1", "0.5", "4.0")
    i = STEPS.index(41)
    expected = [np.median(accuracies), min(accuracies), max(accuracies)]
    np.testing.assert_allclose(shown["accuracy"][i], expected, atol=0.01)
    expected = [np.median(losses), min(losses), max(losses)]
    np.testing.assert_allclose(shown["loss"][i], expected, atol=0.01)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_arrays_have_their_shapes_and_bands_hold_their_medians(rule, depth):
    """Every combination of controls, in the form that the view expects."""
    T = len(STEPS)
    assert clock()["places"].shape == (T,)
    assert (np.diff(clock()["places"]) > 0).all()
    for scale in SCALES:
        for feedback in FEEDBACKS:
            values = rule, str(depth), str(scale), str(feedback)
            arrays = course(*values)
            assert arrays["loss"].shape == arrays["accuracy"].shape == (T, 3)
            assert arrays["gradient"].shape == arrays["weight"].shape == (depth, T, 3)
            for name, run in arrays.items():
                assert np.isfinite(run).all(), name
                assert (run[..., 1] <= run[..., 0]).all(), name
                assert (run[..., 0] <= run[..., 2]).all(), name
            entries = connections(*values)["entries"]
            assert entries.shape == (T, 40)
            assert abs(entries).max() <= 80 * 1.6  # or dots would leave the picture
        assert {a.shape for a in references(str(depth), str(scale)).values()} == {(T,)}
    assert opposite(rule, str(depth))["targets"].shape == (40,)


def test_with_one_hidden_layer_direct_feedback_is_feedback():
    """They are not recorded twice, so this is where it is shown that they need not be."""
    ways = {"scales": [0.5], "feedbacks": [1.0], "steps": [0, 5]}
    fa, dfa = (recorder.runs(rule, 1, **ways) for rule in ("fa", "dfa"))
    for name, values in fa.items():
        np.testing.assert_allclose(values, dfa[name], atol=1e-5, err_msg=name)


def test_the_feedback_of_rules_that_do_not_use_it_changes_nothing():
    """Backprop and the output layer alone are drawn for every scale of the feedback from one run."""
    for rule in ("bp", "output_only"):
        runs = [course(rule, "2", "1.0", str(feedback)) for feedback in FEEDBACKS]
        for name, run in runs[0].items():
            assert all(np.array_equal(run, other[name]) for other in runs), name


def test_presets_keep_their_promises():
    """Their names are claims about what was recorded."""

    def end(**values):
        arrays = Emergence.compute(**values)
        return arrays["gradient"][:, -1, 0], arrays["accuracy"][-1], arrays

    states = {name: end(**values) for name, (_, values) in Emergence.presets.items()}
    aligned, accuracy, arrays = states["aligns"]
    assert aligned.min() > 0.7
    assert accuracy[1] > 0.92
    entries, targets = arrays["entries"][-1], arrays["targets"]
    assert np.corrcoef(entries, targets)[0, 1] > 0.7
    aligned, accuracy, arrays = states["fails"]
    assert abs(aligned).max() < 0.25
    assert accuracy[2] < arrays["bp_accuracy"][-1] - 0.05


def test_words_name_the_rule_and_its_references():
    """The sentence is all that some readers get."""
    text = Emergence().words
    assert text.startswith("Aligned: after 10 epochs FA")
    assert "layer 1 and" in text
    assert "backprop reads" in text
    assert Emergence(rule="bp").words.startswith("A control that does not use the feedback")
    assert "is FA," in Emergence(rule="dfa", depth="1").words
    assert "weight alignment" in Emergence(measure="weight").words
