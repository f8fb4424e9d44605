"""Training by stochastic gradient descent, of one network or a whole ensemble, with any rule.

A step is ``W_l ← W_l - η (u_l + λ W_l)``. What is measured, and when, is asked for by name.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks, alignment
from fa_teach.feedback import (
    Feedback,
    Gradient,
    Rule,
    Step,
    as_rule,
    backward,
    carrier_shapes,
    check_carriers,
    check_feedback,
    check_shapes,
    init_feedback,
    outer,
)
from fa_teach.network import LOSSES, Forward, Network, check_network, forward, targets
from fa_teach.streams import Seed, generator

Array = npt.NDArray[Any]
Rate = float | Array | Callable[[int], Any]

DIVERGED = 1e12  # outputs that miss their targets by more in sum count as diverged, as do NaN and infinity
BATCH = 32  # samples in a batch where nobody says how many


class DivergenceWarning(RuntimeWarning):
    """A run, or some members of an ensemble, left the finite numbers."""


# -- What can be measured -----------------------------------------------------------------------


@dataclass
class Moment:
    """The state of training at one moment, as measures see it.

    What is derived from it is computed once, when asked for.

    Attributes
    ----------
    step : int
        Updates made so far.
    network : Network
        As it is now; training goes on in the same arrays, so copy what you keep.
    rule : Rule
    feedback : tuple of ndarray
    x, t : ndarray, shapes ``(..., n, n_0)`` and ``(..., n, n_L)``
        The probe, by default the training data.
    test : pair of ndarray, optional
    run, test_run : Forward
        Forward passes on the probe and on the test set.
    g, u : Gradient
        The gradient, and the rule's pseudo-gradient, on the probe.

    Examples
    --------
    >>> from fa_teach import datasets, init_network, train
    >>> largest = {"largest": lambda moment: abs(moment.u.weights[0]).max()}
    >>> history = train(init_network([2, 4, 2]), datasets.xor(), steps=3, record=largest)
    >>> history["largest"].shape
    (4,)
    """

    step: int
    network: Network
    rule: Rule
    feedback: Feedback
    x: Array
    t: Array
    test: tuple[Array, Array] | None = None

    @cached_property
    def run(self) -> Forward:
        """Forward pass on the probe."""
        return forward(self.network, self.x)

    @cached_property
    def test_run(self) -> Forward:
        """Forward pass on the test set."""
        return forward(self.network, self.test_set[0])

    @property
    def test_set(self) -> tuple[Array, Array]:
        """Inputs and targets of the test set."""
        if self.test is None:
            raise ValueError("test must be given to record a test measure; got None.")
        return self.test

    @cached_property
    def g(self) -> Gradient:
        """The gradient."""
        return self._update(as_rule("bp"), ())

    @cached_property
    def u(self) -> Gradient:
        """The rule's pseudo-gradient."""
        return self._update(self.rule, self.feedback)

    def _update(self, rule: Rule, feedback: Feedback) -> Gradient:
        return outer(self.network, self.run, backward(self.network, self.run, self.t, rule, feedback))


def _mean_loss(network: Network, run: Forward, t: Array) -> Array:
    return np.asarray(LOSSES[network.loss].value(run.y, t).mean(axis=-1))


def _accuracy(run: Forward, t: Array) -> Array:
    return np.asarray((run.y.argmax(axis=-1) == t.argmax(axis=-1)).mean(axis=-1))


def _norms(matrices: Sequence[Array]) -> Array:
    norms = [np.linalg.norm(W, axis=(-2, -1)) for W in matrices]
    return np.stack(np.broadcast_arrays(*norms), axis=-1)


MEASURES: dict[str, Callable[[Moment], Array]] = {
    "train_loss": lambda m: _mean_loss(m.network, m.run, m.t),
    "test_loss": lambda m: _mean_loss(m.network, m.test_run, m.test_set[1]),
    "train_accuracy": lambda m: _accuracy(m.run, m.t),
    "test_accuracy": lambda m: _accuracy(m.test_run, m.test_set[1]),
    "gradient_alignment": lambda m: alignment.layer_cosines(m.g, m.u),
    "total_gradient_alignment": lambda m: alignment.total_cosine(m.g, m.u),
    "weight_alignment": lambda m: alignment.weight_alignment(m.network, m.rule, m.feedback),
    "signal_alignment": lambda m: alignment.signal_angles(m.network, m.run, m.t, m.rule, m.feedback),
    "descent": lambda m: alignment.inner(m.g, m.u),
    "weight_norm": lambda m: _norms(m.network.weights),
    "gradient_norm": lambda m: np.sqrt(alignment.inner(m.g, m.g)),
    "update_norm": lambda m: np.sqrt(alignment.inner(m.u, m.u)),
}


# -- The result ---------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class History:
    """What a training run leaves behind.

    Attributes
    ----------
    steps : ndarray, shape ``(times,)``
        Updates made before each record; 0 is the untrained network.
    records : dict of str to ndarray
        Each of shape ``(times, *ensemble)``; measures by layer have the layers as last axis.
        ``history["train_loss"]`` is short for ``history.records["train_loss"]``.
    network : Network
        As it was at the end.
    feedback : tuple of ndarray
        As it was at the end, of the last rule.
    snapshots : tuple of Network
        One for each time, if ``"snapshot"`` was recorded.
    diverged_at, stopped_at : ndarray of int, shape ``(*ensemble)``
        Step at which a member diverged, or its stop condition held; -1 if it did not.
    steps_per_epoch : int
    """

    steps: Array
    records: dict[str, Array]
    network: Network
    feedback: Feedback
    snapshots: tuple[Network, ...] = ()
    diverged_at: Array = field(default_factory=lambda: np.array(-1))
    stopped_at: Array = field(default_factory=lambda: np.array(-1))
    steps_per_epoch: int = 1

    def __getitem__(self, name: str) -> Array:
        _checks.one_of("record", name, self.records)
        return self.records[name]

    @property
    def epochs(self) -> Array:
        """The recorded steps in epochs."""
        return self.steps / self.steps_per_epoch

    def __contains__(self, name: object) -> bool:
        return name in self.records

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __repr__(self) -> str:
        parts = [f"{len(self.steps)} records up to step {self.steps[-1]}", ", ".join(self.records)]
        gone = self.diverged_at[self.diverged_at >= 0]
        if gone.size:
            parts.append(f"{gone.size} of {self.diverged_at.size} diverged, the first at step {gone.min()}")
        return f"History({'; '.join(parts)})"


# -- Training -----------------------------------------------------------------------------------


def train(
    network: Network,
    data: Any,
    *,
    rule: str | Rule = "bp",
    feedback: Feedback | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = BATCH,
    learning_rate: Rate = 0.1,
    weight_decay: float = 0.0,
    frozen: Sequence[int] = (),
    switch: Mapping[int, str | Rule] | None = None,
    shuffle: bool = True,
    record: Sequence[str] | Mapping[str, Callable[[Moment], Any]] = ("train_loss",),
    record_at: int | Sequence[int] | None = None,
    test: Any = None,
    probe: Any = None,
    probe_rule: str | Rule | None = None,
    stop: Callable[[dict[str, Array]], Any] | None = None,
    seed: Seed | None = None,
    progress: bool | None = None,
) -> History:
    """Train a network, or an ensemble all at once.

    Parameters
    ----------
    network : Network
        The start. It is not changed.
    data : Dataset or pair of arrays
        Inputs ``(..., n, n_0)`` and targets ``(..., n, n_L)`` or labels ``(..., n)``.
    rule : str or Rule
        A name of `fa_teach.RULES`, or a rule of your own.
    feedback : tuple of ndarray, optional
        By default drawn by `init_feedback` with the network's seeds.
    epochs, steps : int
        How long: give one of them.
    batch_size : int or None
        None takes the whole data set at each step, as does the default where there are no more samples than that.
    learning_rate : float, array, or callable
        One number, one for each member, or a schedule ``step -> rate``.
    weight_decay : float
        ``λ``, on weights only, not on biases.
    frozen : sequence of int
        Layers, counted from 1, whose weights and biases stay as they are.
    switch : mapping of int to rule, optional
        Rules that take over at given steps. Feedback that is given has to fit all of them; feedback that is not is
        drawn once for those like FA and once for direct ones.
    shuffle : bool
        Whether each epoch has its own order. The last batch of an epoch may be smaller.
    record : sequence of str, or mapping of str to callable
        Names of `MEASURES`, and ``"snapshot"``; or names with functions of a `Moment` of your own.
    record_at : int or sequence of int, optional
        Every so many steps, or just at these; by default about 50 times. Step 0 is before the first update.
    test : Dataset or pair of arrays, optional
        For ``"test_loss"`` and ``"test_accuracy"``.
    probe : Dataset or pair of arrays, optional
        Where losses and alignments are measured; by default the training data.
    probe_rule : str or Rule, optional
        Rule whose alignment is measured; by default the one in force.
    stop : callable, optional
        Takes what was just recorded, by name, and says (for each member) whether to stop.
    seed : int or array of int, optional
        For batches and feedback; by default the network's own.
    progress : bool, optional
        Show a progress bar; by default on runs that take more than a few seconds.

    Returns
    -------
    History

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, unknown names, values out of range, NaN or infinity.

    Warns
    -----
    DivergenceWarning
        If a member diverges: its outputs miss their targets by more than 1e12 in sum, or are NaN. It stops there
        and keeps its history; its later records are NaN. The others go on.

    Examples
    --------
    >>> from fa_teach import datasets, init_network, train
    >>> data, test = datasets.digits()
    >>> net = init_network([64, 32, 10], loss="cross_entropy", seed=[0, 1, 2])
    >>> history = train(net, data, rule="fa", epochs=5, test=test, record=["test_accuracy"], record_at=[0, 205])
    >>> history["test_accuracy"].shape
    (2, 3)
    """
    check_network(network)
    x, t = _set("data", network, data)
    probe_set = (x, t) if probe is None else _set("probe", network, probe)
    test_set = None if test is None else _set("test", network, test)
    n = x.shape[-2]
    if batch_size is None or (batch_size == BATCH and n < BATCH):
        size = n
    else:
        size = _checks.integer("batch_size", batch_size, low=1, high=n)
    steps_per_epoch = -(-n // size)
    total = _duration(epochs, steps, steps_per_epoch)
    rules = _rule_schedule(rule, switch, total)
    times = _record_times(record_at, total)
    measures, keep_snapshots = _measures(record, network, test_set)
    seeds = _checks.seeds("seed", network.seed if seed is None else seed)
    _checks.broadcast("seed", seeds.shape, network.ensemble)
    rate_at = _rate_schedule(learning_rate, network)
    weight_decay = _checks.number("weight_decay", weight_decay, low=0.0)
    layers = _checks.items("frozen", frozen, "layers")
    still = frozenset(_checks.integer("frozen layer", l, low=1, high=network.depth) for l in layers)
    watched = None if probe_rule is None else as_rule(probe_rule)
    feedbacks = _Feedbacks(network, feedback, [*rules.values(), *([watched] if watched else [])], seeds)
    for each in rules.values():
        check_carriers(network, each, feedbacks[each])
    if stop is not None:
        _checks.function("stop", stop)

    network = network.copy()
    members = _Members(network.ensemble)
    records = _Records(measures, keep_snapshots)
    normal = _NormalNumbers(seeds)
    batches = _batches(seeds, n, size, _checks.flag("shuffle", shuffle))
    rule = rules[0]

    with _progress_bar(total, progress) as bar, np.errstate(over="ignore", invalid="ignore"):
        for step in range(total + 1):
            rule = rules.get(step, rule)
            if step in times:
                seen = watched or rule
                now = records.take(Moment(step, network, seen, feedbacks[seen], *probe_set, test_set))
                if stop is not None:
                    members.stop(_answer(stop(now), network.ensemble), step)
            if step == total or members.none_left():
                break

            index = next(batches)
            xb, tb = _select(x, index), _select(t, index)
            run = forward(network, xb)
            members.leave_if_diverged(run.y - tb, step)
            if members.none_left():
                break
            deltas = backward(network, run, tb, rule, feedbacks[rule])
            update = members.only_alive(outer(network, run, deltas), still)
            rate = rate_at(step)
            _descend(network, update, rate, weight_decay, still, members, keep=rule.adapt is not None)
            if rule.adapt is not None:
                state = Step(
                    network=network,
                    feedback=feedbacks[rule],
                    update=update,
                    learning_rate=_trailing(rate, 2),
                    weight_decay=weight_decay,
                    frozen=still,
                    normal=normal,
                )
                feedbacks[rule] = _adapted(rule, state, members)
            bar.update()

    if (members.diverged_at >= 0).any():
        _warn_diverged(members.diverged_at)
    return History(
        np.array(records.steps),
        records.stacked(members.diverged_at),
        network,
        feedbacks[rule],
        tuple(records.snapshots),
        members.diverged_at,
        members.stopped_at,
        steps_per_epoch,
    )


# -- Who is still there, and what was seen ------------------------------------------------------


class _Members:
    """Which members of the ensemble still train, and when the others diverged or stopped."""

    def __init__(self, ensemble: tuple[int, ...]) -> None:
        self.alive = np.ones(ensemble, bool)
        self.all_alive = True
        self.diverged_at = np.full(ensemble, -1)
        self.stopped_at = np.full(ensemble, -1)

    def none_left(self) -> bool:
        """Whether all members have left."""
        return not (self.all_alive or self.alive.any())

    def stop(self, held: Array, step: int) -> None:
        """Stop the members whose condition holds."""
        self._leave(held, self.stopped_at, step)

    def leave_if_diverged(self, missed: Array, step: int) -> None:
        """Stop the members whose outputs miss their targets by more than `DIVERGED`; NaN is never less."""
        if not abs(missed).sum() < DIVERGED:
            self._leave(~(abs(missed).sum(axis=(-2, -1)) < DIVERGED), self.diverged_at, step)

    def _leave(self, gone: Array, when: Array, step: int) -> None:
        when[gone & self.alive] = step
        self.alive &= ~gone
        self.all_alive = bool(self.alive.all())

    def only_alive(self, update: Gradient, still: frozenset[int]) -> Gradient:
        """The update with zeros for members that have left and for frozen layers."""
        if self.all_alive and not still:
            return update

        def mask(arrays: tuple[Array, ...], axes: int) -> tuple[Array, ...]:
            keep = _trailing(self.alive, axes)
            return tuple(
                np.where(keep & (l not in still), u, 0).astype(u.dtype) for l, u in enumerate(arrays, 1)
            )

        return Gradient(mask(update.weights, 2), mask(update.biases, 1))

    def where_alive(self, new: Array, old: Array | float, axes: int) -> Array:
        """What is new for members that train, and the old for those that have left."""
        return new if self.all_alive else np.where(_trailing(self.alive, axes), new, old)


class _Records:
    """What was measured, and when."""

    def __init__(self, measures: Mapping[str, Callable[[Moment], Any]], keep_snapshots: bool) -> None:
        self.measures, self.keep_snapshots = measures, keep_snapshots
        self.steps: list[int] = []
        self.values: dict[str, list[Array]] = {name: [] for name in measures}
        self.snapshots: list[Network] = []

    def take(self, moment: Moment) -> dict[str, Array]:
        """Measure, and say what was found."""
        now = {name: np.array(measure(moment)) for name, measure in self.measures.items()}
        self.steps.append(moment.step)
        for name, value in now.items():
            _same_shape(name, value, self.values[name])
            self.values[name].append(value)
        if self.keep_snapshots:
            self.snapshots.append(moment.network.copy())
        return now

    def stacked(self, diverged_at: Array) -> dict[str, Array]:
        """One array for each measure, times first; NaN after divergence."""
        return {
            name: _after_divergence_nan(np.stack(found), self.steps, diverged_at)
            for name, found in self.values.items()
        }


# -- One step -----------------------------------------------------------------------------------


def _descend(
    network: Network,
    update: Gradient,
    rate: Any,
    decay: float,
    still: frozenset[int],
    members: _Members,
    *,
    keep: bool,
) -> None:
    """Change the network's own arrays in place: ``W -= η (u + λ W)``, where members are alive and layers not still.

    Unless the update is to be kept, ``η u`` takes its place in memory: a large network then steps faster.
    """
    for l, (W, u) in enumerate(zip(network.weights, update.weights, strict=True), start=1):
        if l not in still:
            u = u + decay * W if decay else u
            change = np.multiply(_trailing(rate, 2), u, out=None if keep else u)
            W -= members.where_alive(change, 0, axes=2)
    for l, (c, u) in enumerate(zip(network.biases, update.biases, strict=True), start=1):
        if l not in still:
            c -= members.where_alive(_trailing(rate, 1) * u, 0, axes=1)


def _adapted(rule: Rule, state: Step, members: _Members) -> Feedback:
    """The feedback after a step of a rule that changes it; members that have left keep theirs."""
    assert rule.adapt is not None
    new = rule.adapt(state)
    check_shapes("what adapt returns", new, carrier_shapes(state.network, rule), rule)
    pairs = zip(new, state.feedback, strict=True)
    return tuple(members.where_alive(B, before, axes=2) for B, before in pairs)


def _trailing(rate: Any, axes: int) -> Any:
    return rate if isinstance(rate, float) else rate.reshape(rate.shape + (1,) * axes)


def _select(array: Array, index: Array | None) -> Array:
    """The batch's samples: ``array`` is ``(..., n, k)``, ``index`` is ``(..., batch)``."""
    if index is None:
        return array
    if array.ndim == 2:
        return array.take(index, axis=-2)
    lead = np.broadcast_shapes(array.shape[:-2], index.shape[:-1])
    array = np.broadcast_to(array, lead + array.shape[-2:])
    index = np.broadcast_to(index, lead + index.shape[-1:])
    return np.take_along_axis(array, index[..., None], axis=-2)


def _batches(seeds: Array, n: int, size: int, shuffle: bool) -> Iterator[Array | None]:
    generators = [generator(int(s), "batches") for s in seeds.flat]
    while True:
        if size == n:
            yield None
            continue
        if shuffle:
            order = np.stack([g.permutation(n) for g in generators]).reshape(*seeds.shape, n)
        else:
            order = np.arange(n)
        for start in range(0, n, size):
            yield order[..., start : start + size]


class _NormalNumbers:
    """Standard normal matrices, each member's from its own stream."""

    def __init__(self, seeds: Array) -> None:
        self.shape = seeds.shape
        self.generators = [generator(int(s), "noise") for s in seeds.flat]

    def __call__(self, n: int, m: int) -> Array:
        return np.stack([g.normal(size=(n, m)) for g in self.generators]).reshape(*self.shape, n, m)


class _Feedbacks:
    """The feedback in force for each kind of rule: sequential, direct, none."""

    def __init__(self, network: Network, given: Feedback | None, rules: Iterable[Rule], seeds: Array) -> None:
        self.network, self.seeds = network, seeds
        self.kept: dict[bool, Feedback] = {}
        if given is not None:
            rules = [rule for rule in rules if rule.uses_feedback]
            for rule in rules:
                self.kept[rule.direct] = check_feedback(network, rule, given)

    def __getitem__(self, rule: Rule) -> Feedback:
        if not rule.uses_feedback:
            return ()
        if rule.direct not in self.kept:
            self.kept[rule.direct] = init_feedback(self.network, direct=rule.direct, seed=self.seeds)
        return self.kept[rule.direct]

    def __setitem__(self, rule: Rule, feedback: Feedback) -> None:
        self.kept[rule.direct] = feedback


# -- Checks and schedules -----------------------------------------------------------------------


def _pair(name: str, data: Any) -> tuple[Any, Any]:
    if hasattr(data, "x") and hasattr(data, "t"):
        return data.x, data.t
    if isinstance(data, tuple | list) and len(data) == 2:
        if all(hasattr(part, "x") for part in data):
            raise TypeError(f"{name} must be one Dataset or a pair (x, t) of arrays; got a pair of Datasets.")
        return data[0], data[1]
    raise TypeError(f"{name} must be a Dataset or a pair (x, t); got {type(data).__name__}.")


def _set(name: str, network: Network, data: Any) -> tuple[Array, Array]:
    """Inputs and targets, checked; a message says which of the sets is meant."""
    x, t = _pair(name, data)
    try:
        return targets(network, x, t)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _answer(answer: Any, ensemble: tuple[int, ...]) -> Array:
    """What a stop condition says, for each member."""
    if np.asarray(answer).dtype != bool:
        raise TypeError(
            f"what stop returns must be True or False (for each member); got {_checks.shown(answer)}."
        )
    _checks.broadcast("what stop returns", np.shape(answer), ensemble)
    return np.broadcast_to(np.asarray(answer), ensemble)


def _same_shape(name: str, value: Array, earlier: Sequence[Array]) -> None:
    if earlier and value.shape != earlier[0].shape:
        want = earlier[0].shape
        raise ValueError(f"record {name!r} must have one shape at all times, {want}; got {value.shape}.")


def _rule_schedule(rule: str | Rule, switch: Mapping[int, str | Rule] | None, total: int) -> dict[int, Rule]:
    rules = {0: as_rule(rule)}
    if switch is not None and not isinstance(switch, Mapping):
        raise TypeError(f"switch must be a mapping of steps to rules; got {type(switch).__name__}.")
    for step, later in (switch or {}).items():
        rules[_checks.integer("switch step", step, low=0, high=total)] = as_rule(later)
    return rules


def _duration(epochs: int | None, steps: int | None, steps_per_epoch: int) -> int:
    if (epochs is None) == (steps is None):
        raise ValueError(f"give either epochs or steps; got epochs={epochs}, steps={steps}.")
    if steps is not None:
        return _checks.integer("steps", steps, low=0)
    assert epochs is not None
    return _checks.integer("epochs", epochs, low=0) * steps_per_epoch


def _record_times(record_at: int | Sequence[int] | None, total: int) -> set[int]:
    if record_at is None:
        return {round(s) for s in np.linspace(0, total, min(total, 50) + 1)}
    if isinstance(record_at, int | np.integer):
        every = _checks.integer("record_at", record_at, low=1)
        return {*range(0, total + 1, every), total}
    times = _checks.items("record_at", record_at, "steps")
    if not times:
        raise ValueError("record_at must name at least one step; got none.")
    return {_checks.integer("record_at", s, low=0, high=total) for s in times}


def _measures(
    record: Sequence[str] | Mapping[str, Callable[[Moment], Any]],
    network: Network,
    test: tuple[Array, Array] | None,
) -> tuple[dict[str, Callable[[Moment], Any]], bool]:
    if isinstance(record, Mapping):
        for name, measure in record.items():
            _checks.function(f"record {name!r}", measure)
        return dict(record), False
    names = [record] if isinstance(record, str) else _checks.items("record", record, "names")
    for name in names:
        _checks.one_of("record", name, [*MEASURES, "snapshot"])
        if name.startswith("test_") and test is None:
            raise ValueError(f"test must be given to record {name!r}; got None.")
        if name.endswith("_accuracy") and network.sizes[-1] < 2:
            raise ValueError(f"record {name!r} needs at least two outputs; got a network with 1.")
    return {name: MEASURES[name] for name in names if name != "snapshot"}, "snapshot" in names


def _rate_schedule(learning_rate: Rate, network: Network) -> Callable[[int], Any]:
    def checked(value: Any) -> Any:
        rate = _checks.numbers("learning_rate", value, low=0.0)
        if rate.ndim == 0:
            return float(rate)
        _checks.broadcast("learning_rate", rate.shape, network.ensemble)
        return rate.astype(network.dtype)

    if callable(learning_rate):
        schedule = learning_rate
        return lambda step: checked(schedule(step))
    constant = checked(learning_rate)
    return lambda step: constant


def _progress_bar(total: int, progress: bool | None) -> Any:
    from tqdm.auto import tqdm

    # Left open, whether to show the bar is for tqdm's own setting: TQDM_DISABLE=1 keeps it off the book's pages.
    # tqdm's bar for notebooks does not look at it, so it is looked at here.
    wanted = not os.environ.get("TQDM_DISABLE") if progress is None else _checks.flag("progress", progress)
    if sys.platform == "emscripten":
        tqdm.monitor_interval = 0  # it would start a thread, which Python in a browser does not have
    return tqdm(total=total, disable=not wanted, delay=0 if progress else 3, leave=False, desc="training")


def _warn_diverged(diverged_at: Array) -> None:
    gone = diverged_at[diverged_at >= 0]
    who = "The run" if diverged_at.ndim == 0 else f"{gone.size} of {diverged_at.size} members"
    when = "at step" if gone.size == 1 else "the first at step"
    text = (
        f"{who} diverged, {when} {gone.min()}; the history up to there is kept. Try a smaller learning_rate."
    )
    warnings.warn(text, DivergenceWarning, stacklevel=3)


def _after_divergence_nan(values: Array, steps: list[int], diverged_at: Array) -> Array:
    if values.shape[1 : 1 + diverged_at.ndim] != diverged_at.shape:
        return values  # one number for all members
    late = (diverged_at >= 0) & (np.array(steps).reshape(-1, *[1] * diverged_at.ndim) >= diverged_at)
    if not late.any():
        return values
    late = late.reshape(late.shape + (1,) * (values.ndim - late.ndim))
    return np.where(late, np.nan, values)
