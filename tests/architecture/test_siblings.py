"""Constructors that make the same thing elsewhere take the same arguments: what one of them learns, the others have."""

import ast

import pytest
from tests.architecture.test_files import SRC

CREATE = ("llgrad/networks/trained/classifier.py", "OscillatorClassifier", "create")
# (file, class, constructor) of a sibling, and what it has not, because it is told otherwise there or has no meaning
SIBLINGS = {
    ("llgrad/torch/layer.py", "OscillatorLayer", "__init__"): {
        *("shape", "classes", "key", "oscillators", "frames", "patch", "spread"),  # inputs, seed, count, frames
        *("segment", "truncate", "imperfections"),  # of its own way back, and of training in JAX
    },
}


def arguments(file: str, owner: str, name: str) -> dict[str, tuple[str, str]]:
    """Annotation and default of each argument that is given by its name."""
    tree = ast.parse((SRC / file).read_text(encoding="utf-8"))
    kind = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner)
    made = next(node for node in kind.body if isinstance(node, ast.FunctionDef) and node.name == name).args
    pairs = zip(made.kwonlyargs, made.kw_defaults, strict=True)
    return {
        one.arg: (ast.unparse(one.annotation or ast.Constant(None)), ast.unparse(default) if default else "")
        for one, default in pairs
    }


@pytest.mark.parametrize("sibling", SIBLINGS, ids=lambda sibling: sibling[1])
def test_siblings_take_the_same_arguments(sibling):
    ours, theirs = arguments(*sibling), arguments(*CREATE)
    assert theirs.keys() - ours.keys() <= SIBLINGS[sibling], "an argument that the sibling has not learnt"
    same = theirs.keys() - SIBLINGS[sibling]
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
