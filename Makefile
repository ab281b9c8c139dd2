# Stellwerk's commands: `make demo` to look at it, `make test` to check it. Needs python3 (3.11 or newer), git, make.
PYTHON ?= python3
PORT ?= 8765
VENV_PYTHON := .venv/bin/python
COMPILE := .venv/bin/uv --no-config --system-certs pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate
SOURCES := src tests bench tools manage.py conftest.py hatch_build.py

.PHONY: help demo install assets test check shape mutants fuzz format docs wheel bench bench-types lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

demo: ## try it: PORT=8765
	@$(PYTHON) tools/bootstrap.py runtime
	@$(VENV_PYTHON) tools/assets.py
	@$(VENV_PYTHON) -m stellwerk.site.cli demo --port $(PORT)

install: ## everything for development into .venv
	@$(PYTHON) tools/bootstrap.py dev

assets: install ## build the front-end assets
	@$(VENV_PYTHON) tools/assets.py

test: assets ## all tests, on SQLite and, where one is reachable, on PostgreSQL; ALL=1 walks through every type
	@STELLWERK_TEST_ALL=$(ALL) $(VENV_PYTHON) tools/run_tests.py $(TESTS)

check: assets ## format, lint, types, API document, import rules, missing migrations, shape, security
	@$(VENV_PYTHON) tools/run_checks.py

shape: install ## measure the shape of the sources, and fail where it got worse: PLACES=1 says where
	@$(VENV_PYTHON) tools/shape.py $(if $(PLACES),--places)

mutants: assets ## break the code of permissions in small ways and see that tests notice: MUTANTS="--sample 80 --seed 1"
	@$(VENV_PYTHON) tools/mutants.py $(MUTANTS)

fuzz: assets ## send 50 valid and invalid requests to each operation of the API as three people: SEED=abc
	@STELLWERK_FUZZ_EXAMPLES=50 STELLWERK_FUZZ_SEED=$(SEED) $(VENV_PYTHON) -m pytest -q -k whatever_is_sent \
		src/stellwerk/api/tests/test_document.py

format: install ## format the Python sources
	@$(VENV_PYTHON) -m ruff format $(wildcard $(SOURCES))
	@$(VENV_PYTHON) -m ruff check --fix $(wildcard $(SOURCES))

docs: assets ## write the generated pages of docs/
	@$(VENV_PYTHON) tools/write_docs.py

wheel: assets ## build the wheel into dist/
	@$(VENV_PYTHON) -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation \
		--wheel-dir dist .
	@ls -1 dist/*.whl

bench: assets ## measure speed and size
	@$(VENV_PYTHON) bench/run.py $(BENCH)

bench-types: assets ## measure what grows with the number of record types: BENCH="--types 80 --tests"
	@$(VENV_PYTHON) bench/many_types.py $(BENCH)

lock: install ## rewrite the locked requirements from requirements/*.in
	$(COMPILE) requirements/installer.in -o requirements/installer.txt
	$(COMPILE) requirements/runtime.in -o requirements/runtime.txt
	$(COMPILE) -c requirements/runtime.txt requirements/build.in -o requirements/build.txt
	$(COMPILE) -c requirements/runtime.txt -c requirements/build.txt requirements/test.in -o requirements/test.txt
	$(COMPILE) -c requirements/runtime.txt -c requirements/build.txt -c requirements/test.txt \
		requirements/browser.in -o requirements/browser.txt

clean: ## remove what was built and the demo's data
	rm -rf dist var/demo src/stellwerk/frontend/dist src/stellwerk/frontend/node_modules tools/api_lint/node_modules
