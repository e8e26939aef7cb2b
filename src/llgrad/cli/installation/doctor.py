"""`llgrad doctor`: what is installed, what is missing, and whether the engine works on this machine."""

from __future__ import annotations

from typing import Any

import typer

from llgrad.cli.output import FAILED_RUN, JsonOption, command_line, print_json
from llgrad.core.run_record import run_record


def doctor(json: JsonOption = False) -> None:
    """Look at the installation: versions, extras, the engine, its kernels, the GPU; and say what to do.

    A short run is made by a compiled kernel and by the engine that it is compared with. The exit status is 1 where
    something is at fault; an extra that is not installed is none.
    """
    from llgrad.cli.installation.health import examine

    findings = []
    width = 15
    for finding in examine():
        findings.append(finding)
        if not json:
            mark = "✗" if finding.fault else "·" if finding.remedy else "✓"
            print(f"{mark} {finding.part:<{width}} {finding.text}")
            if finding.remedy:
                print(f"  {'':<{width}} → {finding.remedy}")
    faults = [finding for finding in findings if finding.fault]
    if json:
        entry: dict[str, Any] = {"sound": not faults, "findings": [finding._asdict() for finding in findings]}
        print_json(run_record("doctor", command=command_line()) | entry)
    else:
        print(
            f"{len(faults)} at fault: {', '.join(fault.part for fault in faults)}" if faults else "llgrad is sound here"
        )
    if faults:
        raise typer.Exit(FAILED_RUN)
