# What a newcomer types. Everything is set up in .venv; nothing outside this folder is touched, except that
# `make test` installs ParaView from the system's packages where it has the right to.

VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
SRC    := src/stackreel/_version.py pyproject.toml
CORES  ?= 2

# PYTHON=/usr/bin/python3.12 chooses the Python for .venv; otherwise the newest suitable one is found
export PYTHON

.NOTPARALLEL:
.PHONY: help demo stills test test-slow check bench origin docs pictures clean distclean system

help:            ## this list
	@echo "make …"
	@sed -n 's/^\([a-z-]*\):.*## */  \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

demo: $(STAMPS)/run         ## a brain, its volume and a ten-second movie in demo/; three minutes the first time
	@tools/demo

test: $(STAMPS)/test system check         ## all set-up, the checks, and the tests (some five minutes on two cores)
	$(BIN)/python -m pytest -n $(CORES) -m "not slow"

test-slow: $(STAMPS)/test system          ## the tests that take minutes or gigabytes
	$(BIN)/python -m pytest -n $(CORES) -m slow

check: $(STAMPS)/test       ## ruff, mypy and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMPS)/bench system      ## speed and memory beside h5py, tensorstore and ParaView; results in bench-out/
	$(BIN)/python -m benchmarks

origin: $(STAMPS)/bench system     ## all steps at the origin's size, 208.8 GB of sections; an hour and 60 GB in bench-out/
	$(BIN)/python -m benchmarks origin

docs: $(STAMPS)/docs        ## the documentation, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

stills: $(STAMPS)/run       ## pictures for a talk in stills/, from examples/stills; a large brain: some minutes and 4 GB
	$(BIN)/python examples/stills.py stills

pictures: demo              ## the pictures of README and docs, from the demo
	$(BIN)/python tools/pictures

clean:           ## remove demo/, site/, bench-out/ and caches
	rm -rf demo stills site bench-out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## the same, and .venv
	rm -rf $(VENV)

# --- set-up: each stamp says that .venv holds what the extras of that name ask for ------------------------------

$(STAMPS)/venv: tools/venv
	@tools/venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv $(SRC)
	@echo "installing stackreel and what it needs into $(VENV)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMPS)/test: $(STAMPS)/venv $(SRC)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	@touch $@ $(STAMPS)/run

$(STAMPS)/bench: $(STAMPS)/venv $(SRC)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench,test]'
	@touch $@ $(STAMPS)/run

$(STAMPS)/docs: $(STAMPS)/venv $(SRC)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(STAMPS)/run

system:
	@tools/system-packages
