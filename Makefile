# The same commands for people and for CI. Everything installs into .venv/ of this checkout.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Twice the two cores it is meant for: many tests wait, for a lease or a process.
TEST_WORKERS ?= 4

# Where it is set, each of the many processes of a test run would compile the whole project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: console console-types reference setup demo unit test test-full up lint fmt bench conformance _ruff _format _mypy _imports _tenancy _grammar _words _console _unit_platform _unit_client _unit_rest

setup: $(STAMP)

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || PYTHON="$(PYTHON)" scripts/make-venv $(VENV)
	@# The former name of the distribution: it owns the same files, and would take them along when it goes.
	@$(BIN)/python -m pip uninstall -qq --yes --disable-pip-version-check automio
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --prefer-binary -e '.[dev]'
	@touch $(STAMP)

# The web console: built into the package unless it is there already. Succeeds without Node, and says so.
console: setup
	@$(BIN)/python scripts/console.py build

console-types: setup
	$(BIN)/python scripts/console.py types

reference: setup
	$(BIN)/python scripts/reference.py

up: setup console
	@scripts/install-system-packages demo
	$(BIN)/automio up $(ARGS)

demo: setup console
	@scripts/install-system-packages demo
	$(BIN)/automio demo $(ARGS)

lint: setup
	@$(MAKE) --no-print-directory -j4 --output-sync=target _ruff _format _mypy _imports _tenancy _grammar _words _console

_ruff:
	$(BIN)/ruff check .
_format:
	$(BIN)/ruff format --check .
_mypy:
	$(BIN)/mypy
_imports:
	$(BIN)/lint-imports
_tenancy:
	$(BIN)/python scripts/lint_tenancy.py
_grammar:
	$(BIN)/python scripts/lint_grammar.py
_words:
	$(BIN)/python scripts/lint_words.py

_console:
	@$(BIN)/python scripts/console.py check

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The inner loop: what needs no PostgreSQL, no Redis and no sandbox.
# Three processes, each of which imports only what its rooms need.
unit: setup
	@$(MAKE) --no-print-directory -j3 --output-sync=target _unit_platform _unit_client _unit_rest

_unit_platform:
	$(BIN)/python -m pytest --unit -q tests/platform_api $(ARGS)
_unit_client:
	$(BIN)/python -m pytest --unit -q tests/automio $(ARGS)
_unit_rest:
	$(BIN)/python -m pytest --unit -q --ignore tests/platform_api --ignore tests/automio $(ARGS)

test: lint console
	@scripts/install-system-packages test
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

# Also the long form of checks: all isolation levels, faults round by round, fuzz at length.
test-full: conformance
	@$(MAKE) --no-print-directory test ARGS="--full $(ARGS)"

conformance: setup
	@PYTHONPATH=. $(BIN)/python scripts/conformance.py $(ARGS)

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)
