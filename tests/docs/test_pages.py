"""The pages of docs/: plain ones run here as one program each, notebooks by `make docs`; the index lists them all."""

import pathlib
import re
import shlex

import pytest
from tests.docs.test_readme import ROOT, python_blocks
from tests.examples.processes import run_script

from llgrad.cli.commands.table import COMMANDS, CommandTable
from llgrad.cli.installation.guide import explained

DOCS = ROOT / "docs"
MADE = ("gallery", "reference")
"""Folders whose pages `make docs` writes."""
PAGES = sorted(
    path.relative_to(DOCS) for path in DOCS.rglob("*.md") if not {*MADE, "_build"} & set(path.relative_to(DOCS).parts)
)
PLAIN = [page for page in PAGES if "```python" in (DOCS / page).read_text(encoding="utf-8")]

TOLD = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *(DOCS / page for page in PAGES)]
TOLD += sorted((ROOT / "src").rglob("*.md"))
BEFORE = {"lg.X", "lg.RK4", "lg.between", "lg.HallBar"}
"""Names of before there were rooms, in the sentence that tells where they went."""


def names_in(text: str) -> set[str]:
    """Every `lg.…` of a text."""
    return {f"lg{dotted}" for dotted in re.findall(r"(?<![\w.])lg((?:\.[A-Za-z]\w*)+)", text)}


def is_told(name: str) -> bool:
    """Whether a name is public, or would be where a library is installed."""
    try:
        return bool(explained(name))
    except ValueError as error:
        return "cannot be told" in str(error)


@pytest.mark.parametrize("page", TOLD, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_on_a_page_is_public(page):
    text = page.read_text(encoding="utf-8").partition("## [0.1.0]")[0]
    assert {name for name in names_in(text) if not is_told(name)} <= (BEFORE if page.name == "CHANGELOG.md" else set())


def test_every_name_in_the_source_is_public():
    """Those in sentences and docstrings tell a user what to type."""
    texts = (file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py"))
    assert not {name for name in set().union(*map(names_in, texts)) if not is_told(name)}


def test_names_that_are_not_there_are_found():
    assert names_in("`lg.fit(x)`, alg.fit, lg.orbits.Orbit.") == {"lg.fit", "lg.orbits.Orbit"}
    assert not is_told("lg.contents") and is_told("lg.data.contents") and is_told("lg.torch.Simulator")


def commands_in(text: str) -> list[list[str]]:
    """The words of every line of a shell in a text, its remark and what it is piped into left out."""
    lines = text.replace("\\\n", " ").splitlines()
    found = (re.match(r"(?:    |!|!.*&& |srun .* |)llgrad ([a-z]+(?: .*)?)$", line) for line in lines)
    texts = [one.group(1).partition(" | ")[0] for one in found if one]
    return [words for text in texts if (words := shlex.split(text, comments=True))[0] in COMMANDS]


@pytest.mark.parametrize("page", TOLD, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_is_one(page):
    """Each word is one that the parser takes; what it does is not run here."""
    table = CommandTable()
    for name, *words in commands_in(page.read_text(encoding="utf-8")):
        known = {flag for one in table[name].params for flag in (*one.opts, *one.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, (name, words)
        if "--config" not in words:
            table[name].make_context(name, words)


def test_commands_are_found():
    text = "llgrad is\n    llgrad fit a.csv --free alpha \\\n  --json   # why\n!cd x && llgrad train digits | tail"
    assert commands_in(text) == [["fit", "a.csv", "--free", "alpha", "--json"], ["train", "digits"]]
    assert len(commands_in((ROOT / "README.md").read_text(encoding="utf-8"))) > 20


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
