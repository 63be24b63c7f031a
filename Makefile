# Two commands for a newcomer: `make run` (the main job on the sample newsroom) and `make test` (all that CI runs).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQ := infra/requirements
SOURCES := flows extract transform load tests infra

.PHONY: run install test lint format lock bench eval fuzz chaos stop clean

run: install
	@$(BIN)/python infra/newsroom/serve.py -- $(BIN)/storyfold run --passes 2

# An environment with the developer's tools stays one: installing never takes tools away.
TOOLS := $(firstword $(foreach kind,lab dev,$(if $(wildcard $(VENV)/.$(kind)-stamp),$(kind))) run)
install: $(VENV)/.$(TOOLS)-stamp

# Most of the time the tests wait, for servers and for one another: three at once keep two cores busy.
test: $(VENV)/.dev-stamp lint
	$(BIN)/pytest --numprocesses 3 --dist worksteal

lint: $(VENV)/.dev-stamp
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev-stamp
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# uv installs from pip's index settings only where they are the default; pip itself is the fallback.
define install_locked
	{ $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(REQ)/installer.txt $(1) \
	  || $(BIN)/pip install --quiet --no-deps --require-hashes -r $(REQ)/installer.txt -r $(1); } && \
	{ $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . \
	  || $(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .; }
endef

$(VENV)/.installer-stamp: $(REQ)/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "storyfold needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(REQ)/installer.txt
	@touch $@

$(VENV)/.run-stamp: $(VENV)/.installer-stamp $(REQ)/run.txt pyproject.toml
	@echo 'Installing storyfold into $(VENV) …'
	@$(call install_locked,$(REQ)/run.txt)
	@touch $@

$(VENV)/.dev-stamp: $(VENV)/.installer-stamp $(REQ)/dev.txt pyproject.toml
	@$(call install_locked,$(REQ)/dev.txt)
	@touch $@ $(VENV)/.run-stamp

UV_LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

$(VENV)/.lab-stamp: $(VENV)/.installer-stamp $(REQ)/lab.txt pyproject.toml
	@$(call install_locked,$(REQ)/lab.txt)
	@touch $@ $(VENV)/.dev-stamp $(VENV)/.run-stamp

# Pin anew: names and hashes only, no index addresses.
lock: $(VENV)/.installer-stamp
	$(UV_LOCK) pyproject.toml --group build -o $(REQ)/run.txt
	$(UV_LOCK) pyproject.toml --group build --extra dask -c $(REQ)/run.txt -o $(REQ)/dask.txt
	$(UV_LOCK) pyproject.toml --group build --extra dask --group dev -c $(REQ)/dask.txt -o $(REQ)/dev.txt
	$(UV_LOCK) pyproject.toml --group build --extra dask --group dev --group lab -c $(REQ)/dev.txt -o $(REQ)/lab.txt
	$(UV_LOCK) --group installer -o $(REQ)/installer.txt

# Speed beside peers; not part of the tests, whose result must not depend on the machine. A store of a million takes half
# an hour to build, `python tests/build_store.py URL --articles 1000000`, and is measured when BENCH_STORE is its URL.
bench: $(VENV)/.lab-stamp
	$(BIN)/pytest tests/benchmarks --benchmark-only --benchmark-columns=median,iqr,rounds

# How well pages are read, beside bare trafilatura: those of tests/quality, and folders of labelled pages in EVAL_DATA;
# and how rightly the articles of a made-up stream become stories.
EVAL_DATA ?=
eval: $(VENV)/.dev-stamp
	@$(BIN)/python tests/quality/build_pages.py .eval
	@for folder in .eval $(EVAL_DATA); do \
	  echo "$$folder:" && $(BIN)/storyfold eval extraction "$$folder" || exit 1; \
	done
	@$(BIN)/python tests/newsstream.py .eval/stream --articles 5000
	@$(BIN)/storyfold eval dedup .eval/stream/articles.jsonl.gz --truth .eval/stream/truth.csv.gz

# Every reader fuzzed by coverage, one after the other; what it finds and learns stays in .fuzz/.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.lab-stamp
	@for reader in feed sitemap list robots url warc charset sniff; do \
	  $(BIN)/python tests/fuzz/atheris_readers.py $$reader $(FUZZ_SECONDS) .fuzz || exit 1; \
	done

# The tests that kill much and take long, and thousands of made-up pages, read through some thirty kills of workers,
# readers and Postgres; takes half an hour.
CHAOS ?=
chaos: $(VENV)/.dev-stamp
	$(BIN)/pytest -m slow
	$(BIN)/python tests/chaos/run_big.py $(CHAOS)

# Stop the store's own Postgres, if `storyfold db url` left it running.
stop: install
	@STORYFOLD_HOME=$${STORYFOLD_HOME:-.storyfold} $(BIN)/storyfold db stop

clean: stop
	rm -rf .storyfold .eval $(VENV)
