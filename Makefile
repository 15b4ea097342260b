# Everything runs in .venv, which is made on first use and again when pyproject.toml or constraints.txt change.
# Another interpreter: make demo PYTHON=/path/to/python3.12

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo install test test-all test-gpu lint types layers docs bench bench-gpu clean

demo: .venv/installed
	$(BIN)/cotune demo
	@echo "Open that report in a browser. For the command line: source $(BIN)/activate"

install: .venv/installed

# A process for each core, neighbouring tests in one as far as that goes: they share what is slow to make.
EACH_CORE := -n auto --dist worksteal

test: .venv/installed-dev
	$(BIN)/python -m pytest $(EACH_CORE)

test-all: .venv/installed-dev
	$(BIN)/python -m pytest $(EACH_CORE) -m ''

test-gpu: .venv/installed-dev
	CUBLAS_WORKSPACE_CONFIG=:4096:8 $(BIN)/python -m pytest -m gpu -rs tests/contracts tests/reference tests/study

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy

layers: .venv/installed-dev
	$(BIN)/lint-imports

docs: .venv/installed
	$(BIN)/python docs/generate.py

bench: .venv/installed-dev
	@for file in $(filter-out benchmarks/common.py benchmarks/gpu.py benchmarks/search.py,$(wildcard benchmarks/*.py)); do \
	$(BIN)/python $$file --json || exit 1; done

bench-gpu: .venv/installed-dev
	$(BIN)/python benchmarks/gpu.py --json

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "cotune needs Python 3.11 or later with venv, but none of python3, python3.13, \
	python3.12, python3.11 is one; name it: make demo PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing cotune and what it needs into .venv (once; PyTorch is large)"
	$(PIP) --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	@echo "installing what tests and checks need into .venv (once)"
	$(PIP) --editable '.[dev]'
	@touch $@
