# shellcheck shell=sh
# SELinux lets nginx listen on the port of the API, connect to the servers, and use its own folders.
# Only where SELinux enforces. Not tried on such a host: docs/facts.md, "SELinux".
# The ports are TCP, one a line; the tools are the package of semanage.
# inputs: PORTS TOOLS   with a proxy: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR   from a bundle: BUNDLE

LABEL=http_port_t
RELAY=httpd_can_network_relay

# labelled PORT: nginx may listen on it, and connect to it where it may relay.
labelled() {
    semanage port -l | awk -v label=$LABEL -v port="$1" '
        $1 == label && $2 == "tcp" {
            for (i = 3; i <= NF; i++) {
                gsub(",", "", $i)
                n = split($i, ends, "-")
                if (port >= ends[1] + 0 && port <= ends[n] + 0) found = 1
            }
        }
        END { exit !found }'
}

# of_type PATH TYPE: what the policy says of a path.
of_type() { case $(matchpathcon -n "$1" 2>/dev/null) in *":$2:"* | *":$2") ;; *) return 1 ;; esac; }

satisfied() {
    command -v semanage >/dev/null || { say 'semanage is not installed'; return 1; }
    for port in $PORTS; do
        labelled "$port" || { say "port $port/tcp is not labelled $LABEL"; return 1; }
    done
    case $(getsebool $RELAY) in *' on') ;; *) say "$RELAY is off"; return 1 ;; esac
    of_type /var/log/k3s-lb httpd_log_t || { say '/var/log/k3s-lb has no label for logs'; return 1; }
    of_type /run/k3s-lb httpd_var_run_t || { say '/run/k3s-lb has no label for nginx'; return 1; }
}

# context TYPE PATH…: the first of the paths that the policy accepts: one of /run and /var/run stands
# for the other, which one depends on the version.
context() {
    type=$1
    shift
    for path in "$@"; do
        semanage fcontext -a -t "$type" "$path(/.*)?" || semanage fcontext -m -t "$type" "$path(/.*)?" || continue
        say "semanage fcontext: $path is $type"
        return
    done
    return 1
}

apply() {
    command -v semanage >/dev/null || ( use_proxy; install_packages "$TOOLS" )
    for port in $PORTS; do
        labelled "$port" && continue
        # Where the policy has the port under another label, -a says that it is already defined.
        semanage port -a -t $LABEL -p tcp "$port" || semanage port -m -t $LABEL -p tcp "$port"
        say "semanage port: $port/tcp is $LABEL"
    done
    case $(getsebool $RELAY) in *' on') ;; *)
        setsebool -P $RELAY on
        say "setsebool: $RELAY is on"
        ;;
    esac
    of_type /var/log/k3s-lb httpd_log_t || context httpd_log_t /var/log/k3s-lb
    of_type /run/k3s-lb httpd_var_run_t || context httpd_var_run_t /run/k3s-lb /var/run/k3s-lb
}
