# What a detached unit runs: the script beside it, once, whose output and status it leaves there.
umask 077
dir=${0%/*}
cd / || exit
unset OLDPWD
mkdir "$dir/ran" || exit 0
# Written at once: who reads it finds all of it, or nothing.
echo $$ >"$dir/pid"
script=$(cat "$dir/script") || exit
rm -f "$dir/script"
(
    eval "unset dir script
$script"
) </dev/null >>"$dir/out" 2>>"$dir/err"
echo $? >"$dir/status"
