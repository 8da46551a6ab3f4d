# Every target makes the environment it needs, from nothing but Python 3.11 or newer.
#
#   make demo        the main job: train on digits, score, predict
#   make test        the fast tests, in minutes
#   make test-slow   the others: examples, kills, all of scikit-learn's checks
#   make test-all    both, one after the other
#   make mutants     which wrong lines do the tests not notice?
#   make lint types contracts    what CI checks besides
#   make metrics     count what the design promises: depth of classes, sizes, dispatch
#   make docs        the documentation as pages, in build/docs
#   make wheel       build the package, install it in a fresh place, use it
#   make newest      put the newest JAX and scikit-learn into the environment
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
        docs wheel newest bench clean core-env test-env dev-env docs-env bench-env

help:
	@sed -n 's/^#   //p' Makefile

demo: core-env
	@mkdir -p $(DEMO)
	$(BIN)/lamina fit digits -o $(DEMO)/digits.lamina \
	    --save-holdout $(DEMO)/digits.heldout.csv
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

# What is marked slow trains for long: programs that LLVM has optimised a little take half
# as long again to compile as those of the fast tests, and less than half as long to run.
test-slow: export XLA_FLAGS := --xla_backend_optimization_level=1 $(XLA_FLAGS)
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

docs: docs-env
	$(BIN)/sphinx-build -q -W --keep-going -j auto -c docs -d .cache/sphinx . build/docs

wheel: dev-env
	sh .ci/wheel.sh $(BIN)/python

newest: test-env
	$(BIN)/python -m pip install --upgrade --pre jax scikit-learn

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

docs-env:
	@PYTHON="$(PYTHON)" sh .ci/environment.sh $(VENV) docs

bench-env:
	@PYTHON="$(PYTHON)" sh .ci/environment.sh $(BENCH_VENV) bench
