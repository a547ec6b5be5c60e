# SPDX-License-Identifier: GPL-2.0
#
# What a person types. Kbuild describes the module to the kernel's build; the
# scripts do the long work. `make help` lists the targets.

# KERNEL=debian: one of Debian's own kernels, as packaged, in place of one built here.
ifdef KERNEL
ifeq ($(filter debian debian-1,$(KERNEL)),)
$(error KERNEL=$(KERNEL): it can be 'debian', the newest kernel that Debian packages, or 'debian-1', the one before)
endif
ifdef KDIR
$(error KERNEL= and KDIR= name two kernels: leave one of them out)
endif
override FLAVOUR := $(KERNEL)
endif
FLAVOUR ?= x86
OUT := $(CURDIR)/build/$(FLAVOUR)
RUST_SOURCES = $(shell find rust -name target -prune -o -name '*.rs' -print)

# The tool chain as make arguments, asked for once, when a recipe needs it.
TOOLS = $(eval TOOLS := $$(shell scripts/toolchain))$(TOOLS)
tool = $(patsubst $(1)=%,%,$(filter $(1)=%,$(TOOLS)))
# cargo looks for cargo-clippy along PATH; it must be the one of this rustc.
CARGO_ENV = PATH="$(dir $(call tool,RUSTC)):$$PATH" RUSTC=$(call tool,RUSTC) CARGO_TARGET_DIR=$(CURDIR)/build/host

export KDIR KVER FLAVOUR KERNEL DESTDIR PREFIX

.PHONY: all module clippy rust-analyzer fmt fmt-check host-test host-clippy \
	command install uninstall deb test demo bench sim fuzz soak coverage setup kernel clean help

all: module

module:
	@scripts/module $(FLAVOUR) $(if $(filter 1,$(CLIPPY)),clippy)

# The same as `make CLIPPY=1`: with clippy in place of rustc, beside the real one.
clippy:
	@scripts/module $(FLAVOUR) clippy

rust-analyzer:
	@scripts/module $(FLAVOUR) rust-analyzer

fmt: setup
	$(call tool,RUSTFMT) --edition 2021 $(RUST_SOURCES)

fmt-check: setup
	$(call tool,RUSTFMT) --edition 2021 --check $(RUST_SOURCES)

host-test: setup
	$(CARGO_ENV) $(call tool,CARGO) test --manifest-path rust/Cargo.toml --workspace

host-clippy: setup
	$(CARGO_ENV) $(call tool,CARGO) clippy --manifest-path rust/Cargo.toml \
		--workspace --all-targets -- -Dwarnings

# What is printed last is its path.
command:
	@scripts/setup --build
	$(CARGO_ENV) $(call tool,CARGO) build --release --manifest-path rust/Cargo.toml -q -p flowbucket_cli
	install -D $(CURDIR)/build/host/release/flowbucket $(CURDIR)/build/flowbucket
	@echo $(CURDIR)/build/flowbucket

# DESTDIR=, PREFIX= (/usr/local). Nothing is built here.
install:
	@scripts/install module
	@scripts/install command

uninstall:
	@scripts/install --remove command
	@scripts/install --remove module

# VERSION=: another than that of debian/changelog.
deb:
	@scripts/deb $(VERSION)

test:
	@scripts/test $(T)

demo:
	@scripts/demo

bench:
	@scripts/bench $(B)

# SIM="--seed 7" and other options: SIM=--help lists them.
sim: setup
	$(CARGO_ENV) $(call tool,CARGO) run --release --manifest-path rust/Cargo.toml -q \
		-p flowbucket_sim -- --out $(CURDIR)/build $(SIM)

# F=target: one of rust/fuzz. FUZZ_SECONDS=N for each.
fuzz:
	@scripts/fuzz $(F)

# SOAK_MINUTES=N for another length. FLAVOUR=debug: with all of the kernel's checkers on.
soak:
	@scripts/soak $(FLAVOUR)

coverage:
	@scripts/coverage

setup:
	@scripts/setup

kernel:
	@scripts/kernel $(FLAVOUR)

clean:
	rm -rf build rust-project.json

help:
	@echo 'make                   build flowbucket.ko into build/x86/'
	@echo 'make command           build the command flowbucket into build/'
	@echo 'make install           install both, as root; make uninstall removes them'
	@echo 'make deb               build Debian packages of both into build/deb/'
	@echo 'make test [T=name]     the tests, or one: a selftest, "host", "packages"'
	@echo 'make demo              show the spread over 4 CPUs, with a picture'
	@echo 'make bench [B=name]    compare with RPS, natively in user-mode Linux'
	@echo 'make sim [SIM=options] balancing policies beside RSS++, RPS and RSS, simulated'
	@echo 'make fuzz [F=target]   fuzz the parsers and the table of connections'
	@echo 'make soak              two hours of traffic while everything comes and goes'
	@echo 'make coverage          which lines of rust/model the host tests run'
	@echo 'make clippy            lint the module; host-clippy: the host crates'
	@echo 'make fmt, fmt-check    rustfmt'
	@echo 'make rust-analyzer     write rust-project.json'
	@echo 'make host-test         the host tests alone'
	@echo 'make setup             install what is missing'
	@echo 'make kernel            build the kernel of FLAVOUR, print its directory'
	@echo 'make clean             remove build/ (the cache stays)'
	@echo
	@echo 'FLAVOUR=x86|debug|rt|uml  which kernel (x86)'
	@echo 'KERNEL=debian          Debian'"'"'s newest kernel as packaged; debian-1: the one before'
	@echo 'KDIR=directory         a kernel of your own in place of the cache'"'"'s'
	@echo 'KVER=7.2               another series of the kernel (7.3)'
	@echo 'DESTDIR=, PREFIX=      where to install (PREFIX=/usr/local)'
	@echo 'FLOWBUCKET_CACHE=dir   where kernels are kept (~/.cache/flowbucket)'
