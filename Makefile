# What people and .ci/run call. Needs Go, a C and a C++ compiler, make, and Maven with a JDK (it fetches ONNX Runtime); everything
# else is fetched by Go. `make` alone lists the targets.

# Pinned tools, built by Go and kept in its cache.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
DEADCODE      := golang.org/x/tools/cmd/deadcode@v0.52.0
GOTESTSUM     := gotest.tools/gotestsum@v1.13.0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS := -X main.version=$(VERSION)

# Where make install puts bin/ordo and the man pages; DESTDIR stands before it, for those who make packages.
PREFIX  ?= /usr/local
DESTDIR ?=
MAN_OUT := build/man1

DEMO_OUT  := runs/demo
CHECK_OUT := runs/check
FUZZTIME  := 10s
BENCHTIME := 1s
# Packages to test, race-test, fuzz or measure, for example: make test PKG=./augment/...
PKG ?= ./...
# A package may take this long: some take minutes, and a machine may have ten times as much else to do.
TIMEOUT := 40m
# For check-experiments: the folders of MNIST's four files, of Fruits-360, of the white blood cells and of CUB-200-2011
# (empty: no experiments on them), and 1 for the sweeps, too.
MNIST      ?=
FRUITS360  ?=
BLOODCELLS ?=
CUB200     ?=
SWEEPS     ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/ordo
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/ordo ./cmd/ordo

.PHONY: man
man: build ## Write a man page for every command into build/man1
	rm -rf $(MAN_OUT)
	bin/ordo man --out $(MAN_OUT)

.PHONY: install
install: man ## Install bin/ordo and its man pages below PREFIX (/usr/local), with DESTDIR before it
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 755 bin/ordo '$(DESTDIR)$(PREFIX)/bin/ordo'
	install -m 644 $(MAN_OUT)/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'

.PHONY: runtime
runtime: build ## Install ONNX Runtime, unless it is there
	@if [ -n "$$ORDO_ONNXRUNTIME" ]; then echo "using ORDO_ONNXRUNTIME=$$ORDO_ONNXRUNTIME"; else bin/ordo runtime install >/dev/null; fi

.PHONY: demo
demo: build runtime ## Train the demo experiment; the results are in runs/demo
	rm -rf $(DEMO_OUT)
	bin/ordo run experiments/demo.yaml --out $(DEMO_OUT)
	@echo; echo "The run is in $(DEMO_OUT):"; ls -l $(DEMO_OUT)

.PHONY: check-experiments
check-experiments: build runtime ## Run the shipped experiments and compare with what they expect (MNIST=DIR SWEEPS=1: more)
	@OUT='$(CHECK_OUT)' MNIST='$(MNIST)' FRUITS360='$(FRUITS360)' BLOODCELLS='$(BLOODCELLS)' CUB200='$(CUB200)' SWEEPS='$(SWEEPS)' .ci/experiments

.PHONY: test
test: build runtime ## Run all tests
	@# The variables make a missing ONNX Runtime, and a oneDNN that is installed but not found, failures instead of skipped tests.
	@if bin/ordo runtime path --kernels >/dev/null 2>&1; then export ORDO_TEST_REQUIRE_ONEDNN=1; \
	else echo "there is no oneDNN: the tests of the fast kernels will be skipped" >&2; fi; \
	ORDO_TEST_REQUIRE_ONNXRUNTIME=1 go run $(GOTESTSUM) --format pkgname-and-test-fails --format-hide-empty-pkg --post-run-command .ci/tally -- -count=1 -timeout $(TIMEOUT) $(PKG)

.PHONY: test-race
test-race: build runtime ## Run the tests with the race detector
	go test -count=1 -timeout $(TIMEOUT) -race $(PKG)

# How often, and from which seed the choices come: make torture KILLS=200 DAMAGES=5000 SEED=7
KILLS   ?= 60
DAMAGES ?= 1000
TRIALS  ?= 60
SEED    ?= 1
.PHONY: torture
torture: build runtime ## Kill runs at random moments and damage files at random; as root also fill disks (an hour)
	ORDO_TEST_REQUIRE_ONNXRUNTIME=1 go test ./cmd/ordo -count=1 -run Torture -v -timeout 0 -torture.kills=$(KILLS) \
		-torture.damages=$(DAMAGES) -torture.seed=$(SEED) -torture.trials=$(TRIALS) -torture.disks

.PHONY: test-slurm
test-slurm: build runtime ## Run sweeps and shards on a Slurm that is started for it (as root; needs slurm-wlm and munge)
	ORDO_TEST_REQUIRE_ONNXRUNTIME=1 go test ./cmd/ordo -count=1 -run TestSlurm -v -timeout 0 -slurm

.PHONY: lint
lint: ## Check the format, go vet, dead code and golangci-lint
	@bad=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 ls -d 2>/dev/null | xargs -r gofmt -l); \
	if [ -n "$$bad" ]; then echo "gofmt these files:"; echo "$$bad"; exit 1; fi
	go vet ./...
	.ci/width
	.ci/deadcode $(DEADCODE)
	go run $(GOLANGCI_LINT) run ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	@set -e; for p in $$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' $(PKG)); do \
		list=$$(go test -list '^Fuzz' $$p); \
		for f in $$(echo "$$list" | grep '^Fuzz' || true); do \
			echo "== $$p $$f"; \
			go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; \
		done; \
	done

.PHONY: bench
bench: build runtime ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(PKG)

# How many: of ImageNet's size are 1300000, which takes some minutes, and no room but for a GiB of packed images.
IMAGES ?= 1300000
.PHONY: bench-images
bench-images: ## List, pack and open a folder of IMAGES (1300000) links to small files
	ORDO_BENCH_IMAGES=$(IMAGES) go test ./runner/data -run '^$$' -bench ManyImages -benchtime 1x -timeout $(TIMEOUT)
	go test ./runner/loader -run '^$$' -bench EpochOrder

.PHONY: clean
clean: ## Remove what make makes here: bin, build and the runs of demo and check-experiments
	rm -rf bin build $(DEMO_OUT) $(CHECK_OUT)
