"""Maps from files."""

from __future__ import annotations

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.files import Path, read_npz
from llgrad.core.record import from_json
from llgrad.experiments.sweeps.axes import Axis
from llgrad.experiments.sweeps.lines import Onsets
from llgrad.experiments.sweeps.record import GRIDS, KIND, Map


def load_map(path: Path) -> Map:
    """The map that `Map.save` wrote as `.npz`, with its numbers to the last bit; the device is that of the file.

    Raises ValueError for another file, and for one whose device is of a class that was not imported.

    >>> import llgrad as lg
    >>> lg.experiments.load_map("mine.csv")
    Traceback (most recent call last):
        ...
    ValueError: mine.csv: a map is read from the .npz that Map.save writes
    """
    if checked_path("path", path).suffix.lower() != ".npz":
        raise ValueError(f"{path}: a map is read from the .npz that Map.save writes")
    record, arrays = read_npz(path, KIND)
    try:
        axes = tuple(Axis(one["name"], one["unit"], arrays[f"axis.{one['name']}"]) for one in record["axes"])
        grids = {name: arrays[name] for name in GRIDS}
        lines = Onsets(arrays["onsets"], arrays["onset_frequencies"], arrays["onset_supercritical"])
        values = {name: arrays[f"quantity.{name}"] for name in record["quantities"]}
        settings = record["options"], tuple(record["names"]), tuple(record["notes"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not whole: it has no {error}") from None
    device = from_json(record["device"])
    return Map(device, axes, values, settings[0], names=settings[1], onsets=lines, notes=settings[2], **grids)
