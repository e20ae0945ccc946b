# `make` lists what there is. Rust, make and a C compiler are all that building takes.
.DEFAULT_GOAL := help
.PHONY: help run build test test-needs check fuzz mutants bench soak bench-plugins openapi settings snapshots screenshot

PROGRAM := $(or $(CARGO_TARGET_DIR),target)/debug/vestibule
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build the program with its sample plugins and start it, with nothing to set up
	cargo build --workspace
	$(PROGRAM) serve --dev

# Always the whole workspace: a part of it would ask its dependencies for other features, and so build them twice.
build: ## Build everything: program, plugins, tests
	cargo build --workspace --all-targets

test: test-needs build ## Run all tests, against SQLite and a throw-away PostgreSQL
	cargo test --workspace --doc
ifdef NEXTEST
	scripts/with-postgres.sh cargo nextest run --workspace --all-targets
else
	scripts/with-postgres.sh cargo test --workspace --all-targets
endif

test-needs: ## Install what the tests need besides Rust, or say what is missing
	scripts/test-needs.sh

check: ## Formatting, lints, documentation, dependency rules, generated files: all that is not a test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo build --workspace --all-targets
	cargo test --workspace --test black_box dependency_rules
	$(PROGRAM) openapi | diff -u openapi.yaml -
	$(PROGRAM) config document docs/settings.md | diff -u docs/settings.md -
ifneq ($(shell command -v cargo-deny),)
	cargo deny check bans licenses sources
endif

fuzz: ## Fuzz every parser of outside bytes, each for SECONDS=10; TARGET=next for one, with INPUT=file to repeat a finding
	scripts/fuzz.sh $(if $(SECONDS),-t $(SECONDS)) $(if $(INPUT),-i '$(INPUT)') $(TARGET)

mutants: ## Change the crates that decide, one expression at a time; PACKAGE=vestibule-verifier for one, SHARD=0/10 for a sample
	scripts/mutants.sh $(if $(SHARD),-s $(SHARD)) $(PACKAGE)

# One build for both: apart, each would ask shared dependencies for other features.
bench: ## Measure every endpoint beside the machine's limit, in ROUNDS=5 with SECONDS=1.5 for each figure
	cargo build --release -p vestibule -p vestibule-bench -p sample-permissions
	$(RELEASE)/vestibule-bench speed --program $(RELEASE)/vestibule \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

soak: ## Mixed traffic for MINUTES=5 at RATE=300 a second, on DATABASE=sqlite or postgres: what grows
	cargo build --release -p vestibule -p vestibule-bench -p sample-permissions
	$(RELEASE)/vestibule-bench soak --program $(RELEASE)/vestibule \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) $(if $(DATABASE),--database $(DATABASE))

bench-plugins: ## Measure what a call of a plugin costs, by its isolation, beside a signature
	cargo build --release -p sample-permissions -p python -p webhook
	cargo bench -p vestibule-plugin-host --bench plugins

openapi: build ## Write openapi.yaml anew
	$(PROGRAM) openapi > openapi.yaml.new
	mv openapi.yaml.new openapi.yaml

settings: build ## Write the tables of docs/settings.md anew
	$(PROGRAM) config document docs/settings.md > docs/settings.md.new
	mv docs/settings.md.new docs/settings.md

snapshots: test-needs build ## Write the snapshots of answers anew; `git diff` then shows what clients would see
	rm -rf crates/http/tests/api/snapshots
	INSTA_UPDATE=always scripts/with-postgres.sh cargo test --workspace --test api

screenshot: test-needs build ## Take the pictures in docs/images anew
	PICTURES='$(CURDIR)/docs/images' cargo test --workspace --test black_box browser::pictures
