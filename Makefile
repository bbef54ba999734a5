# make demo    the whole story, end to end, with a token, a bus and an authority of its own
# make demo TOKEN=yubikey  the same on virtual YubiKeys, with attestation and the one-time password from one
# make test    every test
# make bench   what a signature, a card, a login and a revocation cost, beside their peers or the bare work
# make check   format and lints, for who changes the code
#
# Each sets up what it needs first (scripts/setup).

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo demo-softhsm demo-yubikey test bench check

help:
	@sed -n '/^# make/s/^# //p' Makefile

# What the demo plays with: softhsm or yubikey.
TOKEN ?= softhsm
ifeq ($(filter softhsm yubikey,$(TOKEN)),)
$(error There is no demo with TOKEN=$(TOKEN). Say softhsm or yubikey)
endif

demo: demo-$(TOKEN)

demo-softhsm:
	@scripts/setup
	cargo build --locked -p daemon -p client -p authority
	@scripts/demo

demo-yubikey:
	@scripts/setup --yubikey
	cargo build --locked -p daemon -p client -p authority -p ifd-handler -p virtual-card
	@scripts/demo-yubikey

# Everything is built once, because the suites in tests/ run the programs and modules of the other crates.
# The runner is last, so that its summary is the last line.
test:
	@scripts/setup --test
	cargo build --locked --workspace --all-targets
	cargo test --locked --workspace --doc --quiet
	cargo nextest run --locked --workspace --no-fail-fast

bench:
	@scripts/setup --test
	cargo build --locked --release -p daemon -p client -p authority -p ifd-handler -p virtual-card
	cargo bench --locked --workspace --bench logins --bench revocation
	cargo bench --locked -p tests

check:
	@scripts/setup
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
