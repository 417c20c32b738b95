# Preflight: `make help` lists what there is.
PORT      ?= 4566
ALGORITHM ?= linear-learner
FEATURES  ?= ordinal
DATA      ?=
CONFIG    ?= preflight.toml
ROWS      ?= 200
PYTHON_IN_VENV := .venv/bin/python

export PREFLIGHT_PORT := $(PORT)
export AWS_ENDPOINT_URL := http://localhost:$(PORT)
export PREFLIGHT_TAKE_DOWN := make down$(if $(filter-out 4566,$(PORT)), PORT=$(PORT))

.DEFAULT_GOAL := help
GIVEN = $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
# The tests do not see what make tells the programs. Files of tests run side by side, unless ARGS chooses some: three
# at a time also on two cores, because they wait more than they compute.
# COVERAGE=1 prints which share of the lines they ran.
PYTEST_ENV   := env -u AWS_ENDPOINT_URL -u PREFLIGHT_PORT -u PREFLIGHT_TAKE_DOWN
WORKERS      ?= $(if $(ARGS),0,3)
SIDE_BY_SIDE := -n $(WORKERS) --dist loadgroup $(if $(COVERAGE),--cov --cov-report=term)
# From the wheel to a training job, an endpoint, and a function behind a URL.
MATRIX       := tests/kit tests/aws/test_flow.py tests/local/preflight/hosts/localstack/lambda_/test_functions.py tests/container/test_xgboost.py

.PHONY: help setup demo pipeline up down status test matrix check bench soak pictures protobuf clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make demo DATA=file.csv|.csv.gz|.zip|folder CONFIG=preflight.toml ROWS=200 ALGORITHM=linear-learner|xgboost FEATURES=ordinal|engineered PORT=4566"

setup: ## Make .venv with everything in it (the other targets do this by themselves)
	@./setup.sh

demo: ## From a survey CSV to a URL that answers 0 or 1, on this machine
	@DATA="$(DATA)" CONFIG="$(CONFIG)" ALGORITHM="$(ALGORITHM)" FEATURES="$(FEATURES)" ROWS="$(ROWS)" \
		UNKNOWN="$(filter-out DATA CONFIG ALGORITHM FEATURES ROWS PORT,$(GIVEN))" ./demo.sh

pipeline: setup ## From DATA, a CSV, through a SageMaker pipeline to an endpoint, on this machine
	@$(PYTHON_IN_VENV) -m preflight up
	@$(PYTHON_IN_VENV) aws/pipeline.py $(DATA) --config $(CONFIG) --algorithm $(ALGORITHM) --features $(FEATURES) --approve

up: setup ## Start the stack
	@$(PYTHON_IN_VENV) -m preflight up

down: setup ## Stop the stack and everything it started; what it stored is kept for the next start
	@$(PYTHON_IN_VENV) -m preflight down

status: setup ## Show whether the stack is up
	@$(PYTHON_IN_VENV) -m preflight status

test: ## Run the tests
	@./setup.sh dev
	@./setup.sh clients
	@$(PYTHON_IN_VENV) -m preflight prepare
	-@$(PYTHON_IN_VENV) -m preflight frameworks install sklearn:1.2-1 sklearn:1.4-2 xgboost:3.2-0 # without their Pythons tests are skipped
	@$(PYTEST_ENV) $(PYTHON_IN_VENV) -m pytest $(SIDE_BY_SIDE) $(ARGS)

matrix: ## Run a part of the tests on every other Python that is found (3.12, 3.13, 3.14)
	@./setup.sh dev
	@$(PYTEST_ENV) tests/matrix.sh $(or $(ARGS),$(MATRIX))

check: ## Lint, formatting, types, and what each folder may import
	@./setup.sh dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy data_prep container/preflight_container local/preflight aws lambda benchmarks docs tests
	@.venv/bin/lint-imports --no-cache

bench: setup ## Measure every step, and what the emulator adds to a request
	@$(PYTHON_IN_VENV) -m benchmarks $(if $(COMPARE),--compare $(COMPARE)) $(ARGS)

soak: setup ## Show what a stack holds after a thousand jobs, hundreds of endpoints, thousands of calls (half an hour)
	@$(PYTHON_IN_VENV) -m benchmarks.soak $(ARGS)

pictures: ## Take the README's pictures anew, of the demo on DATA, status and the report (needs Chromium)
	@./setup.sh dev
	@$(PYTHON_IN_VENV) docs/pictures/take.py $(DATA)

protobuf: ## Generate the module of the RecordIO message anew
	@python3 -m venv build/protobuf
	@build/protobuf/bin/pip install --quiet --requirement requirements/protobuf.txt
	@cd container && ../build/protobuf/bin/python -m grpc_tools.protoc --proto_path=. --python_out=. \
		preflight_container/formats/record.proto

clean: setup ## Stop the stacks of all ports and remove what was built
	@$(PYTHON_IN_VENV) -m preflight down --all
	@rm -rf build
