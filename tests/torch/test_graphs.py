"""Under torch.compile, and beside what else a process imports."""

import re
import subprocess
import sys

import pytest
from tests.docs.test_readme import ROOT, python_blocks
from tests.examples.test_examples import FOLDER, PROMISED
from tests.torch.pytorch import DOUBLE, torch

import llgrad as lg
from llgrad.torch import compiled

RUN = {"duration": 1e-10, "dt": 5e-12}


@pytest.mark.skipif(not compiled.HAS_OPERATIONS, reason="this PyTorch has no torch.library.custom_op")
@pytest.mark.filterwarnings("ignore")
def test_a_module_is_compiled_whole_with_the_same_values_and_gradients():
    model = lg.torch.Simulator(lg.presets.kubota2013(), **RUN, free=["alpha"], given=["current"], **DOUBLE)
    whole = torch.compile(model, fullgraph=True, backend="aot_eager")
    for count in (2, 3):
        current = torch.linspace(1e-3, 2e-3, count, **DOUBLE).requires_grad_()
        found = []
        for one in (model, whole):
            model.zero_grad()
            runs = one(current=current)
            runs[..., 2].sum().backward()
            found.append((runs, model.free["alpha"].grad, current.grad.clone()))
            current.grad = None
        assert all(torch.equal(plain, graph) for plain, graph in zip(*found, strict=True))


@pytest.mark.skipif(not compiled.HAS_OPERATIONS, reason="this PyTorch has no torch.library.custom_op")
def test_a_second_derivative_of_an_operation_is_refused():
    model = lg.torch.Simulator(lg.presets.kubota2013(), **RUN, free=["alpha"], **DOUBLE)
    value = torch.ops.llgrad.run([model.free["alpha"]], model.number).sum()
    (slope,) = torch.autograd.grad(value, model.free["alpha"], create_graph=True)
    with pytest.raises(RuntimeError, match="llgrad passes first derivatives to PyTorch"):
        slope.backward()


@pytest.mark.parametrize("order", [("torch", "jax", "llgrad"), ("llgrad", "jax", "torch")], ids=" ".join)
def test_either_comes_first(order):
    program = "\n".join(
        [
            *(f"import {name}" for name in order),
            "import llgrad as lg",
            "found = lg.torch.function(lambda x: (x * x).sum())",
            "x = torch.tensor([1.0, 2.0], requires_grad=True)",
            "found(x).backward()",
            "print(x.grad.tolist(), torch.__name__, torch.nn.Module.__module__)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[2.0, 4.0] torch torch.nn.modules.module\n", done.stderr


def test_the_example_prints_what_it_promises():
    command = [sys.executable, "-W", "ignore", str(FOLDER / "torch_layer.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [number for number in PROMISED["torch_layer"] if not re.search(number, done.stdout)] == [], done.stdout


@pytest.mark.float32
def test_the_page_for_its_users_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "users" / "pytorch.md").read_text(encoding="utf-8")
    names = {}
    exec(python_blocks(page.replace("```py\n", "```python\n")), names)
    assert (tmp_path / "device.json").exists() and len(names["design"].stages) == 1
