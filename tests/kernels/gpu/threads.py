"""A GPU's kernels on this machine: translated by `ptxas` where it is installed, and run by the processor, one thread
after another, so that what a thread computes is tested where there is no GPU.
"""

import contextlib
import ctypes
import functools
import importlib.util
import pathlib
import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
from tests.unit.solve.systems import MEMBERS

import llgrad as lg
from llgrad.kernels import calls, kernel
from llgrad.kernels.gpu import launch as launching
from llgrad.kernels.gpu.thread import NAME
from llgrad.kernels.machine import cache
from llgrad.kernels.machine.llvm import link, object_of

MODULES = {}
"""The modules that kernels were made from, by their PTX."""
NUMBERS = ("ntid", "ctaid", "tid", "nctaid")
PASSES = {"llgrad_solve": calls.forward, "llgrad_tangent": calls.tangent, "llgrad_adjoint": calls.adjoint}


def ptxas():
    """The assembler of the wheel nvidia-cuda-nvcc-cu12, or of an installed CUDA; None where there is none."""
    found = importlib.util.find_spec("nvidia")
    for folder in found.submodule_search_locations if found else ():
        for path in pathlib.Path(folder).glob("cuda_nvcc/bin/ptxas"):
            return str(path)
    return shutil.which("ptxas")


def assembled(text, folder, architecture="sm_80"):
    """(registers, bytes spilled) of a kernel's PTX."""
    source = folder / "kernel.ptx"
    source.write_text(text)
    call = [ptxas(), "-v", f"-arch={architecture}", str(source), "-o", str(folder / "kernel.cubin")]
    said = subprocess.run(call, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return int(re.search(r"Used (\d+) registers", said.stderr)[1]), int(
        re.search(r"(\d+) bytes spill st", said.stderr)[1]
    )


class Table(lg.System):
    """A System of one's own with functions that have no instruction, and a measured curve."""

    width: float = lg.quantity("1")
    rate_: float = lg.quantity("1/s")
    curve: list = lg.systems.table("1")

    def start(self):
        return {"x": 0.3, "y": -0.2}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        measured = jnp.interp(x, jnp.asarray((-1.0, 0.0, 1.0), x.dtype), self.curve)
        return {"x": self.rate_ * (jnp.tanh(self.width * y) - x), "y": self.rate_ * (measured - y * jnp.exp(-y * y))}


SYSTEMS = MEMBERS | {"Table": Table(1.5, 2e9, [0.2, 0.5, -0.3])}


@contextlib.contextmanager
def noticed(replacement=None):
    """Every kernel that is launched within, as its PTX, and what takes the place of the launch."""
    texts, launch, ptx = [], calls.launch, cache.ptx

    def seen(text, *rest):
        texts.append(text)
        return (replacement or launch)(text, *rest)

    def kept(key, kind, write, about=str):
        text = ptx(key, kind, write, about)
        if text not in MODULES:
            MODULES[text] = str(write())
        return text

    calls.launch, cache.ptx = seen, kept
    for made in (kernel.forward_kernel, kernel.adjoint_kernel, kernel.tangent_kernel):
        made.cache_clear()
    try:
        yield texts
    finally:
        calls.launch, cache.ptx = launch, ptx


@functools.cache
def _on_the_processor(text):
    """The function of a kernel for this processor, and the place of the numbers that a thread knows of itself."""
    numbers = (ctypes.c_int32 * len(NUMBERS))()
    module = MODULES[text].replace("ptx_kernel ", "").replace(" addrspace(1)*", "*")
    for place, name in enumerate(NUMBERS):
        address = f"inttoptr (i64 {ctypes.addressof(numbers) + 4 * place} to i32*)"
        module = re.sub(
            rf'call i32 @"llvm.nvvm.read.ptx.sreg.{name}.x"\(\)', f"load volatile i32, i32* {address}", module
        )
    count = module[module.index(f'@"{NAME}"(') :].split(")")[0].count("i64")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * count)(link(object_of(module), NAME)), numbers


def run_threads(text, counts, operands, results, threads):
    """What `launch` gives, by the processor."""
    function, numbers = _on_the_processor(text)

    def run(*given):
        given = [np.ascontiguousarray(operand) for operand in given]
        made = [np.full(result.shape, 77, result.dtype) for result in results]  # what nobody writes would be seen
        sizes = [array.size for array in (*given, *made)]
        first = np.array([*counts, len(counts) + 1 + len(sizes), *sizes], np.int32)
        addresses = [array.ctypes.data for array in (first, *given, *made)]
        blocks = launching.whole_blocks(threads) // launching.BLOCK
        for block in range(blocks):
            for thread in range(launching.BLOCK):
                numbers[:] = (launching.BLOCK, block, thread, blocks)
                function(*addresses)
        return made

    return jax.pure_callback(run, [jax.ShapeDtypeStruct(result.shape, result.dtype) for result in results], *operands)


def by_threads(function):
    """A function whose kernels are those of a GPU, run by the processor."""

    def call(*arguments):
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        with noticed(run_threads):
            flat = jax.jit(lambda *given: _evaluated(closed.jaxpr, closed.consts, given))(*jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shape), flat)

    return call


def _evaluated(jaxpr, consts, arguments):
    known = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))
    read = lambda atom: atom.val if hasattr(atom, "val") else known[atom]  # noqa: E731
    for equation in jaxpr.eqns:
        values, params = [read(atom) for atom in equation.invars], equation.params
        name = equation.primitive.name
        if name in ("jit", "pjit"):
            found = _evaluated(params["jaxpr"].jaxpr, params["jaxpr"].consts, values)
        elif name in PASSES:
            found = _run(name, values, dict(params))
        else:
            found = equation.primitive.bind(*values, **params)
            found = found if equation.primitive.multiple_results else [found]
        known |= dict(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _run(name, values, params):
    if name == "llgrad_tangent" and params.pop("kept"):
        own = len(params["plan"].names)
        values = [*values[:own], *values[own + 1 :]]
    return PASSES[name](*values, card=True, **params)
