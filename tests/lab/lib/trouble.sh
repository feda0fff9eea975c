# shellcheck shell=bash
# What goes wrong with hosts in real life. (Losing the network is in network.sh, losing the power
# in host.sh.)

# Takes all that is free on the host's disk, down to the last block.
fill_disk() {
    local full free
    is_running "$1" || die "$1 does not run"
    full=$(on_disk "$1" full)
    touch "$full"
    free=$(($(stat --file-system --format='%a * %S' "$full")))
    fallocate --length "$free" "$full" 2>/dev/null || fallocate --length $((free * 99 / 100)) "$full"
    cat /dev/zero >>"$full" 2>/dev/null || true
}

empty_disk() {
    is_running "$1" || die "$1 does not run"
    rm -f "$(on_disk "$1" full)"
}

# Holds the locks of apt and dpkg, as unattended-upgrades does on a machine that has just booted.
lock_packages() {
    # shellcheck disable=SC2016 # the $ are Perl's
    in_host "$1" systemd-run --quiet --collect --unit=lab-package-lock perl -e '
        use Fcntl;
        $0 = "unattended-upgr";
        for (@ARGV) {
            open my $file, "+>>", $_ or die "$_: $!";
            my $all = pack "s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0;
            fcntl $file, F_SETLKW, $all or die "$_: $!";
            push @held, $file;
        }
        open my $done, ">", "/run/lab-package-lock";
        sleep 1 while 1;' /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        ! in_host "$1" test -e /run/lab-package-lock || return 0
        sleep 0.1
    done
    die "$1: something else holds the package locks"
}

unlock_packages() {
    in_host "$1" rm -f /run/lab-package-lock
    in_host "$1" systemctl stop lab-package-lock 2>/dev/null || true
}

# The hosts share this machine's clock, so none may set it; but its `date` can lie.
set_clock() {
    local host=${1-} off=${2-} seconds
    must_know "$host"
    [[ $off =~ ^([+-])([0-9]+)([smhd]?)$ ]] || die "clock HOST +1h: a sign, a number, and s, m, h or d"
    case ${BASH_REMATCH[3]} in
        m) seconds=60 ;;
        h) seconds=3600 ;;
        d) seconds=86400 ;;
        *) seconds=1 ;;
    esac
    seconds=${BASH_REMATCH[1]}$((BASH_REMATCH[2] * seconds))
    if [ $((seconds)) -eq 0 ]; then
        in_host "$host" rm -f /usr/local/bin/date
        return
    fi
    in_host "$host" install -m 755 /dev/stdin /usr/local/bin/date <<DATE
#!/bin/sh
# The lab: a clock that is wrong by $off.
for arg; do
    case \$arg in
        -d* | --date* | -f* | --file* | -r* | --ref* | -s* | --set*) exec /usr/bin/date "\$@" ;;
    esac
done
exec /usr/bin/date -d 'now $seconds seconds' "\$@"
DATE
}
