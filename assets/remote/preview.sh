# shellcheck shell=sh
# Prints what a step's files contain now, for each file in files(). Changes nothing.
# The wanted content is not sent back, only its hash: it may be secret.
# input: MARK

# of_file PATH: its current state.
of_file() {
    printf '\n%s file %s\n' "$MARK" "$1"
    user=$(keeper "$1") || return 0
    seen=$(as "$user" stat -L -c '%a %U:%G' -- "$1" 2>/dev/null) || return 0
    printf '%s now %s\n' "$MARK" "$seen"
    read_as "$user" "$1" | head -c 262144 | base64
}

show() {
    kind=$1
    shift
    case $kind in
    directory) ;;
    *) "show_$kind" "$@" >&3 ;;
    esac
}

show_file() {
    of_file "$1"
    printf '%s wanted %s %s %s\n' "$MARK" "${2#0}" "$3" "$(printf '%s' "$4" | sha256sum | cut -d' ' -f1)"
}

show_file_set() {
    folder=$1
    shift
    with_each show_one "$@"
}

show_one() { show_file "$folder/$1" "$2" "$3" "$4"; }

show_block() {
    has_block "$@" >&2 || return
    of_file "$1"
    printf '%s becomes\n' "$MARK"
    # shellcheck disable=SC2154 # has_block sets wanted
    printf '%s' "${wanted%.}" | head -c 262144 | base64
}

# A step that refuses writes nothing.
preview() {
    # shellcheck disable=SC2034 # the prelude calls it
    (
        refuses
        [ $? -eq 3 ] || { deed=show; files; }
    ) 3>&1 >/dev/null 2>&1 || :
}
