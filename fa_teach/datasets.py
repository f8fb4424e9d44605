"""Data: handwritten digits, teacher-student tasks, linear maps, XOR, two spirals, and MNIST by download.

Samples are rows, as in `fa_teach.network`. What is random comes from the ``"data"`` stream of a seed,
and an array of seeds makes an ensemble: each member has the data that its seed gives alone.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fa_teach import _checks
from fa_teach.network import ACTIVATIONS, Network, forward, one_hot, random_matrix
from fa_teach.streams import Seed, generator

Array = npt.NDArray[Any]
Make = Callable[[np.random.Generator], Sequence[Array]]


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """Inputs and targets, of one task or of an ensemble of tasks of the same sizes.

    Attributes
    ----------
    x : ndarray, shape ``(..., n, n_0)``
        Inputs, a sample a row.
    t : ndarray, shape ``(..., n, n_L)``
        Targets; one-hot where the task is classification.
    labels : ndarray of int, shape ``(..., n)``, or None
        The classes; None where there are none.
    name : str

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, NaN or infinity.

    Examples
    --------
    >>> data = Dataset([[0, 1], [1, 0]], [[1.0], [2.0]])
    >>> data
    Dataset(data, 2 samples, 2 in, 1 out)
    >>> len(data)
    2
    """

    x: Array
    t: Array
    labels: Array | None = None
    name: str = "data"

    def __post_init__(self) -> None:
        for field in ("x", "t"):
            array = _checks.real_array(field, getattr(self, field))
            array = array if array.dtype.kind == "f" else array.astype(np.float64)
            object.__setattr__(self, field, array)  # frozen for everyone else
        if self.x.ndim < 2:
            raise ValueError(f"x must have shape (..., n, n_0); got {self.x.shape}.")
        rows = self.x.shape[:-1]
        if self.t.ndim < 2 or self.t.shape[:-1] != rows:
            want = ", ".join(map(str, rows))
            raise ValueError(f"t must have shape ({want}, n_L), to fit x; got {self.t.shape}.")
        if self.labels is not None:
            labels = np.asarray(self.labels)
            if labels.dtype.kind not in "iu" or labels.shape != rows:
                got = f"{labels.shape} of {labels.dtype}"
                raise ValueError(f"labels must be whole numbers of shape {rows}, to fit x; got {got}.")
            object.__setattr__(self, "labels", labels)

    @property
    def ensemble(self) -> tuple[int, ...]:
        """Shape of the leading axes; ``()`` for one task."""
        return self.x.shape[:-2]

    def __len__(self) -> int:
        return int(self.x.shape[-2])

    def __repr__(self) -> str:
        sizes = f"{self.x.shape[-1]} in, {self.t.shape[-1]} out"
        parts = [self.name, f"{len(self):,} samples", sizes]
        if self.ensemble:
            parts.append(f"ensemble {self.ensemble}")
        return f"Dataset({', '.join(parts)})"

    def subset(self, rows: Any) -> Dataset:
        """Take some of the samples; in an ensemble, the same rows of every member.

        Parameters
        ----------
        rows : slice, array of int, or array of bool
            A slice gives views of the arrays, an array gives copies.

        Returns
        -------
        Dataset

        Raises
        ------
        IndexError
            For rows that do not exist, or a single number instead of an array.

        Examples
        --------
        >>> xor().subset([0, 3]).x
        array([[0., 0.],
               [1., 1.]])
        """
        try:
            fits = np.arange(len(self))[rows].ndim == 1
        except IndexError:
            fits = False
        if not fits:
            raise IndexError(
                f"rows must be a slice or a list of rows below {len(self)}; got {_checks.shown(rows)}."
            )
        labels = None if self.labels is None else self.labels[..., rows]
        return Dataset(self.x[..., rows, :], self.t[..., rows, :], labels, self.name)

    def split(self, n_test: int) -> tuple[Dataset, Dataset]:
        """Keep the last samples to test on, and the others to train on.

        Parameters
        ----------
        n_test : int
            From 0, which leaves the test set empty, to one less than there are.

        Returns
        -------
        train, test : Dataset

        Examples
        --------
        >>> data, _ = linear_map(3, 2, 100)
        >>> data.split(20)[1]
        Dataset(linear map test, 20 samples, 3 in, 2 out)
        """
        _checks.integer("n_test", n_test, low=0, high=max(len(self) - 1, 0))
        cut = len(self) - n_test
        parts = {"train": self.subset(slice(cut)), "test": self.subset(slice(cut, None))}
        train, test = (Dataset(d.x, d.t, d.labels, f"{self.name} {part}") for part, d in parts.items())
        return train, test


def _draw(seed: Seed, make: Make) -> list[Array]:
    """Several arrays from the data stream of each seed, one after the other; stacked over the seeds.

    Drawn by separate calls of `streams.draw` they would all repeat the same random numbers.
    """
    seeds = _checks.seeds("seed", seed)
    members = [make(generator(int(s), "data")) for s in seeds.flat]
    return [np.stack(part).reshape(seeds.shape + part[0].shape) for part in zip(*members, strict=True)]


# -- Classification -----------------------------------------------------------------------------


def digits(*, n_test: int = 500, seed: Seed = 0) -> tuple[Dataset, Dataset]:
    """Handwritten digits: 1,797 images of 8×8 pixels, which come with the package.

    The split is at random, so the same 13 people wrote the images of both parts: a network that does well
    here reads new digits of people it knows.

    Parameters
    ----------
    n_test : int
        Size of the test set, 0 to 1796. With 0 all 1,797 are in the training set and the test set is empty.
    seed : int or array of int
        Where the order is drawn from, and with it the split. An array of seeds makes an ensemble, with a
        split (and 1 MB) for each member.

    Returns
    -------
    train, test : Dataset
        Inputs ``(..., n, 64)``, pixels from -1 (paper) to 1 (ink) row by row; targets ``(..., n, 10)``,
        one-hot.

    Notes
    -----
    The test set of E. Alpaydin and C. Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository, doi:10.24432/C50P49, CC BY 4.0; the same images as scikit-learn's.

    Examples
    --------
    >>> train, test = digits()
    >>> train
    Dataset(digits train, 1,297 samples, 64 in, 10 out)
    >>> train.labels[:5]
    array([3, 9, 1, 8, 6])
    >>> everything, _ = digits(n_test=0)
    >>> len(everything)
    1797
    """
    with np.load(Path(__file__).with_name("data") / "digits.npz") as file:
        pixels, labels = file["x"], file["labels"]
    _checks.integer("n_test", n_test, low=0, high=len(labels) - 1)
    (order,) = _draw(seed, lambda rng: [rng.permutation(len(labels))])  # (..., 1797)
    classes = labels[order].astype(np.int64)
    return Dataset(pixels[order] / 8 - 1, one_hot(classes, 10), classes, "digits").split(n_test)


def xor() -> Dataset:
    """Exclusive or: four samples that no network without a hidden layer can tell apart.

    Returns
    -------
    Dataset
        Inputs ``(4, 2)``, targets ``(4, 2)``: one-hot, class 1 where exactly one input is 1. For a network
        with a single output, take ``labels[:, None]``.

    Examples
    --------
    >>> data = xor()
    >>> print(np.column_stack([data.x, data.labels]))
    [[0. 0. 0.]
     [0. 1. 1.]
     [1. 0. 1.]
     [1. 1. 0.]]
    """
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    labels = np.array([0, 1, 1, 0])
    return Dataset(x, one_hot(labels, 2), labels, "xor")


def two_spirals(n_samples: int = 200, *, noise: float = 0.0, turns: float = 1.5, seed: Seed = 0) -> Dataset:
    """Two spirals, one inside the other: two classes in the plane that no straight line separates.

    At a fraction ``s`` of its way, ``0 < s ≤ 1``, the first spiral (class 0) is at radius ``s`` and angle
    ``2π · turns · s``; the second is the first turned by half a circle.

    Parameters
    ----------
    n_samples : int
        Of both together, evenly spaced in radius, in random order.
    noise : float
        Standard deviation of what is added to each coordinate.
    turns : float
        How often a spiral goes round.
    seed : int or array of int
        An array makes an ensemble.

    Returns
    -------
    Dataset
        Inputs ``(..., n, 2)``, targets ``(..., n, 2)``: one-hot.

    Notes
    -----
    After K. J. Lang and M. J. Witbrock (1988), Learning to tell two spirals apart; theirs have 97 points each
    and three turns.

    Examples
    --------
    >>> data = two_spirals(194, turns=3)
    >>> np.bincount(data.labels)
    array([97, 97])
    """
    _checks.integer("n_samples", n_samples, low=2)
    noise = _checks.number("noise", noise, low=0.0)
    turns = _checks.number("turns", turns, low=0.0, open_low=True)
    spiral = np.arange(n_samples) % 2  # (n,): 0, 1, 0, 1, ...
    s = (np.arange(n_samples) // 2 + 1) / ((n_samples + 1) // 2)
    angle = 2 * np.pi * turns * s + np.pi * spiral
    curve = s[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])  # (n, 2)

    def make(rng: np.random.Generator) -> list[Array]:
        order = rng.permutation(n_samples)
        return [curve[order] + noise * rng.normal(size=(n_samples, 2)), spiral[order]]

    x, labels = _draw(seed, make)
    return Dataset(x, one_hot(labels, 2), labels, "two spirals")


# -- Regression on what a known network computes ------------------------------------------------


def teacher_student(
    n_in: int,
    n_hidden: int,
    n_samples: int,
    *,
    n_out: int = 1,
    activation: str = "erf",
    noise: float = 0.0,
    seed: Seed = 0,
) -> tuple[Dataset, Network]:
    """Targets computed by a random network with one hidden layer, the teacher; inputs are N(0, 1).

    The teacher is ``t = V φ(U x / √n_in)``, with the entries of ``U`` and ``V`` drawn from N(0, 1). For
    ``"erf"`` the literature takes ``φ(a) = erf(a/√2)``; as the library's is ``erf(a)``, the ``√2`` goes into
    the first weights, whose variance is then ``1/(2 n_in)``. Teacher and student come from different streams,
    so that a student of the same sizes and seed is another network.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Widths of the teacher.
    n_samples : int
        For online learning, one for each step; `Dataset.split` keeps some to test on.
    activation : str
        Of the teacher's hidden layer, see `fa_teach.network.init_network`.
    noise : float
        Standard deviation of what is added to the targets.
    seed : int or array of int
        An array makes an ensemble: a teacher and inputs for each seed.

    Returns
    -------
    data : Dataset
        Inputs ``(..., n, n_in)``, targets ``(..., n, n_out)``.
    teacher : Network
        Without biases.

    Notes
    -----
    With ``n_out=1`` the setting of M. Refinetti et al. (2021), Align, then memorise: the dynamics of learning
    with feedback alignment.

    Examples
    --------
    >>> data, teacher = teacher_student(100, 2, 1000)
    >>> data
    Dataset(teacher-student, 1,000 samples, 100 in, 1 out)
    >>> teacher
    Network(100-2-1, erf, squared, 202 parameters)
    """
    sizes = {"n_in": n_in, "n_hidden": n_hidden, "n_samples": n_samples, "n_out": n_out}
    for name, size in sizes.items():
        _checks.integer(name, size, low=1)
    _checks.one_of("activation", activation, ACTIVATIONS)
    noise = _checks.number("noise", noise, low=0.0)
    factor = np.sqrt((0.5 if activation == "erf" else 1.0) / n_in)

    def make(rng: np.random.Generator) -> list[Array]:
        W_1 = factor * rng.normal(size=(n_hidden, n_in))
        W_2 = rng.normal(size=(n_out, n_hidden))
        x = rng.normal(size=(n_samples, n_in))
        t = forward(Network((W_1, W_2), (), (activation,)), x).y  # (n_samples, n_out)
        return [x, t + noise * rng.normal(size=t.shape), W_1, W_2]

    x, t, W_1, W_2 = _draw(seed, make)
    kept = np.asarray(seed) if np.ndim(seed) else seed
    return Dataset(x, t, name="teacher-student"), Network((W_1, W_2), (), (activation,), "squared", kept)


def linear_map(
    n_in: int,
    n_out: int,
    n_samples: int,
    *,
    noise: float = 0.0,
    covariance: Any = None,
    seed: Seed = 0,
) -> tuple[Dataset, Array]:
    """Targets ``t = T x`` for a random matrix ``T`` with entries uniform in [-1, 1], and inputs from N(0, Σ).

    Parameters
    ----------
    n_in, n_out, n_samples : int
    noise : float
        Standard deviation of what is added to the targets.
    covariance : array, shape ``(n_in, n_in)``, optional
        Σ, symmetric and without negative eigenvalues; the identity if not given.
    seed : int or array of int
        An array makes an ensemble: a map and inputs for each seed.

    Returns
    -------
    data : Dataset
        Inputs ``(..., n, n_in)``, targets ``(..., n, n_out)``.
    T : ndarray, shape ``(..., n_out, n_in)``

    Notes
    -----
    With ``linear_map(30, 10, ...)`` the first task of T. P. Lillicrap et al. (2016), Random synaptic feedback
    weights support error backpropagation for deep learning.

    Examples
    --------
    >>> data, T = linear_map(30, 10, 2000)
    >>> T.shape
    (10, 30)
    >>> bool(np.allclose(data.t, data.x @ T.T))
    True
    """
    for name, size in {"n_in": n_in, "n_out": n_out, "n_samples": n_samples}.items():
        _checks.integer(name, size, low=1)
    noise = _checks.number("noise", noise, low=0.0)
    root = None if covariance is None else _square_root(covariance, n_in)

    def make(rng: np.random.Generator) -> list[Array]:
        T = random_matrix(rng, n_out, n_in, init="uniform")
        white = rng.normal(size=(n_samples, n_in))
        x = white if root is None else white @ root
        return [x, x @ T.T + noise * rng.normal(size=(n_samples, n_out)), T]

    x, t, T = _draw(seed, make)
    return Dataset(x, t, name="linear map"), T


def _square_root(covariance: Any, n: int) -> Array:
    """Symmetric square root of a covariance: unlike Cholesky's it exists for a singular one too."""
    matrix = _checks.real_array("covariance", covariance, dtype=np.float64)
    if matrix.shape != (n, n):
        raise ValueError(f"covariance must have shape ({n}, {n}), to fit n_in; got {matrix.shape}.")
    if not np.allclose(matrix, matrix.T):
        raise ValueError(
            f"covariance must be symmetric; got entries that differ by {np.abs(matrix - matrix.T).max():g}."
        )
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -1e-10 * max(values[-1], 1.0):
        raise ValueError(f"covariance must have no negative eigenvalue; got {values[0]:g}.")
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def low_rank(n_in: int, n_out: int, singular_values: Any, *, seed: Seed = 0) -> tuple[Dataset, Array]:
    """Matrix factorisation as a task: a random target matrix ``T`` with the singular values asked for.

    There are ``n_in`` samples, the rows of ``√n_in`` times the identity. Their covariance is then exactly the
    identity, and the squared loss of a linear network ``W A`` is exactly ``½ ‖W A - T‖²`` (Frobenius). The
    best that a hidden layer of width ``k`` can do is half the sum of the squares of the singular values after
    the ``k`` largest.

    Parameters
    ----------
    n_in, n_out : int
    singular_values : array, shape ``(r,)``
        Not negative, at most ``min(n_in, n_out)`` of them; ``r`` is the rank if none is 0.
        ``5 * 0.8 ** np.arange(20)`` decays, ``np.ones(20)`` is flat.
    seed : int or array of int
        Where the singular vectors are drawn from, uniformly. An array makes an ensemble.

    Returns
    -------
    data : Dataset
        Inputs ``(..., n_in, n_in)``, targets ``(..., n_in, n_out)``.
    T : ndarray, shape ``(..., n_out, n_in)``

    Examples
    --------
    >>> data, T = low_rank(20, 20, [4, 2, 1])
    >>> print(np.linalg.svd(T, compute_uv=False)[:4].round(6))
    [4. 2. 1. 0.]
    """
    for name, size in {"n_in": n_in, "n_out": n_out}.items():
        _checks.integer(name, size, low=1)
    values = np.atleast_1d(_checks.numbers("singular_values", singular_values, low=0.0))
    if values.ndim != 1 or not 1 <= len(values) <= min(n_in, n_out):
        want = f"(r,) with r from 1 to {min(n_in, n_out)}"
        raise ValueError(f"singular_values must have shape {want}; got {values.shape}.")

    def make(rng: np.random.Generator) -> list[Array]:
        left = random_matrix(rng, n_out, len(values), init="orthogonal")
        right = random_matrix(rng, n_in, len(values), init="orthogonal")
        T = (left * values) @ right.T
        x = np.sqrt(n_in) * np.eye(n_in)
        return [x, x @ T.T, T]

    x, t, T = _draw(seed, make)
    return Dataset(x, t, name="low rank"), T


# -- MNIST, by download -------------------------------------------------------------------------

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)

MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def mnist(
    *, cache: str | os.PathLike[str] | None = None, mirror: str | None = None
) -> tuple[Dataset, Dataset]:
    """MNIST: 60,000 and 10,000 handwritten digits of 28×28 pixels, downloaded once (12 MB).

    The four files are checked against known checksums and kept; afterwards no network is needed. The arrays
    take 450 MB of memory.

    Parameters
    ----------
    cache : path, optional
        The folder to keep the files in; if not given, the one that the operating system has for such things.
    mirror : str, optional
        Address of a folder with the four files, instead of the known ones. The environment variable
        ``FA_TEACH_MNIST_MIRROR`` does the same, for a classroom with its own server.

    Returns
    -------
    train, test : Dataset
        Inputs ``(n, 784)``, pixels from -1 (paper) to 1 (ink) row by row; targets ``(n, 10)``, one-hot.

    Raises
    ------
    ModuleNotFoundError
        If pooch, which downloads, is not installed.
    ConnectionError
        If the files are not in the cache and no mirror gives them.

    Notes
    -----
    Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits; Y. LeCun, L. Bottou,
    Y. Bengio and P. Haffner (1998), Gradient-based learning applied to document recognition.

    Examples
    --------
    >>> train, test = mnist()  # doctest: +SKIP
    >>> train  # doctest: +SKIP
    Dataset(mnist train, 60,000 samples, 784 in, 10 out)
    """
    mirror = mirror or os.environ.get("FA_TEACH_MNIST_MIRROR")
    if mirror and not mirror.startswith(("http://", "https://")):
        raise ValueError(f"mirror must be an address that begins with http:// or https://; got {mirror!r}.")
    return _mnist((mirror,) if mirror else MNIST_MIRRORS, MNIST_SHA256, cache)


def _mnist(
    mirrors: Sequence[str], checksums: Mapping[str, str], cache: str | os.PathLike[str] | None
) -> tuple[Dataset, Dataset]:
    try:
        import pooch
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "mnist() downloads with the package pooch, which is not installed; "
            "type `python -m pip install pooch` and try again."
        ) from None
    folder = Path(pooch.os_cache("fa_teach") if cache is None else cache)

    def fetch(name: str) -> Array:
        problems = []
        for mirror in mirrors:
            url = f"{mirror.rstrip('/')}/{name}"
            try:
                return _read_idx(pooch.retrieve(url, f"sha256:{checksums[name]}", fname=name, path=folder))
            except (PermissionError, FileExistsError, NotADirectoryError):
                raise OSError(f"cache must be a folder that one may write to; got {str(folder)!r}.") from None
            except ValueError:  # pooch has found another checksum, and thrown the file away
                problems.append(f"{mirror} sent a file that is not MNIST's (its checksum differs)")
            except OSError as error:  # requests' errors are OSErrors
                problems.append(f"{mirror} did not answer as it should ({type(error).__name__})")
        raise ConnectionError(
            f"{name} is not in {folder} (or is damaged) and could not be downloaded: {'; '.join(problems)}. "
            "Try again with a network, put MNIST's four .gz files into that folder yourself, or give another "
            "address with mnist(mirror=...)."
        )

    def part(name: str, prefix: str) -> Dataset:
        images = fetch(f"{prefix}-images-idx3-ubyte.gz")  # (n, 28, 28)
        labels = fetch(f"{prefix}-labels-idx1-ubyte.gz").astype(np.int64)  # (n,)
        return Dataset(images.reshape(len(images), -1) / 255, one_hot(labels, 10), labels, name)

    return part("mnist train", "train"), part("mnist test", "t10k")


def _read_idx(path: str) -> Array:
    """Bytes of an idx file: the fourth byte is the number of axes, then four bytes for each length."""
    with gzip.open(path) as file:
        content = file.read()
    axes = content[3]
    shape = np.frombuffer(content, ">i4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
