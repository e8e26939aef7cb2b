"""Commands and options in groups by task, for `--help`: one table for all, so that a word is where it is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Simulate": {
        "devices": "devices",
        "simulate": "simulate",
        "switch": "agitation.switch",
        "loop": "states.loop",
        "resonance": "states.resonance",
        "harmonics": "states.harmonics",
        "circuit": "states.circuit",
    },
    "Orbits": {
        "orbit": "states.orbit",
        "sweep": "maps.commands",
        "map": "maps.commands",
        "equilibria": "states.equilibria",
        "follow": "states.follow",
        "optimise": "states.optimise",
    },
    "Data": {
        "show": "answers.show",
        "fit": "fit",
        "study": "studies.command",
        "plan": "answers.plan",
    },
    "Networks": {
        "reservoir": "reservoirs.command",
        "train": "networks.train",
        "evaluate": "networks.evaluate",
        "design": "networks.design",
    },
    "Installation": {
        "demo": "demo.command",
        "cache": "installation.cache",
        "doctor": "installation.doctor",
        "guide": "installation.guide",
        "completion": "installation.completion",
    },
}
"""The commands as they stand together in `llgrad --help`, each with its module of `llgrad.cli`."""

PANELS: Final[Mapping[str, str]] = {
    "Device": "device current field field-x field-y field-z angle alpha temperature set",
    "Drive": "drive sine-current drive-csv pulse microwave-field microwave-current",
    "What is swept": "sweep frequency steps back cycles doublings points runs wait",
    "What is computed": "quantity lock ratio load harmonic input chaos observable signal",
    "What is looked for": "minimise maximise free hold start bounds within spread worst draws",
    "Data": "columns read noise segment",
    "Field sweeps": "field-unit voltage-unit min-field max-field frequencies background shape modulation",
    "Candidates": "currents fields vary duration every settling apart",
    "Search": "method starts seed time-limit",
    "Integration": "dt accuracy save-every m0 engine",
    "Work": "workers threads scheduler batch retry-failed",
    "Result": "out continue resume plot report profiles intervals json force",
    "Options": "config clear show",
}
"""The options of each panel: what is not in the command's own table is here."""

OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "simulate": {"Integration": "duration seed"},
    "switch": {"Integration": "seed"},
    "loop": {"What is swept": "current field angle"},
    "resonance": {"What is swept": "field angle points"},
    "harmonics": {"What is computed": "signal"},
    "circuit": {
        "Circuit": "series parallel source source-resistance load resistance tmr",
        "Integration": "duration seed",
    },
    "plan": {"Data": "columns noise duration every settling", "What is looked for": "free apart"},
    "reservoir": {
        "Reservoir": "hold input gain feedback nodes oscillators coupling read noise length seed",
        "Search": "tune steps starts",
        "Bench": "design dac-bits",
    },
    "train": {"The run": "processes json force"},
    "evaluate": {"Imperfections of real arrays": "arrays seed curve", "Result": "pictures", "Data": "data-dir"},
    "design": {"Data": "data-dir", "Bench": "max-field max-current dac-bits"},
}
"""Panels of a command whose words mean something of their own; an option may also be declared with its panel."""


def panel_of(command: str, option: str) -> str | None:
    """The panel in which an option ("--free") stands in the help of a command; None where no table has it."""
    word = option.lstrip("-")
    for table in (OWN.get(command, {}), PANELS):
        for panel, words in table.items():
            if word in words.split():
                return panel
    return None


def group_of(command: str) -> str | None:
    """The group in which a command stands in `llgrad --help`; None where it is in none."""
    return next((group for group, names in GROUPS.items() if command in names), None)


def arranged(command: Any) -> Any:
    """The command (of typer), itself and its options in their panels, what it leaves behind as the last."""
    command.rich_help_panel = group_of(command.name)
    for parameter in command.params:
        if parameter.param_type_name == "option":
            parameter.rich_help_panel = parameter.rich_help_panel or panel_of(command.name, parameter.opts[0])
    command.params.sort(key=lambda parameter: getattr(parameter, "rich_help_panel", None) == "Result")
    return command
