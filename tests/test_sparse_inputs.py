"""Sparse inputs from end to end: what dense ones give, in a fraction of the memory."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.sparse as sp

from lamina import (
    Dense,
    Dropout,
    MLPClassifier,
    MLPRegressor,
    Network,
    Perceptron,
)
from lamina.learning import (
    L2,
    Adam,
    Dataset,
    InputNoise,
    Loader,
    Objective,
    Validation,
)
from lamina.learning.loop.compiled_step import train
from lamina.learning.objectives import objective as objective_module
from lamina.learning.objectives.adversarial import FGSM
from lamina.learning.parallel.compilation import Compiled
from lamina.networks import Key
from tests.learning.fits import fit

ROOT = Path(__file__).resolve().parent.parent
N, FEATURES = 60, 400
RNG = np.random.default_rng(0)


def rough(n, features):
    """CSR as it may come: empty rows and columns, one full row, entries repeated,
    unsorted, some of them zeros."""
    counts = RNG.integers(0, 12, n)
    counts[[0, 7, n - 1]] = 0
    indptr = np.r_[0, np.cumsum(counts)]
    columns = RNG.integers(3, features, indptr[-1])
    values = RNG.standard_normal(indptr[-1])
    values[::10] = 0
    columns[1::10] = columns[2::10][: len(columns[1::10])]
    x = sp.csr_array((values, columns, indptr), shape=(n, features))
    full = sp.csr_array(RNG.standard_normal((1, features)))
    return sp.csr_array(sp.vstack([x[:5], full, x[6:]], format="csr"))


X = rough(N, FEATURES)
DENSE = X.toarray()
Y = (DENSE @ RNG.standard_normal((FEATURES, 3)) > 0).astype(int)
NETWORK = Network((Dropout(0.3), Dense(8, "tanh"), Dense(3, "logistic")))


def trained(x, batch_size, resident=None, rows=None, network=NETWORK, terms=()):
    with jax.enable_x64(True):
        data = Dataset(x, Y.astype(float), dtype=np.float64, resident=resident)
        params, _ = network.init(Key(1), (FEATURES,), np.float64)
        result = fit(
            Objective(network, "binary_cross_entropy", (L2(1e-3), *terms)),
            Adam(0.01),
            Loader(data, rows, batch_size=batch_size),
            params,
            key=Key(2),
            epochs=3,
            validation=Validation(
                Loader(data, np.arange(9), batch_size=4, shuffle=False),
                lambda outputs: float(outputs.sum()),
            ),
        )
        return jax.tree.map(np.asarray, (result.params, result.history))


def assert_same(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.fixture(scope="module")
def dense():
    return {size: trained(DENSE, size) for size in (16, N)}


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [16, N])
@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streaming"])
def test_both_gears_learn_what_dense_rows_teach(batch_size, resident, dense):
    """With dropout on the inputs, which leaves out the same entries."""
    assert_same(trained(X, batch_size, resident), dense[batch_size])


@pytest.mark.slow
def test_some_of_the_rows():
    rows = np.arange(10, 43)
    network = Network((Dense(8, "tanh"), Dense(3, "logistic")))
    for batch_size in (16, 33):
        sparse, dense = (
            trained(x, batch_size, rows=rows, network=network) for x in (X, DENSE)
        )
        assert_same(sparse, dense)


@pytest.mark.slow
def test_a_whole_batch_is_summed_in_chunks(monkeypatch, dense):
    """Dropout draws for each chunk, as in a batch of dense rows."""
    monkeypatch.setattr(objective_module, "CHUNK_ROWS", 32)
    # Programs that other tests have left know nothing of it.
    monkeypatch.setattr("lamina.learning.loop.trainer.compiled_train", Compiled(train))
    assert_same(trained(X, N), trained(DENSE, N))


@pytest.mark.parametrize("term", [InputNoise(0.1), FGSM()])
def test_what_would_fill_in_the_zeros_is_refused(term):
    with pytest.raises(ValueError, match=r"Pass X\.toarray\(\)"):
        trained(X, 16, terms=[term])


OPTIONS = {"random_state": 0, "max_iter": 3, "dtype": "float64"}
MODELS = {
    "adam": lambda: MLPClassifier((6,), input_dropout=0.2, dropout=0.3, **OPTIONS),
    "lbfgs": lambda: MLPClassifier((6,), solver="lbfgs", **OPTIONS),
    "early stopping": lambda: MLPClassifier((6,), early_stopping=True, **OPTIONS),
    "regressor": lambda: MLPRegressor(
        hidden_layer_sizes=(6,), batch_size=16, **OPTIONS
    ),
}
FORMS = {
    "csr_array": lambda x: x,
    "csr_matrix": sp.csr_matrix,
    "csc": sp.csc_array,
    "coo": sp.coo_array,
    "int64 indices": lambda x: sp.csr_array(
        (x.data, x.indices.astype(np.int64), x.indptr.astype(np.int64)), shape=x.shape
    ),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_estimators_learn_and_predict_the_same(name):
    dense = MODELS[name]().fit(DENSE, Y)
    for form in FORMS.values():
        model = MODELS[name]().fit(form(X), Y)
        assert_same(model.params_, dense.params_)
        assert_same(model.history_, dense.history_)
        assert_same(model.predict(form(X)), dense.predict(DENSE))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_perceptron_too():
    """Its rule multiplies xᵀ without a gradient."""
    dense, sparse = (Perceptron(**OPTIONS).fit(x, Y[:, 0]) for x in (DENSE, X))
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_number_of_entries_compiles_nothing():
    first, again = X, X.copy()
    again.data[:] = 1
    again = again[:, np.r_[0:350, 100:150]]
    assert first.nnz != again.nnz
    MODELS["adam"]().fit(first, Y)
    assert MODELS["adam"]().fit(again, Y).n_compiles_ == 0


MEMORY = """
import json, warnings
import numpy as np, scipy.sparse as sp
from lamina import MLPClassifier
warnings.simplefilter("ignore")
n, features, each = 6000, 40_000, 300
rng = np.random.default_rng(0)
columns, ends = rng.integers(0, features, n * each), np.arange(n + 1) * each
X = sp.csr_array((np.ones(n * each), columns, ends), shape=(n, features))
Y = (rng.random((n, 12)) < 0.1).astype(int)
how = dict(batch_size={batch}, max_iter=2)
MLPClassifier((16,), **how).fit(X, Y).predict_proba(X)
# Of this process alone: ru_maxrss would begin with that of the one that started it.
status = dict(line.split(":") for line in open("/proc/self/status"))
print(json.dumps(int(status["VmHWM"].split()[0]) / 1024))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is there on Linux")
@pytest.mark.parametrize("batch", [200, '"full"'])
def test_a_fit_takes_less_memory_than_the_dense_matrix(batch):
    """6,000 × 40,000 float32 are 916 MiB; the process itself takes about 350."""
    command = [sys.executable, "-c", MEMORY.format(batch=batch)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) < 800
