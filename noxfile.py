"""`nox`: `make test` on each Python that is installed here, and on the lowest jax; `make` remains the one door."""

from __future__ import annotations

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session(venv_backend="none")
@nox.parametrize("version", PYTHONS)
def test(session: nox.Session, version: str) -> None:
    """The whole test run with this Python and the newest jax, in an environment of its own."""
    session.run("make", "test", f"PYTHON=python{version}", f"VENV=.nox/{version}", external=True)


@nox.session(venv_backend="none")
def lowest(session: nox.Session) -> None:
    """The whole test run with the lowest Python and the lowest jax."""
    session.run("make", "test", f"PYTHON=python{PYTHONS[0]}", "VENV=.nox/lowest", "JAX=lowest", external=True)
