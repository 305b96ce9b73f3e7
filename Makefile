# SPDX-License-Identifier: GPL-2.0-or-later
# One word per job; each installs what it is missing by itself (Debian packages, as root).

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 300
BENCH_ROUNDS ?= 7
TRAP_RUNS ?= 20
DUEL_RUNS ?= 7
SOAK_SECONDS ?= 3600
# What the benchmarks compare with, and nothing else needs.
BENCH_PACKAGES := libbenchmark-dev libnetfilter-queue-dev libnetfilter-log-dev

.DEFAULT_GOAL := build
.PHONY: build release test unit e2e demo run tsan fuzz bench bench-flood bench-nfq bench-nft bench-ban bench-trap bench-e2e duel soak coverage mutants lint format report-page docs package vm install dependencies clean help

build: dependencies ## configure and build: debug, ASan and UBSan, warnings are errors
	@scripts/build debug

release: ## optimised binaries under build/release/bin
	@scripts/install-dependencies --release
	@scripts/build release

test: dependencies ## everything that must pass, as CI runs it; without root the kernel tests are skipped
	@scripts/test

unit: dependencies ## only what needs no root
	@scripts/test --label unit

e2e: dependencies ## only what needs the kernel and namespaces (root)
	@scripts/test --label 'kernel|e2e'

demo: release ## a real nmap is banned before your eyes, inside private network namespaces (root)
	@scripts/demo

run: release ## farewelld on this very host, observing only, until Ctrl-C (root)
	@scripts/run

tsan: dependencies ## what has threads, under ThreadSanitizer (the kernel's part as root)
	@scripts/test --preset tsan --label 'unit|kernel'

fuzz: dependencies ## every fuzzer for FUZZ_SECONDS (default 300) each, or FUZZ_RUNS times
	@scripts/fuzz $(if $(FUZZ_RUNS),--runs $(FUZZ_RUNS),$(FUZZ_SECONDS))

bench: dependencies ## what one probe costs, against simpler ways to remember sources
	@scripts/install-dependencies $(BENCH_PACKAGES)
	@scripts/build bench bench_core
	@build/bench/bin/bench_core

bench-flood: dependencies ## a million forged sources a second against one scanner, in simulated time; takes minutes
	@scripts/install-dependencies $(BENCH_PACKAGES)
	@scripts/build bench bench_core_flood
	@build/bench/bin/bench_core_flood

coverage: dependencies ## how much of the core its unit and property tests reach; fails below 95 % of branches
	@scripts/install-dependencies gcovr
	@scripts/coverage

mutants: dependencies ## break the queue library in many places; its contract tests must notice each (root)
	@scripts/mutants

bench-nfq: ## the packet queue library against others, BENCH_ROUNDS (default 7) rounds, about 8 minutes (root)
	@scripts/install-dependencies $(BENCH_PACKAGES)
	@scripts/build bench bench_nfq
	@bench/nfq/run.py --rounds $(BENCH_ROUNDS)

bench-nft: dependencies ## bans in nftables, beside other ways to keep them, BENCH_ROUNDS rounds of one to three minutes (root)
	@scripts/install-dependencies $(BENCH_PACKAGES)
	@scripts/build bench bench_nft
	@bench/nft/run.py --rounds $(BENCH_ROUNDS)

bench-ban: dependencies ## from the tenth probe to the ban with the real farewelld, BENCH_ROUNDS rounds of ten seconds (root)
	@scripts/install-dependencies $(BENCH_PACKAGES)
	@scripts/build bench bench_ban
	@bench/ban/run.py --rounds $(BENCH_ROUNDS)

bench-e2e: dependencies ## the whole path, beside the article's program and others, BENCH_ROUNDS rounds of four minutes; its part of docs/benchmarks.md anew (root)
	@scripts/install-dependencies $(BENCH_PACKAGES)
	@scripts/build bench bench_e2e
	@bench/e2e/run.py --rounds $(BENCH_ROUNDS) --markdown docs/benchmarks.md

bench-trap: dependencies release ## what scanners learn behind the trap, and what clients pay: TRAP_RUNS (default 20) scans each, about 20 minutes (root)
	@bench/trap/run.py --runs $(TRAP_RUNS)

duel: release ## every scanner and every client against farewelld, then the rivals that are installed, judged from the wire; docs/duel.md anew, DUEL_RUNS (default 7), an hour, two with all rivals (root)
	@bench/duel/run.py --runs $(DUEL_RUNS)
	@bench/duel/run.py --runs $(DUEL_RUNS) --series --realtime --add
	@bench/duel/run.py --runs $(DUEL_RUNS) --rivals $(if $(NMAP_FAREWELL),--nmap-farewell $(NMAP_FAREWELL)) --add --markdown docs/duel.md

soak: release ## mixed traffic while ruleset, configuration and farewelld itself are disturbed, SOAK_SECONDS (default 3600); SOAK_SEED repeats one (root)
	@tests/soak/run.py --seconds $(SOAK_SECONDS) $(if $(SOAK_SEED),--seed $(SOAK_SEED))

lint: dependencies ## clang-format, clang-tidy and shellcheck over everything
	@scripts/lint

format: dependencies ## clang-format over everything
	@scripts/lint --fix

report-page: ## bundle the script and style of report pages anew after a change in web/report (node; nothing else needs it)
	@cd web/report && npm ci --no-audit --no-fund && npm run --silent build

docs: dependencies ## the library's reference manual, under build/docs/html
	@scripts/docs

package: dependencies ## the Debian packages, under build/package
	@scripts/package --lint

vm: package ## on Debian's own kernel, in qemu: the package's life under systemd, README.md's first ban, scans that take days, and the end-to-end tests
	@scripts/install-dependencies qemu-system-x86 busybox-static cpio kmod
	@tests/vm/run --systemd --limit 3600 tests/vm/package_story.py
	@scripts/build release
	@tests/vm/run --limit 1800 tests/vm/readme_story.py
	@tests/vm/run --virtual-time --limit 3600 tests/vm/slow_scans.py
	@tests/vm/run --memory 2048 --limit 14400 tests/vm/suite.py

install: release ## into PREFIX (default /usr/local)
	@cmake -DCMAKE_INSTALL_PREFIX=$(PREFIX) build/release >/dev/null # the systemd unit names it
	@cmake --install build/release

dependencies:
	@scripts/install-dependencies

clean: ## remove everything built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
