"""The Python blocks of every page in docs/ run, in order, as one program in a process of its own."""

import pathlib

import pytest
from tests.docs.test_readme import ROOT, python_blocks
from tests.examples.processes import run_script

PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_page_runs(page: pathlib.Path, tmp_path):
    program = python_blocks((ROOT / page).read_text(encoding="utf-8"))
    assert program.strip()
    script = tmp_path / f"{page.stem}.py"
    script.write_text(program, encoding="utf-8")
    done = run_script(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_readme_links_the_page(page: pathlib.Path):
    assert f"]({page.as_posix()})" in (ROOT / "README.md").read_text(encoding="utf-8")
