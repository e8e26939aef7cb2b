"""What a stranger's tools read agrees with pyproject.toml: which Pythons are tested, which commands are run."""

import pathlib
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
CLASSIFIED = [found[1] for line in PROJECT["classifiers"] if (found := re.search(r"Python :: (3\.\d+)$", line))]


def jobs_of(workflow):
    return yaml.safe_load(workflow.read_text())["jobs"]


def test_each_python_of_the_classifiers_is_tested():
    (test,) = [file for file in WORKFLOWS if file.stem == "test"]
    assert jobs_of(test)["test"]["strategy"]["matrix"]["python"] == CLASSIFIED
    assert f"PYTHONS = {CLASSIFIED}".replace("'", '"') in (ROOT / "noxfile.py").read_text()
    assert PROJECT["requires-python"] == f">={CLASSIFIED[0]}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_workflows_run_targets_of_the_makefile(workflow):
    commands = [step["run"] for job in jobs_of(workflow).values() for step in job["steps"] if "run" in step]
    assert commands
    for command in commands:
        assert (found := re.match(r"make ([a-z]+)", command)) and found[1] in TARGETS, command


def test_the_citation_has_the_version_of_the_package():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == PROJECT["version"]


OUTPUTS = {".wav", ".csv", ".npz", ".npy", ".png", ".html", ".json", ".jsonl", ".bin", ".tdms", ".h5", ".parquet"}
"""Endings of files that examples and commands write where they are run."""


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no checkout of git")
def test_nothing_that_an_example_writes_lies_beside_the_readme():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    beside = [name for name in listed if name and "/" not in name]
    assert "README.md" in beside
    assert [name for name in beside if pathlib.Path(name).suffix in OUTPUTS] == []
