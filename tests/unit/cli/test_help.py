"""Help that groups commands and options by task."""

import itertools

import pytest

from llgrad.cli.commands.panels import GROUPS, OWN, PANELS, panel_of
from llgrad.cli.commands.table import COMMANDS, CommandTable

TABLE = CommandTable()
OPTIONS = {
    name: [one for one in TABLE[name].params if one.param_type_name == "option" and one.name != "help"]
    for name in COMMANDS
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_a_panel_of_its_task(name):
    alone = [one.opts[0] for one in OPTIONS[name] if not one.rich_help_panel]
    assert not alone, f"llgrad {name}: cli/commands/panels.py has no panel for {', '.join(alone)}"
    if len(OPTIONS[name]) > 12:
        panels = [one.rich_help_panel for one in OPTIONS[name]]
        assert len(set(panels)) >= 4
        assert max(panels.count(panel) for panel in panels) <= 12, "a panel that holds most of them groups nothing"


def test_tables_have_no_word_that_no_command_has():
    used = {(name, one.opts[0].lstrip("-")) for name, options in OPTIONS.items() for one in options}
    assert {word for words in PANELS.values() for word in words.split()} <= {word for _, word in used}
    assert {(name, word) for name, own in OWN.items() for words in own.values() for word in words.split()} <= used


def test_no_panel_has_a_word_twice():
    for table in (PANELS, *OWN.values()):
        words = " ".join(table.values()).split()
        assert len(words) == len(set(words))
    assert panel_of("fit", "--no-such-option") is None


def test_help_names_panels(llgrad):
    fit = llgrad("fit", "--help").out
    places = [fit.index(f"─ {panel} ─") for panel in ("Arguments", "What is looked for", "Field sweeps", "Result")]
    assert places == sorted(places)
    assert fit.index("--modulation") > fit.index("─ Field sweeps ─")
    everything = llgrad("--help").out
    headings = [*GROUPS, "─╯"]
    for group, after in itertools.pairwise(headings):
        part = everything.partition(f"─ {group} ─")[2].partition(after)[0]
        listed = [words[1] for line in part.splitlines() if len(words := line.split()) > 1 and words[1] in COMMANDS]
        assert listed == list(GROUPS[group])
