# Targets for those who work on pgsniff; `make` lists them.
GO      ?= go
TOOLS   := $(GO) tool -modfile=tools/go.mod
LINT    := $(GO) tool -modfile=tools/lint/go.mod golangci-lint
PKG     ?= ./...
BASE    ?= $(shell git describe --tags --abbrev=0 2>/dev/null || git rev-list --max-parents=0 HEAD)
# HTTP/2 is half a megabyte, and nothing that pgsniff talks to needs it.
TAGS    := -tags nethttpomithttp2
FUZZTIME ?= 1m
SOAK     ?= 1h

.PHONY: help build test race lint cross fuzz soak golden bench bench-files pgo bench-live cover check dist release

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build ./pgsniff, static, without C
	CGO_ENABLED=0 $(GO) build -trimpath $(TAGS) -o pgsniff ./cmd/pgsniff

test: ## run the tests; those whose server or tool is missing are skipped and say what to install
	$(GO) test -timeout 20m ./...

race: ## run the tests with the race detector
	$(GO) test -race -short ./...

lint: ## formatting, vet, staticcheck, golangci-lint
	@test -z "$$($(TOOLS) gofumpt -l .)" || { echo "gofumpt would change:"; $(TOOLS) gofumpt -l .; exit 1; }
	$(GO) vet ./...
	$(TOOLS) staticcheck ./...
	$(LINT) run ./...

cross: ## compile for the other systems
	for os in darwin freebsd openbsd netbsd windows; do \
		echo "GOOS=$$os"; CGO_ENABLED=0 GOOS=$$os $(GO) build -pgo=off -o /dev/null ./cmd/pgsniff || exit 1; done
	CGO_ENABLED=0 GOARCH=arm64 $(GO) build -pgo=off -o /dev/null ./cmd/pgsniff

fuzz: ## run each fuzz target for FUZZTIME (1m)
	scripts/fuzz.sh $(FUZZTIME)

soak: ## damage captures at random, and fill memory in every way, for SOAK (1h)
	PGSNIFF_SOAK=$(SOAK) $(GO) test ./internal/analyze -run 'TestSoak|TestPeakMemory' -timeout 0 -v

golden: ## write the golden files anew; look at the difference before you commit it
	$(GO) test ./internal/app -run Golden -update
	$(GO) test ./internal/app -run TestPages -update

bench: ## Go benchmarks of each stage, compared with BASE (the last tag) by benchstat
	scripts/bench.sh $(BASE)

bench-files: ## whole runs on large captures, as ratios to tcpdump -r FILE -w /dev/null
	$(GO) run ./scripts/benchfiles

pgo: ## write anew the profile that the compiler optimises pgsniff by, cmd/pgsniff/default.pgo
	$(GO) run -trimpath ./scripts/pgo

bench-live: ## what capturing costs a server under pgbench; needs root and PostgreSQL
	scripts/bench-live.sh

cover: ## coverage of the tests
	$(GO) test -coverprofile=cover.out ./... && $(GO) tool cover -func=cover.out | tail -1

check: lint cross test ## all that CI does, but for the installation

dist: ## build what is published, into dist/: binaries, packages, checksums, recipes
	$(GO) run ./scripts/dist

release: ## make the tag of VERSION after all checks; pushing it is left to you
	scripts/release.sh "$(VERSION)"
