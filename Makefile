# A fresh clone needs Python 3.11 or later, make and a package index; everything else goes into .venv.
#   make demo     install, then run `llgrad demo`
#   make test     install with the test extra, then run everything that CI runs
#   make bench    the benchmarks
#   make docs     the site, every page executed, in build/docs/index.html, and looked at in Chromium where there is one
#   make torch    what concerns PyTorch, with the one of TORCH_PYTHON (Debian's python3-torch), or else with PyPI's
#   make package  wheel and source distribution in dist/, installed into an empty environment and tried there
#   make clean    remove .venv and what the tools left behind
# Another interpreter: make test PYTHON=python3.13. More test processes: make test JOBS=8.
# The oldest jax that pyproject.toml allows: make test JAX=lowest. (After make clean, or with VENV=another-folder.)

PYTHON ?= python3
JOBS ?= 2
JAX ?= newest
VENV := .venv
TORCH_PYTHON ?= /usr/bin/python3
TORCH_VENV := .venv-torch
BIN := $(VENV)/bin

LOWEST := jax==$(shell sed -n 's/.*"jax>=\([0-9.]*\)".*/\1/p' pyproject.toml)
PINNED := $(if $(filter lowest,$(JAX)),"$(LOWEST)")

.PHONY: demo test bench docs torch package clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/llgrad demo

test: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -q

bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks

docs: $(VENV)/installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -j $(JOBS) docs build/docs
	$(BIN)/python docs/_checks/browser.py build/docs

torch: $(TORCH_VENV)/installed
	$(TORCH_VENV)/bin/python -c 'from importlib.metadata import version; print("PyTorch", version("torch"))'
	$(TORCH_VENV)/bin/python -m pytest -q tests/torch tests/docs/test_docstrings.py -k torch

# The wheel is built from the source distribution, so both are tried.
package: $(BIN)/pip
	rm -rf dist build
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet dist/*.whl
	cd build/empty && bin/llgrad doctor && bin/llgrad demo

clean:
	rm -rf $(VENV) $(TORCH_VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "llgrad needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# PyPI's PyTorch brings CUDA with it, 5 GB: it is installed only where the interpreter has none of its own.
$(TORCH_VENV)/installed: pyproject.toml
	$(TORCH_PYTHON) -m venv --system-site-packages $(TORCH_VENV)
	$(TORCH_VENV)/bin/python -m pip install --quiet -e ".[torch]" pytest hypothesis
	touch $@

# One stamp for each set of packages: nothing is installed again until pyproject.toml changes.
# The install is editable, so the code in src is always the code that runs.
$(VENV)/installed: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/installed-%: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet -e ".[$*]" $(PINNED)
	touch $@ $(VENV)/installed
