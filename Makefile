# Every target builds the virtual environment it needs; nothing has to be activated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := capture replay evidence local_staging deadheat benchmarks docs tests
PACKAGES := capture replay evidence local_staging deadheat docs.perturbations

.PHONY: help setup demo test soak targets root-causes style types layers check tools bench bench-real-bugs docs clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(VENV)/.ready ## the virtual environment, with .venv/bin/deadheat in it

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "deadheat: needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "deadheat: $(PYTHON) cannot make a virtual environment (on Debian: apt install python3-venv)"; exit 1; }
	@echo "deadheat: installing into $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: setup ## find a race in the local stand-in for staging, from recording to report
	@$(BIN)/deadheat demo

# Compiled once, also where Python is told to write no bytecode: the tests start hundreds of processes.
# The checks go on beside the tests, which wait a lot.
test: setup tools ## all checks and all tests, from a fresh clone
	@$(BIN)/python -m compileall -q $(SOURCES)
	@$(MAKE) --no-print-directory check & checks=$$!; \
	  $(BIN)/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder; tests=$$?; \
	  wait $$checks && exit $$tests

soak: setup tools ## what takes minutes: how often connections succeed under chaos, root cause 4
	@$(BIN)/python -m pytest -q -n 2 -m soak
	@$(BIN)/python -m tests.soak

targets: setup ## hunts on small servers of many makes, with known races and with none (over an hour)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[targets]'
	@npm install --silent --no-audit --no-fund --no-package-lock --prefix tests/targets/servers
	@$(BIN)/python -m tests.targets --json runs/targets/results.jsonl --markdown docs/targets_table.md

root-causes: setup tools ## hunts for the root causes of the incident, on both builds (takes hours)
	@$(BIN)/python -m tests.root_causes --markdown docs/root_causes_table.md

check: style types layers ## what a linter can see

style:
	@$(BIN)/ruff check --quiet $(SOURCES) && $(BIN)/ruff format --quiet --check $(SOURCES)

types:
	@$(BIN)/mypy --no-error-summary $(addprefix -p ,$(PACKAGES))

layers:
	@$(BIN)/lint-imports --no-cache > $(VENV)/layers.log || { cat $(VENV)/layers.log; exit 1; }

tools: ## programs that tests use beside Python: installed where that is possible
	@sh tests/install_tools.sh

bench: setup ## the figures in docs: relay speed, lateness of sends, the fault proxy, virtual time
	@$(BIN)/python -m benchmarks.proxy
	@$(BIN)/python -m benchmarks.lateness
	@$(BIN)/python -m benchmarks.fault_proxy
	@$(BIN)/python -m benchmarks.virtual

bench-real-bugs: setup ## real bugs of released packages, hunted in bad and fixed versions (about an hour)
	@$(BIN)/python -m benchmarks.real_bugs

docs: setup ## the pictures of docs/perturbations.md, played and drawn
	@$(BIN)/python -m docs.perturbations

clean: ## remove what make made
	@rm -rf $(VENV) runs
