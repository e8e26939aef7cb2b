"""The pages of docs/: plain ones run here as one program each, notebooks by `make docs`; the index lists them all."""

import pathlib
import re

import pytest
from tests.docs.test_readme import ROOT, python_blocks
from tests.examples.processes import run_script

DOCS = ROOT / "docs"
MADE = ("gallery", "reference")
"""Folders whose pages `make docs` writes."""
PAGES = sorted(
    path.relative_to(DOCS) for path in DOCS.rglob("*.md") if not {*MADE, "_build"} & set(path.relative_to(DOCS).parts)
)
PLAIN = [page for page in PAGES if "```python" in (DOCS / page).read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PLAIN, ids=str)
def test_the_page_runs(page: pathlib.Path, tmp_path):
    script = tmp_path / f"{page.stem}.py"
    script.write_text(python_blocks((DOCS / page).read_text(encoding="utf-8")), encoding="utf-8")
    done = run_script(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_every_page_is_in_the_index():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"```{toctree}\n(.*?)```", index, re.DOTALL)
    listed = {line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")}
    assert listed == {str(page.with_suffix("")) for page in PAGES} - {"index"} | {f"{folder}/index" for folder in MADE}


def test_readme_links_the_site_and_the_conventions():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/index.md)" in readme and "](docs/conventions.md)" in readme
