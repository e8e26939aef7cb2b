"""`llgrad design`: a trained network as the settings of a bench, in files for programs and for people."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from typing import Annotated, Any

import typer

from llgrad.cli.device_options import quantity
from llgrad.cli.networks.sources.images import DataDirOption
from llgrad.cli.networks.subject import DESIGN, Subject, load_subject
from llgrad.cli.output import ForceOption, JsonOption, command_line, print_json
from llgrad.cli.progress import working
from llgrad.core.files import check_target
from llgrad.core.run_record import run_record
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.files import save_design
from llgrad.networks.bench.limits import Bench, excesses, set_on
from llgrad.networks.bench.tables import save_tables, tables_of
from llgrad.training.evaluation import evaluate


def design(
    run: Annotated[pathlib.Path, typer.Argument(help="Folder of a run, from llgrad train.")],
    out: Annotated[pathlib.Path, typer.Option(metavar="DIR", help="Folder of the design.")],
    max_field: Annotated[str | None, typer.Option(help="Largest field that the bench gives: 500Oe.")] = None,
    max_current: Annotated[str | None, typer.Option(help="Largest direct current that it gives: 3mA.")] = None,
    dac_bits: Annotated[int | None, typer.Option(help="Resolution of its converters, with the sign.")] = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Write the settings of a trained network: design.json, which predicts the same bits, and CSV tables.

    With the limits of a bench, tell what exceeds them, and how well the network does within them.
    """
    bench = Bench(
        field=None if max_field is None else quantity("--max-field", max_field, "T"),
        current=None if max_current is None else quantity("--max-current", max_current, "A"),
        bits=dac_bits,
    )
    limited = (bench.field, bench.current, bench.bits) != (None, None, None)
    if data_dir is not None and not limited:
        raise ValueError("--data-dir is for a test within the limits of a bench; give one, such as --max-field 500Oe")
    subject = load_subject(run)
    made = subject.design()
    _check_folder(out, made, force)
    check: dict[str, Any] = {}
    if limited:
        check = _check(subject, made, bench, data_dir)
    out.mkdir(parents=True, exist_ok=True)
    files = save_tables(out, made, overwrite=force)
    record = {**subject.origin, "command": command_line()}
    save_design(out / DESIGN, made, overwrite=force, images=subject.entry.get("images"), **record)
    files = [out / DESIGN, *files]
    if json:
        print_json(run_record("design_check", **record) | check | {"files": [str(file) for file in files]})
        return
    for line in check.get("lines", ()):
        print(line)
    for file in files:
        print(f"wrote {file}")


def _check_folder(folder: pathlib.Path, made: Design, force: bool) -> None:
    """Raise, before the work, where the files could not be written after it."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, expected the name of a folder for the design")
    for name in (DESIGN, *tables_of(made)) if folder.exists() else ():
        try:
            check_target(folder / name, force)
        except FileExistsError:
            raise FileExistsError(
                f"{folder / name} exists already and is kept; choose another --out, or add --force"
            ) from None


def _check(subject: Subject, made: Design, bench: Bench, data_dir: pathlib.Path | None) -> dict[str, Any]:
    """What a bench cannot give, and the accuracy with what it can."""
    found, images = excesses(made, bench), subject.test_images(data_dir)
    ideal = working("testing", lambda _: evaluate(made, images))
    within = working("testing within the limits", lambda _: evaluate(set_on(made, bench), images))
    lines = [f"beyond the bench: {one}" for one in found] or ["every setting is within the limits of the bench"]
    how = "" if bench.bits is None else f" and rounded to {bench.bits} bits"
    told = [
        f"NRMSE {math.sqrt(one.loss):.4f}" if one.is_regression else f"accuracy {one.accuracy:.2%}"
        for one in (ideal, within)
    ]
    lines.append(f"test: {told[0]} as trained, {told[1].partition(' ')[2]} with settings cut off at the limits{how}")
    entry = [dataclasses.asdict(one) for one in found]
    return {"exceeded": entry, "accuracy": ideal.accuracy, "accuracy_on_bench": within.accuracy, "lines": lines}
