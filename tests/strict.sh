# shellcheck shell=bash
# How every script here runs: it ends at the first command that fails, and says at which line, which
# command and why. A command that may fail stands where bash lets it: `|| …`, `if`, `while`, `!`.
set -Eeuo pipefail
# Also in $(…), where bash would go on.
shopt -s inherit_errexit

# A plain `su` leaves a PATH without the administrator's programs.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:$HOME/.cargo/bin"

# The status of a subshell that has said why it ends: its script does not say it again.
said=97

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    leave 1
}

# Ends this shell with a status, after it has said why. What a subshell says where its script is not
# heard counts for nothing.
leave() {
    if [ "$BASH_SUBSHELL" -gt 0 ] && [ /proc/self/fd/2 -ef "/proc/$$/fd/2" ]; then exit $said; fi
    exit "$1"
}

trap 'ended_early $? "${PIPESTATUS[*]}" "$BASH_COMMAND"' ERR
ended_early() {
    local code=$1 codes=$2 command=$3 file=${BASH_SOURCE[1]} line=${BASH_LINENO[0]} why="status $1"
    [ "$code" != $said ] || leave 1
    case $codes in
        # Of a pipeline bash names the last command, whichever failed: the line has all of it.
        *' '*)
            [ ! -r "$file" ] || command=$(sed -n "${line}s/^ *//p" "$file")
            why+=" (of its commands: $codes)" ;;
    esac
    case $code in
        126) why+=', it cannot be executed' ;;
        127) why+=', there is no such command' ;;
        129 | 1[3-5]? | 16[0-4]) why+=", by SIG$(kill -l "$code")" ;;
    esac
    printf '%s: %s, line %s: %s ended with %s\n' "${0##*/}" "$file" "$line" "$command" "$why" >&2
    leave "$code"
}
