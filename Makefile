# Three commands for a newcomer: make demo, make test, make run. `make bench` measures.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= gateway.toml

.PHONY: demo test run bench lint types kill hostile clean help

help:
	@echo "make demo | test | run | bench | kill | hostile | clean"

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/gateway demo

run: $(VENV)/.installed
	$(BIN)/gateway run $(if $(wildcard $(CONFIG)),--config $(CONFIG))

# OpenSSH's server is one of the peers of the tests; without it (and without root to install it) they skip and say so.
openssh:
	@command -v sshd >/dev/null 2>&1 || test -x /usr/sbin/sshd || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq openssh-server libxml2-utils >/dev/null; \
	else echo "openssh-server is missing and cannot be installed here: its tests will be skipped"; fi

.PHONY: openssh
test: $(VENV)/.installed-dev openssh lint types
	$(BIN)/pytest -n auto

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

kill: $(VENV)/.installed-dev
	$(BIN)/pytest -n auto tests/test_kill.py -v

# The hostile families with ten times as many of the cases that are drawn by chance.
hostile: $(VENV)/.installed-dev
	HOSTILE_TIMES=$(or $(HOSTILE_TIMES),10) $(BIN)/pytest -n auto tests/hostile

bench: $(VENV)/.installed-dev
	$(BIN)/python bench/judging.py
	$(BIN)/python bench/small.py
	$(BIN)/python bench/routing.py
	$(BIN)/python bench/xerces.py
	$(BIN)/python bench/start.py
	$(BIN)/python bench/whole_way.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
