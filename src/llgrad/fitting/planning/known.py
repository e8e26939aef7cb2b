"""What a fit has told so far: values, standard errors, correlations. From a result in memory, or from its JSON file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.files import read_json
from llgrad.core.record import from_json, get_leaf, leaf_units, listed, with_entries
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import TYPICAL
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.targets.recording import LINE

COLUMNS: Final = ("mx", "my", "mz")


class KnownParameters(NamedTuple):
    """The parameters of a device that a next measurement is to improve, and how well they are known.

    `lg.fitting.plan` takes it; `llgrad plan` makes it of the JSON file of a fit.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> sto, columns = lg.presets.kubota2013(), ("mx", "my", "mz")
    >>> errors = np.array([1e-4])
    >>> known = lg.fitting.KnownParameters(sto, ("alpha",), (), errors, np.eye(1), 0.01, columns, 1.0, (1.0, 0.0))
    >>> known.values.tolist()
    [0.005]
    """

    model: Oscillator
    names: tuple[str, ...]
    """Leaves of the device that all measurements share."""
    apart: tuple[str, ...]
    """Leaves that each measurement has for itself."""
    errors: np.ndarray
    """Standard errors [SI] (p,); infinite where nothing is known."""
    correlation: np.ndarray
    noise: float | None
    """Standard deviation of a recorded value, where the fit was to a trace."""
    columns: tuple[str, ...]
    gain: float
    """Of a voltage that was fitted: the factor of that of the junction, or the volts for each unit of m·p."""
    held: tuple[float | None, float | None]
    """Gain and offset of a voltage where they are known; None where each trace has its own to be found."""

    @property
    def values(self) -> np.ndarray:
        """Values [SI] (p,)."""
        return np.array([float(get_leaf(self.model, name)) for name in self.names])

    @property
    def units(self) -> dict[str, str]:
        """Their units."""
        units = leaf_units(self.model)
        return {name: units[name] for name in self.names}

    @property
    def scale(self) -> np.ndarray:
        """The size that an error is relative to (p,): the value, or what is typical of its unit where that is zero."""
        typical = [TYPICAL.get(unit, 1.0) for unit in self.units.values()]
        return np.array([abs(v) or t for v, t in zip(self.values, typical, strict=True)])

    def information(self) -> np.ndarray:
        """Fisher information (p, p) on the relative changes of the parameters: the inverse of their covariance.

        A parameter whose error is infinite counts as wholly unknown, its combinations with others too: what a plan
        promises then is an upper bound on the errors.
        """
        finite = np.isfinite(self.errors)
        relative = self.errors[finite] / self.scale[finite]
        covariance = self.correlation[np.ix_(finite, finite)] * np.outer(relative, relative)
        information = np.zeros((len(self.names), len(self.names)))
        information[np.ix_(finite, finite)] = np.linalg.inv(covariance) if finite.any() else 0.0
        return (information + information.T) / 2


class _Voltage(NamedTuple):
    """What a fit says of gain and offset: the values that it found, and those that it was given."""

    values: Mapping[str, Any]
    held: Mapping[str, Any]

    def line(self, model: Oscillator) -> tuple[float, tuple[float | None, float | None]]:
        """The gain, and gain and offset where they are known: given, or those of a junction where neither was found."""
        own = (None, None) if model.junction is None else (1.0, 0.0)
        found = [next((v for n, v in self.values.items() if n.split("[")[0] == name), None) for name in LINE]
        gain, offset = (
            None if value is not None else float(self.held[name]) if name in self.held else default
            for name, value, default in zip(LINE, found, own, strict=True)
        )
        known = gain if found[0] is None else float(found[0])
        return 1.0 if known is None else known, (gain, offset)


def known_from_result(result: FitResult) -> KnownParameters:
    """What a fit has told of the parameters of its device that its experiments share.

    Raises ValueError where its model does not explain its data: then it has told nothing.
    """
    _check_explained(result.explained, result.explanation)
    columns = tuple(result.data.columns) if isinstance(result.data, Trace) else COLUMNS
    noise = result.noise if isinstance(result.data, Trace) else None
    errors, correlation = [result.errors[n] for n in result.names], np.asarray(result.correlation, float)
    line = {name: getattr(result.experiments[0], name) for name in LINE}
    found = _Voltage(result.values, {name: value for name, value in line.items() if value is not None})
    return _known(result.model, result.names, np.array(errors), correlation, noise, columns, found)


def known_from_file(path: str | os.PathLike[str]) -> KnownParameters:
    """What the JSON file of a fit holds; the noise is that of its first experiment, where that is a trace."""
    entry = read_json(path, "fit")
    try:
        return _known_of(entry)
    except KeyError as missing:
        raise ValueError(f"{path}: this fit has no entry {missing}; the file is damaged") from None
    except (TypeError, AttributeError, IndexError):
        raise ValueError(f"{path}: an entry of this fit is not what it should be; the file is damaged") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _known_of(entry: dict[str, Any]) -> KnownParameters:
    _check_explained(entry.get("explained", True), entry.get("explanation", ()))
    names = tuple(entry["correlation"]["names"])
    found = [entry["parameters"][name]["error"] for name in names]
    errors = np.array([np.inf if error is None else error for error in found], float)
    correlation = np.array(entry["correlation"]["matrix"], float)
    if correlation.shape != (len(names), len(names)) or np.any(errors <= 0):
        raise ValueError(f"its correlation or its errors are not those of {len(names)} parameters; the file is damaged")
    columns = tuple(entry.get("columns", ("voltage",) if "gain" in entry["values"] else ()))
    noise = float(entry.get("noise", entry["residual_rms"])) if columns else None
    found = _Voltage(entry["values"], entry.get("held", {}))
    return _known(from_json(entry["device"]), names, errors, correlation, noise, columns or COLUMNS, found)


def _check_explained(explained: bool, explanation: Sequence[str]) -> None:
    if not explained:
        raise ValueError(
            f"{next(iter(explanation), 'the model does not explain the data')}; there is nothing to plan from"
        )


def known_of_device(model: Oscillator, free: Any) -> KnownParameters:
    """Nothing known yet of the named parameters."""
    if not isinstance(model, Oscillator):
        raise ValueError(f"a plan needs a FitResult or an Oscillator, got {type(model).__name__}")
    names = tuple(with_entries(model, free))
    if not names:
        raise ValueError("no free parameter: name at least one, such as free=['alpha', 'current', 'field.z']")
    if unknown := [name for name in names if name not in leaf_units(model)]:
        raise ValueError(
            f"free = {unknown[0]!r} is no parameter of this device (m0, gain and offset of a recording "
            f"are accounted for by themselves); it can be {listed(leaf_units(model))}"
        )
    return _known(model, names, np.full(len(names), np.inf), np.eye(len(names)), None, COLUMNS, _Voltage({}, {}))


def _known(
    model: Oscillator,
    names: tuple[str, ...],
    errors: np.ndarray,
    correlation: np.ndarray,
    noise: float | None,
    columns: tuple[str, ...],
    voltage: _Voltage,
) -> KnownParameters:
    """The part of the answer that is of the device: no starting states, recorders or drives."""
    units = leaf_units(model)
    shared = [i for i, name in enumerate(names) if name in units]
    apart = tuple(dict.fromkeys(n.split("[")[0] for n in names if "[" in n and n.split("[")[0] in units))
    if not shared:
        raise ValueError(
            f"none of {', '.join(names)} is a parameter of the device that all measurements share; they can be "
            f"{', '.join(units)}"
        )
    some = tuple(names[i] for i in shared)
    gain, held = voltage.line(model)
    return KnownParameters(
        model, some, apart, errors[shared], correlation[np.ix_(shared, shared)], noise, columns, gain, held
    )
