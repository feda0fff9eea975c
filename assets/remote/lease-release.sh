# Releases the lease of this host, if OWNER holds it.
# inputs: OWNER
base=/run/k3s-ha-wizard
[ -s "$base/lease" ] || exit 0
exec 9>>"$base/lock"
flock -w 10 9 || exit
while IFS= read -r line; do
    [ "$line" != "owner=$OWNER" ] || ours=yes
done <"$base/lease"
[ "${ours-}" != yes ] || rm -f "$base/lease"
