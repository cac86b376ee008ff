# make run: install and start.  make test: install and test.  Each makes .venv by itself; both may be run again and again.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test
# Tests wait for programs, so half as many again as there are cores.
WORKERS := $(shell expr $$(nproc) \* 3 / 2)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: run test attacks lint bench bench-report soak fuzz conformance install uninstall clean
.DEFAULT_GOAL := help

help:
	@echo "make run    start Parley here, with a demo app"
	@echo "make test   run the tests"
	@echo "make attacks   what strangers may try, alone; make test runs it too"
	@echo "make lint   ruff and mypy"
	@echo "make bench  measure it beside its peers, quickly"
	@echo "make bench-report   the same in full, into bench/results/"
	@echo "make soak   the longer tests"
	@echo "make fuzz   wires and framings under any bytes (FUZZ_SECONDS=60 and FUZZ_EXAMPLES=20000 each)"
	@echo "make conformance   the Autobahn|Testsuite against the WebSocket"
	@echo "make install, make uninstall   as systemd services, by root"

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh .ci/venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(TEST_STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[test]'
	@touch $@ $(STAMP)

run: $(STAMP)
	@exec $(BIN)/parley up

test: $(TEST_STAMP) lint
	$(BIN)/python -m pytest -q -m "not soak" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

attacks: $(TEST_STAMP)
	$(BIN)/python -m pytest -q -m "attack and not soak" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(TEST_STAMP)
	$(BIN)/python -m pip install --quiet -e '.[test,bench]'
	$(BIN)/python -m bench --quick --report build/bench

bench-report: $(TEST_STAMP)
	$(BIN)/python -m pip install --quiet -e '.[test,bench]'
	$(BIN)/python -m bench --report

soak: $(TEST_STAMP)
	$(BIN)/python -m pytest -q -m soak

fuzz: $(TEST_STAMP)
	$(BIN)/python -m pytest -q -p no:cacheprovider --timeout=0 --hypothesis-profile=long -n $(WORKERS) tests/fuzz \
	  tests/protocol/wires tests/protocol/test_codec.py tests/broker/gateway/test_websocket.py tests/broker/gateway/test_framing.py
	$(BIN)/python -m pip install --quiet -e '.[test,fuzz]' || echo "atheris cannot be installed here" >&2
	$(BIN)/python -m tests.fuzz

conformance: $(TEST_STAMP)
	$(BIN)/python -m tests.conformance.autobahn

install:
	@PYTHON="$(PYTHON)" DESTDIR="$(DESTDIR)" systemd/install

uninstall:
	@DESTDIR="$(DESTDIR)" systemd/install --remove

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
