# shellcheck shell=bash
# How check and fresh-machine tell what they have tried.

begun=$(date +%s%N)
ok() {
    local now
    now=$(date +%s%N)
    printf 'ok  %5s ms  %s\n' $(((now - begun) / 1000000)) "$*"
    begun=$(date +%s%N)
}
fail() {
    printf 'FAILED     %s\n' "$*" >&2
    leave 1
}
# is WANTED GOT WHAT
is() { if [ "$1" = "$2" ]; then ok "$3"; else fail "$3: wanted '$1', got '$2'"; fi; }
