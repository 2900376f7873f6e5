# Tieout: every target sets up what it needs by itself; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Any Python from 3.11 on; `make run PYTHON=python3.13` names one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data
PORT ?= 3000

# The lock files say exactly what is installed, by hash; nothing else is looked up.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Stamps: what runs needs less than what tests, and a changed lock file installs again.
RUNTIME := $(VENV)/.stamp-runtime
DEV := $(VENV)/.stamp-dev

# Of the examples, so that everybody sees the same answer.
EXAMPLE_AS_OF := 2026-03-03T06:00:00Z

.PHONY: help run up test lint format bench docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Tieout needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	    "Name another one: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Making $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what a run needs (once, a minute or two) ..." >&2
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@# Compiled here, whatever the environment says of bytecode: else every run compiles dbt anew, for three seconds.
	@$(BIN)/python -m compileall -q -j 2 $(VENV)/lib >/dev/null || true
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing what the tests need (once) ..." >&2
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

run: $(RUNTIME) ## Reconcile the examples into ./data and print the summary
	@mkdir -p $(DATA)/inbox
	@cp -R examples/extracts/. $(DATA)/inbox/
	@$(BIN)/tieout run --data-dir $(DATA) --as-of $(EXAMPLE_AS_OF)

up: $(RUNTIME) ## Let it run by itself: Dagster's page and daemon, until Ctrl-C
	@exec $(BIN)/python -m orchestration.dagster_dev --data-dir $(DATA) --port $(PORT)

test: lint $(DEV) ## Every test and linter
	@$(BIN)/python -m pytest -n 3 --dist loadgroup

lint: $(DEV) ## Linters for Python, SQL and YAML
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/yamllint --strict .
	@TIEOUT_DUCKDB_PATH=:memory: $(BIN)/sqlfluff lint models snapshots tests --disable-progress-bar --processes 2

format: $(DEV) ## Put the Python code into its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(DEV) ## Measure at 10 million rows a side (docs/benchmarks.md)
	@$(BIN)/python -m bench.run

docs: $(RUNTIME) ## Generate dbt's documentation into target/
	@TIEOUT_DATA_DIR=$(abspath $(DATA)) $(BIN)/dbt docs generate --static --profiles-dir .

lock: $(DEV) ## Compile the lock files anew from pyproject.toml
	@$(BIN)/uv pip compile $(LOCK_FLAGS) --extra build --extra dev --extra pgp --extra server -o requirements-dev.lock
	@$(BIN)/uv pip compile $(LOCK_FLAGS) --extra build --extra pgp --extra server -c requirements-dev.lock -o requirements.lock

# Hashes for every platform, and no address of any registry: who installs decides where from. Extras stay in, because pip takes `x[y]`
# for another requirement than the pinned `x` when it checks hashes.
LOCK_FLAGS := pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --no-strip-extras

clean: ## Remove what was made, except data
	@rm -rf $(VENV) target logs dbt_packages .pytest_cache .ruff_cache .hypothesis *.egg-info
