# Two commands for a newcomer: `make run` and `make test`. The rest are conveniences.
PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
RIVAL_LOCK := $(subst --universal,--python-platform linux,$(LOCK))

IMAGES := serve lite batch train train-gpu

.PHONY: run test lint lock sbom proto dashboards overview bench reliability soak fuzz fuzz-guided

run: .venv/installed
	$(BIN)/plumbline up --train

# Tests start hundreds of processes, of which each would compile our modules where Python writes no bytecode itself.
test: .venv/installed
	$(BIN)/python -m compileall -q plumbline.py serving training
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile.serve Dockerfile.train

lock: .venv/installed
	$(LOCK) pyproject.toml --extra s3 --extra client --extra train --extra mlflow --extra otel --extra signing --group dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra serve --extra otel --constraints requirements/dev.txt --output-file requirements/serve.txt
	$(LOCK) pyproject.toml --extra serve --extra lite --extra otel --extra signing --constraints requirements/dev.txt --output-file requirements/lite.txt
	$(LOCK) pyproject.toml --extra s3 --extra otel --constraints requirements/dev.txt --output-file requirements/batch.txt
	$(LOCK) pyproject.toml --extra train --extra s3 --constraints requirements/dev.txt --output-file requirements/train.txt
	$(LOCK) --group manifests --output-file requirements/manifests.txt
	$(LOCK) --group sbom --output-file requirements/sbom.txt
	$(LOCK) --group generators --output-file requirements/generators.txt
	cd requirements/generators && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	$(LOCK) pyproject.toml --extra train --extra gpu --extra s3 --constraints requirements/dev.txt --output-file requirements/train-gpu.txt
	$(LOCK) --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	for rival in benchmarks/requirements/*.in; do [ $$rival = benchmarks/requirements/common.in ] || \
	  $(RIVAL_LOCK) $$rival --output-file $${rival%.in}.txt; done

# The bills of materials that the images get, beside their locks.
sbom: .venv-sbom/installed
	.venv-sbom/bin/python requirements/sbom.py $(IMAGES:%=requirements/%.txt)

bench: .venv/installed
	$(BIN)/python -m benchmarks rivals $(BENCH)
	$(BIN)/python -m benchmarks gateway
	$(BIN)/python -m benchmarks report

# The whole of tests/reliability: faults, one after the other.
reliability: .venv/installed
	$(BIN)/pytest -n 0 tests/reliability --reliability .benchmarks/reliability.jsonl
	$(BIN)/python -m tests.reliability.report .benchmarks/reliability.jsonl

# 20 minutes of load, or SOAK="--minutes 60".
soak: .venv/installed
	$(BIN)/python -m tests.reliability.soak $(SOAK)
	$(BIN)/python -m tests.reliability.report .benchmarks/soak.jsonl

# Inputs of each kind, mutated: for a million, FUZZ="--count 1000000".
fuzz: .venv/installed
	$(BIN)/python -m tests.reliability.fuzzing $(FUZZ)

# Guided by coverage, inputs of one kind: GUIDED="json --seconds 600".
fuzz-guided: .venv/installed
	$(BIN)/python -m tests.reliability.fuzzing.guided $(or $(GUIDED),contract)

proto: .venv/installed
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. proto/serving/tfserving/wire.proto \
	  proto/serving/gateway/protocols/open_inference.proto

dashboards: .venv/installed
	$(BIN)/python -m dashboards

# The picture of the overview in docs/monitoring.md, from a real run.
overview: .venv/installed
	$(BIN)/pytest tests/monitoring/test_live.py --overview docs/img/overview.png

# TensorFlow imports three times slower until its bytecode is compiled, so it is compiled once here.
.venv/installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes --compile-bytecode -r requirements/dev.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --no-build-isolation --no-deps --editable .
	touch $@

# What checks k8s/ for security pins a hundred packages, and other versions than ours.
.venv-manifests/installed: requirements/manifests.txt .venv/installed
	$(PYTHON) -m venv .venv-manifests
	VIRTUAL_ENV=.venv-manifests $(BIN)/uv pip install --quiet --require-hashes -r requirements/manifests.txt
	touch $@

# What writes bills of materials and validates them.
.venv-sbom/installed: requirements/sbom.txt .venv/installed
	$(PYTHON) -m venv --without-pip .venv-sbom
	VIRTUAL_ENV=.venv-sbom $(BIN)/uv pip install --quiet --require-hashes -r requirements/sbom.txt
	touch $@

# What generates clients from /openapi.json, which has packages of its own; TypeScript only where there is npm.
.venv-generators/installed: requirements/generators.txt requirements/generators/package-lock.json .venv/installed
	$(PYTHON) -m venv --without-pip .venv-generators
	VIRTUAL_ENV=.venv-generators $(BIN)/uv pip install --quiet --require-hashes -r requirements/generators.txt
	cp requirements/generators/package.json requirements/generators/package-lock.json .venv-generators
	if command -v npm > /dev/null; then npm ci --prefix .venv-generators --ignore-scripts --no-audit --no-fund --silent; fi
	touch $@
