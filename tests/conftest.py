"""What every test shares: a quiet machine, a warm compiler, checked types, one seed.

Environment variables
---------------------
LAMINA_TYPECHECK
    ``0`` switches off the checking of annotations (jaxtyping and beartype).
LAMINA_TEST_SEED
    The seed of the fixtures ``seed``, ``rng`` and ``key``; 0 by default.
LAMINA_TEST_SECONDS
    How long a test that is not marked slow may compute, in seconds of processor time;
    5 by default, ``inf`` for a debugging session.
JAX_PLATFORMS, JAX_NUM_CPU_DEVICES, JAX_COMPILATION_CACHE_DIR, XLA_FLAGS
    Respected when set; by default tests run on two CPU devices, and programs are
    kept under ``.cache/`` so that all worker processes and the next run share them.
"""

import gc
import hashlib
import os
import platform
import sys
from pathlib import Path

import numpy as np
import pytest
from tiers import Stopwatch

ROOT = Path(__file__).resolve().parent.parent
LONGEST = ("test_kills.py", "test_mutations.py")  # some tests here take minutes
CACHE = ROOT / ".cache"


def _machine_id() -> str:
    """Digest of the processor's features: compiled programs fit only their machine."""
    features = platform.machine() + platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        features += next((s for s in lines if s.startswith(("flags", "Features"))), "")
    return hashlib.sha256(features.encode()).hexdigest()[:12]


def _prepare_jax() -> None:
    """Set what JAX reads when it is first imported."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
    programs = CACHE / f"jax-{_machine_id()}"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(programs))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    # Tests compile much and run little. Loops made by the older of XLA's two emitters
    # compile in two thirds of the time and run a tenth slower; LLVM's passes take half
    # of the time that is left, and the tests of a fresh clone pay for all of it. The
    # examples run with what users have.
    _set_flag("xla_cpu_use_fusion_emitters", "false")
    _set_flag("xla_backend_optimization_level", "0")


def _set_flag(name: str, value: str) -> None:
    """Set one of XLA's flags, unless somebody has."""
    flags = os.environ.get("XLA_FLAGS", "")
    if name not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{name}={value}".strip()


def _share_cores() -> None:
    """Give each worker process its share of the cores, so that none waits spinning."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = str(max(1, (os.cpu_count() or 1) // workers))
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", share)
    if share == "1":
        _set_flag("xla_cpu_multi_thread_eigen", "false")


def _check_annotations() -> None:
    """Let beartype check the annotations of all modules of lamina, shapes included."""
    if os.environ.get("LAMINA_TYPECHECK", "1") != "0":
        # Libraries that were first imported by a hooked module would be compiled from
        # source every time: the hook has its own names for files of bytecode.
        import annotation_checks  # noqa: F401
        import optax  # noqa: F401
        import sklearn.neural_network  # noqa: F401
        from jaxtyping import install_import_hook

        install_import_hook("lamina", "annotation_checks.check")


def _configure_hypothesis() -> None:
    """No deadline (a first call compiles); the same examples in every CI run."""
    from hypothesis import settings
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(CACHE / "hypothesis")
    in_ci = bool(os.environ.get("CI"))
    settings.register_profile("lamina", deadline=None, derandomize=in_ci)
    settings.load_profile("lamina")


_prepare_jax()
_share_cores()
_check_annotations()
_configure_hypothesis()


def pytest_configure(config: pytest.Config) -> None:
    """Hold the fast tier to its time; processes of xdist measure for themselves."""
    config.pluginmanager.register(Stopwatch())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: at the end one process would wait for the other."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed that all randomness of a test derives from."""
    return int(os.environ.get("LAMINA_TEST_SEED", "0"))


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """A fresh NumPy generator, the same in every test."""
    return np.random.default_rng(seed)


@pytest.fixture
def key(seed: int):
    """A fresh JAX key, the same in every test."""
    import jax

    return jax.random.key(seed)


@pytest.fixture
def x64():
    """Run one test in double precision."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session", autouse=True)
def keep_more_programs():
    """Keep more programs than an application does: tests come back to theirs.

    563 tests of fits took 36 s of processor time in place of 46, and 0.3 GB more.
    """
    program = sys.modules.get(
        "lamina.learning.parallel.compilation"
    )  # not for tests without JAX
    with pytest.MonkeyPatch.context() as patch:
        if program is not None:
            patch.setattr(program, "MAX_PROGRAMS", 64)
        yield


@pytest.fixture(scope="module", autouse=True)
def spare_the_collector():
    """Take what a module has left behind out of the garbage collector's sight.

    Traced programs are millions of small objects, through which every collection goes:
    a test of many small steps took 40 s at the end of a run, and 1 s by itself.
    """
    yield
    gc.collect()
    gc.freeze()
