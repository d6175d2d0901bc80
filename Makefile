# Handrail: `make` lists what there is to do.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:

BIN := .venv/bin
STAMP := .venv/handrail.stamp
UP ?= --demo
TESTS ?=
WORKERS ?= 2
RERUNS ?= 0

# The whole suite also fails when a branch of rules or workflows is taken by no test (what runs in other processes is not seen).
COVER := --cov=rules --cov=workflows --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

##@ Run

.PHONY: up
up: $(STAMP) ## Everything: PostgreSQL, Temporal with UI, object store, mail catcher, worker, API (UP="--port 9000" for options)
	exec $(BIN)/handrail up $(UP)

.PHONY: down
down: $(STAMP) ## Stop what `make up` started; the data stays
	$(BIN)/handrail down

##@ Prove

.PHONY: check
check: $(STAMP) ## Format, lint, types, import contracts, fast tests: before every push
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m "not servers and not slow" $(TESTS)

.PHONY: test
test: $(STAMP) ## The whole suite, real servers included (TESTS="tests/rules -k mean" for some)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --reruns $(RERUNS) $(if $(TESTS),,$(COVER)) $(TESTS)

.PHONY: cover
cover: $(STAMP) ## The whole suite and what it covers of every source, other processes included: at least 95 % (TESTS= for a part)
	export COVERAGE_FILE="$(CURDIR)/.venv/covered"
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --reruns $(RERUNS) --cov --cov-config=tests/coverage.toml --cov-report=term-missing:skip-covered $(if $(TESTS),,--cov-fail-under=95) $(TESTS)

.PHONY: fuzz
fuzz: $(STAMP) ## Property tests with many more examples
	HANDRAIL_TEST_SCHEMA_EXAMPLES=40 $(BIN)/python -m pytest -n $(WORKERS) --timeout 3600 -m hypothesis --hypothesis-profile fuzz $(TESTS)

.PHONY: bench
bench: $(STAMP) ## Every measurement of docs/performance.md, one after the other
	for place in tests/performance/bench_*.py; do
		name=$$(basename "$$place" .py)
		echo "== $$name"
		$(BIN)/python -m "tests.performance.$$name"
	done

##@ Keep

.PHONY: fmt
fmt: $(STAMP) ## Format and mend what a machine can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: map
map: $(STAMP) ## Draw docs/map.md and docs/guides/permissions.md anew
	$(BIN)/python -m tests.architecture.draw_map

.PHONY: licences
licences: $(STAMP) ## Draw docs/licences.md anew: after `make lock`
	$(BIN)/python -m tests.architecture.draw_licences

.PHONY: audit
audit: $(STAMP) ## Ask an advisory source about every pinned package, when one is reachable
	$(BIN)/python -m tests.architecture.audit_dependencies

.PHONY: events
events: $(STAMP) ## Draw docs/events anew: the catalogue's index and JSON Schemas
	$(BIN)/python -m tests.rules.events.test_catalogue

.PHONY: schema
schema: $(STAMP) ## Draw docs/rules anew: the JSON Schema of rule sets
	$(BIN)/python -m tests.rules.rulesets.test_publishing

.PHONY: lock
lock: $(STAMP) ## Resolve pyproject.toml into requirements.lock (hashes, no addresses)
	$(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate -o requirements.lock
	echo "requirements.lock written"

.PHONY: help
help: ## This list
	awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
		/^[a-z]+:.*## / {printf "  \033[36m%-9s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment: made once, renewed when the lock or the project's metadata change.
$(STAMP): requirements.lock pyproject.toml
	python=""
	for name in "$${PYTHON:-python3}" python3.12 python3.11; do
		if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then python="$$name"; break; fi
	done
	if [ -z "$$python" ]; then
		echo "Handrail needs Python 3.11 or 3.12: install one, or name it by PYTHON=/path/to/python3.11 make ..." >&2; exit 1
	fi
	if ! command -v cc >/dev/null && ! command -v gcc >/dev/null; then
		echo "Handrail needs a C compiler: durable-rules comes as source (Debian: apt-get install gcc python3-dev)." >&2; exit 1
	fi
	if ! $(BIN)/python -c 'import pip' 2>/dev/null && [ ! -x $(BIN)/uv ]; then
		echo "Making .venv with $$("$$python" --version)"
		"$$python" -m venv .venv || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)." >&2; exit 1; }
	fi
	if [ ! -x $(BIN)/uv ]; then
		pin=$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)
		echo "Installing $$pin"
		$(BIN)/python -m pip install -q --disable-pip-version-check "$$pin"
	fi
	echo "Installing the pinned dependencies (durable-rules is compiled: about a minute the first time)"
	export VIRTUAL_ENV="$(CURDIR)/.venv"
	export UV_COMPILE_BYTECODE=1  # where Python may not write beside its sources, every start would compile them anew
	if ! $(BIN)/uv pip install -q --require-hashes -r requirements.lock; then
		echo "uv could not install them; trying pip, which reads its own configuration" >&2
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	fi
	$(BIN)/uv pip install -q --no-build-isolation --no-deps -e .
	touch $(STAMP)
