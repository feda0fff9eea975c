
# --- Bundles -----------------------------------------------------------------------------------

# from_folder FOLDER: the packages in the folder are the only ones. Plugins, such as that of
# subscription-manager, would ask their own servers.
from_folder() {
    make_repository "$1"
    where="--noplugins --setopt=reposdir=$1/repos --setopt=cachedir=$1/cache"
}

# on_nothing FOLDER: from the host's repositories, as on a host without any package. One that does not
# answer is an error: older packages would be taken. dnf trusts the keys there that it would trust here.
on_nothing() {
    nothing=$1/nothing
    mkdir -p "$nothing/etc"
    cp -L /etc/os-release "$nothing/etc/"
    where="--installroot=$nothing --releasever=/ --setopt=*.skip_if_unavailable=0"
    manage makecache >&2
    [ -z "$POSTGRES" ] || enable_stream >&2
}

is_offered() { [ -n "$(dnf_says repoquery --qf '%{name}\n' "$1")" ]; }

# keyring: prints the database of rpm whose keys are trusted.
keyring() { printf '%s%s' "$nothing" "$(rpm -E '%{_dbpath}')"; }

# download FOLDER PACKAGE…
download() {
    into=$1
    shift
    manage install --downloadonly --downloaddir="$into" "$@"
}

# proposed ARGUMENT…: prints what dnf would do, for which it must be told not to. It proposes nothing where
# no key at all is trusted, unless it need not check: the keys are for needed_files to judge.
proposed() {
    # shellcheck disable=SC2086 # a list of options
    said=$(LC_ALL=C dnf -v --assumeno --setopt=install_weak_deps=0 $where --setopt=bundle.gpgcheck=0 "$@" \
        </dev/null 2>&1) ||
        case $said in
        *'Operation aborted'*) ;;
        *)
            why=$(say "$said" | grep -E '^(No match|  - )') || why=$(say "$said" | grep '^Error: ') ||
                why=$(say "$said" | tail -n 3)
            say "$why" | head -n 3 >&2
            return 1
            ;;
        esac
    say "$said"
}

# resolve PACKAGE…: the names of the files that installing them needs.
resolve() {
    if [ -n "$POSTGRES" ]; then
        choose_postgres
        if [ -n "$stream" ]; then
            proposed module enable "postgresql:$stream" >/dev/null || return
            # Its packages are hidden until it is enabled.
            where="$where --setopt=bundle.module_hotfixes=1"
        fi
    fi
    proposal=$(proposed install "$@") || return
    say "$proposal" | awk '
        $1 == "--->" && / will be (installed|an upgrade|a downgrade|reinstalled|obsoleting)$/ {
            arch = name = $3
            sub(/.*\./, "", arch)
            sub(/\.[^.]*$/, "", name)
            sub(/^[0-9]+:/, "", $4)
            print name "-" $4 "." arch ".rpm"
        }' | sort -u
}

# modules_of FILE…: prints the modules that these packages are of, and their defaults.
modules_of() {
    rpm -qp --qf '- %{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n' "$@" >"$nothing/artifacts"
    find "$nothing" -path '*/repodata/*modules.yaml*' | while read -r file; do
        case $file in
        *.gz) gzip -dc "$file" ;;
        *.xz) xz -dc "$file" ;;
        *.zst) zstd -dc "$file" ;;
        *) cat "$file" ;;
        esac
    done | awk '
        NR == FNR { ours[$0]; next }
        /^---/ { end_document() }
        {
            text = text $0 "\n"
            sub(/^ +/, "")
            if ($0 in ours) is_ours = 1
            if ($1 == "document:") kind = $2
            if (name == "" && ($1 == "name:" || $1 == "module:")) name = $2
        }
        END {
            end_document()
            for (i = 1; i <= count; i++) if (names[i] in kept) printf "%s", texts[i]
        }
        function end_document() {
            if (kind == "modulemd" && is_ours) {
                printf "%s", text
                kept[name]
            } else if (kind == "modulemd-defaults") {
                names[++count] = name
                texts[count] = text
            }
            text = kind = name = ""
            is_ours = 0
        }' "$nothing/artifacts" -
}
