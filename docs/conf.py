"""How Sphinx builds the site: `make docs`. Every page is executed; nothing is fetched from a network."""

from __future__ import annotations

import hashlib
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))
os.environ["PATH"] = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])  # for `!llgrad …`
os.environ["JAX_PLATFORMS"] = "cpu"


def sources() -> str:
    """What the outputs of all pages depend on, beside their own text."""
    files = sorted([*HERE.parent.glob("src/**/*.py"), *HERE.parent.glob("examples/*")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


project = "llgrad"
author = copyright = "The llgrad developers"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx.ext.mathjax",
    "offline_math",  # ours: MathJax within the site
    "llms",  # ours: llms.txt
    "written",  # ours: the gallery, the reference, and docstrings as they are written here
]
root_doc = "index"
exclude_patterns = ["_build", "_checks", "_extensions", "README.md"]
html_theme = "furo"
html_title = "llgrad"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["llgrad.css"]
html_theme_options = {"navigation_with_keys": True}
templates_path = []
suppress_warnings = ["ref.python"]  # a word of a docstring that several classes have as an attribute is no link

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE.parent / "build" / "docs-executed" / sources())
nb_execution_timeout = 180
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_execution_excludepatterns = []

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature has them
autodoc_preserve_defaults = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 100
default_role = "code"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
