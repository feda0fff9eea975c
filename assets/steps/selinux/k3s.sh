# shellcheck shell=sh
# The policy of K3s is installed, and its files have their labels, before it starts. Only where
# SELinux enforces. Not tried on such a host: docs/facts.md, "SELinux".
# with a proxy, inputs: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR   from a bundle: BUNDLE

PROGRAM=/usr/local/bin/k3s
POLICY=k3s-selinux

policy_there() { rpm -q "$POLICY" >/dev/null 2>&1; }

labelled() {
    case $(stat -c %C "$PROGRAM" 2>/dev/null) in *:container_runtime_exec_t:*) ;; *) return 1 ;; esac
}

satisfied() {
    policy_there || { say "the package $POLICY is not installed"; return 1; }
    labelled || { say "$PROGRAM is not labelled container_runtime_exec_t"; return 1; }
}

apply() {
    # The install script of K3s adds the package source, and usually installs the package.
    policy_there || ( use_proxy; install_packages "$POLICY" )
    for path in "$PROGRAM" /etc/rancher /var/lib/rancher; do
        [ ! -e "$path" ] || restorecon -R "$path"
    done
    say "restorecon: $PROGRAM, /etc/rancher, /var/lib/rancher"
}
