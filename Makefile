# Two commands matter: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo lab test test-oldest lint format bench clean

help:
	@echo "make demo          measure notebooks/quickstart.ipynb and show what each cell cost"
	@echo "make lab           open JupyterLab on the demo's notebook"
	@echo "make test          lint, types, import rules and every test"
	@echo "make test-oldest   shells and kernels again, on IPython 8 and ipykernel 6"
	@echo "make lint          lint, types and import rules only"
	@echo "make format        mend what a formatter can"
	@echo "make bench         measure nbcarbon itself (tests/bench)"
	@echo "make clean         remove the virtual environments and what the demo wrote"

demo: $(VENV)/.run
	@mkdir -p demo
	$(BIN)/nbcarbon run notebooks/quickstart.ipynb --output demo/quickstart.ipynb \
		--summary demo/quickstart.json --summary demo/quickstart.md
	@echo "To open it in JupyterLab: make lab"

lab: $(VENV)/.lab
	@mkdir -p demo
	@test -e demo/quickstart.ipynb || cp notebooks/quickstart.ipynb demo/
	$(BIN)/jupyter lab demo/quickstart.ipynb

test: $(VENV)/.test
	@sh tests/system_packages.sh
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

test-oldest:
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

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	@sh tests/system_packages.sh
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) .venv-oldest demo

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "nbcarbon needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "No virtual environment could be made. On Debian: apt install python3-venv"; exit 1; }

$(VENV)/.run $(VENV)/.lab $(VENV)/.test: $(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
