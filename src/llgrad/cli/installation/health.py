"""What `llgrad doctor` looks at: each function examines one part of the installation and says what it found."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import jax
import numpy as np

from llgrad.cli.compilation import cores
from llgrad.core.run_record import version
from llgrad.core.speed.starting import platform_fault

AGREE: Final = 1e-12
"""Distance of the two engines' final states, both of length 1, that rounding does not explain in 100 steps."""

DEVELOPERS: Final = ("test", "bench", "gpu-check", "docs")
"""Extras for work on llgrad itself, which its users do not miss."""


class Finding(NamedTuple):
    """What was found of one part."""

    part: str
    text: str
    """What is there, in one sentence."""
    remedy: str = ""
    """What to do; empty where nothing is missing."""
    fault: bool = False
    """Results would be wrong or slow, or a command would fail, until the remedy is taken."""


def examine() -> Iterator[Finding]:
    """Every finding, in the order in which they are told; none of them ends the others."""
    for part in PARTS:
        yield from part()


def versions() -> Iterator[Finding]:
    """llgrad, Python and the machine."""
    text = f"{version()} on Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Finding("llgrad", f"{text}, {cores()} processors for this process")


def libraries() -> Iterator[Finding]:
    """The libraries that llgrad requires, and those of each extra for its users."""
    from packaging.requirements import Requirement

    try:
        written = importlib.metadata.requires("llgrad") or []
    except importlib.metadata.PackageNotFoundError:
        text = "this llgrad runs from a source tree that is not installed: what it requires is not known"
        yield Finding("libraries", text, "pip install -e . in its folder", fault=True)
        return
    requirements = [Requirement(line) for line in written]
    extras = importlib.metadata.metadata("llgrad").get_all("Provides-Extra") or []
    always = [need for need in requirements if need.marker is None or need.marker.evaluate({"extra": ""})]
    yield _of_libraries("libraries", always, "pip install --upgrade llgrad", fault=True)
    for extra in sorted(set(extras) - set(DEVELOPERS)):
        own = [
            need
            for need in requirements
            if need not in always and need.marker and need.marker.evaluate({"extra": extra})
        ]
        yield _of_libraries(f"extra {extra}", own, f'pip install "llgrad[{extra}]"', fault=False)


def _of_libraries(part: str, needs: list[Any], remedy: str, fault: bool) -> Finding:
    """Whether all of some requirements are met."""
    met, unmet = [], []
    for need in needs:
        try:
            installed = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            unmet.append(f"{need.name} is not installed")
            continue
        if need.specifier.contains(installed, prereleases=True):
            met.append(f"{need.name} {installed}")
        else:
            unmet.append(f"{need.name} is {installed}, expected {need.specifier}")
    return Finding(part, ", ".join(unmet or met), remedy if unmet else "", fault and bool(unmet))


def engines() -> Iterator[Finding]:
    """Whether kernels are compiled here, and agree with the engine that they are compared with."""
    from llgrad.kernels.machine import llvm
    from llgrad.physics.presets.perpendicular import kubota2013
    from llgrad.solve.native import Native
    from llgrad.solve.simulate import simulate
    from llgrad.solve.xla import XLA

    if fault := platform_fault():
        said, _, remedy = fault.rpartition("; ")
        yield Finding("engine", said, remedy, True)
        return
    with jax.enable_x64(True):
        began = time.perf_counter()
        native = simulate(kubota2013(), duration=0.2e-9, dt=2e-12, engine=Native())
        took = time.perf_counter() - began
        scan = simulate(kubota2013(), duration=0.2e-9, dt=2e-12, engine=XLA())
    if native.stats.reason:
        remedy = "see llgrad cache for the folder of kernels, and reinstall llvmlite"
        yield Finding("engine", f"no kernel runs here, the slower engine does: {native.stats.reason}", remedy, True)
        return
    apart = float(np.max(np.abs(np.asarray(native.m)[-1] - np.asarray(scan.m)[-1])))
    text = f"native kernels for {llvm.processor()[1]} ({8 * llvm.register_bytes()} bits), the first in {took:.2f} s"
    if not apart <= AGREE:
        remedy = "do not trust results of this machine, and report it"
        yield Finding("engine", f"{text}, but {apart:.1e} from the other engine, expected {AGREE:g}", remedy, True)
        return
    yield Finding("engine", f"{text}; {apart:.0e} from the other engine")


def folder() -> Iterator[Finding]:
    """Whether kernels can be kept."""
    from llgrad.kernels.machine import cache

    path = cache.folder()
    here = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not here.is_dir() or not os.access(here, os.W_OK):
        remedy = f"set {cache.VARIABLE} to a folder that can be written"
        yield Finding("kernels kept in", f"{path}, which cannot be written: each run compiles anew", remedy, True)
        return
    entries = [*cache.entries(), *cache.xla_entries()]
    yield Finding("kernels kept in", f"{path}, {len(entries)} files, {sum(size for _, size in entries) / 1e6:.1f} MB")


def gpu() -> Iterator[Finding]:
    """The GPUs that JAX finds; those that the driver tells of and JAX does not."""
    found = [] if platform_fault() else [device for device in jax.devices() if device.platform == "gpu"]
    if found:
        yield Finding("GPU", ", ".join(str(device.device_kind) for device in found))
        return
    chosen = os.environ.get("JAX_PLATFORMS")
    if chosen:
        yield Finding("GPU", f"not looked for: JAX_PLATFORMS is {chosen}")
    elif shutil.which("nvidia-smi"):
        remedy = 'pip install "jax[cuda12]", for the CUDA of the driver'
        yield Finding("GPU", "NVIDIA's driver is installed, but this jax finds no GPU", remedy)
    else:
        yield Finding("GPU", "none; the processors do all")


PARTS: Final[tuple[Callable[[], Iterator[Finding]], ...]] = (versions, libraries, engines, folder, gpu)
