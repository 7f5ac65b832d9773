# The commands of the project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check lint results bench docs clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "slowpoints needs Python 3.11 or later: make PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## install where missing, then train and analyse a GRU on the embedded corpus (2 minutes)
	$(BIN)/python -m src.run

test: $(READY)  ## install where missing, then run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder   # their networks are too small to share

lint: $(READY)  ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## everything that must pass: style, types, layers, tests

results: $(READY)  ## train the twelve networks of docs/results.md (DATA=folder with imdb, yelp and sst)
	$(BIN)/python -m src.run experiment=grid data.root=$(DATA) hydra.sweep.dir=multirun/results
	$(BIN)/python benchmarks/results_page.py multirun/results

bench: $(READY)  ## measure training against a bare loop (DATA=folder with imdb)
	$(BIN)/python benchmarks/training_overhead.py data=imdb data.root=$(DATA)

docs: $(READY)  ## build the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo build/site/index.html

clean:  ## delete caches; runs and the environment stay
	rm -rf .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
