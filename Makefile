.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
IN := cd "$(HERE)" &&

.PHONY: help demo install check fix test bench docs clean

help: ## Show what can be made
	@$(IN) sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "make %-8s %s\n", $$1, $$2}'

demo: install ## Watch the whole platform do its job once, with proofs
	@$(IN) $(BIN)/aias demo

install: .venv/.installed ## Make .venv from the lock file

.venv/.installed: requirements.lock pyproject.toml
	@$(IN) echo "1/3 making .venv" && $(PYTHON) -m venv .venv
	@$(IN) echo "2/3 installing the locked dependencies" && $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(IN) echo "3/3 installing aias" && $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . && touch $@

check: install ## Format, lint, types, imports, fast tests; no network
	@$(IN) $(BIN)/ruff format --quiet --check . && $(BIN)/ruff check --quiet .
	@$(IN) $(BIN)/mypy
	@$(IN) $(BIN)/lint-imports --no-logo
	@$(IN) $(BIN)/pytest tests/unit tests/contract -n 2

fix: install ## Format and mend what can be mended
	@$(IN) $(BIN)/ruff check --fix . && $(BIN)/ruff format .

test: check ## Everything a fresh machine can run
	@$(IN) $(BIN)/pytest tests/drills tests/integration -n 4 --dist loadfile

bench: install ## Print figures beside their floors and targets
	@$(IN) $(BIN)/pytest tests/benchmarks -s

docs: install ## Write the generated reference
	@$(IN) $(BIN)/python -m aias_cli.reference docs/reference

clean: ## Remove what make made; environments stay
	@$(IN) rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
