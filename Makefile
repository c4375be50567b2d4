# `make demo` serves the app, `make test` lints and tests; both install what they need into .venv first.
PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin
LISTS := requirements.txt ui/requirements.txt training/requirements.txt training/release/requirements.txt
TEST_LISTS := tests/requirements.txt ui/server/requirements.txt

# Tests start many processes: Python keeps what it compiles, whatever the user's own setting.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-unit test-slow lint docs notebooks .venv
.DELETE_ON_ERROR:

demo: .venv
	PORT=$(PORT) $(BIN)/python app.py

# Three processes, also on two cores: many tests wait for a page or for another process.
test: lint
	$(BIN)/python -m pytest -n 3 --dist loadfile

test-unit: .venv/test-requirements
	$(BIN)/python -m pytest -n 3 --dist loadfile tests/unit

test-slow: .venv/test-requirements
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow --timeout=1800

lint: .venv/test-requirements
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/codespell
	$(BIN)/python scripts/check_words.py

# The pages that are made from the code; tests compare them with it.
docs: .venv/test-requirements
	$(BIN)/python -m scripts.make_cli_docs
	$(BIN)/python -m scripts.make_schemas
	$(BIN)/python -m scripts.make_card

# Executes the chapter in both languages, in some minutes each; a test compares its code and texts with docs/chapter.
notebooks: .venv/test-requirements
	$(BIN)/python -m scripts.make_notebooks

.venv: .venv/requirements

# Each file below is an empty stamp: newer than the lists it stands for once these are installed.
.venv/requirements: $(LISTS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Trazo needs Python 3.11 or newer; choose one with make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --disable-pip-version-check --no-deps -e .
	touch $@

.venv/test-requirements: .venv/requirements $(TEST_LISTS)
	$(BIN)/pip install --disable-pip-version-check $(addprefix -r ,$(TEST_LISTS))
	touch $@
