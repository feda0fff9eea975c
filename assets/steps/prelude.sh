# shellcheck shell=sh
# The functions that every step may use, and those that drive a step. A step has some of these:
#
#   refuses     0 this host may be changed · 2 unknown · 3 must not; prints why; changes nothing
#   files       the step's files: calls `directory`, `file`, `file_set` and `block` for each, and
#               changes nothing itself. Check, change, preview and removal all come from it
#   satisfied   0 yes · 1 no · 2 unknown · 3 must not; prints why; changes nothing
#   ready       0 nodes are Ready besides, and the API with them · 1 no; by `k3s kubectl`. Only where
#               the step is applied: otherwise the wizard asks the API itself, which costs a tenth
#   apply       makes it satisfied, and prints what it does
#   remove      removes what apply created, and nothing else
#
# The defaults only handle the files: satisfied is `files_are`, apply is
# `put_files`, remove is `remove_files`; a step that does more calls these. Before satisfied,
# refuses runs in the same shell: satisfied can use its variables.
#
# Inputs are variables, set in front of this file.

# The wizard's own data on a host, only for root; and what is gone after a reboot.
KEEP=/var/lib/k3s-ha-wizard
RUN=/run/k3s-ha-wizard

# New files are world-readable unless a mode is given, as packages expect.
umask 022

say() { printf '%s\n' "$*"; }

keep() { [ -d "$KEEP" ] || mkdir -m 0700 "$KEEP"; }
make_run() { ( umask 077; mkdir -p "$RUN" ); }

# relabel PATH…: gives folders the labels that the policy of SELinux has for them, where there is one.
relabel() { [ ! -e /sys/fs/selinux/enforce ] || restorecon -R "$@"; }

# The statuses of a step for the wizard, other than success.
STILL_NOT=41
CANNOT_TELL=42
MUST_NOT=43
APPLY_FAILED=44
UNCHANGED=40

refuses() { :; }
files() { :; }
satisfied() { files_are; }
ready() { :; }
apply() { put_files; }
remove() { remove_files; }

# answer: whether the step is satisfied on this host, nodes aside.
answer() { refuses && satisfied; }

# check: whether it is satisfied.
check() { answer && ready; }

# drive: applies the step if it is not satisfied, and checks again.
drive() {
    reason=$(check)
    case $? in
    0)
        return "$UNCHANGED"
        ;;
    1)
        [ -z "$reason" ] || say "$reason"
        ;;
    3)
        say "$reason" >&2
        return "$MUST_NOT"
        ;;
    *)
        say "$reason" >&2
        return "$CANNOT_TELL"
        ;;
    esac
    ( set -eu; apply )
    status=$?
    if [ "$status" -ne 0 ]; then
        say "This ended with status $status." >&2
        return "$APPLY_FAILED"
    fi
    reason=$(check)
    case $? in
    0)
        return 0
        ;;
    2)
        say "$reason" >&2
        return "$CANNOT_TELL"
        ;;
    *)
        say "The step was applied, but is still not satisfied: $reason" >&2
        return "$STILL_NOT"
        ;;
    esac
}

# perform: does what an act does.
perform() {
    reason=$(refuses)
    case $? in
    0) ;;
    3)
        say "$reason" >&2
        return "$MUST_NOT"
        ;;
    *)
        say "$reason" >&2
        return "$CANNOT_TELL"
        ;;
    esac
    ( set -eu; act )
}

# wait_for SECONDS: until the step is satisfied; prints what is missing after that time.
wait_for() {
    began=$(date +%s)
    until check >/dev/null; do
        if [ $(($(date +%s) - began)) -ge "$1" ]; then
            say "after $1 s: $(check || :)" >&2
            return 1
        fi
        sleep 0.5
    done
}

# use_proxy: what downloads from here on does so through the proxy that the answers give this host.
# Called in a subshell, around nothing but what downloads: the host's own settings stay.
use_proxy() {
    [ -n "${PROXY_HTTP-}${PROXY_HTTPS-}" ] || return 0
    export no_proxy="$PROXY_NOT_FOR"
    [ -z "$PROXY_HTTP" ] || export http_proxy="$PROXY_HTTP"
    [ -z "$PROXY_HTTPS" ] || export https_proxy="$PROXY_HTTPS"
}

# has_images NAME SIZE SHA256: K3s has this archive of images. Its mark is written when it is put there: an
# archive is too large to be read in every run.
IMAGES_FOLDER=/var/lib/rancher/k3s/agent/images
has_images() {
    seen="$(stat -c %s "$IMAGES_FOLDER/$1" 2>/dev/null) $(cat "$KEEP/images-$1" 2>/dev/null)"
    [ "$seen" = "$2 $3" ] || { say 'K3s does not have the images of the bundle'; return 1; }
}

# packages_are_here: POSTGRES and PACKAGES are installed, where they are not empty.
packages_are_here() {
    [ -z "$POSTGRES" ] || postgres_installed || return
    # shellcheck disable=SC2086 # a list of packages
    [ -z "$PACKAGES" ] || installed $PACKAGES
}

# wanted_packages: the names of POSTGRES and PACKAGES.
wanted_packages() {
    [ -z "$POSTGRES" ] || say "$(postgres_package)"
    say "$PACKAGES"
}

# install_unstarted SERVICE PACKAGE…: the first package has the service, and would start it by itself.
# One that was there before the wizard keeps it as it is.
install_unstarted() {
    unstarted=$1
    shift
    installed "$1" >/dev/null || : >"$KEEP/$unstarted-is-ours"
    # While masked, the package cannot start it, not even briefly.
    [ ! -e "$KEEP/$unstarted-is-ours" ] || systemctl mask "$unstarted.service"
    ( use_proxy; install_packages "$@" )
    [ -e "$KEEP/$unstarted-is-ours" ] || return 0
    rm -f "/etc/systemd/system/multi-user.target.wants/$unstarted.service"
    systemctl unmask "$unstarted.service"
    systemctl disable "$unstarted.service"
}

is_unstarted() {
    [ ! -e "$KEEP/$1-is-ours" ] || [ "$(systemctl is-enabled "$1" 2>/dev/null)" = disabled ] || {
        say "the package's own $1 service is not disabled"
        return 1
    }
}

# --- Files -------------------------------------------------------------------------------------

# The path of a file may have a folder that a user other than root can change. A link of that
# user could redirect what root reads and writes. So such a file is read and written with the
# rights of the folder's owner, who gains nothing from it.

# keeper PATH: the user for reading and writing a file. root, if only root can change the
# path, including links; else the first other owner on the path. Fails, and prints why, if
# several users can change it.
keeper() {
    namei -m -o -- "$1" 2>/dev/null | awk '
        NR == 1 || length($1) != 10 || $1 !~ /^[-a-z][-rwxsStT]+$/ { next }
        ($1 ~ /^d/ || shared) && $2 != "root" { found = $2; exit }
        $1 ~ /^d/ {
            others = substr($1, 6, 1) == "w" && $3 != "root" || substr($1, 9, 1) == "w"
            # The sticky bit: users can only replace their own files there.
            shared = others && $1 ~ /[tT]$/
            if (others && !shared) { found = ""; exit }
            found = "root"
        }
        END { if (found == "") exit 1; print found }' ||
        { say "several users can change the folder of $1, or one above it"; return 1; }
}

# as USER PROGRAM ARGUMENT…: with that user's rights. The user can control the process: so it must
# not have inputs or outputs that are not the user's, such as those of the connection.
as() {
    user=$1
    shift
    [ "$user" != root ] || { "$@"; return; }
    if group=$(id -g -- "$user" 2>/dev/null); then
        set -- --regid="$group" --init-groups -- "$@"
    else
        set -- --regid=65534 --clear-groups -- "$@"
    fi
    ( cd / && setpriv --reuid="$user" "$@" 3>&- )
}

# read_as USER PATH: prints a file.
read_as() { as "$1" cat -- "$2" 2>/dev/null || { say "$1 cannot read $2" >&2; return 1; }; }

# holds PATH: prints a file.
holds() {
    user=$(keeper "$1") || { say "$user" >&2; return 1; }
    read_as "$user" "$1"
}

# digest: the SHA-256 of standard input.
digest() { sha256sum | cut -d' ' -f1; }

hash_of() { holds "$1" | digest; }

# is_in USER PATH CONTENT: the file has exactly this content.
is_in() { read_as "$1" "$2" 2>/dev/null | { exec 3<&0; printf '%s' "$3" | cmp -s - /dev/fd/3; }; }

# is_so USER PATH MODE OWNER:GROUP CONTENT: a regular file with exactly these properties.
is_so() {
    seen=$(as "$1" stat -c '%A %a %U:%G' -- "$2" 2>/dev/null) || seen=
    case $seen in
    -*) ;;
    *) say "$2 does not exist"; return 1 ;;
    esac
    [ "${seen#* }" = "${3#0} $4" ] || { say "$2 has a different mode or owner"; return 1; }
    is_in "$1" "$2" "$5" || { say "$2 has different content"; return 1; }
}

# check_file PATH MODE OWNER:GROUP CONTENT
check_file() {
    user=$(keeper "$1") || { say "$user"; return 1; }
    is_so "$user" "$@"
}

# check_directory PATH MODE OWNER:GROUP
check_directory() {
    [ -d "$1" ] || { say "$1 does not exist"; return 1; }
    [ "$(stat -c '%a %U:%G' "$1")" = "${2#0} $3" ] || { say "$1 has a different mode or owner"; return 1; }
}

# put_directory PATH MODE OWNER:GROUP: never follows a link.
put_directory() {
    mkdir -p "$1"
    (
        cd -P "$1" || exit
        [ "$(stat -c %d:%i .)" = "$(stat -c %d:%i "$1")" ] || { say "$1 is a link" >&2; exit 1; }
        chown "$3" .
        chmod "$2" .
    )
}

# in_one_word PATH: a file name for it.
in_one_word() { printf '%s' "$1" | tr / %; }

# The file with the hash of what the wizard last wrote to a path, and of what it was writing.
written_mark() { printf '%s/written/%s' "$KEEP" "$(in_one_word "$1")"; }

# is_as_written PATH FILE: the file has what the wizard last wrote to the path.
is_as_written() {
    mark=$(written_mark "$1")
    [ -f "$mark" ] && grep -qxF -e "$(hash_of "$2")" "$mark"
}

# keep_backup PATH: saves content that the wizard did not write; its own last content needs no
# backup. Never next to the file: some programs read whole folders.
keep_backup() {
    backup="$KEEP/backups/$(in_one_word "$1").$(date -u +%Y%m%dT%H%M%SZ)"
    ( umask 077; mkdir -p "$KEEP/backups"; holds "$1" >"$backup" ) || return
    if is_as_written "$1" "$backup"; then
        rm -f "$backup"
        return 0
    fi
    # A step that was interrupted has saved it already.
    for other in "$KEEP/backups/$(in_one_word "$1")".*; do
        if [ "$other" != "$backup" ] && cmp -s "$other" "$backup"; then
            rm -f "$backup"
            return 0
        fi
    done
    say "$1 already existed: saved as $backup"
}

# Puts standard input in the place of a file, whole or not at all: path, mode, owner. Until it is
# whole its name ends in ~, and has no dot in front: then logrotate skips it (docs/facts.md, "Debian
# and Ubuntu"), and so do others that read whole folders. What an interrupted run has left of it is
# removed. A host that loses its power has the old file or the new one: the new one is on the disk before
# it gets the name, and the folder afterwards.
# shellcheck disable=SC2016 # the $ are of the shell that is started
PUT='
set -eu
umask 077
draft="$1.k3s-ha-wizard~"
folder=$(dirname -- "$1")
trap "rm -f \"\$draft\"" EXIT
rm -f "$draft"
set -C
cat >"$draft"
chown "$3" "$draft"
chmod "$2" "$draft"
sync "$draft" "$folder"
mv -fT "$draft" "$1"
sync "$folder"
'

# replace USER PATH MODE OWNER:GROUP CONTENT: never readable by others in between. The content comes
# from a file, because a pipe whose writer is killed would end early; it is in memory, because a host
# that loses its power must not keep it.
replace() {
    make_run
    new=$(mktemp "$RUN/new.XXXXXX") || return
    put=1
    if printf '%s' "$5" >"$new" && as "$1" sh -c "$PUT" sh "$2" "$3" "$4" <"$new"; then put=0; fi
    rm -f "$new"
    return "$put"
}

# will_write PATH CONTENT: records what the file will have, beside what it has. So the wizard knows its
# own files also after an interruption.
will_write() {
    [ -d "$KEEP/written" ] || mkdir "$KEEP/written"
    mark=$(written_mark "$1")
    { printf '%s' "$2" | digest; cat "$mark" 2>/dev/null || :; } >"$mark.new"
    set_mark
}

# set_mark: $mark.new takes the place of $mark, whole or not at all.
set_mark() {
    sync "$mark.new"
    mv -f "$mark.new" "$mark"
}

# wrote PATH CONTENT: records that it has this, and nothing else.
wrote() {
    mark=$(written_mark "$1")
    printf '%s' "$2" | digest >"$mark.new"
    set_mark
    say "wrote $1"
}

# put_file PATH MODE OWNER:GROUP CONTENT
put_file() {
    keep
    user=$(keeper "$1") || { say "$user" >&2; return 1; }
    as "$user" mkdir -p -- "$(dirname "$1")"
    if as "$user" test -e "$1" && ! is_in "$user" "$1" "$4"; then
        keep_backup "$1" || return
    fi
    will_write "$1" "$4"
    replace "$user" "$1" "$2" "$3" "$4" || return
    wrote "$1" "$4"
}

# rewrite PATH CONTENT: the file keeps its owner and mode, and stays a link if it is one.
rewrite() {
    keep
    user=$(keeper "$1") || { say "$user" >&2; return 1; }
    path=$(as "$user" readlink -e -- "$1") || { say "$1 does not exist" >&2; return 1; }
    seen=$(as "$user" stat -c '%a %u:%g' -- "$path") || return
    will_write "$1" "$2"
    replace "$user" "$path" "${seen% *}" "${seen#* }" "$2" || return
    wrote "$1" "$2"
}

# remove_file PATH …: a file that was changed since the wizard wrote it stays.
remove_file() {
    user=$(keeper "$1") || { say "$user" >&2; return 1; }
    as "$user" test -e "$1" || return 0
    is_as_written "$1" "$1" || { say "$1 was changed since the wizard wrote it: it stays"; return 0; }
    as "$user" rm -f -- "$1"
    rm -f "$(written_mark "$1")"
    say "removed $1"
}

# with_block BEGIN END LINES: standard input with the wizard's marked block on top, or without one
# if there are no lines; the rest is unchanged. A block that has only those of other clusters above
# it stays there: else two clusters that share a file would take its top from each other for ever.
# Fails if the marks do not pair: then it is unknown which lines are the wizard's.
with_block() {
    BLOCK=$3 awk -v begin="$1" -v end="$2" '
        BEGIN {
            others = begin
            if (!sub(/k3s-ha-wizard [^ ]*$/, "k3s-ha-wizard ", others)) others = "\n"
            top = 1
        }
        $0 == begin {
            torn = torn || inside
            inside = 1
            if (top) place = kept
        }
        !inside && $0 != end {
            if (index($0, others) == 1) theirs = 1
            if (!theirs) top = 0
            if (theirs && $0 ~ /^# END /) theirs = 0
            lines[++kept] = $0
        }
        $0 == end { torn = torn || !inside; inside = 0 }
        END {
            for (i = 1; i <= place; i++) print lines[i]
            if (ENVIRON["BLOCK"] != "") printf "%s\n%s%s\n", begin, ENVIRON["BLOCK"], end
            for (i = place + 1; i <= kept; i++) print lines[i]
            exit torn || inside
        }'
}

# has_block PATH BEGIN END LINES: sets $now to the content of a file and $wanted to the new
# content, each with a trailing dot that preserves the last lines.
has_block() {
    now=$(holds "$1" 2>&1 && echo .) || { say "$now"; return 2; }
    wanted=$(printf '%s' "${now%.}" | with_block "$2" "$3" "$4" && echo .) || {
        say "in $1 one of the lines \"$2\" and \"$3\" is missing, so the wizard cannot tell which" \
            "lines are its own. Restore the missing line, or remove the rest of the block"
        return 3
    }
}

# check_block PATH BEGIN END LINES: the block is at its place, unchanged.
check_block() {
    has_block "$@" || return
    [ "$now" = "$wanted" ] || { say "$1 does not have the wizard's lines on top"; return 1; }
}

# put_block PATH BEGIN END LINES
put_block() {
    has_block "$@" >&2 || return
    keep_backup "$1" || return
    rewrite "$1" "${wanted%.}"
}

# remove_block PATH BEGIN END …
remove_block() {
    has_block "$1" "$2" "$3" '' >&2 || return
    [ "$now" != "$wanted" ] || return 0
    keep_backup "$1" || return
    rewrite "$1" "${wanted%.}"
}

# --- Sets of files -----------------------------------------------------------------------------

# Files that belong together, such as a key and its certificate, are replaced by one rename: each
# is a link into .current, which is a link to a folder with one set of them. A set is in a folder
# that only root can change. Its files are FILES: NAME MODE OWNER:GROUP CONTENT for each.

# same PATH PATH: one file under both names.
# shellcheck disable=SC3013 # not POSIX, but in every Linux sh
same() { [ "$1" -ef "$2" ]; }

# with_each DO FILES: DO NAME MODE OWNER:GROUP CONTENT, for each of them.
with_each() {
    do=$1
    shift
    while [ $# -ge 4 ]; do
        "$do" "$1" "$2" "$3" "$4"
        shift 4
    done
}

# in_set NAME: it is a link into the set.
in_set() { [ -L "$folder/$1" ] && same "$folder/$1" "$folder/.current/$1"; }

# check_file_set FOLDER FILES
check_file_set() {
    set_is_so "$@" || return
    is_only_set || { say "$folder has a set of files that nothing uses, of a step that was interrupted"; return 1; }
}

# set_is_so FOLDER FILES
set_is_so() {
    folder=$1
    shift
    user=$(keeper "$folder/.current/$1") || { say "$user"; return 1; }
    while [ $# -ge 4 ]; do
        [ -e "$folder/$1" ] || { say "$folder/$1 does not exist"; return 1; }
        in_set "$1" || { say "$folder/$1 is not part of a set"; return 1; }
        is_so "$user" "$folder/.current/$1" "$2" "$3" "$4" || return
        shift 4
    done
}

# put_file_set FOLDER FILES: even if interrupted, the names show either all of the old files or
# all of the new ones. Plain files, as earlier versions wrote them, become a set first.
put_file_set() {
    if ! set_is_so "$@" >/dev/null; then
        write_file_set "$@"
    fi
    of_each_old_set rm -rf
}

write_file_set() {
    keep
    folder=$1
    shift
    [ "$(keeper "$folder/.set")" = root ] || { say "users other than root can change $folder" >&2; return 1; }
    set=$(new_set)
    loose=
    with_each write_to_set "$@"
    sync "$set"/* "$set" "$folder"
    if [ -n "$loose" ]; then
        before=$(new_set)
        with_each keep_in_set "$@"
        sync "$before"/* "$before" "$folder"
        point .current "${before##*/}"
        with_each link_kept "$@"
    fi
    with_each will_link "$@"
    point .current "${set##*/}"
    with_each link_into_set "$@"
    sync "$folder"
}

is_only_set() { [ -z "$(of_each_old_set echo)" ]; }

# of_each_old_set COMMAND: with the folder of every set but the one in use.
of_each_old_set() {
    used=$(readlink "$folder/.current")
    for other in "$folder"/.set-*; do
        [ "${other##*/}" = "$used" ] || "$@" "$other"
    done
}

# Creates a folder for a set.
new_set() {
    new=$(mktemp -d "$folder/.set-XXXXXX")
    chmod --reference="$folder" "$new"
    printf '%s' "$new"
}

# point LINK TARGET: atomically.
point() {
    ln -sfn "$2" "$folder/$1~"
    mv -fT "$folder/$1~" "$folder/$1"
}

write_to_set() {
    if [ -e "$folder/$1" ]; then
        is_in root "$folder/$1" "$4" || keep_backup "$folder/$1"
        in_set "$1" || loose=$1
    fi
    ( umask 077; printf '%s' "$4" >"$set/$1" )
    chown "$3" "$set/$1"
    chmod "$2" "$set/$1"
}

keep_in_set() { [ ! -e "$folder/$1" ] || cp -pL "$folder/$1" "$before/$1"; }

link_kept() { [ ! -e "$before/$1" ] || in_set "$1" || point "$1" ".current/$1"; }

will_link() { will_write "$folder/$1" "$4"; }

link_into_set() {
    in_set "$1" || point "$1" ".current/$1"
    wrote "$folder/$1" "$4"
}

# remove_file_set FOLDER FILES
remove_file_set() {
    folder=$1
    shift
    changed=
    with_each see_change "$@"
    [ -z "$changed" ] || { say "$changed was changed since the wizard wrote it: its set stays"; return 0; }
    with_each remove_name "$@"
    rm -rf "$folder/.current" "$folder"/.set-*
}

see_change() {
    [ ! -e "$folder/$1" ] || is_as_written "$folder/$1" "$folder/$1" || changed=$folder/$1
}

remove_name() {
    [ -e "$folder/$1" ] || return 0
    rm -f "$folder/$1" "$(written_mark "$folder/$1")"
    say "removed $folder/$1"
}

# --- The calls in files() ----------------------------------------------------------------------

directory() { "$deed" directory "$@"; }
file() { "$deed" file "$@"; }
file_set() { "$deed" file_set "$@"; }
block() { "$deed" block "$@"; }

# files_are: all are as wanted; prints the first that is not.
files_are() {
    differs=0
    deed=compare
    files || return
    [ "$differs" -eq 0 ] || return "$differs"
    [ -n "$(of_each_draft echo)" ] || return 0
    say "$KEEP/written has a record that an interrupted step did not finish"
    return 1
}

# of_each_draft COMMAND: with the draft of every record of written files.
of_each_draft() {
    for draft in "$KEEP"/written/*.new; do
        [ ! -e "$draft" ] || "$@" "$draft"
    done
}

compare() {
    [ "$differs" -eq 0 ] || return 0
    kind=$1
    shift
    "check_$kind" "$@" || differs=$?
}

# put_files: writes only what differs.
put_files() {
    of_each_draft rm -f
    deed=put
    files
}

put() {
    kind=$1
    shift
    "check_$kind" "$@" >/dev/null || "put_$kind" "$@"
}

# remove_files: removes what the wizard wrote, and empty folders.
remove_files() {
    of_each_draft rm -f
    deed=take
    folders=
    files
    printf '%s' "$folders" | while read -r folder; do
        [ ! -d "$folder" ] || rmdir --ignore-fail-on-non-empty "$folder"
    done
}

take() {
    kind=$1
    shift
    case $kind in
    # After its content.
    directory) folders="$1
$folders" ;;
    *) "remove_$kind" "$@" ;;
    esac
}

# --- Services ----------------------------------------------------------------------------------

# property UNIT NAME
property() { systemctl show -p "$2" --value "$1" 2>/dev/null; }

# look_at UNIT: asks systemd once for the properties that `shown` prints.
look_at() {
    seen_unit=$(systemctl show -p ActiveState -p UnitFileState -p NeedDaemonReload -p MainPID "$1" \
        2>/dev/null) || seen_unit=
}

# shown NAME: a property of the unit from `look_at`.
shown() { for line in $seen_unit; do [ "${line%%=*}" != "$1" ] || say "${line#*=}"; done; }

# loaded_is_there RECORD…: the files whose hashes a service recorded when it last read them (its
# ExecStartPre does) are unchanged, so it runs with the current files.
loaded_is_there() {
    for record in "$@"; do [ -s "$record" ] || return 1; done
    sha256sum --status -c "$@" 2>/dev/null
}

# listens PORT: a process does.
listens() { [ -n "$(ss -Hltn "sport = :$1" 2>/dev/null)" ]; }

# --- Postgres ----------------------------------------------------------------------------------

# shellcheck disable=SC2120 # the database may be left out
# sql [DATABASE]: runs standard input as the superuser, and prints only rows.
# None of it gets into a history or, regardless of the server's settings, into its log.
sql() {
    {
        printf '%s\n' 'SET log_statement = none; SET log_min_duration_statement = -1;' \
            'SET log_min_error_statement = panic; SET client_min_messages = error;'
        cat
    } | as postgres "$(psql_program)" \
        -X -q -A -t -v ON_ERROR_STOP=1 -p "$DB_PORT" -d "${1:-postgres}" -f -
}

# sql_works: Postgres answers; prints why not.
sql_works() {
    answer=$(printf 'SELECT 1;\n' | sql 2>&1) && [ "$answer" = 1 ] && return 0
    say "Postgres does not answer on port $DB_PORT: $answer"
    return 2
}

# wait_for_postgres SERVICE: until it answers; else prints the logs of its service and its own.
wait_for_postgres() {
    tries=0
    until sql_works >/dev/null; do
        tries=$((tries + 1))
        case $(property "$1" ActiveState) in
        active | activating | deactivating | reloading) ;;
        *) tries=120 ;; # it has ended
        esac
        if [ "$tries" -ge 120 ]; then
            {
                journalctl -u "$1" -n 20 --no-pager -o cat || :
                log_of_postgres || :
                sql_works || :
            } >&2
            return 1
        fi
        sleep 0.5
    done
}

# How long systemd may take for it, in seconds: its unit may set no limit.
POSTGRES_STARTS=120

# bring_up HOW SERVICE: `systemctl start` or `restart`, until Postgres answers. Debian's unit says
# that it succeeded when Postgres did not start (docs/facts.md, "Debian and Ubuntu"): so it is asked.
bring_up() {
    say "systemctl $1 $2"
    timeout "$POSTGRES_STARTS" systemctl "$1" "$2" || :
    wait_for_postgres "$2"
}

# log_of_postgres: why it ended, from its own log. Other lines may contain secrets of other users.
log_of_postgres() {
    log=$(postgres_log)
    [ -n "$log" ] && user=$(keeper "$log") || return 0
    as "$user" tail -n 20 -- "$log" 2>/dev/null | grep -E '(FATAL|PANIC|HINT): '
}

# postgresql.auto.conf before a change that needs a restart: its path in the first line,
# then its content. This file exists from before the change until Postgres answers again.
SETTINGS_BEFORE=$KEEP/settings-before-restart

# keep_settings PATH: settings kept by an earlier run are older, so they stay.
keep_settings() {
    [ ! -e "$SETTINGS_BEFORE" ] || return 0
    keep
    ( umask 077; { say "$1" && holds "$1"; } >"$SETTINGS_BEFORE.new" ) || return
    sync "$SETTINGS_BEFORE.new"
    mv -f "$SETTINGS_BEFORE.new" "$SETTINGS_BEFORE"
}

# settings_back: restores them after a failed change.
settings_back() {
    [ -e "$SETTINGS_BEFORE" ] || return 0
    before=$(tail -n +2 "$SETTINGS_BEFORE" && echo .)
    rewrite "$(head -n 1 "$SETTINGS_BEFORE")" "${before%.}" || return
    rm -f "$SETTINGS_BEFORE"
    say 'the settings from before the change are restored'
}

# shellcheck disable=SC2120 # the database may be left out
# learn [DATABASE]: asks Postgres once for everything that a step needs, because starting psql is
# slow. The rows are NAME=VALUE, for `of`.
learn() {
    learnt=$(sql "$@" 2>&1) && return 0
    say "Postgres on port $DB_PORT: $learnt"
    return 2
}

# of NAME: a value from `learn`.
of() { printf '%s\n' "$learnt" | sed -n "s/^$1=//p"; }

# When Postgres last read its configuration, for `learn`: seconds since 1970.
ASK_LOADED="SELECT 'loaded=' || extract(epoch FROM pg_conf_load_time())"

# loaded_after FILE…: Postgres has read its configuration after the last change to these files, and to
# links among them. A rename counts as a change at that time.
loaded_after() {
    newest=$(for file in "$@"; do
        user=$(keeper "$file") && as "$user" stat -c %.9Z -- "$file"
        [ ! -L "$file" ] || as "$user" stat -L -c %.9Z -- "$file"
    done 2>/dev/null | sort -n | tail -n 1)
    awk -v loaded="$(of loaded)" -v newest="$newest" 'BEGIN { exit !(loaded > newest) }'
}

# Makes Postgres reload its configuration, and waits until it has.
reload_postgres() {
    make_run
    mark=$RUN/reload
    : >"$mark"
    printf 'SELECT pg_reload_conf();\n' | sql >/dev/null
    tries=0
    # shellcheck disable=SC2119
    until learn <<SQL && loaded_after "$mark"; do
$ASK_LOADED;
SQL
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || { say 'Postgres did not reload its configuration within 10 s' >&2; return 1; }
        sleep 0.2
    done
    rm -f "$mark"
    say 'Postgres has reloaded its configuration'
}

# --- A pair of Postgres hosts -------------------------------------------------------------------

# With PG_BIN PGDATA TLS_DIRECTORY, and MONITOR: how a member connects to the monitor.
HOME_OF_POSTGRES=/var/lib/postgresql

# program ARGUMENT…: one of Postgres's or pg_auto_failover's, as the user of Postgres.
program() {
    as postgres env -i HOME="$HOME_OF_POSTGRES" PATH="$PG_BIN:/usr/bin:/bin" PGCONNECT_TIMEOUT=10 \
        PGSSLCERT="$TLS_DIRECTORY/replication.crt" PGSSLKEY="$TLS_DIRECTORY/replication.key" \
        PGSSLROOTCERT="$TLS_DIRECTORY/ca.crt" "$@"
}

# at_monitor [ADDRESS]: runs standard input at this monitor, or at MONITOR.
at_monitor() { program psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${1:-$MONITOR}" -f -; }
