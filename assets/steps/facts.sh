# shellcheck shell=sh
# The facts of a host. Reads only; one line per fact, KEY=VALUE, some keys more than
# once. Every run waits for it, so it starts few programs.
# inputs: DB_PORT DB_NAME (empty if Postgres does not matter) VIRTUAL_IP (empty if there is none)

fact() { printf '%s=%s\n' "$1" "$2"; }

# first PATH: puts its first line into $line
first() {
    line=
    [ ! -r "$1" ] || read -r line <"$1" || :
}

# token_fact TOKEN: a hash of it, which is also the name of its row in Postgres.
token_fact() {
    [ -n "$1" ] || return 0
    hash=$(printf %s "$1" | sha256sum)
    fact k3s.token "$(printf %.12s "$hash")"
}

fact clock "$(date +%s.%N)"
(
    ID='' ID_LIKE='' VERSION_ID='' VARIANT_ID='' PRETTY_NAME=''
    # shellcheck source=/dev/null
    [ ! -r /etc/os-release ] || . /etc/os-release
    fact os.id "$ID"
    fact os.like "$ID_LIKE"
    fact os.version "$VERSION_ID"
    fact os.variant "$VARIANT_ID"
    fact os.name "$PRETTY_NAME"
)

# A step of a run that was killed may still restart Postgres. What is seen meanwhile is not how the
# host is, so its end is waited for, for 15 s at most.
restarts_postgres() {
    for dir in /run/k3s-ha-wizard/k3s-ha-wizard.*.postgres.*/; do
        [ ! -d "$dir" ] || [ -s "$dir/status" ] || return 0
    done
    return 1
}
tries=0
while restarts_postgres && [ "$tries" -lt 75 ]; do
    sleep 0.2
    tries=$((tries + 1))
done
# shellcheck disable=SC2046 # the release and the machine
set -- $(uname -rm)
release=$1
fact arch "$2"
first /proc/sys/kernel/hostname && fact hostname "$line"
first /etc/machine-id && fact machine-id "$line"
first /proc/sys/kernel/random/boot_id && fact boot-id "$line"
[ ! -d /run/systemd/system ] || fact systemd yes
first /run/systemd/container && fact container "$line"
# The program may be installed where it is not used.
[ ! -x /usr/sbin/transactional-update ] || [ -w /usr ] || fact os.transactional yes
[ ! -e /run/ostree-booted ] || fact os.transactional yes
for directory in /etc /usr /var; do
    [ -w "$directory" ] || fact os.read-only "$directory"
done

# --- Size --------------------------------------------------------------------------------------

fact cpus "$(nproc)"
while read -r key kib _; do
    case $key in
    MemTotal:) fact memory-kib "$kib" ;;
    SwapTotal:)
        fact swap-kib "$kib"
        break
        ;;
    esac
done </proc/meminfo
set -- / /var/lib "${TMPDIR:-/tmp}"
for directory in /var/lib/rancher /var/lib/postgresql /var/lib/pgsql; do
    [ ! -d "$directory" ] || set -- "$@" "$directory"
done
df -Pk "$@" 2>/dev/null | {
    read -r _
    for directory in "$@"; do
        read -r _ total _ free _ && fact disk "$free $total $directory"
    done
}

# --- Network -----------------------------------------------------------------------------------

ip -o addr show 2>/dev/null | while read -r _ interface _ address _; do
    fact address "$interface $address"
done
# Also one that does not answer a ping answers who has it.
if [ -n "$VIRTUAL_IP" ] && command -v ping >/dev/null; then
    ping -n -c 1 -W 1 "$VIRTUAL_IP" >/dev/null 2>&1
    case $(ip neigh show to "$VIRTUAL_IP" 2>/dev/null) in *' lladdr '*) fact virtual-ip answers ;; esac
fi
# Listeners: protocol, port, process, unit, program.
if command -v ss >/dev/null; then
    fact ports seen
    ss -Hltunp 2>/dev/null | awk '
        {
            port = $5
            sub(/.*:/, "", port)
            if (port == 22) next
            if ($1 == "tcp" && !listens[$5]++) print "listens=" $5
            program = pid = unit = "-"
            if (match($0, /users:\(\("[^"]*",pid=[0-9]+/)) {
                split(substr($0, RSTART + 9, RLENGTH - 9), part, /",pid=/)
                program = part[1]
                pid = part[2]
                file = "/proc/" pid "/cgroup"
                while (unit == "-" && (getline line < file) > 0)
                    if (match(line, /[^\/]*\.(service|socket|scope)/))
                        unit = substr(line, RSTART, RLENGTH)
                close(file)
            }
            if (!seen[$1, port, program]++) print "port=" $1, port, pid, unit, program
        }'
fi

# --- Kernel ------------------------------------------------------------------------------------

if [ -r /sys/fs/cgroup/cgroup.controllers ]; then
    first /sys/fs/cgroup/cgroup.controllers
    fact cgroup "v2 $line"
elif [ -r /proc/cgroups ]; then
    controllers=
    while read -r name _ _ enabled; do
        [ "$enabled" != 1 ] || controllers="$controllers $name"
    done </proc/cgroups
    fact cgroup "v1$controllers"
fi
absent=
for module in br_netfilter overlay vxlan nf_conntrack xt_comment ip_set; do
    if [ -d "/sys/module/$module" ]; then
        fact module "$module loaded"
    else
        absent="$absent $module"
    fi
done
# modprobe knows what is built in, and what is compressed. In a container there are no modules.
if [ -n "$absent" ] && [ -r "/lib/modules/$release/modules.dep" ] && command -v modprobe >/dev/null
then
    for module in $absent; do
        if modprobe -n -q "$module"; then
            fact module "$module there"
        else
            fact module "$module missing"
        fi
    done
fi

# --- Firewall and SELinux ----------------------------------------------------------------------

if [ -e /sys/fs/selinux/enforce ]; then
    first /sys/fs/selinux/enforce
    fact selinux "$line"
fi
if [ -d /run/systemd/system ]; then
    systemctl show -p Id -p ActiveState firewalld.service ufw.service k3s.service \
        k3s-agent.service k3s-lb.service k3s-vip.service 2>/dev/null | {
        id='' active=''
        while IFS='=' read -r key value || [ -n "$id" ]; do
            case $key in
            Id) id=$value ;;
            ActiveState) active=$value ;;
            esac
            if [ -n "$id" ] && [ -n "$active" ]; then
                [ "$active" = inactive ] || fact unit "$id $active"
                id='' active=''
            fi
            [ -n "$key" ] || id=''
        done
    }
fi
ufw=
if [ -r /etc/ufw/ufw.conf ]; then
    while read -r line; do
        case $line in ENABLED=[yY]*) ufw=yes ;; esac
    done </etc/ufw/ufw.conf
    [ -z "$ufw" ] || fact firewall ufw
fi
# Connections that rules of no such program reject, in each chain. The rules of firewalld are in a
# table of its own; ufw sets the policy of chains that are everybody's. Where a kernel has modules,
# asking would load this one.
if { [ ! -d /sys/module ] || [ -d /sys/module/nf_tables ] ||
    grep -qs '/nf_tables\.ko' "/lib/modules/$release/modules.builtin"; } &&
    command -v nft >/dev/null; then
    nft -nn list ruleset 2>/dev/null | awk -v ufw="$ufw" '
        function ends() {
            if (chain != "" && count) print "firewall=nftables " count, table, chain
            chain = ""
            count = door = 0
        }
        /^table / { ends(); table = $2 " " $3; next }
        /^\tchain / { ends(); chain = $2; next }
        table ~ / firewalld$/ { next }
        / hook input / {
            door = 1
            if (/policy drop/ && !(ufw && table ~ /^ip6? filter$/ && chain == "INPUT")) count++
        }
        door && /[ \t](drop|reject)( |$)/ && !/ hook / { count++ }
        END { ends() }'
elif command -v iptables >/dev/null && grep -qsx filter /proc/net/ip_tables_names; then
    refusals=$(iptables -w 5 -S INPUT 2>/dev/null | awk -v ufw="$ufw" '
        $1 == "-P" && $3 == "DROP" && !ufw || / -j (DROP|REJECT)( |$)/ { count++ }
        END { print count + 0 }')
    [ "$refusals" = 0 ] || fact firewall "iptables $refusals"
fi

# --- The package manager -----------------------------------------------------------------------

set --
for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock \
    /var/cache/apt/archives/lock /var/lib/rpm/.rpm.lock; do
    [ ! -e "$lock" ] || set -- "$@" "$lock"
done
if [ $# -gt 0 ] && [ -r /proc/locks ]; then
    inodes=" $(stat -c '%i ' "$@")"
    while read -r _ kind _ _ pid place _; do
        [ "$kind" != '->' ] || continue
        case $inodes in
        *[!0-9]"${place##*:} "*)
            first "/proc/$pid/comm"
            fact packages.busy "$pid $line"
            ;;
        esac
    done </proc/locks
fi
# Those of zypper and dnf have the process in them.
for lock in /run/zypp.pid /var/lib/dnf/rpmdb_lock.pid /var/cache/dnf/metadata_lock.pid \
    /var/cache/dnf/download_lock.pid; do
    first "$lock"
    pid=${line%%[!0-9]*}
    [ -d "/proc/${pid:-none}" ] || continue
    first "/proc/$pid/comm"
    fact packages.busy "$pid $line"
done
for update in /var/lib/dpkg/updates/*; do
    [ ! -e "$update" ] || fact packages.interrupted "$update"
done
if [ -r /var/lib/dpkg/status ] &&
    grep -qE '^Status: [a-z]+ [a-z]+ (half-|unpacked|triggers-)' /var/lib/dpkg/status; then
    fact packages.interrupted /var/lib/dpkg/status
fi

# --- K3s ---------------------------------------------------------------------------------------

k3s=/var/lib/rancher/k3s/server
for unit in k3s k3s-agent; do
    [ ! -e /etc/systemd/system/$unit.service ] || fact k3s.unit $unit
done
[ ! -x /usr/local/bin/k3s ] || fact k3s.program yes
if [ -e /var/lib/k3s-ha-wizard/k3s-is-ours ]; then
    fact k3s.ours yes
elif [ -x /usr/local/bin/k3s ]; then
    fact k3s.version "$(/usr/local/bin/k3s --version 2>/dev/null | awk 'NR == 1 { print $3 }')"
fi
[ ! -d $k3s/db/etcd/member/wal ] || fact k3s.leftover $k3s/db/etcd
[ ! -e $k3s/db/state.db ] || fact k3s.leftover $k3s/db/state.db
[ ! -d $k3s/tls ] || fact k3s.leftover $k3s/tls
[ ! -e /etc/rancher/node/password ] || fact k3s.node-password yes
for further in /etc/rancher/k3s/config.yaml.d/*.yaml /etc/rancher/k3s/config.yaml.d/*.yml; do
    [ ! -e "$further" ] || fact k3s.further-config "$further"
done
if [ -r /etc/rancher/k3s/config.yaml ]; then
    encrypts=no
    while read -r key value; do
        case $key in
        secrets-encryption:) [ "$value" != true ] || encrypts=yes ;;
        token:)
            value=${value#[\"\']}
            case $value in
            *\\*) ;; # written with escapes: ignored
            *) token_fact "${value%[\"\']}" ;;
            esac
            ;;
        esac
    done </etc/rancher/k3s/config.yaml
    fact k3s.encrypts $encrypts
fi
if [ -r /etc/rancher/k3s/agent-token ]; then
    first /etc/rancher/k3s/agent-token
    line=${line#*::}
    token_fact "${line#*:}"
fi

# --- Postgres ----------------------------------------------------------------------------------

[ ! -e /var/lib/k3s-ha-wizard/postgres-is-ours ] || fact postgres.ours yes
[ ! -e /var/lib/k3s-ha-wizard/pair-created ] || fact postgres.of-pair yes
[ ! -e /var/lib/k3s-ha-wizard/settings-before-restart ] || fact postgres.cut-off yes
# The folders belong to postgres: root would follow any link in them.
as_postgres() { ( cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@" ); }
for file in /etc/postgresql/*/*/postgresql.conf; do
    [ -e "$file" ] || continue
    cluster=${file#/etc/postgresql/}
    port=$(as_postgres sed -n \
        's/^[[:space:]]*port[[:space:]]*=*[[:space:]]*\([0-9]*\).*/\1/p' "$file" 2>/dev/null)
    fact postgres.cluster "${port:-5432} ${cluster%/*}"
    marks=$(as_postgres sed -n 's/^# BEGIN k3s-ha-wizard /postgres.mark=/p' \
        "${file%/*}/pg_hba.conf" 2>/dev/null)
    [ -z "$marks" ] || printf '%s\n' "$marks"
done
# Where all is in the folder of the data: the last port counts, and the version is in another file.
for directory in /var/lib/pgsql/data /var/lib/pgsql/*/data; do
    [ -d "$directory" ] || continue
    version=$(as_postgres cat "$directory/PG_VERSION" 2>/dev/null) || continue
    port=$(as_postgres cat "$directory/postgresql.conf" "$directory/postgresql.auto.conf" 2>/dev/null |
        sed -n "s/^[[:space:]]*port[[:space:]]*=*[[:space:]]*'*\([0-9]*\).*/\1/p" | tail -n 1)
    fact postgres.cluster "${port:-5432} $version in $directory"
    marks=$(as_postgres sed -n 's/^# BEGIN k3s-ha-wizard /postgres.mark=/p' \
        "$directory/pg_hba.conf" 2>/dev/null)
    [ -z "$marks" ] || printf '%s\n' "$marks"
done
# One query: its version, its owners, and its settings.
# (The psql in PATH may be a Perl program that starts the real one.)
psql=$(command -v psql)
for program in /usr/lib/postgresql/*/bin/psql /usr/lib/postgresql[0-9]*/bin/psql \
    /usr/pgsql-[0-9]*/bin/psql; do
    [ ! -x "$program" ] || psql=$program
done
ask_postgres() {
    as_postgres env PGCONNECT_TIMEOUT=5 "$psql" -X -q -A -t -p "$DB_PORT" \
        -d postgres -v ON_ERROR_STOP=1 -f - 2>&1 <<SQL
SELECT 'postgres.version=' || current_setting('server_version_num');
SELECT 'postgres.replica=' || pg_is_in_recovery();
SELECT 'postgres.database=' || datname FROM pg_database
WHERE NOT datistemplate AND datname <> 'postgres' AND datname !~ E'[\\\\n\\\\r]';
SELECT 'postgres.setting=' || name || ' ' || setting FROM pg_settings
WHERE name IN ('allow_alter_system', 'listen_addresses', 'max_connections', 'ssl', 'ssl_ca_file',
    'ssl_cert_file') AND setting !~ E'[\\\\n\\\\r]';
SELECT 'postgres.rule=' || regexp_replace(concat_ws(' ', type, array_to_string(database, ','),
    array_to_string(user_name, ','), address, netmask, auth_method), '[[:cntrl:]]', ' ', 'g')
FROM pg_hba_file_rules WHERE type LIKE 'host%' AND auth_method <> 'reject'
    AND address NOT LIKE '127.%' AND address NOT IN ('::1', 'localhost', 'samehost')
    AND database <> ARRAY['$DB_NAME'];
SELECT 'postgres.asked=yes';
SELECT count(*) > 0 AS found FROM pg_database WHERE datname = '$DB_NAME' \gset
\if :found
\connect '$DB_NAME'
SELECT to_regclass('public.kine') IS NOT NULL AS found \gset
\if :found
SELECT DISTINCT 'postgres.token=' || substr(name, 12) FROM kine
WHERE name >= '/bootstrap/' AND name < '/bootstrap/g' AND deleted = 0;
\endif
\endif
SQL
}
# As after a loss of power.
postgres_is_starting() {
    as_postgres "${psql%/*}/pg_isready" -q -h /run/postgresql -p "$DB_PORT"
    [ $? -eq 1 ]
}
if [ -n "$DB_PORT" ] && [ -S "/run/postgresql/.s.PGSQL.$DB_PORT" ] && [ -n "$psql" ]; then
    tries=0
    has_started=
    until said=$(ask_postgres); do
        if postgres_is_starting && [ "$tries" -lt 40 ]; then
            tries=$((tries + 1))
            sleep 0.5
        elif [ -z "$has_started" ]; then
            # Perhaps only since it was asked.
            has_started=yes
        else
            fact postgres.error "$(printf %s "$said" | tail -n 1)"
            break
        fi
    done
    [ -z "$said" ] || printf '%s\n' "$said"
fi

# --- The load balancer -------------------------------------------------------------------------

if [ -r /etc/k3s-lb/nginx.conf ]; then
    while read -r word value _; do
        case $word,$value in
        'server,{') ;;
        server,*) fact balancer.server "$value" ;;
        '#Cluster:,'*) fact balancer.cluster "$value" ;;
        esac
    done </etc/k3s-lb/nginx.conf
fi

# --- Sudo --------------------------------------------------------------------------------------

# From this shell up to the process that started sudo, if there is one.
pid=$$ sudo=
while [ "${pid:-0}" -gt 1 ] && [ -r "/proc/$pid/stat" ]; do
    read -r _ name _ parent _ <"/proc/$pid/stat"
    case $name in
    '(sudo)') sudo=yes ;;
    *) [ -z "$sudo" ] || break ;;
    esac
    pid=$parent
done
if [ -n "$sudo" ]; then
    fact sudo yes
    # Querying sudo takes a while, so only if a setting may concern this user.
    logs='log_(input|output|stdin|stdout|stderr)'
    if grep -rqsiE "^[^#]*$logs" /etc/sudoers /etc/sudoers.d ||
        grep -qsE '^sudoers:.*(ldap|sss)' /etc/nsswitch.conf; then
        user=$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")
        user=$(id -nu "$user")
        said=$(sudo -n -l -U "$user" 2>/dev/null) ||
            said=$(grep -rhsv '^[[:space:]]*#' /etc/sudoers /etc/sudoers.d)
        printf '%s\n' "$said" | tr ' ,:' '[\n*]' | grep -ixE "$logs" | sort -u |
            while read -r line; do fact sudo.logs "$line"; done
    fi
fi
