# `make demo` serves the app, `make test` lints and tests; both install what they need into .venv first.
PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin

.PHONY: demo test lint .venv
.DELETE_ON_ERROR:

demo: .venv
	PORT=$(PORT) $(BIN)/python app.py

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/test-requirements
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv: .venv/requirements

# Each file below is an empty stamp: newer than the list it stands for once that list is installed.
.venv/requirements: requirements.txt ui/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Trazo needs Python 3.11 or newer; choose one with make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -r requirements.txt
	touch $@

.venv/test-requirements: .venv/requirements tests/requirements.txt
	$(BIN)/pip install --disable-pip-version-check -r tests/requirements.txt
	touch $@
