
# --- Bundles -----------------------------------------------------------------------------------

# zypper and dnf take a folder of packages as a repository. The index of a bundle's packages is what
# createrepo writes about them (primary.xml), with the key that signed each, and then the modules that
# they are of (docs/facts.md, "Bundles of RPMs").

# Options of the package manager that say what it takes packages from; none: what the host has.
# shellcheck disable=SC2034 # of zypp, dnf_says and manage
where=

# use_bundle: the packages come from the bundle, where there is one.
use_bundle() { [ -z "${BUNDLE-}" ] || from_folder "$BUNDLE/packages"; }

# make_repository FOLDER: of the packages in the folder, or of their index alone. Nothing vouches for the
# index but the SHA-256 of the bundle; the package manager checks the signature of each package.
make_repository() {
    rm -rf "$1/cache"
    mkdir -p "$1/repodata" "$1/repos"
    sed '/^---$/,$d' "$1/index" >"$1/repodata/primary.xml"
    sed -n '/^---$/,$p' "$1/index" >"$1/repodata/modules.yaml"
    {
        say '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>'
        for part in primary.xml modules.yaml; do
            [ -s "$1/repodata/$part" ] || continue
            printf '<data type="%s"><checksum type="sha256">%s</checksum><location href="repodata/%s"/></data>\n' \
                "${part%.*}" "$(digest <"$1/repodata/$part")" "$part"
        done
        say '</repomd>'
    } >"$1/repodata/repomd.xml"
    cat >"$1/repos/bundle.repo" <<REPO
[bundle]
name=The packages of the bundle
enabled=1
baseurl=file://$1
gpgcheck=1
repo_gpgcheck=0
pkg_gpgcheck=1
REPO
}

needed_files() {
    needed=$1
    # The preflight asks, and does not wait for others.
    # shellcheck disable=SC2034 # of zypp
    patience=20
    from_folder "$needed" || return
    # shellcheck disable=SC2046 # a list of packages
    files=$(resolve $(wanted_packages)) || return
    say "$files"
    say "$files" | signers "$needed/index" | while read -r key; do
        rpm -q --whatprovides "gpg($key)" >/dev/null 2>&1 || say "key=$key"
    done
}

# signers INDEX: the keys that signed the files whose names come on standard input.
signers() {
    awk -F '"' 'NR == FNR { named[$0]; next }
        $1 == "<location href=" && $2 in named { split($3, words, " "); print words[4] }' - "$1" | sort -u
}

collect_packages() {
    collected=$1
    on_nothing "$collected"
    wanted=
    for package in $(wanted_packages); do
        if is_offered "$package"; then wanted="$wanted $package"; else say "lacks=$package"; fi
    done
    mkdir "$collected/files"
    : >"$collected/index"
    [ -n "$wanted" ] || return 0
    # shellcheck disable=SC2086 # a list of packages
    download "$collected/download" $wanted >&2
    find "$collected" -name '*.rpm' | while read -r package; do
        mv "$package" "$collected/files/$(rpm -qp --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' "$package")"
    done
    cd "$collected/files" || return
    # At another level, a package without a signature is as good.
    rpmkeys --dbpath "$(keyring)" --define '_pkgverify_level signature' -K -- *.rpm >&2
    { describe ./*.rpm && modules_of ./*.rpm; } >"$collected/index"
}

# What rpm says of a package: a line for each property, in parts. The first ends with the signature.
# shellcheck disable=SC2016
PROPERTIES='N\t%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{LONGSIZE}\t%{VENDOR}\t'
PROPERTIES=$PROPERTIES'%|DSAHEADER?{%{DSAHEADER:pgpsig}}:{%{RSAHEADER:pgpsig}}|\n'
for property in PROVIDE REQUIRE CONFLICT OBSOLETE; do
    PROPERTIES=$PROPERTIES"[$property\t%{${property}NAME}\t%{${property}FLAGS:depflags}\t%{${property}VERSION}\n]"
done
PROPERTIES=$PROPERTIES'[FILE\t%{FILENAMES}\n]'

# describe FILE…: prints their part of the index.
describe() {
    for file in "$@"; do
        printf 'PACKAGE\t%s\t%s\t%s\n' "${file##*/}" "$(stat -c %s "$file")" "$(digest <"$file")"
        rpm -qp --qf "$PROPERTIES" "$file"
    done | awk -F '\t' '
        function xml(text) {
            gsub(/&/, "\\&amp;", text)
            gsub(/</, "\\&lt;", text)
            gsub(/>/, "\\&gt;", text)
            gsub(/"/, "\\&quot;", text)
            return text
        }
        function evr(epoch, version, release) {
            return " epoch=\"" epoch "\" ver=\"" xml(version) "\"" (release == "" ? "" : " rel=\"" xml(release) "\"")
        }
        # What a relation to a name says of versions: [EPOCH:]VERSION[-RELEASE].
        function relation(flags, text,   epoch, release) {
            if (!(flags in FLAGS) || text == "" || text == "(none)") return ""
            epoch = 0
            if (match(text, /^[0-9]+:/)) {
                epoch = substr(text, 1, RLENGTH - 1)
                text = substr(text, RLENGTH + 1)
            }
            if (match(text, /-[^-]*$/)) {
                release = substr(text, RSTART + 1)
                text = substr(text, 1, RSTART - 1)
            }
            return " flags=\"" FLAGS[flags] "\"" evr(epoch, text, release)
        }
        BEGIN {
            FLAGS["<"] = "LT"; FLAGS["<="] = "LE"; FLAGS["="] = "EQ"; FLAGS[">="] = "GE"; FLAGS[">"] = "GT"
            KINDS["PROVIDE"] = "provides"; KINDS["REQUIRE"] = "requires"
            KINDS["CONFLICT"] = "conflicts"; KINDS["OBSOLETE"] = "obsoletes"
        }
        $1 == "PACKAGE" { file = $2; size = $3; sum = $4 }
        $1 == "N" {
            count++
            key = match($9, /[0-9a-f]+$/) ? substr($9, RSTART) : "nobody"
            head[count] = "<package type=\"rpm\"><name>" xml($2) "</name><arch>" $6 "</arch>" \
                "<version" evr($3, $4, $5) "/><checksum type=\"sha256\" pkgid=\"YES\">" sum "</checksum>" \
                "<size package=\"" size "\" installed=\"" $7 "\" archive=\"" $7 "\"/>\n" \
                "<location href=\"" file "\"/><!-- signed by " key " -->\n" \
                "<format><rpm:vendor>" xml($8 == "(none)" ? "" : $8) "</rpm:vendor>"
        }
        # rpm itself provides those.
        $1 in KINDS && $2 != "(none)" && $2 !~ /^rpmlib\(/ {
            if ($1 == "REQUIRE") required[$2]
            text = "<rpm:entry name=\"" xml($2) "\"" relation($3, $4) "/>"
            if (!seen[count, $1, text]++) relations[count, $1] = relations[count, $1] text "\n"
        }
        $1 == "FILE" && $2 != "(none)" { files[count, ++number[count]] = $2 }
        END {
            print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
            print "<metadata xmlns=\"http://linux.duke.edu/metadata/common\"" \
                " xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"" count "\">"
            for (i = 1; i <= count; i++) {
                print head[i]
                for (kind in KINDS) if ((i, kind) in relations)
                    print "<rpm:" KINDS[kind] ">\n" relations[i, kind] "</rpm:" KINDS[kind] ">"
                # Those that a package may ask for, as createrepo has them, or does.
                for (j = 1; j <= number[i]; j++) {
                    path = files[i, j]
                    if (path in required || path ~ /^\/etc\/|bin\//) print "<file>" xml(path) "</file>"
                }
                print "</format></package>"
            }
            print "</metadata>"
        }'
}
