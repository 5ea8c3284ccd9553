# `make demo` needs Python 3.11 or newer and nothing else; the first run installs into .venv, later ones work offline.

PYTHON ?= python3
DEMO_IMAGES ?= 30k
BIN := .venv/bin

# What touches a dependency in a way that changes with its versions.
FLOOR_TESTS ?= tests/data tests/sampling tests/recipes tests/networks tests/training/test_step.py \
  tests/training/test_checkpoint.py tests/training/test_log.py tests/export tests/web tests/commands tests/test_images.py

.PHONY: help demo test coverage floors robustness browser check check-page docs bench speedrun clean
.DELETE_ON_ERROR:

help:
	@echo "make demo        draw faces with the bundled generator, then train a small one on drawn faces"
	@echo "make test        run all tests"
	@echo "make check       check format, lint, types, import layers and the generated reference"
	@echo "make docs        build the documentation in build/docs; a dead link fails"
	@echo "make browser     install what the browser tests need; without it they are skipped"
	@echo "make coverage    run the tests, and print the share of the code that they run"
	@echo "make floors      run the quick tests with the oldest versions that pyproject.toml allows"
	@echo "make robustness  run the full robustness tests, up to an hour"
	@echo "make bench       compare with a plain implementation; PHOTOGRAPHS=img_align_celeba.zip for real JPEGs"
	@echo "make speedrun    time a training to a distance; see benchmarks/speedrun"
	@echo "make clean       remove .venv and caches, but not runs/"

demo: .venv/installed
	@$(BIN)/strangers sample celeba-128 --seeds 0-63 --out runs/celeba-128.png
	@$(BIN)/strangers train synthetic --recipe fast-32 --images $(DEMO_IMAGES) --every 2k --out runs/demo

test: .venv/developing
	@$(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal

coverage: .venv/developing
	@$(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal --ignore tests/robustness --cov --cov-report term:skip-covered

floors: # an environment of its own, in build/floors; old packages use what newer ones deprecate
	@$(PYTHON) -m venv --clear build/floors
	@build/floors/bin/python -m pip install --quiet --disable-pip-version-check uv
	@build/floors/bin/uv pip install --quiet --python build/floors/bin/python --resolution lowest-direct \
	  --editable '.[export,photos,serve,tensorboard,video]' 'pytest>=9' 'hypothesis>=6.100' 'httpx>=0.28'
	@OMP_NUM_THREADS=1 build/floors/bin/python -m pytest -W default::DeprecationWarning $(FLOOR_TESTS)

robustness: .venv/developing
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[robustness]' || \
	  echo "atheris or pip-audit could not be installed; the tests that need them are skipped." >&2
	@$(BIN)/pytest tests/robustness --robustness --robustness-table runs/robustness.md --override-ini faulthandler_timeout=7200 --numprocesses auto --maxprocesses 8 --dist worksteal

browser: .venv/developing
	@command -v chromium-headless-shell >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends chromium-headless-shell >/dev/null; } || \
	  command -v chromium >/dev/null || \
	  echo "Chromium is missing and could not be installed; the browser tests are skipped." >&2
	@$(BIN)/python -m strangers.export.runtime .venv/onnxruntime-web

check: .venv/developing
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/generate.py --check
	@$(MAKE) --no-print-directory check-page

check-page: # the page's JavaScript: format and types
	@command -v npm >/dev/null || { echo "Skipped the check of the page's JavaScript: node is not installed."; exit 0; }; \
	[ node_modules/installed -nt package-lock.json ] || \
	  { npm ci --silent --no-audit --no-fund --ignore-scripts --fetch-retries=1 --fetch-timeout=30000 && touch node_modules/installed; } || \
	  { echo "Skipped the check of the page's JavaScript: npm could not install prettier and typescript."; exit 0; }; \
	npm run --silent check

docs: .venv/documenting
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -m sphinx -c docs --builder html --fresh-env --fail-on-warning --keep-going --quiet . build/docs
	@echo "The site is in build/docs/index.html."

bench: .venv/installed
	@$(BIN)/python benchmarks/run.py $(if $(PHOTOGRAPHS),--photographs $(PHOTOGRAPHS))

speedrun: .venv/installed
	@[ -n "$(DATA)" ] && [ -n "$(HELD_OUT)" ] && [ -n "$(NAME)" ] || { \
	  echo "error: set DATA, HELD_OUT and NAME; see benchmarks/speedrun/README.md" >&2; exit 2; }
	@PYTHONPATH=benchmarks $(BIN)/python -m speedrun.harness $(DATA) $(HELD_OUT) --name $(NAME) $(RUN)

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Stamps of the installations for users and for developers. A change to either file installs again.

.venv/installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: $(PYTHON) was not found; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $$($(PYTHON) --version 2>&1) is too old; strangers needs 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "error: $(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv, once..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/developing: .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

.venv/documenting: .venv/developing
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@
