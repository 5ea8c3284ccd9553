# `make demo` needs Python 3.11 or newer and nothing else; the first run installs into .venv, later ones work offline.

PYTHON ?= python3
DEMO_IMAGES ?= 30k
BIN := .venv/bin

.PHONY: help demo test robustness browser check check-page docs bench clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    show the faces of the generator in the package, then train a small one on drawn faces: runs/demo"
	@echo "make test    run every test"
	@echo "make robustness kill it, starve it, feed it poison: up to an hour, and a table of what was lost"
	@echo "make browser fetch what the tests in a browser need; without it they are skipped"
	@echo "make check   format, lint, types, import rules, and that the generated docs are fresh"
	@echo "make docs    regenerate docs/reference and build the site in build/docs; a dead link fails"
	@echo "make bench   measure ours against a plain implementation; PHOTOGRAPHS=img_align_celeba.zip for real JPEGs"
	@echo "make clean   remove .venv and caches; runs/ stays"

demo: .venv/installed
	@$(BIN)/strangers sample celeba-64 --seeds 0-63 --out runs/celeba-64.png
	@$(BIN)/strangers train synthetic --recipe dcgan-32 --images $(DEMO_IMAGES) --every 2k --out runs/demo

test: .venv/developing
	@$(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal

robustness: .venv/developing
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[robustness]' || \
	  echo "atheris or pip-audit could not be installed: what needs them is skipped." >&2
	@$(BIN)/pytest tests/robustness --robustness --robustness-table runs/robustness.md --override-ini faulthandler_timeout=7200 --numprocesses auto --maxprocesses 8 --dist worksteal

browser: .venv/developing
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends chromium >/dev/null; } || \
	  echo "There is no chromium, and it could not be installed: tests in a browser are skipped." >&2
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

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# What people need to run it, then what developers need besides. A stamp is older than what it was made from when
# either file changes, and the installation runs again.

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
