# Two commands for a newcomer: `make run` and `make test`. The rest are conveniences.
PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.PHONY: run test lint lock proto clean

run: .venv/installed
	$(BIN)/plumbline train all --recipe baseline --no-compare --missing --or-sample
	$(BIN)/plumbline up

test: .venv/installed
	$(BIN)/pytest --numprocesses auto --dist loadfile

lint: .venv/installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: .venv/installed
	$(LOCK) pyproject.toml --extra batch --extra train --extra mlflow --group dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra serve --constraints requirements/dev.txt --output-file requirements/serve.txt
	$(LOCK) pyproject.toml --extra batch --constraints requirements/dev.txt --output-file requirements/batch.txt
	$(LOCK) pyproject.toml --extra train --constraints requirements/dev.txt --output-file requirements/train.txt
	echo uv | $(LOCK) - --constraints requirements/dev.txt --output-file requirements/uv.txt

proto: .venv/installed
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. proto/serving/tfserving/wire.proto

# TensorFlow imports three times slower until its bytecode is compiled, so it is compiled once here.
.venv/installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes --compile-bytecode -r requirements/dev.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --no-build-isolation --no-deps --editable .
	touch $@
