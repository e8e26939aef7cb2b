"""Settings of every test: strict JAX in float64, one thread for each process, fixed seeds.

A test marked `float32` runs with JAX's own defaults instead, as a user's process does.
"""

import ctypes
import gc
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from importlib.metadata import version

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in what it starts in the background

# Read once, when jax and NumPy are first imported: processes are the unit of parallelism (pytest -n), not threads.
os.environ["NPROC"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
if os.environ.get("JAX_PLATFORMS") != "cpu,cuda":  # where tests of a GPU are asked for, beside the processors
    os.environ["JAX_PLATFORMS"] = "cpu"
# Many tests compile the same program: it is kept for the length of the run, by each test process for itself.
os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="llgrad-tests-")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
os.environ["MPLBACKEND"] = "Agg"
# Most of the time of a test goes into compiling programs that run once: XLA's quickest ways take a quarter of it.
FAST_COMPILATION = ["--xla_backend_optimization_level=0"]
if version("jaxlib").startswith("0.10."):  # later ones do not have these, and a flag that is not known ends the process
    FAST_COMPILATION += ["--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1"]
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *FAST_COMPILATION]).strip()

import hypothesis
import jax
import numpy as np
import pytest

MOST_MEMORY = 1_400 * 2**20

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("fixed")


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: Python need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(autouse=True, scope="module")
def programs_of_many_files(request):
    """Forget the programs of the files so far where they are many: thousands of them in one process use up its memory,
    a file of orbits alone nearly 1 GB, and its mappings (Linux allows 65,530 of them, some 200 KB each, and XLA ends
    the process where it gets no more).

    Until then a file finds what the files before it compiled, thousands of single operations above all; not where a
    test of it changes code (`monkeypatch`): it runs what it has changed, and nobody else does.
    """
    items = [item for item in request.session.items if item.path == request.path]
    changes = any("monkeypatch" in item.fixturenames for item in items)
    if changes:
        jax.clear_caches()
    yield
    if changes or _memory() > MOST_MEMORY:
        jax.clear_caches()
    _give_back_memory()


def _give_back_memory() -> None:
    """What is free goes back to the system: the C library keeps what compilers have worked in and the programs that are
    forgotten, more than half of what a process holds (1,040 to 460 MB after two files of orbits)."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def _memory() -> int:
    """Bytes that this process holds; more than all where the system does not tell."""
    told = pathlib.Path("/proc/self/statm")
    return int(told.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if told.exists() else 2 * MOST_MEMORY


@pytest.fixture(autouse=True)
def jax_defaults(request):
    """Run tests marked `float32` under the settings that JAX starts with."""
    if request.node.get_closest_marker("float32") is None:
        yield
    else:
        with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            yield


@pytest.fixture
def key() -> jax.Array:
    return jax.random.key(0)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
