# Every target makes the environment it needs, from nothing but Python 3.11 or newer.
#
#   make demo        the main job: train on digits, score, predict
#   make test        the fast tests, in minutes
#   make test-slow   the others: examples, kills, mutations, all of scikit-learn's checks
#   make test-all    both, one after the other
#   make mutants     which wrong lines do the tests not notice?
#   make lint types contracts    what CI checks besides
#   make metrics     count what the design promises: depth of classes, sizes, dispatch
#   make bench       lamina against PyTorch, scikit-learn and skorch
#   make clean       remove what these targets made
#
# PYTHON=/path/to/python3.12 chooses the interpreter, WORKERS=8 the number of test
# processes, ARGS="..." is handed on to pytest, the mutations or the benchmarks.

SHELL := /bin/sh
PYTHON ?=
WORKERS ?= 2
ARGS ?=

VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
DEMO := demo
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations=10

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-all mutants metrics lint format types contracts \
        bench clean core-env test-env dev-env bench-env

help:
	@sed -n 's/^#   //p' Makefile

demo: core-env
	@mkdir -p $(DEMO)
	$(BIN)/lamina fit digits -o $(DEMO)/digits.lamina \
	    --holdout-out $(DEMO)/digits.heldout.csv
	$(BIN)/lamina summary $(DEMO)/digits.lamina
	$(BIN)/lamina predict $(DEMO)/digits.lamina $(DEMO)/digits.heldout.csv \
	    -o $(DEMO)/predictions.csv
	$(BIN)/lamina evaluate $(DEMO)/digits.lamina $(DEMO)/digits.heldout.csv
	@echo
	@echo "Files written:"
	@ls -l $(DEMO)/digits.lamina $(DEMO)/digits.heldout.csv $(DEMO)/predictions.csv \
	    | awk '{printf "  %-28s %9d bytes\n", $$NF, $$5}'

test: test-env
	$(PYTEST) -m "not slow" $(ARGS)

test-slow: test-env
	$(PYTEST) -m slow $(ARGS)

test-all:
	$(MAKE) test
	$(MAKE) test-slow

mutants: test-env
	$(BIN)/python tests/mutations/run.py --workers $(WORKERS) $(ARGS)

lint: dev-env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: dev-env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: dev-env
	$(BIN)/pyright --pythonpath $(BIN)/python

contracts: dev-env
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter

metrics: core-env
	$(BIN)/python .ci/metrics.py $(ARGS)

bench: bench-env
	$(BENCH_VENV)/bin/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) $(BENCH_VENV) $(DEMO) .cache build dist *.egg-info
	find lamina tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

core-env:
	@PYTHON="$(PYTHON)" sh .ci/environment.sh $(VENV)

test-env:
	@PYTHON="$(PYTHON)" sh .ci/environment.sh $(VENV) test

dev-env:
	@PYTHON="$(PYTHON)" sh .ci/environment.sh $(VENV) test dev

bench-env:
	@PYTHON="$(PYTHON)" sh .ci/environment.sh $(BENCH_VENV) bench
