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

# Holds the locks of the host's package manager, as another installation does.
lock_packages() {
    case $(family "$1") in
        suse*) lock_zypper "$1" ;;
        rhel*) lock_dnf "$1" ;;
        *) lock_apt "$1" ;;
    esac
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        ! in_host "$1" test -e /run/lab-package-lock || return 0
        sleep 0.1
    done
    die "$1: something else holds the package locks"
}

# zypper looks whether the process lives whose number is in its file. (systemd makes $ of $$.)
lock_zypper() {
    # shellcheck disable=SC2016 # the host's shell reads its own words
    in_host "$1" systemd-run --quiet --collect --unit=lab-package-lock sh -c '
        echo $$$$ >/run/zypp.pid
        touch /run/lab-package-lock
        exec sleep infinity'
}

# So does dnf; below it, rpm locks its database.
lock_dnf() {
    # shellcheck disable=SC2016 # the $ are Perl's
    in_host "$1" systemd-run --quiet --collect --unit=lab-package-lock perl -e '
        use Fcntl;
        $0 = "dnf-automatic";
        mkdir $_ for "/var/cache/dnf", "/var/lib/dnf";
        open my $rpm, "+>>", "/var/lib/rpm/.rpm.lock" or die "rpm: $!";
        my $all = pack "s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0;
        fcntl $rpm, F_SETLKW, $all or die "rpm: $!";
        for (@ARGV) {
            open my $file, ">", $_ or die "$_: $!";
            print $file $$$$;
            close $file;
        }
        open my $done, ">", "/run/lab-package-lock";
        sleep 1 while 1;' /var/cache/dnf/metadata_lock.pid /var/cache/dnf/download_lock.pid /var/lib/dnf/rpmdb_lock.pid
}

# As unattended-upgrades does on a machine that has just booted.
lock_apt() {
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
}

unlock_packages() {
    in_host "$1" rm -f /run/lab-package-lock
    in_host "$1" systemctl stop lab-package-lock 2>/dev/null || true
    case $(family "$1") in
        suse*) in_host "$1" rm -f /run/zypp.pid ;;
        rhel*) in_host "$1" rm -f /var/{cache/dnf/{metadata,download},lib/dnf/rpmdb}_lock.pid ;;
    esac
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

# A machine of another kind, as far as `uname` tells it: what runs there is still this one's.
tell_machine() {
    local host=${1-} machine=${2-}
    must_know "$host"
    [[ $machine =~ ^[a-z0-9_]+$ ]] || die 'machine HOST NAME: a name as uname -m prints it'
    if [ "$machine" = "$(uname -m)" ]; then
        in_host "$host" rm -f /usr/local/bin/uname
        return
    fi
    in_host "$host" install -m 755 /dev/stdin /usr/local/bin/uname <<UNAME
#!/bin/sh
# The lab: a machine that says it is $machine.
/usr/bin/uname "\$@" | sed 's/$(uname -m)/$machine/'
UNAME
}
