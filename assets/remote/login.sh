# The first words to the login shell's sh: becomes root, and says so on standard error (docs/ssh.md,
# "sudo").
# inputs: MARK1 MARK2 (together: root is reached; apart, because sudo repeats commands that it
# refuses), PROMPT (of sudo; empty when there is no password to give)
{
    export LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    if [ "$(id -u)" = 0 ]; then
        echo "$MARK1$MARK2" >&2
        exec env -i /bin/sh
    fi
    if ! command -v sudo >/dev/null 2>&1; then
        echo 'sudo: not found' >&2
        exit 127
    fi
    # -k: ignore cached credentials, so that every login behaves the same.
    if [ -n "$PROMPT" ]; then
        set -- -k -S -p "$PROMPT"
    else
        set -- -k -n
    fi
    # shellcheck disable=SC2016 # the inner shell's own arguments
    exec sudo "$@" -- /bin/sh -c 'echo "$1$2" >&2; exec env -i /bin/sh' sh "$MARK1" "$MARK2"
}
