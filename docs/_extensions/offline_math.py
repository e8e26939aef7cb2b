"""Equations without a network: MathJax, as the package sphinx-mathjax-offline brings it, is copied into the site.

That package's own extension is not used: it does not say whether it is safe in a parallel build, so `-W` refuses it.
"""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
from typing import Any

PACKAGE = "sphinx-mathjax-offline"
SCRIPT = "tex-chtml.js"
"""TeX in, HTML and fonts out; the package's other combinations stay behind."""


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this."""
    app.config.mathjax_path = f"mathjax/{SCRIPT}"
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def copy_mathjax(app: Any, failed: Exception | None) -> None:
    """Copy MathJax beside the site's other static files."""
    if failed is not None:
        return
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ImportError(f"{PACKAGE} is not installed, so equations would need a network; pip install {PACKAGE}")
    source = pathlib.Path(found.origin).parent / "static" / "mathjax"

    def others(folder: str, names: list[str]) -> list[str]:
        top = pathlib.Path(folder) == source
        return [name for name in names if top and name.endswith(".js") and name != SCRIPT]

    shutil.copytree(source, pathlib.Path(app.outdir) / "_static" / "mathjax", ignore=others, dirs_exist_ok=True)
