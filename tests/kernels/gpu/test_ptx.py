"""The text of every pass for a GPU: it is translated by NVIDIA's own assembler, approximates nothing, and is what JAX
lowers a run to for CUDA.
"""

import re

import jax
import jax.numpy as jnp
import pytest
from tests.kernels.gpu.threads import SYSTEMS, assembled, noticed, ptxas
from tests.kernels.reference import FULL
from tests.unit.solve.systems import DRIVES

import llgrad as lg
from llgrad.kernels.gpu.launch import BLOCK, CALL
from llgrad.kernels.gpu.probe import reason_against

RUN = {"duration": 20e-12, "dt": 1e-12, "engine": lg.solvers.Native()}
KINDS = {
    "oscillator": (FULL, {}),
    "noise": (FULL.replace(temperature=300.0), {"key": jax.random.key(0)}),
    "eighth order": (FULL, {"stepper": lg.solvers.DormandPrince8()}),
    "Stack": (SYSTEMS["Stack"], {"drive": DRIVES["Stack"]}),
    "Table": (SYSTEMS["Table"], {}),
}
FREE = dict.fromkeys(KINDS, ("alpha", "current")) | {"Stack": ("exchange", "alpha"), "Table": ("width", "curve")}
MOST_REGISTERS = 255
LARGE = ("eighth order", "Stack")
"""Twelve stages, and six components: more than a thread's registers hold of a transposed step in float64."""
APPROXIMATE = re.compile(r"\.(approx|ftz|full)\b|call")
"""What no kernel may have: approximations, denormal numbers taken for zero, functions of a library."""


def lowered(function, *arguments, platform="cuda"):
    return jax.jit(function).trace(*arguments).lower(lowering_platforms=(platform,)).as_text()


def squares(numbers, kind):
    """A scalar of a run, of some of the model's numbers: of the oscillator, the three that a fit is about."""
    model, options = KINDS[kind]
    model = model.replace(**dict(zip(FREE[kind], numbers, strict=True)))
    run = lg.simulate(model, **RUN, **options)
    return sum(jnp.sum(a * a) for a in jax.tree.leaves(run.m if hasattr(model, "Ms") else run.state))


@pytest.mark.parametrize(
    ("kind", "bits"), [*((kind, 64) for kind in KINDS), ("oscillator", 32), ("noise", 32), ("Table", 32)]
)
def test_every_pass_is_text_that_the_assembler_takes(kind, bits, tmp_path):
    with jax.enable_x64(bits == 64), noticed() as texts:
        numbers = tuple(jnp.asarray(getattr(KINDS[kind][0], name)) for name in FREE[kind])
        of = lambda numbers: squares(numbers, kind)  # noqa: E731
        lowered(jax.value_and_grad(of), numbers)
        lowered(lambda numbers: jax.jvp(of, (numbers,), (numbers,)), numbers)
    assert len(set(texts)) == 4  # states kept, adjoint; value, tangent
    for text in texts:
        assert not APPROXIMATE.findall(text)
        assert re.search(rf"(div|rcp|sqrt)\.rn\.f{bits}", text) or kind == "Table"
    if ptxas() is None:
        pytest.skip("no ptxas here: pip install llgrad[gpu-check]")
    for text in set(texts):
        registers, spilled = assembled(text, tmp_path)
        assert registers <= MOST_REGISTERS
        assert spilled == 0 or kind in LARGE


def test_one_trace_is_a_launch_for_cuda_and_a_handler_for_processors():
    many = jax.vmap(lambda alpha: lg.simulate(FULL.replace(alpha=alpha), **RUN).m)
    values = jnp.linspace(0.01, 0.05, 3 * BLOCK + 1)
    card, processor = lowered(many, values), lowered(many, values, platform="cpu")
    assert f"@{CALL}" in card and "llgrad_forward" not in card
    assert CALL not in processor and "@llgrad_forward" in processor
    assert "grid_x = 4 : i32" in card and f"block_x = {BLOCK} : i32" in card


def test_coupled_arrays_are_a_scan_for_cuda():
    array = lg.OscillatorArray(FULL, 3, lg.FieldCoupling(jnp.full((3, 3), 0.01)))
    text = lowered(jax.grad(lambda a: jnp.sum(lg.simulate(a, **RUN).m)), array)
    assert CALL not in text and "stablehlo.while" in text


def test_without_the_call_there_is_a_reason():
    (device, *_) = jax.devices()
    reason = reason_against(device)
    assert reason.startswith(f"XLA launches no PTX on {device.device_kind} (")
    assert jax.jit(lambda x: x if reason_against(device) == reason else None)(1) == 1  # while a function is traced, too
