# Three commands for a newcomer: make demo, make test, make run. `make bench` measures.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= gateway.toml

.PHONY: demo test run bench lint types kill faults faults-quick tracer hostile clean help

help:
	@echo "make demo | test | run | bench | kill | faults-quick | faults | hostile | clean"

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

# The harness of docs/faults.md. FAULTS_SEED replays; FAULTS_LANES processes at once; FAULTS more options.
FAULT := PYTHONPATH=tests $(BIN)/python -m faults

kill: $(VENV)/.installed-dev
	$(FAULT) quick --only points $(FAULTS)

faults-quick: $(VENV)/.installed-dev tracer
	$(FAULT) quick $(FAULTS)

faults: $(VENV)/.installed-dev tracer
	$(FAULT) all $(FAULTS)

# FUSE gives a disk that forgets; strace watches from outside (tests/hostile).
tracer:
	@{ command -v strace && command -v fusermount3; } >/dev/null 2>&1 || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq strace fuse3 >/dev/null; \
	else echo "strace or fuse3 is missing and cannot be installed here: what needs them will be skipped"; fi

# The hostile families with ten times as many of the cases that are drawn by chance.
hostile: $(VENV)/.installed-dev
	HOSTILE_TIMES=$(or $(HOSTILE_TIMES),10) $(BIN)/pytest -n auto tests/hostile

bench: $(VENV)/.installed-dev
	$(BIN)/python bench/judging.py
	$(BIN)/python bench/stored.py
	$(BIN)/python bench/small.py
	$(BIN)/python bench/routing.py
	$(BIN)/python bench/xerces.py
	$(BIN)/python bench/start.py
	$(BIN)/python bench/sealing.py
	$(BIN)/python bench/whole_way.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
