# shellcheck shell=bash
# What both tests/run and tests/lab/try need of the machine: packages, and a Rust that is new enough.

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]; }

# Installs what is missing of a list of packages. Services that come with them are not started.
need_packages() {
    local package missing=() policy=/usr/sbin/policy-rc.d
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installs ${missing[*]}" >&2
    apt-get update -qq
    if [ -e $policy ]; then policy=''; else
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    local code=0
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || code=$?
    [ -z "$policy" ] || rm -f $policy
    [ $code = 0 ] || die "apt-get could not install these packages (status $code): ${missing[*]}"
}

# Whether the version of a program or a package is new enough; without one it is not.
is_at_least() { [ -n "$2" ] && printf '%s\n' "$1" "$2" | sort -C -V; }

# The version of the cargo on this machine; nothing where none works.
cargo_version() { { cargo --version 2>/dev/null || true; } | awk '{ print $2 }'; }

# The version of a package that apt would install; nothing where it has none.
candidate() { LC_ALL=C apt-cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

# need_rust CARGO_TOML: a Rust that is new enough to build what it is of. One that is on this machine
# already wins over one that would have to be installed.
need_rust() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$1")
    is_at_least "$wanted" "$(cargo_version)" || install_rust "$wanted"
    have=$(cargo_version)
    is_at_least "$wanted" "$have" ||
        die "Rust $wanted or newer is needed, and there is ${have:-none} ($(command -v cargo || echo 'no cargo')); one of rustup's: rustup update"
}

# Debian has an old Rust and, for its web browsers, a new one. Since Debian 13 it also has rustup.
install_rust() {
    if ! command -v rustup >/dev/null; then
        apt-get update -qq
        if is_at_least "$1" "$(candidate cargo-web)"; then
            need_packages cargo-web rustc-web
        elif [ -n "$(candidate rustup)" ]; then
            need_packages rustup
        fi
    fi
    # Also one that was killed before it had a Rust.
    if command -v rustup >/dev/null && [ -z "$(cargo_version)" ]; then rustup default stable; fi
}

# The formatter and the linter of the Rust that need_rust has found.
need_lints() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
    if is_installed cargo-web; then
        need_packages rustfmt-web rust-web-clippy
    else
        rustup component add rustfmt clippy
    fi
}
