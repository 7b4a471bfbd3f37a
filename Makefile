# The front door: each target is one line of cargo; the logic is in xtask.

CARGO ?= cargo
XTASK := $(CARGO) run --quiet --locked --package xtask --

.DEFAULT_GOAL := help
.PHONY: help run test faults lint generate demo bench measure compose-test audit

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Build and serve all of Tessera in one process
	$(CARGO) run --locked --package tessera-standalone --bin tessera -- serve

test: ## Run every test that can run here (REQUIRE_ALL=1: a left-out suite is a failure)
	$(XTASK) test $(if $(filter-out 0,$(REQUIRE_ALL)),--require-all)

faults: ## Run the tests that kill and cut, with more seeds (SEEDS=100), for longer (SECONDS=60)
	$(XTASK) faults $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SECONDS),--seconds $(SECONDS))

lint: ## Check format, lints, documentation, licences and the architecture
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --locked
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		echo '$(CARGO) deny check bans licenses sources'; $(CARGO) deny --locked check bans licenses sources; \
	else \
		echo 'left out: cargo deny (get it with: cargo install --locked cargo-deny)'; \
	fi
	$(XTASK) check-boundaries
	$(XTASK) check-card

generate: ## Rewrite the generated files that are committed
	$(XTASK) generate

demo: ## Walk through the first journey and print each request and answer
	$(XTASK) demo

bench: ## Put load on the release build and print its shares of what this machine allows (docs/performance.md)
	$(XTASK) bench

measure: ## Print memory, time to the first answer and size of the release build
	$(XTASK) measure

compose-test: ## Build and start the stack of docker-compose.yml, walk through it twice, and remove it (needs Docker)
	$(XTASK) compose-test

audit: ## Look for published vulnerabilities in the dependencies (needs cargo-deny and the network)
	$(CARGO) deny --locked check advisories
