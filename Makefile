# Stellwerk's commands: `make demo` to look at it, `make test` to check it. Needs python3 (3.11 or newer), git, make.
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
COMPILE := .venv/bin/uv --no-config pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

.PHONY: help install lock

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

install: ## everything for development into .venv
	@$(PYTHON) tools/bootstrap.py dev

lock: install ## rewrite the locked requirements from requirements/*.in
	$(COMPILE) requirements/installer.in -o requirements/installer.txt
	$(COMPILE) requirements/runtime.in -o requirements/runtime.txt
	$(COMPILE) -c requirements/runtime.txt requirements/build.in -o requirements/build.txt
	$(COMPILE) -c requirements/runtime.txt -c requirements/build.txt requirements/test.in -o requirements/test.txt
	$(COMPILE) -c requirements/runtime.txt -c requirements/build.txt -c requirements/test.txt \
		requirements/browser.in -o requirements/browser.txt
