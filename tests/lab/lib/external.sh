# shellcheck shell=bash
# An external Postgres on k3s-postgres (`up --topology external-postgres`): the answers give the wizard no login
# there. What a DBA would hand out is in the lab's folder external/: the CA, a client certificate, and
# an administrator's connection string.

external_up() {
    local host=k3s-postgres out=$state/external
    mkdir -p "$out"
    if ! in_host "$host" test -e /root/external/ready; then
        say "$host becomes an external Postgres"
        in_host "$host" env ADDRESS="$(address "$host")" NET="$net.0/24" bash -s <"$here/lib/external-host" >"$out/log" 2>&1 ||
            die "$host does not become an external Postgres: $(tail -n 3 "$out/log")"
    fi
    local file
    for file in ca.pem client.pem client.key admin.dsn; do
        in_host "$host" cat "/root/external/$file" >"$out/$file"
    done
}

# What the answers for it have in place of the host.
external_answers() {
    sed -e '/^name = "postgres.lab.internal"$/d' \
        -e "/^\[postgres\]\$/a endpoints = [\"$(address k3s-postgres):5432\"]\nca_file = \"$state/external/ca.pem\"\nadmin = { file = \"$state/external/admin.dsn\" }" |
        awk '/^\[\[hosts\]\]$/ { held = $0; next }
            held != "" { own = /"k3s-postgres"/; if (!own) { print held; print } held = ""; next }
            /^$/ { own = 0 }
            !own'
}
