# shellcheck shell=sh
# Tells what a step's files hold now, and changes nothing: stands behind the prelude, in place of
# what compares them. What they are to hold is not sent back, only its hash: it may be secret.
# input: MARK

# of_file PATH: how it is now.
of_file() {
    printf '\n%s file %s\n' "$MARK" "$1"
    user=$(keeper "$1") || return 0
    seen=$(as "$user" stat -c '%a %U:%G' -- "$1" 2>/dev/null) || return 0
    printf '%s now %s\n' "$MARK" "$seen"
    holds "$1" | head -c 262144 | base64
}

file_is() {
    {
        of_file "$1"
        printf '%s wanted %s %s %s\n' "$MARK" "${2#0}" "$3" "$(printf '%s' "$4" | sha256sum | cut -d' ' -f1)"
    } >&3
}

block_is() {
    has_block "$@" || return
    {
        of_file "$1"
        printf '%s becomes\n' "$MARK"
        # shellcheck disable=SC2154 # wanted is what has_block finds
        printf '%s' "${wanted%.}" | head -c 262144 | base64
    } >&3
}

preview() {
    ( satisfied ) 3>&1 >/dev/null 2>&1 || :
}
