# Gives the lease of this host back, if it is ours.
# inputs: OWNER
base=/run/k3s-ha-wizard
[ -s "$base/lease" ] || exit 0
exec 9>>"$base/lock"
flock -w 10 9 || exit
if grep -qxF "owner=$OWNER" "$base/lease"; then
    rm -f "$base/lease"
fi
