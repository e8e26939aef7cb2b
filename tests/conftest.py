"""Settings of every test: strict JAX in float64, one thread for each process, fixed seeds.

A test marked `float32` runs with JAX's own defaults instead, as a user's process does.
"""

import os
import shutil
import tempfile
from importlib.metadata import version

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

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("fixed")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(autouse=True, scope="module")
def programs_of_one_file():
    """Forget the programs of a file after it: they are on disk, and thousands of them in one process use up its memory,
    and its mappings (Linux allows 65,530 of them, and XLA ends the process where it gets no more).
    """
    yield
    jax.clear_caches()


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
