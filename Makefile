# make demo     install, then the whole recipe on this machine's CPU (about a quarter of an hour)
# make test     install, then the tests
# make check    install, then lint, types, architecture, our own scan and tests
# make lock     renew constraints.txt from a fresh resolution

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: install demo test check lint types architecture scan lock clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt scripts/install.sh
	PYTHON="$(PYTHON)" VENV="$(VENV)" sh scripts/install.sh
	touch $@

demo: install
	$(BIN)/purpcode run recipes/quickstart-cpu.toml

test: install
	$(BIN)/python -m pytest -n auto

check: lint types architecture scan test

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

architecture: install
	$(BIN)/lint-imports

scan: install
	$(BIN)/purpcode scan src

lock: install
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
