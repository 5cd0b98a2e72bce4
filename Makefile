# The commands of this project. Tests want Go, a C compiler (for the race detector and Falco's
# plugin), Node.js with npm (for Azurite), and Debian's chromium and prometheus (for the status page,
# the dashboard and the alerts).

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -X aks-audit-log-go/forwarder.Version=$(VERSION)

# Pinned, so that a new linter never breaks an old commit.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
HELM          := helm.sh/helm/v3/cmd/helm@v3.22.0
KUBECONFORM   := github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
HELM_DOCS     := github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
TOOLS         := $(CURDIR)/bin

.PHONY: build test unit e2e torture soak bench look pictures uplot lint fuzz chart chart-docs manifest man demo clean

build: ## the static binary
	CGO_ENABLED=0 go build -trimpath -ldflags="$(LDFLAGS)" -o aks-audit-log-go .

test: unit e2e ## all tests, with the race detector

unit: ## the tests beside the code
	go test -race -timeout 30m ./...

e2e: ## the built binary against an emulated hub, Azurite, and Falco's own webhook
	cd e2e && go test -race -timeout 60m ./...

torture: ## all tests, with faults that last for minutes and the full counts of what repeats: about an hour
	go test -race -tags torture -timeout 30m ./...
	cd e2e && go test -race -tags torture -timeout 3h -v ./...

SOAK ?= 30m
soak: ## random faults for SOAK: what was appended, delivered, dead-lettered, repeated, lost, and the memory
	cd e2e && SOAK=$(SOAK) go test -tags soak -count 1 -timeout 0 -v -run '^TestSoak$$' .

bench: ## what the daemon costs and how fast it is, into docs/performance.md; docs/performance.md says how to run a part
	cd e2e && go test -count 1 -tags bench -run '^TestPerformance$$' -timeout 120m -v .

look: ## the status page in a browser, the dashboard and the alerts in a Prometheus; it wants Debian's chromium and prometheus
	cd e2e && go test -race -tags look -timeout 10m -run 'StatusPage|UPlot|Dashboard|Alert|WhatStopsReading' .

pictures: ## the screenshots in docs/, of the status page; it wants Debian's chromium
	cd e2e && PICTURES=$(CURDIR)/docs go test -tags look -count 1 -run '^TestTheStatusPageCanBeRead' .

uplot: ## uPlot, which draws the status page's plots, from the npm package that e2e/package-lock.json pins
	cd e2e && npm ci --ignore-scripts --no-audit --no-fund
	cp e2e/node_modules/uplot/dist/uPlot.iife.min.js e2e/node_modules/uplot/dist/uPlot.min.css e2e/node_modules/uplot/LICENSE forwarder/status/page/uplot/

lint: $(TOOLS)/golangci-lint $(TOOLS)/staticcheck ## formatting, vet, linters, tidiness, in both modules
	test -z "$$(gofmt -l . | grep -v node_modules)"
	go mod verify # e2e cannot be: it replaces this module by the folder
	set -e; for module in . e2e; do \
		echo "lint $$module"; cd "$(CURDIR)/$$module"; \
		go vet -tags torture,soak,bench,look,chart ./...; go mod tidy -diff; \
		$(TOOLS)/staticcheck -tags torture,soak,bench,look,chart ./...; $(TOOLS)/golangci-lint run --config $(CURDIR)/.golangci.yml ./...; \
	done

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) go install $(GOLANGCI_LINT)

$(TOOLS)/staticcheck:
	GOBIN=$(TOOLS) go install $(STATICCHECK)

chart: $(TOOLS)/helm $(TOOLS)/kubeconform $(TOOLS)/helm-docs $(TOOLS)/schemas ## the Helm chart, the plain manifest and the Terraform module, without a cluster
	deploy/check.sh

chart-docs: $(TOOLS)/helm-docs ## the chart's README.md from its values.yaml
	$(TOOLS)/helm-docs --log-level error --chart-search-root deploy/helm/aks-audit-log-go

manifest: $(TOOLS)/helm ## deploy/kubernetes.yaml from the chart
	deploy/manifest.sh > $(TOOLS)/kubernetes.yaml
	mv $(TOOLS)/kubernetes.yaml deploy/kubernetes.yaml

$(TOOLS)/helm:
	GOBIN=$(TOOLS) go install $(HELM)

$(TOOLS)/kubeconform:
	GOBIN=$(TOOLS) go install $(KUBECONFORM)

$(TOOLS)/helm-docs:
	GOBIN=$(TOOLS) go install $(HELM_DOCS)

$(TOOLS)/schemas: $(wildcard deploy/schemas/*.go)
	go run ./deploy/schemas -out $@
	touch $@

# A number of inputs and not a time: where a time runs out, Go before 1.27 now and then fails a test
# that found nothing (golang/go#75804).
FUZZRUNS ?= 50000
fuzz: ## each fuzz test with FUZZRUNS inputs
	set -e; for package in $$(go list ./...); do \
		for fuzz in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$fuzz"; go test -run '^$$' -fuzz "^$$fuzz$$" -fuzztime $(FUZZRUNS)x -fuzzminimizetime 1000x $$package; \
		done; \
	done

man: ## the man pages, into man/: man -l man/aks-audit-log-go.1
	rm -rf man
	SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct 2>/dev/null) go run ./internal/manpages -out man -version $(VERSION)

demo: ## the whole daemon on this machine, without Azure
	go run ./internal/demo

clean:
	rm -rf aks-audit-log-go bin man
