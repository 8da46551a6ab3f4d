"""scikit-learn's own tests, of the installed version, run against lamina's classes.

Their modules are loaded under other names while lamina's classes stand in the place of
theirs. All of them have to pass but for the ``EXCEPTIONS``, each with its reason; one
of those that passes is an error too, so the table cannot outlive its reasons.
"""

import importlib
import importlib.util
from types import ModuleType

import pytest

import lamina

MODULES = {
    "mlp": ("sklearn.neural_network", ("MLPClassifier", "MLPRegressor")),
    "rbm": ("sklearn.neural_network", ("BernoulliRBM",)),
    "perceptron": ("sklearn.linear_model", ("Perceptron",)),
}

LINES = "a line shows the loss of an epoch, as of all networks"
PRIVATE = "asks for {}, which is no part of scikit-learn's interface"
RANDOM = "knows scikit-learn's own random numbers"
FLOAT32 = "lamina computes in float32 unless dtype says otherwise (README)"

EXCEPTIONS = {
    "test_mlp_gradient": PRIVATE.format("_loss_grad_lbfgs"),
    "test_mlp_learning_rate_warmstart": PRIVATE.format("_optimizer"),
    "test_mlp_adaptive_learning_rate": PRIVATE.format("_optimizer"),
    "test_mlp_n_iter_no_change": PRIVATE.format("_no_improvement_count"),
    "test_mlp_n_iter_no_change_inf": PRIVATE.format("_no_improvement_count"),
    "test_rbm_transform": PRIVATE.format("_mean_hiddens"),
    "test_rbm_sample_hiddens": PRIVATE.format("_mean_hiddens"),
    "test_rbm_fit_gibbs[csc_matrix]": RANDOM,
    "test_rbm_fit_gibbs[csc_array]": RANDOM,
    "test_mlp_partial_fit_regression": f"{RANDOM}: R² 0.636 from ours, 0.65 expected",
    "test_mlp_mlp_param_dtypes[MLPClassifier-float64]": FLOAT32,
    "test_mlp_mlp_param_dtypes[MLPRegressor-float64]": FLOAT32,
    "test_rbm_transformer_dtypes_casting[float64-float64]": FLOAT32,
    "test_rbm_transformer_dtypes_casting[int-float64]": FLOAT32,
    "test_perceptron_perceptron_correctness": f"{FLOAT32}: -8.900004 for -8.9",
    "test_mlp_nonfinite_params": "numbers beyond float32 are refused before training",
    "test_mlp_mlp_diverging_loss": "a run that diverged ends; no score is NaN",
    "test_mlp_early_stopping_stratified": "a class of one row may be held out or not",
    "test_rbm_sparse_and_verbose[csc_matrix]": LINES,
    "test_rbm_sparse_and_verbose[csc_array]": LINES,
}


pytestmark = pytest.mark.slow


def _loaded(name: str) -> ModuleType:
    """Return a module of tests whose estimators are lamina's."""
    package, estimators = MODULES[name]
    spec = importlib.util.find_spec(f"{package}.tests.test_{name}")
    assert spec is not None, "this scikit-learn came without its tests"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__name__ = f"of_scikit_learn_{name}"
    with pytest.MonkeyPatch.context() as patch:
        for estimator in estimators:
            theirs = importlib.import_module(package)
            patch.setattr(theirs, estimator, getattr(lamina, estimator))
        spec.loader.exec_module(module)
    return module


def _collect() -> None:
    for name in MODULES:
        for test, function in vars(_loaded(name)).items():
            if test.startswith("test_"):
                globals()[f"test_{name}{test.removeprefix('test')}"] = function


@pytest.fixture
def global_random_seed() -> int:
    """The fixture of scikit-learn's own conftest, with its default."""
    return 42


@pytest.fixture(autouse=True)
def _exceptions(request: pytest.FixtureRequest) -> None:
    reason = EXCEPTIONS.get(request.node.name)
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


_collect()


def test_all_of_them_are_run_and_all_exceptions_are_theirs(
    request: pytest.FixtureRequest,
) -> None:
    """69 of scikit-learn 1.9's 89 pass."""
    module = request.node.getparent(pytest.Module)
    names = {item.name for item in module.collect()} - {request.node.name}
    assert set(EXCEPTIONS) <= names
    assert len(names - set(EXCEPTIONS)) >= 69
