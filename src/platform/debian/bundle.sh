
# --- Bundles -----------------------------------------------------------------------------------

# in_folder FOLDER ARGUMENT…: apt-get with its lists and its cache in a folder: those of the host stay as
# they are.
in_folder() {
    folder=$1
    shift
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    apt -qq -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none "$@"
}

# from_folder FOLDER ARGUMENT…: the same, with the packages in the folder as the only source. Its index has
# the SHA-256 of each, from lists whose signature was verified (docs/facts.md, "Bundles").
from_folder() {
    cp "$1/index" "$1/Packages"
    printf 'deb [trusted=yes] file:%s ./\n' "$1" >"$1/sources.list"
    folder=$1
    shift
    in_folder "$folder" -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- "$@"
}

needed_files() {
    needed=$1
    from_folder "$needed" update >/dev/null || return
    # shellcheck disable=SC2046 # a list of packages
    uris=$(from_folder "$needed" --print-uris --no-install-recommends install $(wanted_packages)) || return
    say "$uris" | sed -n "s|^'file:[^']*/\([^/']*\)' .*|\1|p" | sed 's/%2b/+/g; s/%7e/~/g'
}

# as_on_nothing FOLDER ARGUMENT…: from the host's sources, as on a host without any package.
as_on_nothing() {
    folder=$1
    shift
    : >"$folder/status"
    in_folder "$folder" -o Dir::State::status="$folder/status" "$@"
}

# apt verifies the signed lists, and by them each package. A list that is missing is an error.
collect_packages() {
    collected=$1
    as_on_nothing "$collected" -o APT::Update::Error-Mode=any update >&2
    # shellcheck disable=SC2046 # a list of packages
    as_on_nothing "$collected" --download-only --no-install-recommends install $(wanted_packages) >&2
    mkdir "$collected/files"
    # apt names its files PACKAGE_VERSION_ARCHITECTURE.deb.
    for file in "$collected/cache/archives"/*.deb; do
        name=${file##*/}
        rest=${name#*_}
        printf '%s=%s\n' "${name%%_*}" "$(say "${rest%_*}" | sed 's/%3a/:/')"
    done | xargs apt-cache -o Dir::State::lists="$collected/lists" -o Dir::Cache="$collected/cache" \
        -o Dir::State::status="$collected/status" show | awk -v folder="$collected" '
        /^[^ :]+:/ {
            key = $1
            value = $0
            sub(/^[^:]*: */, "", value)
            fields[key] = value
            kept = key ~ /^(Package|Version|Architecture|Multi-Arch|Essential|Protected|Important|Depends|Pre-Depends|Conflicts|Breaks|Replaces|Provides|Installed-Size|Size|SHA256):$/
            if (kept) text = text $0 "\n"
            next
        }
        /^ / { if (kept) text = text $0 "\n"; next }
        /^$/ { stanza() }
        END { stanza() }
        function stanza(   there, name, version) {
            if (text == "") return
            version = fields["Version:"]
            there = fields["Package:"] "_" version "_" fields["Architecture:"] ".deb"
            gsub(/:/, "%3a", there)
            # As archives name it: without the epoch.
            sub(/^[0-9]+:/, "", version)
            name = fields["Package:"] "_" version "_" fields["Architecture:"] ".deb"
            printf "%sFilename: ./%s\n\n", text, name >(folder "/index")
            print there, name
            text = ""
            delete fields
        }' | while read -r there name; do
        mv "$collected/cache/archives/$there" "$collected/files/$name"
    done
}
