"""Completion by the shells: the library's own protocol of environment variables, and the scripts."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from llgrad.cli.commands.completing import VARIABLE, placeholder
from llgrad.cli.commands.sketching import sketch
from llgrad.cli.commands.table import COMMANDS, CommandTable, SketchTable
from llgrad.physics.presets.named import names


@pytest.fixture
def completed(llgrad, monkeypatch):
    """The words that a shell is offered for a line, whose last word is begun."""

    def ask(line: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv(VARIABLE, f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        ended = llgrad()
        assert (ended.status, ended.err) == (0, "")
        return [word for word in ended.out.splitlines() if word]  # nothing is an empty line

    return ask


def test_commands(completed):
    assert completed("llgrad ") == list(COMMANDS)
    assert completed("llgrad si") == ["simulate"]
    assert "fit\tFind parameters of a device from a..." in completed("llgrad f", "fish")
    assert any(line.startswith('"fit":"Find') for line in completed("llgrad fi", "zsh")[0].split("(("))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_placeholder_says_what_the_command_says(name):
    full = CommandTable()[name].get_short_help_str(limit=45)
    assert full
    assert placeholder(name, COMMANDS[name]).get_short_help_str(limit=45) == full


def test_options_and_their_words(completed):
    assert completed("llgrad simulate kubota2013 --fi") == ["--field", "--field-x", "--field-y", "--field-z"]
    assert completed("llgrad simulate kubota2013 --field 1mT --field") == ["--field-x", "--field-y", "--field-z"]
    assert completed("llgrad simulate kubota2013 --engine ") == ["native", "xla", "diffrax"]
    assert completed("llgrad fit trace.csv --conf") == ["--config"]
    assert completed("llgrad completion ") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize(
    "line", ["simulate ", "devices ", "plan ", "map ", "fit run.csv --device ", "train digits --device "]
)
def test_presets(completed, line):
    assert completed(f"llgrad {line}") == names()
    assert completed(f"llgrad {line}ku") == ["kubota2013"]


def test_files_are_left_to_the_shell(completed):
    assert completed("llgrad simulate kubota2013 --out ") == []
    assert completed("llgrad simulate mine.js") == []
    assert completed("llgrad simulate --config ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_by_the_variable(llgrad, shell):
    script = llgrad("completion", shell).out
    assert f"{VARIABLE}=complete_{shell}" in script and "llgrad" in script
    assert json.loads(llgrad("completion", shell, "--json").out)["script"] == script.rstrip("\n")


def test_another_shell_is_one_sentence(refused):
    assert "'bash', 'zsh', 'fish'" in refused("completion", "cmd")


def test_bash_completes_with_the_script(llgrad, tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    command = tmp_path / "llgrad"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m llgrad "$@"\n')
    command.chmod(0o755)
    script = llgrad("completion", "bash").out
    ask = f"{script}\nCOMP_WORDS=(llgrad simulate ku) COMP_CWORD=2\n_llgrad_completion llgrad\necho ${{COMPREPLY[@]}}\n"
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run([bash, "--norc", "-c", ask], env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "kubota2013", "")


def words_of(command):
    """What decides how the words of a command are parsed, and what a shell is told of each."""
    return sorted(
        (*one.opts, *one.secondary_opts, one.param_type_name, getattr(one, "multiple", False), one.nargs)
        for one in command.params
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_sketch_has_the_options_of_the_command(name):
    found, whole = SketchTable()[name], CommandTable()[name]
    assert words_of(found) == words_of(whole)
    helps = {one.name: one.help for one in whole.params}
    assert {one.name: one.help for one in found.params if one.help} == {
        one.name: helps[one.name] for one in found.params if one.help
    }
    assert sum(not one.help for one in found.params) <= 1, "all but what is computed"
    assert sketch(name, f"llgrad.cli.{COMMANDS[name]}").__doc__ or name in ("map", "sweep")


def test_what_no_sketch_is_made_of_is_imported():
    with pytest.raises(LookupError, match=r"llgrad\.cli\.fit has no function fat"):
        sketch("fat", "llgrad.cli.fit")
    with pytest.raises(LookupError, match="has no bytes"):
        sketch("unicode_text", "llgrad.core.files")


@pytest.mark.parametrize(
    ("line", "words"),
    [("llgrad si", ["simulate"]), ("llgrad fit run.csv --noi", ["--noise"]), ("llgrad train --seg", ["--segment"])],
)
def test_names_and_options_are_told_without_jax(line, words):
    """Half a second less for each press of the Tab key."""
    program = (
        "import sys\nfrom llgrad.cli.commands.entry import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'jax' in sys.modules)\n"
    )
    asked = {VARIABLE: "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | asked, capture_output=True, text=True)
    *told, code, has_jax = done.stdout.split()
    assert (told, code, has_jax, done.stderr) == (words, "0", "False", "")
