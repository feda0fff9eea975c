# Starts a script in a separate transient unit, once: its folder records that.
# inputs: UNIT RUNNER SCRIPT, AGAIN=yes when it was seen here before, MOST (seconds that it may run),
#   RUN whose lease it needs; none if empty
# says: started · found · gone · held
set -eu
base=/run/k3s-ha-wizard
dir=$base/$UNIT
[ -d "$base" ] || mkdir -m 700 "$base" 2>/dev/null || [ -d "$base" ]
exec 9>>"$base/lock"
flock -w 20 9

if [ "$AGAIN" = yes ] && [ ! -d "$dir" ]; then
    echo gone
    exit
fi
# It has run, or is in systemd's queue.
if [ -d "$dir/ran" ] || { [ -d "$dir" ] &&
    [ "$(systemctl show --property=LoadState "$UNIT.service")" = LoadState=loaded ]; }; then
    echo found
    exit
fi

# A lease that expired may be another run's by now.
if [ -n "$RUN" ] && ! grep -qxF -e "run=$RUN" "$base/lease" 2>/dev/null; then
    echo held
    exit
fi
[ ! -e "$dir" ] || rm -rf "$dir"
mkdir -m 700 "$dir"
: >"$dir/out"
: >"$dir/err"
printf '%s\n' "$RUNNER" >"$dir/runner"
printf '%s\n' "$SCRIPT" >"$dir/script"
systemd-run --quiet --no-block --unit="$UNIT" --property=KillMode=control-group \
    --property=RuntimeMaxSec="$MOST" \
    env -i PATH="$PATH" LC_ALL=C HOME="$HOME" USER=root LOGNAME=root SHELL=/bin/sh \
    /bin/sh "$dir/runner" >&2 9>&- || {
    status=$?
    rm -rf "$dir"
    exit "$status"
}
echo started
