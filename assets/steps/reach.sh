# shellcheck shell=sh
# Whether this host can reach others: a connection to each, all at the same time, closed at once.
# bash distinguishes a refused connection from no answer. Changes nothing.
# inputs: LINKS (lines: NUMBER ADDRESS PORT) PATIENCE (seconds)

reach() {
    command -v bash >/dev/null || { echo 'reach.untried=bash is not installed'; return; }
    echo reach=tried
    # shellcheck disable=SC2016 # the $ are of the bash that is started
    timeout "$PATIENCE" bash -c '
        while read -r number address port; do
            {
                why=$( { exec 3<>"/dev/tcp/$address/$port"; } 2>&1 ) && why=reached
                # Of a name that does not resolve, bash says so first.
                read -r why <<<"$why"
                echo "reach.link=$number ${why##*: }"
            } &
        done <<<"$1"
        wait' bash "$LINKS"
}
reach
