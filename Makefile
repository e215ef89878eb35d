# Everything a machine with Python >= 3.11, make and git needs. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
TOOLS_STAMP := tests/tools/node_modules/.installed
# One more than the number of cores: tests that start a command or a server spend much of their time waiting.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1
# Without compiled modules, each command in a test would compile the package again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "publisher needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing publisher …"
	@$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	@$(BIN)/python -m compileall -q publisher
	@touch $@

$(DEV_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing publisher and its development tools …"
	@$(BIN)/python -m pip install --quiet 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[postgres]' --group dev --constraint constraints.txt
	@$(BIN)/python -m compileall -q publisher
	@touch $@ $(STAMP)

# npm tools of the tests (mjml, axe-core, the Nu checker). Without npm, the tests that need them are skipped.
$(TOOLS_STAMP): tests/tools/package.json
	@if command -v npm >/dev/null; then \
	  echo "Installing the test tools of tests/tools …"; \
	  (cd tests/tools && npm install --no-package-lock --no-audit --no-fund --loglevel=error) && touch $@; \
	else echo "npm is not installed: tests that need it are skipped"; fi

.PHONY: install dev
install: $(STAMP) ## the publisher command, in .venv
dev: $(DEV_STAMP) $(TOOLS_STAMP) ## everything for development

.PHONY: publish
publish: $(STAMP) ## publish the issues in issues/ on the embedded defaults
	@$(BIN)/publisher subscribers import demo/subscribers.csv
	@$(BIN)/publisher publish

.PHONY: browser
browser: ## a Chromium from the system's packages, if available
	@bash tools/browser.sh

LOCALES := publisher/language/locales
# The packages of each catalog of sentences; those of all others are in the catalog of findings.
commands := cli publishing delivery
operations := audience authoring channels database feedback providers site web
.PHONY: catalogs
catalogs: $(DEV_STAMP) ## add new words and sentences to the catalogs of every language, and compile them
	@for domain in findings commands operations; do \
		rooms="publisher templates"; left_out="$(addprefix --ignore-dirs=,$(commands) $(operations))"; \
		if [ $$domain = commands ]; then rooms="$(addprefix publisher/,$(commands))"; left_out=; fi; \
		if [ $$domain = operations ]; then rooms="$(addprefix publisher/,$(operations))"; left_out=; fi; \
		$(BIN)/python -m babel.messages.frontend -q extract -F tools/catalogs.cfg -k say -k counted:1,2 $$left_out --add-location=file --sort-output -o $(LOCALES)/$$domain.pot $$rooms && \
		$(BIN)/pybabel -q update -D $$domain -i $(LOCALES)/$$domain.pot -d $(LOCALES) --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 110 && \
		rm $(LOCALES)/$$domain.pot || exit 1; \
	done
	@$(BIN)/python -m tools.catalogs

.PHONY: test
test: $(DEV_STAMP) $(TOOLS_STAMP) browser ## every test, in parallel
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: cover
cover: $(DEV_STAMP) $(TOOLS_STAMP) browser ## every test, with coverage shown
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS)

.PHONY: check format
check: $(DEV_STAMP) ## lint, types, order of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
format: $(DEV_STAMP) ## format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: smoke lowest
smoke: ## install and publish under every Python of this machine
	@bash tools/smoke.sh
lowest: $(DEV_STAMP) ## every test with the oldest libraries that pyproject.toml allows
	@bash tools/lowest.sh $(ARGS)

.PHONY: bench bench-peers bench-send bench-web bench-scale bench-lsp bench-draft simulate chaos mutants fuzz
bench: $(DEV_STAMP) ## build times and memory, into docs/benchmarks.md
	@$(BIN)/python -m tools.bench $(ARGS)
bench-peers: $(DEV_STAMP) ## our build beside Hugo's, Pelican's and Eleventy's, into docs/benchmarks.md
	@$(BIN)/python -m tools.bench_peers $(ARGS)
bench-send: $(DEV_STAMP) ## the sender against bare boto3, into docs/benchmarks.md
	@$(BIN)/python -m tools.bench_send $(ARGS)
bench-scale: $(DEV_STAMP) ## PostgreSQL, three workers, a kill: make bench-scale PEOPLE=10000000 (an hour on two idle cores, 20 GB)
	@$(BIN)/python -m tools.bench_send.ten_million $(if $(PEOPLE),--people $(PEOPLE)) $(ARGS)
bench-web: $(DEV_STAMP) ## the readers' service and the import, into docs/benchmarks.md
	@$(BIN)/python -m tools.bench_web $(ARGS)
bench-lsp: $(DEV_STAMP) ## from a key in an editor to its finding, into docs/benchmarks.md
	@$(BIN)/python -m tools.bench_lsp $(ARGS)
bench-draft: $(DEV_STAMP) ## offline key points beside the samples' own, into docs/benchmarks.md
	@$(BIN)/python -m tools.bench_draft
simulate: $(DEV_STAMP) ## simulated mailings, one per seed, until a million steps: make simulate SEEDS=1-500
	@$(BIN)/python -m tests.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)
fuzz: $(DEV_STAMP) ## hostile input, guided by coverage: make fuzz MINUTES=10 TARGETS='events requests'
	@$(BIN)/python -m pip install --quiet --group fuzz --constraint constraints.txt
	@$(BIN)/python -m tests.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(TARGETS)
chaos: $(DEV_STAMP) ## 60,000 recipients, with processes killed repeatedly
	@$(BIN)/python -m tools.chaos $(ARGS)
mutants: $(DEV_STAMP) ## small faults in a copy, each to be found by a test: make mutants PACKAGE=delivery SAMPLE=100 SEED=1
	@$(BIN)/python -m tools.mutants $(if $(PACKAGE),--packages $(PACKAGE)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: audit
audit: $(DEV_STAMP) ## known vulnerabilities of the versions in constraints.txt (asks PyPI)
	@$(BIN)/python -m pip install --quiet --group release --constraint constraints.txt
	@$(BIN)/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

.PHONY: pictures
pictures: $(DEV_STAMP) browser ## screenshots of every theme and script, phone and desktop, light and dark, into dist/pictures; also those of docs/images
	@$(BIN)/python -m tools.pictures
	@$(BIN)/python -m tools.theme_pictures

.PHONY: pictures-compare
pictures-compare: $(DEV_STAMP) browser ## compare mail and pages of every theme with the stored screenshots; ARGS=--write stores new ones
	@$(BIN)/python -m tools.pictures_compare $(ARGS)

.PHONY: lighthouse
lighthouse: $(DEV_STAMP) browser ## Lighthouse over the archive in every theme; skipped without npm's lighthouse
	@$(BIN)/python -m tools.lighthouse $(ARGS)

.PHONY: constraints
constraints: $(DEV_STAMP) ## write the newest versions to constraints.txt, names and versions only
	@bash tools/constraints.sh

.PHONY: clean
clean: ## delete what builds and tests made (never the database or the outbox)
	@rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
