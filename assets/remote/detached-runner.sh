# The program of a detached unit: runs the script next to it once, and stores its output and status.
umask 077
dir=${0%/*}
cd / || exit
unset OLDPWD
mkdir "$dir/ran" || exit 0
# Written in one call: a reader finds all of it, or nothing.
echo $$ >"$dir/pid"
script=$(cat "$dir/script") || exit
rm -f "$dir/script"
(
    eval "unset dir script
$script"
) </dev/null >>"$dir/out" 2>>"$dir/err"
echo $? >"$dir/status"
