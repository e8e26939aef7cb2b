"""Where JAX does not start, every example that asks llgrad for a number ends in the sentence that says so."""

import os
import subprocess
import sys

from tests.docs.test_docstrings import SRC

FORMULAS = {
    "devices.arrays.mix.DenseMix",
    "devices.arrays.mix.SumMix",
    "devices.coupling.FieldCoupling",
    "devices.coupling.TensorCoupling",
    "physics.electric.biased.TabulatedJunction",
    "physics.electric.laws.VoltageTable",
    "physics.heat.laws.TemperatureTable",
}
"""Their examples put numbers into a formula by hand, which is JAX's from end to end and has no door of its own."""


def test_no_function_leaves_it_to_jax_to_say_nothing():
    """`cuda` without its plug-in is an AssertionError of JAX, without a word."""
    root = SRC.parent
    environment = os.environ | {"JAX_PLATFORMS": "abacus", "PYTHONPATH": f"{SRC}{os.pathsep}{root}"}
    command = [sys.executable, "-m", "tests.docs.platform_of_examples"]
    done = subprocess.run(command, cwd=root, env=environment, text=True, capture_output=True)
    told = [line.removeprefix("llgrad.").split("|") for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(told) > 150, done.stderr
    assert {name for name, kind, _ in told if kind != "NoPlatform"} == FORMULAS
    for name, kind, sentence in told:
        if kind == "NoPlatform":
            assert sentence.startswith("JAX does not start with JAX_PLATFORMS = abacus: "), name
            assert sentence.endswith("; unset it, or set it to cpu"), name
