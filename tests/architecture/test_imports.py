"""Imports that import-linter's contracts cannot state: no cycles, no package that imports itself, no side effects."""

import functools
import graphlib
import json
import subprocess
import sys
import textwrap

import grimp
import pytest

EVERYTHING = """
        for room in llgrad.ROOMS:
            for name in importlib.import_module(f"llgrad.{room}").__all__ if room not in ("plot", "torch") else ():
                if name != "Diffrax":
                    getattr(importlib.import_module(f"llgrad.{room}"), name)
"""
HEAVY = ["torch", "matplotlib", "diffrax", "sklearn", "typer", "rich", "cmtj", "scipy"]


@functools.cache
def imports_of_every_module() -> dict[str, set[str]]:
    """Every module of llgrad and what it imports, late imports inside functions included."""
    graph = grimp.build_graph("llgrad", cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def own_packages(module: str) -> set[str]:
    """The packages that hold a module: llgrad and llgrad.core for llgrad.core.units."""
    parts = module.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def in_a_new_process(code: str) -> str:
    """What a program prints, on either stream, in a Python that has imported nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_no_import_cycle():
    order = list(
        graphlib.TopologicalSorter(imports_of_every_module()).static_order()
    )  # raises CycleError, with the cycle
    assert "llgrad" in order


def test_no_module_imports_a_package_that_holds_it():
    graph = imports_of_every_module()
    assert {module: upward for module in graph if (upward := graph[module] & own_packages(module))} == {}


def test_late_imports_are_seen(tmp_path, monkeypatch):
    (tmp_path / "looped").mkdir()
    (tmp_path / "looped" / "__init__.py").touch()
    (tmp_path / "looped" / "a.py").write_text("import looped.b\n")
    (tmp_path / "looped" / "b.py").write_text("def late():\n    from looped import a\n    return a\n")
    monkeypatch.syspath_prepend(tmp_path)
    graph = grimp.build_graph("looped", cache_dir=None)
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(edges).static_order())


def test_importing_llgrad_prints_nothing_and_changes_no_setting_of_jax():
    printed = in_a_new_process(
        f"""
        import importlib, jax
        before = dict(jax.config.values)
        import llgrad
        {EVERYTHING}
        assert dict(jax.config.values) == before
        """
    )
    assert printed == ""


def test_importing_llgrad_starts_no_backend():
    printed = in_a_new_process(
        f"""
        import importlib, jax
        import llgrad
        {EVERYTHING}
        jax.config.update("jax_num_cpu_devices", 3)  # an error once a backend has started
        print(jax.device_count())
        """
    )
    assert printed.strip() == "3"


def test_importing_llgrad_loads_nothing_heavy():
    printed = in_a_new_process(
        f"""
        import importlib, json, sys
        import llgrad
        {EVERYTHING}
        print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
        """
    )
    assert json.loads(printed) == []


def test_importing_llgrad_alone_does_not_load_jax():
    printed = in_a_new_process("import sys, llgrad; print('jax' in sys.modules, llgrad.__all__ != [])")
    assert printed.split() == ["False", "True"]


def test_a_room_loads_what_is_asked_of_it_alone():
    printed = in_a_new_process(
        """
        import sys
        from llgrad.fitting import LevenbergMarquardt, fit
        import llgrad.fitting.fit, llgrad.experiments.sweeps.regions
        print(llgrad.fitting.fit is fit, callable(fit), "posterior" in dir(llgrad.fitting))
        asked = vars(llgrad.fitting) | vars(llgrad.experiments)
        print([name for name in ("posterior", "loop", "Profile") if name in asked])
        print([name for name in sys.modules if name.startswith("llgrad.experiments.switching")])
        """
    )
    assert printed.splitlines() == ["True True True", "[]", "[]"]


def test_the_command_loads_nothing_that_one_command_alone_needs():
    printed = in_a_new_process(
        f"""
        import json, sys
        import llgrad.cli.main
        heavy = set({HEAVY}) - {{"typer", "rich"}} | {{"optax", "pandas", "h5py", "xarray", "llvmlite"}}
        print(json.dumps(sorted(heavy & set(sys.modules))))
        """
    )
    assert json.loads(printed) == []
