"""What lamina does to the process it runs in, and what that may do to lamina.

A user's JAX settings change no bits and are there again afterwards, a forked process is
told what is missing, and the bits of so many cores can be had on any machine.
"""

import hashlib
import os
import subprocess
import sys
from functools import cache

import jax
import numpy as np
import pytest

from lamina import (
    Autoencoder,
    BernoulliRBM,
    ConvNetClassifier,
    DeepBoltzmannMachine,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    RecurrentClassifier,
    insight,
    load,
)
from lamina.learning import FGSM

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
U = 1 / (1 + np.exp(-X))
Y = (X[:, 0] > 0).astype(int)
IMAGES = RNG.random((12, 6, 6, 1))
SEQUENCES = [RNG.normal(size=(steps, 2)) for steps in (3, 2, 4, 3)]
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}


def perceptron(tmp):
    how = {"activation": "logistic", "pretraining": "rbm", "dropout": 0.2}
    model = MLPClassifier(**SMALL, **how).fit(X, Y)
    model.save(tmp / "model.lamina")
    known = load(tmp / "model.lamina")
    yield from (known.summary().encode(), known.predict_proba(X))
    yield model.partial_fit(X, Y).adversarial_examples(X, Y, FGSM(0.1))
    yield from model.diagnostics_["delta"]


def solvers(tmp):
    for how in ({"solver": "lbfgs"}, {"solver": "lm"}, {"dtype": "float64"}):
        yield MLPRegressor(**SMALL, **how).fit(X, X[:, 0]).predict(X)
    yield Perceptron(random_state=0).fit(X, Y).coef_


def images(tmp):
    model = ConvNetClassifier(max_iter=1, random_state=0).fit(IMAGES, np.arange(12) % 2)
    yield from (model.predict_proba(IMAGES), model.transform(IMAGES))
    yield len(model.get_feature_names_out())
    yield insight.saliency(model, IMAGES[0], steps=2).map
    yield insight.feature_maps(model, IMAGES[0], 1).maps
    yield insight.maximising_input(model, 1, 0, steps=2).images


def machines(tmp):
    model = BernoulliRBM(3, n_iter=1, random_state=0).fit(U)
    yield from (model.transform(U), model.sample(2, 3), model.gibbs(U[:2]))
    yield from (model.free_energy(U), model.log_partition(), model.score_samples(U))
    deep = DeepBoltzmannMachine((3, 2), n_iter=1, random_state=0).fit(U)
    yield from (deep.transform(U), deep.reconstruct(U))


def others(tmp):
    labels = np.arange(4) % 2
    model = RecurrentClassifier(max_iter=1, random_state=0).fit(SEQUENCES, labels)
    yield model.predict_proba(SEQUENCES)
    coder = Autoencoder((3,), max_iter=2, random_state=0).fit(X)
    yield from (coder.transform(X), coder.inverse_transform(coder.transform(X)))


KINDS = [perceptron, solvers, images, machines, others]
SETTINGS = {
    "jax_enable_x64": True,
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_default_prng_impl": "rbg",
    "jax_default_matmul_precision": "bfloat16",
    "jax_threefry_partitionable": False,
    "jax_softmax_custom_jvp": False,
    "jax_debug_nans": True,
    "jax_debug_key_reuse": True,
    "jax_check_tracer_leaks": True,
    "jax_disable_jit": True,
    "jax_transfer_guard": "disallow",
}


def digest(kind, tmp):
    found = hashlib.sha256()
    for value in kind(tmp):
        array = np.asarray(value)
        found.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return cache(lambda kind: digest(kind, tmp_path_factory.mktemp("plain")))


@pytest.fixture
def setting(request):
    """Set one of JAX's settings as a user does, for the whole process."""
    name, value = request.param
    before = getattr(jax.config, name)
    jax.config.update(name, value)
    yield name
    assert getattr(jax.config, name) == value
    jax.config.update(name, "allow" if name == "jax_transfer_guard" else before)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("setting", SETTINGS.items(), ids=SETTINGS, indirect=True)
def test_jax_settings_of_a_user_change_no_bits(plain, setting, kind, tmp_path):
    with_defaults = plain(kind)
    assert digest(kind, tmp_path) == with_defaults


def run(code, *args, cores=None, **environment):
    """Return what a fresh Python prints, on the first so many of the cores."""
    ours = sorted(os.sched_getaffinity(0))[:cores]
    clean = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    code = f"import os; os.sched_setaffinity(0, {ours})\n{code}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, args)],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr


linux = pytest.mark.skipif(sys.platform != "linux", reason="fork, cores of a process")

FORKS = """
import os, sys, time
import jax, numpy as np
from lamina import BernoulliRBM, ConvNetClassifier, MLPClassifier, load

X = np.random.default_rng(0).random((20, 4)); y = np.arange(20) % 2
images = np.random.default_rng(0).random((8, 6, 6, 1)); folder = sys.argv[1]

def child(name, task):
    pid = os.fork()
    if pid == 0:
        try:
            task()
            print(name, "| works", flush=True)
        except BaseException as error:
            print(name, "|", type(error).__name__, error, flush=True)
        os._exit(0)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    print(name, "| hangs", flush=True)

def mlp(**how):
    return MLPClassifier((3,), solver="sgd", max_iter=2, random_state=0, **how)

child("before anything", lambda: mlp().fit(X, y))
jax.numpy.ones(3) + 1
child("after JAX alone", lambda: mlp().fit(X, y))
model, rbm = mlp().fit(X, y), BernoulliRBM(2, n_iter=1, random_state=0).fit(X)
conv = ConvNetClassifier(max_iter=1, random_state=0).fit(images, y[:8])
model.save(folder + "/model.lamina")
child("fit", lambda: mlp().fit(X, y))
child("checkpoint", lambda: mlp(checkpoint=folder + "/run").fit(X, y))
child("partial_fit", lambda: model.partial_fit(X, y))
child("predict", lambda: conv.predict(images))
child("sample", lambda: rbm.sample(2))
child("by NumPy", lambda: load(folder + "/model.lamina").predict(X))
mlp().fit(X, y)
print("the parent works")
"""


@pytest.mark.slow
@linux
def test_a_forked_process_is_told_that_it_cannot_compute(tmp_path):
    *lines, last = run(FORKS, tmp_path).splitlines()
    assert last == "the parent works"
    told = dict(line.split(" | ") for line in lines)
    works = {"before anything", "by NumPy"}
    for name, what in told.items():
        if name in works:
            assert what == "works"
        else:
            assert what.startswith("RuntimeError this process was forked")
    assert len(told) == 8


CORES = """
import hashlib
import jax, numpy as np
from lamina import ConvNetClassifier, MLPClassifier, MLPRegressor
from lamina.learning.parallel.mesh import computing_threads

rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 100)).astype("f4"); y = (X[:, 0] > 0).astype(int)
images = rng.random((200, 12, 12, 1)).astype("f4")
wide = MLPClassifier((256,), max_iter=2, random_state=0).fit(X, y)
how = {"hidden_layer_sizes": (64,), "max_iter": 4, "random_state": 0}
whole = MLPRegressor(**how, solver="lbfgs").fit(X, X[:, 0] ** 2)
conv = ConvNetClassifier(max_iter=1, random_state=0).fit(images, np.arange(200) % 2)
print(computing_threads(), jax.local_device_count())
for model in (wide, whole, conv):
    leaves = jax.tree.leaves(model.params_)
    print(hashlib.sha256(b"".join(leaf.tobytes() for leaf in leaves)).hexdigest())
"""

two_cores = pytest.mark.skipif(os.cpu_count() == 1, reason="there is one core only")


@pytest.mark.slow
@linux
@two_cores
@pytest.mark.parametrize("n", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_the_bits_of_so_many_cores_can_be_had_on_others(n):
    there, here = run(CORES, cores=n), run(CORES, cores=3 - n, NPROC=str(n))
    assert there.splitlines()[0] == f"{n} {n}"
    assert here == there


MEMORY = """
import numpy as np
from lamina import MLPClassifier

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

X = np.random.default_rng(0).normal(size=(30000, 50)).astype("f4")
MLPClassifier((4,), max_iter=1).fit(X, X[:, 0] > 0)
block = np.ones(160 * 2**20 // 8)
before = resident()
del block
print(before - resident())
"""


@pytest.mark.slow
@linux
def test_an_array_s_memory_goes_back_to_the_system_after_a_fit():
    assert float(run(MEMORY)) > 150
