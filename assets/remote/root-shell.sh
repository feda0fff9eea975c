# The root shell of a connection: runs the scripts from standard input, one after another.
# inputs: READY, which it prints on standard error once it listens
#
# In:  a line `MARK SIZE INPUT`, then a script of SIZE bytes whose last one is `#`. Once it runs, INPUT
#      bytes, which it finds on its standard input; without INPUT that is empty.
# Out: on both outputs, RS MARK `+` in front of what the script prints, RS MARK ` STATUS` behind it.
#      Every script has a new mark, unknown to all programs that it starts.
{
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    LC_ALL=C HOME=~root USER=root LOGNAME=root SHELL=/bin/sh
    export PATH LC_ALL HOME USER LOGNAME SHELL
    umask 077
    cd /
    unset OLDPWD
    if [ "$(id -u)" != 0 ]; then
        echo "the login ends at the user $(id -un), not at root" >&2
        exit 1
    fi
    echo "$READY" >&2
    unset READY

    while read -r mark size input; do
        script=$(head -c "$size")
        # Cut off on the way: half a script is not run.
        [ "${#script}" = "$size" ] || exit 1
        printf '\036%s+\n' "$mark"
        printf '\036%s+\n' "$mark" >&2
        if [ -n "$input" ]; then
            head -c "$input" | {
                (
                    eval "unset mark size input script status
${script%#}"
                )
                status=$?
                # What it has not read must not be taken for the next script.
                cat >/dev/null
                exit "$status"
            }
        else
            (
                eval "unset mark size input script status
${script%#}"
            ) </dev/null
        fi
        status=$?
        printf '\036%s %s\n' "$mark" "$status"
        printf '\036%s %s\n' "$mark" "$status" >&2
    done
    exit
}
