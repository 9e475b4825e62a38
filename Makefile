# `make run` and `make test` need Python 3.11 or newer and nothing else. Everything they install stays in .venv.

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test test-sqlite test-services scoreboard pictures lint format requirements clean

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement

# Tests leave a running instance alone: they have a data folder of their own.
TEST_ENV := E2C_DATA_DIR=var/tests
PYTEST ?= $(PY) -m pytest
PYTEST_ARGS ?= -q -n 2 --dist loadfile
POSTGRES_URL = $(or $(E2C_TEST_POSTGRES_URL),postgres:///postgres)
REDIS_URL = $(or $(E2C_TEST_REDIS_URL),redis://127.0.0.1:6379/5)

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## install what running needs into .venv

install-dev: $(INSTALLED_DEV) ## install what testing needs into .venv

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, or name it: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)." >&2; rm -rf $(VENV); exit 1; }

$(INSTALLED): requirements.txt | $(PY)
	@echo "Installing into $(VENV) ..."
	@$(PIP_INSTALL) requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt | $(PY)
	@echo "Installing into $(VENV) what tests need ..."
	@$(PIP_INSTALL) requirements-dev.txt
	@touch $@ $(INSTALLED)

run: $(INSTALLED) ## start everything on this machine, with demo data; Ctrl-C stops it
	@E2C_MODE=demo exec $(PY) manage.py run --setup --with-parent

# Where both databases have their turn: what asks for neither is run once, with SQLite; pages are the same on both, so
# SQLite has the main ways in a browser, PostgreSQL all of them and the walks over every page.
WITHOUT_SERVICES := not postgres and not redis
BOTH := $(WITHOUT_SERVICES) and not every_page and (not browser or main_way)

test: $(INSTALLED_DEV) ## run every test that can run here: on SQLite, then on PostgreSQL and Redis where they answer
	@if [ "$(E2C_TEST_REQUIRE_SERVICES)" = 1 ] || $(PY) tests/services.py "$(POSTGRES_URL)" "$(REDIS_URL)"; then \
		$(MAKE) --no-print-directory test-sqlite ON_SQLITE="$(BOTH)" && $(MAKE) --no-print-directory test-services ON_POSTGRES="not no_database"; \
	else $(MAKE) --no-print-directory test-sqlite; fi

test-sqlite: ON_SQLITE ?= $(WITHOUT_SERVICES)
test-sqlite: $(INSTALLED_DEV) ## run the tests that need no service
	@echo "== Tests on SQLite, nothing else running"
	@$(TEST_ENV) DATABASE_URL= CELERY_BROKER_URL= $(PYTEST) $(PYTEST_ARGS) -m "$(ON_SQLITE)"

test-services: ON_POSTGRES ?=
test-services: $(INSTALLED_DEV) ## run all tests on PostgreSQL with Redis
	@echo "== Tests on PostgreSQL with Redis"
	@$(TEST_ENV) DATABASE_URL="$(POSTGRES_URL)" E2C_TEST_POSTGRES_URL="$(POSTGRES_URL)" E2C_TEST_REDIS_URL="$(REDIS_URL)" \
		CELERY_BROKER_URL= $(PYTEST) $(PYTEST_ARGS) -m "$(ON_POSTGRES)"

scoreboard: $(INSTALLED) ## compare how mail is read with what other projects state; FOLDER=... ARGS=--differences
	@$(PY) -m benchmarks.scoreboard $(FOLDER) $(ARGS)

pictures: $(INSTALLED_DEV) ## take the pictures of the documentation anew; ONLY="case note"
	@$(PY) docs/pictures/take.py $(ONLY)

lint: $(INSTALLED_DEV) ## check style, types, import directions and migrations
	@failed=0; for check in "$(VENV)/bin/ruff check ." "$(VENV)/bin/ruff format --check ." "$(VENV)/bin/mypy ." "$(VENV)/bin/lint-imports" \
		"$(PY) manage.py makemigrations --check --dry-run"; do $(TEST_ENV) $$check || failed=1; done; exit $$failed

format: $(INSTALLED_DEV) ## format the code
	@$(VENV)/bin/ruff check --fix-only --quiet . ; $(VENV)/bin/ruff format .

requirements: $(INSTALLED_DEV) ## pin the newest versions that pyproject.toml allows, with hashes
	@for target in "requirements.txt" "requirements-dev.txt --extra dev"; do \
		PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= CUSTOM_COMPILE_COMMAND="make requirements" $(VENV)/bin/pip-compile --quiet --upgrade \
			--generate-hashes --allow-unsafe --strip-extras --no-annotate --no-emit-options --no-emit-index-url --no-emit-find-links \
			--no-emit-trusted-host --output-file $$target pyproject.toml || exit 1; done

clean: ## remove the virtual environment and caches; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
