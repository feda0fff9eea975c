# shellcheck shell=bash
# What both tests/run and tests/lab/try need of the machine: packages, and a Rust that is new enough.

# Installs what is missing of a list of packages. Services that come with them are not started.
need_packages() {
    local package missing=() policy=/usr/sbin/policy-rc.d
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || missing+=("$package")
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
    return $code
}

# The oldest Rust that builds the wizard, from its Cargo.toml.
need_rust() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$1")
    if ! command -v cargo >/dev/null && [ -n "$(apt-cache search --names-only '^rustup$')" ]; then
        need_packages rustup
        rustup default stable
    fi
    have=$({ cargo --version 2>/dev/null || true; } | awk '{ print $2 }')
    if [ "$(printf '%s\n' "$wanted" "${have:-0}" | sort -V | head -n 1)" != "$wanted" ]; then
        echo "Rust $wanted or newer is needed, and there is ${have:-none}. Get it with rustup: https://rustup.rs" >&2
        return 1
    fi
}
