"""Data: known facts of each set, ensembles, errors, and MNIST from a local server."""

import gzip
import hashlib
import http.server
import logging
import struct
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fa_teach import datasets, init_network, loss
from fa_teach.datasets import Dataset, digits, linear_map, low_rank, teacher_student, two_spirals, xor
from fa_teach.network import accuracy, forward

RANDOM = {
    "digits": lambda seed: digits(n_test=100, seed=seed)[0],
    "two_spirals": lambda seed: two_spirals(31, noise=0.1, seed=seed),
    "teacher_student": lambda seed: teacher_student(6, 3, 20, n_out=2, noise=0.1, seed=seed)[0],
    "linear_map": lambda seed: linear_map(3, 2, 9, noise=0.1, covariance=np.diag([1, 2, 0]), seed=seed)[0],
    "low_rank": lambda seed: low_rank(5, 4, [2, 1], seed=seed)[0],
}


# -- The container ------------------------------------------------------------------------------


def test_repr_is_the_same_in_every_run():
    # Notebooks compare printed outputs: an address in a repr would break them.
    assert repr(xor()) == "Dataset(xor, 4 samples, 2 in, 2 out)"
    many, _ = linear_map(3, 2, 1000, seed=[[0, 1]])
    assert repr(many) == "Dataset(linear map, 1,000 samples, 3 in, 2 out, ensemble (1, 2))"


def test_subset_and_split_keep_rows_together():
    # An input whose target belongs to another sample would train without any error message.
    data = two_spirals(20, seed=[3, 4])
    some = data.subset([5, 0])
    assert np.array_equal(some.x, data.x[:, [5, 0]])
    assert np.array_equal(some.t, data.t[:, [5, 0]])
    assert np.array_equal(some.labels, data.labels[:, [5, 0]])
    train, test = data.split(6)
    for field in ("x", "t"):
        both = np.concatenate([getattr(train, field), getattr(test, field)], axis=-2)
        assert np.array_equal(both, getattr(data, field))
    assert np.array_equal(test.labels, data.labels[:, -6:])
    assert (train.name, test.name) == ("two spirals train", "two spirals test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [[1.0]]), r"x must have shape \(\.\.\., n, n_0\); got \(2,\)\."),
        (([[1.0], [2.0]], [[1.0]]), r"t must have shape \(2, n_L\), to fit x; got \(1, 1\)\."),
        (([[1.0], [2.0]], [1.0, 2.0]), r"t must have shape \(2, n_L\), to fit x; got \(2,\)\."),
        (([[1.0]], [[1.0]], [0.0]), r"labels must be whole numbers of shape \(1,\), .* float64\."),
        (([[1.0]], [[1.0]], [0, 1]), r"labels must be whole numbers of shape \(1,\), .* got \(2,\)"),
        (([[np.nan]], [[1.0]]), r"x must be finite; got 1 NaN or infinite of 1 values\."),
    ],
)
def test_bad_arrays_are_named(arguments, message):
    # A reader's own data is refused at the door, not deep inside a product of matrices.
    with pytest.raises(ValueError, match=message):
        Dataset(*arguments)


def test_integers_become_floats():
    # Pixels as uint8 would overflow in the first product.
    data = Dataset(np.array([[200]], np.uint8), [[1]], [1])
    assert data.x.dtype == data.t.dtype == np.float64


@pytest.mark.parametrize("rows", [[4], [-5], 0, [True], "a"])
def test_rows_that_do_not_exist_are_named(rows):
    # NumPy's own message would speak of an axis the reader has never seen.
    with pytest.raises(IndexError, match="rows must be a slice or a list of rows below 4; got"):
        xor().subset(rows)


# -- All random sets ----------------------------------------------------------------------------


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_a_member_is_what_its_seed_gives_alone(make):
    # The promise that lets one call replace a loop over seeds.
    many = make([[7, 0, 3]])
    assert many.ensemble == (1, 3)
    for i, seed in enumerate([7, 0, 3]):
        alone = make(seed)
        assert alone.ensemble == ()
        assert np.array_equal(many.x[0, i], alone.x)
        assert np.array_equal(many.t[0, i], alone.t)
        if alone.labels is not None:
            assert np.array_equal(many.labels[0, i], alone.labels)


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_seeds_matter_and_repeat(make):
    # The same seed twice is the same data, another seed other data; float64 throughout.
    assert np.array_equal(make(1).t, make(1).t)
    assert not np.array_equal(make(1).t, make(2).t)
    assert make(1).x.dtype == make(1).t.dtype == np.float64


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (0.5, TypeError), ([], TypeError)])
def test_bad_seeds_are_named(make, seed, error):
    # A seed of -1 would otherwise fail inside NumPy's SeedSequence.
    with pytest.raises(error, match="seed must"):
        make(seed)


@given(seed=st.integers(0, 2**63), n=st.integers(2, 40))
def test_labels_and_targets_agree(seed, n):
    # One-hot targets and labels say the same twice; they must not contradict each other.
    data = two_spirals(n, noise=0.5, seed=seed)
    assert np.array_equal(data.t.argmax(-1), data.labels)
    assert np.array_equal(data.t.sum(-1), np.ones(n))


# -- Digits -------------------------------------------------------------------------------------


def test_digits_are_the_known_ones():
    # The file in the package is the UCI test set, bit by bit: class counts, sum of pixels, SHA-256.
    data, empty = digits(n_test=0)
    assert np.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (8 * (data.x + 1)).sum() == 561718
    assert (data.x.min(), data.x.max()) == (-1, 1)
    assert (len(data), len(empty)) == (1797, 0)
    (order,) = datasets._draw(0, lambda rng: [rng.permutation(1797)])
    back = np.argsort(order)
    original = (8 * (data.x[back] + 1)).astype(np.uint8), data.labels[back].astype(np.uint8)
    digest = hashlib.sha256(original[0].tobytes() + original[1].tobytes()).hexdigest()
    assert digest == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
    assert original[1][:10].tolist() == list(range(10))


def test_digits_split_is_a_partition():
    # A digit in both parts would make test accuracy a lie.
    everything, _ = digits(n_test=0)
    train, test = digits()
    assert (len(train), len(test)) == (1297, 500)
    assert np.array_equal(np.concatenate([train.x, test.x]), everything.x)
    assert np.array_equal(train.t.argmax(-1), train.labels)
    assert not np.array_equal(digits(seed=1)[1].x, test.x)


def test_an_empty_test_set_is_refused_where_it_is_used():
    # n_test=0 is allowed for full-batch work; a mean over nothing is not.
    _, empty = digits(n_test=0)
    with pytest.raises(ValueError, match="x must hold at least one sample"):
        loss(init_network([64, 10]), empty.x, empty.t)


@pytest.mark.parametrize("n_test", [-1, 1797])
def test_digits_refuse_a_split_without_training_data(n_test):
    # The range is in the message, so that nobody has to look up how many there are.
    with pytest.raises(ValueError, match=f"n_test must be at least 0 and at most 1796; got {n_test}"):
        digits(n_test=n_test)


# -- XOR and spirals ----------------------------------------------------------------------------


def test_xor_is_its_truth_table_and_not_linear():
    # Known fact: the best linear fit of XOR says one half everywhere.
    data = xor()
    assert data.labels.tolist() == [int(a != b) for a, b in data.x]
    affine = np.column_stack([data.x, np.ones(4)])
    fit = affine @ np.linalg.lstsq(affine, data.t, rcond=None)[0]
    assert np.allclose(fit, 0.5)


def test_spirals_lie_on_their_curve():
    # Oracle: radius s, angle 2π·turns·s (modulo a turn), the second half a circle ahead, outer end at 1.
    data = two_spirals(101, turns=2.5)
    s = np.linalg.norm(data.x, axis=-1)
    angle = np.arctan2(data.x[:, 1], data.x[:, 0])
    apart = angle - (2 * np.pi * 2.5 * s + np.pi * data.labels)
    assert np.allclose(np.exp(1j * apart), 1)
    assert np.bincount(data.labels).tolist() == [51, 50]
    assert np.isclose(s.max(), 1)
    assert np.allclose(np.diff(np.sort(s[data.labels == 0])), 1 / 51)


def test_spirals_are_twins_and_noise_is_as_asked():
    # The second is the first turned by half a circle; noise changes points by the deviation asked for.
    data = two_spirals(400, seed=2)
    first, second = (data.x[data.labels == k] for k in (0, 1))
    assert np.allclose(np.sort(first, axis=0), np.sort(-second, axis=0))
    noisy = two_spirals(4000, noise=0.2, seed=2).x - two_spirals(4000, seed=2).x
    assert abs(noisy.std() / 0.2 - 1) < 0.03


def test_spirals_come_in_random_order():
    # Otherwise `split` would test on the outer ends alone.
    radius = np.linalg.norm(two_spirals(200).x, axis=-1)
    assert abs(np.corrcoef(radius, np.arange(200))[0, 1]) < 0.25


# -- Teacher and student ------------------------------------------------------------------------


def test_the_teacher_made_the_targets():
    # Without noise a student with the teacher's weights has loss 0; with noise, half its variance an output.
    data, teacher = teacher_student(30, 2, 4000, n_out=3, seed=[5, 6])
    assert teacher.sizes == (30, 2, 3)
    assert teacher.ensemble == (2,)
    assert np.all(loss(teacher, data.x, data.t) < 1e-25)
    noisy, same = teacher_student(30, 2, 4000, n_out=3, noise=0.5, seed=[5, 6])
    assert np.array_equal(noisy.x, data.x)
    assert np.array_equal(same.weights[1], teacher.weights[1])
    assert np.allclose(loss(same, noisy.x, noisy.t), 3 * 0.5 * 0.5**2, rtol=0.06)


def test_the_teacher_is_the_one_of_the_literature():
    # Oracle: Σ v_m erf(u_m·x / √(2N)) by SciPy, and hidden pre-activations u_m·x/√N of variance about 1.
    special = pytest.importorskip("scipy.special")
    data, teacher = teacher_student(400, 3, 50)
    U = teacher.weights[0] * np.sqrt(2 * 400)
    assert abs(U.std() - 1) < 0.05
    want = special.erf(data.x @ U.T / np.sqrt(400) / np.sqrt(2)) @ teacher.weights[1].T
    assert np.allclose(data.t, want, atol=1e-12)


def test_the_teacher_of_other_activations_has_unit_pre_activations():
    # The √2 belongs to erf alone.
    data, teacher = teacher_student(500, 4, 2000, activation="relu")
    assert teacher.activations == ("relu",)
    assert abs(forward(teacher, data.x).a[0].std() - 1) < 0.1


def test_teacher_and_student_are_not_the_same_network():
    # With the teacher on the stream of weights, the student of the same seed would start at the solution.
    data, teacher = teacher_student(50, 2, 500, seed=3)
    student = init_network([50, 2, 1], activation="erf", bias=False, seed=3)
    U, W = teacher.weights[0].ravel(), student.weights[0].ravel()
    assert abs(U @ W / np.linalg.norm(U) / np.linalg.norm(W)) < 0.4
    assert loss(student, data.x, data.t) > 0.01


# -- Linear maps --------------------------------------------------------------------------------


def test_linear_map_is_lillicraps():
    # T uniform in [-1, 1], inputs white, targets exactly T x.
    data, T = linear_map(30, 10, 5000, seed=[0, 1])
    assert T.shape == (2, 10, 30)
    assert np.abs(T).max() <= 1
    assert abs(T.std() - 1 / np.sqrt(3)) < 0.03
    assert np.allclose(data.t, data.x @ T.mT)
    assert np.allclose(data.x.mT @ data.x / 5000, np.eye(30), atol=0.1)


def test_draws_of_one_stream_follow_each_other():
    # Drawn from the start of the stream each, noise and inputs would be the same numbers.
    data, T = linear_map(20, 20, 50, noise=1.0)
    noise = data.t - data.x @ T.T
    assert abs(np.corrcoef(noise.ravel(), data.x.ravel())[0, 1]) < 0.15
    data, teacher = teacher_student(50, 20, 20)
    assert abs(np.corrcoef(teacher.weights[0].ravel(), data.x.ravel())[0, 1]) < 0.15


def test_covariance_is_honoured():
    # A covariance with correlations and an empty direction, which Cholesky's root could not take.
    v = np.array([1.0, -1.0, 0.0])
    covariance = np.array([[2.0, 2.0, 0.3], [2.0, 2.0, 0.3], [0.3, 0.3, 1.0]])
    data, T = linear_map(3, 2, 40_000, covariance=covariance)
    assert np.allclose(data.x.T @ data.x / 40_000, covariance, atol=0.06)
    assert np.abs(data.x @ v).max() < 1e-6
    assert np.allclose(data.t, data.x @ T.T)


def test_noise_is_added_to_the_targets():
    # The same map and inputs as without noise, and the deviation asked for.
    clean, T = linear_map(5, 4, 5000)
    noisy, same = linear_map(5, 4, 5000, noise=0.3)
    assert np.array_equal(T, same)
    assert np.array_equal(clean.x, noisy.x)
    assert abs((noisy.t - clean.t).std() / 0.3 - 1) < 0.03


# -- Low rank -----------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[3.0], [4, 2, 1], 0.8 ** np.arange(6), np.ones(6)])
def test_low_rank_has_the_singular_values(values):
    # Oracle: NumPy's SVD.
    data, T = low_rank(8, 6, values, seed=[0, 1, 2])
    want = np.zeros(6)
    want[: len(values)] = values
    assert np.allclose(np.linalg.svd(T, compute_uv=False), want)
    assert np.allclose(data.t, data.x @ T.mT)


def test_low_rank_loss_is_the_frobenius_norm():
    # Exactly ½‖WA - T‖², and the truncated SVD reaches the bound that the docstring gives.
    values = 5 * 0.8 ** np.arange(20)
    data, T = low_rank(20, 20, values)
    assert np.allclose(data.x.T @ data.x / len(data), np.eye(20))
    net = init_network([20, 2, 20], activation="identity", bias=False, seed=4)
    A, W = net.weights
    assert np.isclose(loss(net, data.x, data.t), 0.5 * np.sum((W @ A - T) ** 2))
    U, s, Vt = np.linalg.svd(T)
    A[:], W[:] = Vt[:2], U[:, :2] * s[:2]
    assert np.isclose(loss(net, data.x, data.t), 0.5 * np.sum(values[2:] ** 2))


# -- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: digits(n_test=2.5), TypeError, r"n_test must be a whole number; got 2\.5\."),
        (lambda: xor().split(4), ValueError, r"n_test must be at least 0 and at most 3; got 4\."),
        (lambda: two_spirals(1), ValueError, r"n_samples must be at least 2; got 1\."),
        (lambda: two_spirals(noise=-1), ValueError, r"noise must be .* at least 0; got -1\."),
        (lambda: two_spirals(turns=0), ValueError, r"turns must be .* greater than 0; got 0\."),
        (lambda: two_spirals(noise=np.nan), ValueError, "noise must be .* got nan"),
        (lambda: teacher_student(0, 2, 5), ValueError, r"n_in must be at least 1; got 0\."),
        (lambda: teacher_student(3, 2, 5, n_out=0), ValueError, "n_out must be"),
        (lambda: teacher_student(3, 2, 5, activation="sine"), ValueError, "activation must be one of 'id"),
        (lambda: teacher_student(3, 2, 5, noise="loud"), TypeError, "noise must be a number; got 'loud'"),
        (lambda: linear_map(3, 2, 0), ValueError, "n_samples must be"),
        (
            lambda: linear_map(3, 2, 5, covariance=np.eye(2)),
            ValueError,
            r"covariance must have shape \(3, 3\), to fit n_in; got \(2, 2\)\.",
        ),
        (
            lambda: linear_map(2, 2, 5, covariance=[[1, 0.5], [0, 1]]),
            ValueError,
            r"covariance must be symmetric; got entries that differ by 0\.5\.",
        ),
        (
            lambda: linear_map(2, 2, 5, covariance=[[1, 2], [2, 1]]),
            ValueError,
            r"covariance must have no negative eigenvalue; got -1\.",
        ),
        (
            lambda: low_rank(3, 2, [1, 1, 1]),
            ValueError,
            r"singular_values must have shape \(r,\) with r from 1 to 2; got \(3,\)\.",
        ),
        (lambda: low_rank(3, 2, []), ValueError, r"singular_values must have .* got \(0,\)"),
        (lambda: low_rank(3, 2, [1, -1]), ValueError, "singular_values must be .* got -1"),
    ],
)
def test_bad_input_is_one_sentence(call, error, message):
    # Each names the argument, what was expected and what came.
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# -- MNIST --------------------------------------------------------------------------------------


def idx(array):
    """Bytes of a gzipped idx file, written from the format's description."""
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server on this machine with four small files; the folder, the address, checksums, requests."""
    pooch = pytest.importorskip("pooch")
    pooch.get_logger().setLevel(logging.WARNING)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(256, size=(30, 28, 28)),
        "train-labels-idx1-ubyte.gz": rng.integers(10, size=30),
        "t10k-images-idx3-ubyte.gz": rng.integers(256, size=(10, 28, 28)),
        "t10k-labels-idx1-ubyte.gz": rng.integers(10, size=10),
    }
    checksums, requests = {}, []
    for name, array in arrays.items():
        (folder / name).write_bytes(idx(array))
        checksums[name] = hashlib.sha256(idx(array)).hexdigest()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            requests.append(self.path)

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield {
        "folder": folder,
        "url": f"http://127.0.0.1:{httpd.server_port}",
        "checksums": checksums,
        "requests": requests,
        "arrays": arrays,
        "close": lambda: (httpd.shutdown(), httpd.server_close()),
    }
    httpd.shutdown()
    httpd.server_close()


def test_mnist_downloads_once_and_works_offline_afterwards(server, tmp_path):
    # Pixels and labels come through unchanged; the second call asks nobody, the server being gone.
    cache = tmp_path / "a cache" / "with a space"
    train, test = datasets._mnist([server["url"]], server["checksums"], cache)
    assert repr(train) == "Dataset(mnist train, 30 samples, 784 in, 10 out)"
    assert repr(test) == "Dataset(mnist test, 10 samples, 784 in, 10 out)"
    arrays = list(server["arrays"].values())
    for data, images, labels in ((train, *arrays[:2]), (test, *arrays[2:])):
        assert np.array_equal(data.x * 255, images.reshape(-1, 784))
        assert data.x.dtype == np.float64
        assert np.array_equal(data.labels, labels)
        assert np.array_equal(data.t.argmax(-1), labels)
    assert len(server["requests"]) == 4
    server["close"]()
    again, _ = datasets._mnist([server["url"]], server["checksums"], cache)
    assert np.array_equal(again.x, train.x)
    assert len(server["requests"]) == 4


def test_mnist_refuses_a_wrong_file(server, tmp_path):
    # A truncated or exchanged file must not be trained on, nor stay in the cache.
    (server["folder"] / "t10k-labels-idx1-ubyte.gz").write_bytes(b"not MNIST")
    message = r"t10k-labels.*could not be downloaded: http://127.* \(its checksum differs\)\. Try again"
    with pytest.raises(ConnectionError, match=message):
        datasets._mnist([server["url"]], server["checksums"], tmp_path / "cache")
    assert not (tmp_path / "cache" / "t10k-labels-idx1-ubyte.gz").exists()


def test_mnist_repairs_a_damaged_cache(server, tmp_path):
    # A file damaged on disk is fetched again; without a network the message says that it is damaged.
    datasets._mnist([server["url"]], server["checksums"], tmp_path)
    damaged = tmp_path / "train-labels-idx1-ubyte.gz"
    damaged.write_bytes(b"damaged")
    datasets._mnist([server["url"]], server["checksums"], tmp_path)
    assert len(server["requests"]) == 5
    damaged.write_bytes(b"damaged")
    server["close"]()
    with pytest.raises(ConnectionError, match=r"train-labels.* is not in .* \(or is damaged\)"):
        datasets._mnist([server["url"]], server["checksums"], tmp_path)


def test_mnist_tries_the_next_mirror(server, tmp_path):
    # The first mirror has nothing (404), the second all.
    mirrors = [server["url"] + "/nothing", server["url"] + "/"]
    train, _ = datasets._mnist(mirrors, server["checksums"], tmp_path)
    assert len(train) == 30


def test_mnist_without_a_network_says_what_to_do(server, tmp_path):
    # A traceback of requests helps no student: two sentences, the folder, the ways out.
    server["close"]()
    with pytest.raises(ConnectionError) as caught:
        datasets._mnist([server["url"]], server["checksums"], tmp_path)
    message = str(caught.value)
    assert message.startswith(f"train-images-idx3-ubyte.gz is not in {tmp_path}")
    assert "Try again with a network" in message
    assert "mirror=" in message
    assert caught.value.__context__ is None


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_mnist_mirror_is_the_readers_choice(server, tmp_path, monkeypatch, how):
    # By argument or environment variable; the real checksums then refuse the small files, so nothing passes.
    if how == "environment":
        monkeypatch.setenv("FA_TEACH_MNIST_MIRROR", server["url"])
    mirror = server["url"] if how == "argument" else None
    with pytest.raises(ConnectionError, match="checksum differs") as caught:
        datasets.mnist(cache=tmp_path, mirror=mirror)
    assert server["url"] in str(caught.value)
    assert not any(mirror in str(caught.value) for mirror in datasets.MNIST_MIRRORS)


def test_mnist_without_pooch_says_what_to_type(tmp_path, monkeypatch):
    # pooch is an extra; None in sys.modules makes its import fail as if it were not there.
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ModuleNotFoundError, match="type `python -m pip install pooch` and try again"):
        datasets.mnist(cache=tmp_path)


def test_mnist_names_bad_arguments(server, tmp_path):
    # A path is no address, and a file no folder.
    with pytest.raises(ValueError, match="mirror must be an address that begins with http"):
        datasets.mnist(mirror="/home/me/mnist")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match="cache must be a folder that one may write to; got"):
        datasets._mnist([server["url"]], server["checksums"], file)


def test_mnist_constants_are_well_formed():
    # Four names, four SHA-256 sums, mirrors over https only.
    assert len(datasets.MNIST_SHA256) == 4
    assert all(len(bytes.fromhex(sum_)) == 32 for sum_ in datasets.MNIST_SHA256.values())
    assert all(url.startswith("https://") for url in datasets.MNIST_MIRRORS)


def test_import_takes_numpy_alone():
    # pooch (and with it requests) is imported inside mnist() only.
    others = "('pooch', 'requests', 'scipy', 'matplotlib')"
    code = f"import sys, fa_teach.datasets; print([m for m in {others} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_each_set_fits_a_network():
    # They go into the library's functions as they are, ensembles included.
    seeds = [0, 1]
    for make in RANDOM.values():
        data = make(seeds)
        net = init_network([data.x.shape[-1], 4, data.t.shape[-1]], seed=seeds)
        assert loss(net, data.x, data.t).shape == (2,)
        assert np.all(np.isfinite(accuracy(net, data.x, data.t)))
