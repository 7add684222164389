# Targets a person types; `make help` lists them. PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo check test world world-mutations coverage fmt bench bench-check bench-peers sizes lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment and install locked dependencies

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## the whole story on an embedded cluster: preview, apply, a release, nothing left
	@$(BIN)/reconcile demo

check: $(STAMP) ## the gate of every commit: format, lint, types, the sample, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/reconcile validate --desired desired-state
	$(BIN)/python -m pytest -n auto -m "not slow"

test: check ## everything: `make check`, then the slow tests, then `make bench-check`
	$(BIN)/python -m pytest -n auto -m slow
	$(BIN)/python -m tests.bench.check

world: $(STAMP) ## worlds of chance: SEEDS=1000 tries many, SEED=17 tells one and shortens it
	$(BIN)/python -m tests.world $(if $(SEED),$(SEED),--seeds $(or $(SEEDS),200))

world-mutations: $(STAMP) ## find for each way to be wrong the world that notices it (half an hour)
	$(BIN)/python -m tests.world.mutations

coverage: $(STAMP) ## the branches of translate, plan and apply that no fast test takes
	$(BIN)/coverage run -m pytest -m "not slow"
	$(BIN)/coverage report

fmt: $(STAMP) ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## measure 1,000 and 10,000 jobs, and write docs/benchmarks.md
	$(BIN)/python -m tests.bench.run docs/benchmarks.md
	$(BIN)/python -m tests.bench.stages docs/benchmarks.md
	$(BIN)/python -m tests.bench.converging docs/benchmarks.md
	$(BIN)/python -m tests.bench.check docs/benchmarks.md
	$(BIN)/python -m tests.bench.standin docs/benchmarks.md

bench-check: $(STAMP) ## counts and ratios of 1,000 jobs, within bounds: two minutes at most
	$(BIN)/python -m tests.bench.check

bench-peers: $(STAMP) ## the same beside a script, gorealis and Terraform (half an hour, needs the network)
	$(BIN)/python -m tests.bench.peers.compare docs/peers.json
	$(BIN)/python -m tests.bench.peers.show docs/peers.json docs/benchmarks.md docs/peers.svg

sizes: ## the longest modules
	@git ls-files '*.py' | xargs wc -l | sort -rn | head -n 20

lock: $(STAMP) ## resolve the dependencies anew
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate --generate-hashes --allow-unsafe -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate --generate-hashes --allow-unsafe --extra dev -o requirements-dev.lock pyproject.toml

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
