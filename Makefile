# Roster's front door. `make` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
TOOL := $(GO) tool -modfile=tools/go.mod
# What mostly waits comes first, so that the rest runs beside it.
PACKAGES ?= ./test/... ./...
# RACE=1 runs the tests with the race detector, which needs a C compiler.
RACE ?=
TESTFLAGS ?=
BENCH ?= .
BENCHTIME ?= 1s
# How long each fuzz target runs, and how many run at a time on a core each.
FUZZTIME ?= 30s
FUZZJOBS ?= 2
# How long twice as much is asked as can be done.
OVERLOAD_FOR ?= 2m
# How long faults are injected, from which seed, and a file for the figures (Markdown).
FAULTS_FOR ?= 2m
FAULTS_SEED ?= 20150101
FAULTS_OUT ?=

.PHONY: help run build test test-faults test-overload bench fuzz fuzz-api audit fmt lint generate static check ensure-postgres

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ensure-postgres ## build and run the whole system on http://127.0.0.1:8080
	@$(GO) build -o bin/ ./cmd/api
	@exec bin/api

build: ## build the programs into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

test: ensure-postgres ## run all tests; no network, no fixed port (RACE=1 for the race detector)
	$(GO) test -timeout 10m $(if $(RACE),-race) $(TESTFLAGS) $(PACKAGES)

test-faults: ensure-postgres ## attack a whole installation for FAULTS_FOR (2m) and look for what was lost or doubled (FAULTS_SEED, FAULTS_OUT=file)
	FAULTS_FOR=$(FAULTS_FOR) FAULTS_SEED=$(FAULTS_SEED) FAULTS_OUT='$(abspath $(FAULTS_OUT))' \
	  $(GO) test -timeout 120m -count=1 -v $(TESTFLAGS) ./test/faults/

test-overload: ensure-postgres ## ask for twice what can be done for OVERLOAD_FOR (2m), and let 13,600 slow clients hold on (ulimit -n 20000)
	OVERLOAD_FOR=$(OVERLOAD_FOR) $(GO) test -timeout 120m -count=1 -v $(TESTFLAGS) ./test/overload/

bench: ensure-postgres ## run the benchmarks, end with a table of the figures that matter (BENCH=pattern, BENCHTIME=1s)
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -timeout 30m $(PACKAGES) | $(GO) run ./bench/report

fuzz: ## run each fuzz target for FUZZTIME (30s), FUZZJOBS (2) at a time
	@grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
	  sed -n "s|^func \(Fuzz[A-Za-z0-9_]*\)(.*|$$(dirname $$file) \1|p" $$file; \
	done | GO='$(GO)' xargs -P $(FUZZJOBS) -n 2 scripts/fuzz.sh $(FUZZTIME)

fuzz-api: ensure-postgres ## send ROSTER_FUZZ_REQUESTS (40000) generated requests to every operation of every document
	ROSTER_FUZZ_REQUESTS=$${ROSTER_FUZZ_REQUESTS:-40000} $(GO) test -count=1 -v -timeout 60m -run TestEveryOperationOfEveryDocument ./api/

audit: ## look for known vulnerabilities; where their database can not be had, list newer versions of modules
	@GO='$(GO)' scripts/audit.sh

fmt: ## format the sources
	$(TOOL) golangci-lint fmt

lint: ## lint the sources
	$(TOOL) golangci-lint run

generate: ## make the generated files anew
	$(GO) generate ./...

static: ## check format, vet, lint and that generated files are up to date
	$(TOOL) golangci-lint fmt --diff
	$(GO) vet ./...
	$(TOOL) golangci-lint run
	$(MAKE) --no-print-directory generate
	@git diff --exit-code -- . || { echo 'generated files are out of date: commit what `make generate` made' >&2; exit 1; }

check: static ## what CI runs: static checks, and all tests with the race detector
	$(MAKE) --no-print-directory test RACE=1

ensure-postgres:
	@scripts/ensure-postgres.sh
