# shellcheck shell=bash
# The whole lab, or one host, put back to a moment. A moment is a copy of a host's disk.

snapshot() {
    local dir host which
    parse_moment snapshot "$@"
    mkdir -p "$dir"
    for host in $which; do [ -d "$(at "$host")" ] || die "$host is not there; lab up"; done
    each_host stop_host "$which"
    each_host copy_out "$which"
    start_hosts "$which"
}

restore() {
    local dir host which
    parse_moment restore "$@"
    for host in $which; do
        [ -e "$dir/$host.img" ] || die "snapshot '$(basename "$dir")' has no $host; see: lab snapshots"
    done
    for host in $which; do
        is_of_this_lab "$host" "$dir/$host.layout" ||
            die "snapshot '$(basename "$dir")' is of another version or family of the lab: its $host would not be this one"
    done
    each_host power_off "$which"
    each_host copy_back "$which"
    start_hosts "$which"
}

fresh() {
    local host which
    which=${*:-$(hosts)}
    for host in $which; do must_know "$host"; done
    each_host remove_host "$which"
    start_hosts "$which"
}

# Sets dir and which of the caller.
parse_moment() {
    local usage="$1 NAME [--host HOST]"
    [[ ${2-} =~ ^[A-Za-z0-9._-]+$ ]] || die "$usage"
    dir=$state/snapshots/$2
    which=$(hosts)
    case ${3-} in
        '') ;;
        --host) must_know "${4-}"; which=$4 ;;
        *) die "$usage" ;;
    esac
}

copy_out() {
    cp --sparse=always "$(at "$1")/disk.img" "$dir/$1.img.new"
    cp "$(at "$1")/layout" "$dir/$1.layout"
    mv "$dir/$1.img.new" "$dir/$1.img"
}

copy_back() {
    mkdir -p "$(at "$1")"
    cp --sparse=always "$dir/$1.img" "$(at "$1")/disk.img.new"
    cp "$dir/$1.layout" "$(at "$1")/layout"
    family "$1" >"$(at "$1")/family"
    mv "$(at "$1")/disk.img.new" "$(at "$1")/disk.img"
}
