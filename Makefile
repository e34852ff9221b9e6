# Everything runs in .venv, which each target makes itself. Needs Python >= 3.11, git and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first interpreter that runs and is new enough; set PYTHON=... to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
SETUP := pyproject.toml constraints.txt
# Compiled is what is imported, and not all of 360 MB of Python; also where the environment would have nothing kept.
export PYTHONDONTWRITEBYTECODE =
PIP := $(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test lint docs bench fuzz release-check clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: .venv/.demo  ## classify, cluster, mine and search the bundled sentences
	$(BIN)/skko demo

test: .venv/.test  ## run the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: .venv/.lint  ## style, types, docstrings, and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/numpydoc lint $$(git ls-files 'skko/*.py' | grep -v '/_[a-z]')

docs: .venv/.docs  ## build the documentation; warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

bench: .venv/.test  ## measure against peers; DATA=DIR names the folder of the texts
	$(BIN)/python -m benchmarks.cache
	$(if $(DATA),,$(error Say where the texts are: make bench DATA=DIR))
	$(BIN)/python -m benchmarks.encode --data $(DATA)
	$(BIN)/python -m benchmarks.model_selection --data $(DATA)
	$(BIN)/python -m benchmarks.mini --data $(DATA)

fuzz: .venv/.test  ## send random texts through every door; EXAMPLES=N of each kind
	OMP_NUM_THREADS=1 SKKO_FUZZ_EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/python -m pytest --timeout 7200 --numprocesses 2 tests/test_fuzz.py

release-check: .venv/.made  ## build, and try in empty environments what was built; STEPS="build extras" for some
	$(BIN)/python .ci/release_check.py $(STEPS)

clean:  ## remove the environment and everything built
	rm -rf .venv build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis skko-demo

.venv/.made:
	@test -n "$(PYTHON)" || { echo "skko needs Python 3.11 or newer; install it, or set PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: .venv/.made $(SETUP)
	$(PIP) --editable '.[viz]'
	@touch $@

.venv/.test: .venv/.made $(SETUP)
	$(PIP) --editable '.[test]'
	@touch $@ .venv/.demo

.venv/.lint: .venv/.made $(SETUP)
	$(PIP) --editable '.[test,lint]'
	@touch $@

.venv/.docs: .venv/.made $(SETUP)
	$(PIP) --editable '.[test,docs]'
	@touch $@

# All of them at once, as CI needs them.
.venv/.ci: .venv/.made $(SETUP)
	$(PIP) --editable '.[test,lint,docs]'
	@touch $@ .venv/.demo .venv/.test .venv/.lint .venv/.docs
