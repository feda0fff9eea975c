
# --- Bundles -----------------------------------------------------------------------------------

# from_folder FOLDER: the packages in the folder are the only ones. zypper would ask services, such as
# those of SUSEConnect, whenever it may refresh anything else.
from_folder() {
    make_repository "$1"
    where="--reposd-dir $1/repos --cache-dir $1/cache"
    zypp --quiet refresh >&2 || return
    where="$where --no-refresh"
}

# on_nothing FOLDER: from the host's repositories, as on a host without any package. One that does not
# answer is an error: older packages would be taken.
on_nothing() {
    where="--cache-dir $1/cache --disable-system-resolvables"
    zypp refresh >&2
}

is_offered() { zypp --quiet search --match-exact --type package "$1" >/dev/null 2>&1; }

# keyring: prints the database of rpm whose keys are trusted.
keyring() { rpm -E '%{_dbpath}'; }

# download FOLDER PACKAGE…: zypper has its own folder for them, in its cache.
download() {
    shift
    zypp install --download-only --no-recommends --auto-agree-with-licenses "$@"
}

# resolve PACKAGE…: the names of the files that installing them needs.
resolve() {
    said=$(LC_ALL=C zypp --xmlout install --dry-run --no-recommends --auto-agree-with-licenses "$@" 2>&1) || :
    case $said in
    *'<install-summary'*) ;;
    *)
        why=$(say "$said" | grep -E '<message type="error">|<description>') ||
            why=$(say "$said" | tail -n 5)
        say "$why" | sed "s/<[^>]*>//g; s/&apos;/'/g; /^$/d" | head -n 3 >&2
        return 1
        ;;
    esac
    say "$said" | awk -F '"' '
        /^<to-/ { taken = !/^<to-remove>/ }
        taken && /^<solvable type="package" name="[^"]*" edition="[^"]*" arch="/ {
            sub(/^[0-9]+:/, "", $6)
            print $4 "-" $6 "." $8 ".rpm"
        }'
}

modules_of() { :; }
