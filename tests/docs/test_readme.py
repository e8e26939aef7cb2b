"""The Python blocks of README.md run, in order, as one program in a process of its own."""

import pathlib
import shutil

import pytest
from tests.examples.processes import run_script

ROOT = pathlib.Path(__file__).parents[2]


def python_blocks(text: str) -> str:
    """The fenced ```python blocks as one program, each line at its own number, so that errors point into the page."""
    program, inside = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = line.strip() == "```python"
            program.append("")
        else:
            program.append(line if inside else "")
    return "\n".join(program) + "\n"


def test_blocks_keep_their_line_numbers():
    assert (
        python_blocks("a\n```python\nx = 1\n```\n```sh\nls\n```\n```python\ny = x\n```")
        == "\n\nx = 1\n\n\n\n\n\ny = x\n\n"
    )


def test_the_readme_runs(tmp_path):
    if not (ROOT / "README.md").exists():
        pytest.skip("no README.md")
    (tmp_path / "README.py").write_text(python_blocks((ROOT / "README.md").read_text()))
    if (ROOT / "examples").exists():
        shutil.copytree(ROOT / "examples", tmp_path / "examples")
    done = run_script(tmp_path / "README.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
