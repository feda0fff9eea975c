# shellcheck shell=sh
# nginx with its stream module is installed; a newly installed one does not start its own service.
# inputs: NGINX_PACKAGE STREAM_PACKAGE (empty if nginx has the module) NGINX NGINX_USER
# with a proxy, inputs: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR   from a bundle: BUNDLE

# The stream module has its package, or is a part of this nginx, such as that of nginx.org.
has_stream() {
    [ -n "$STREAM_PACKAGE" ] || return 0
    missing=$(installed "$STREAM_PACKAGE") && return 0
    case "$("$NGINX" -V 2>&1) " in
    *' --with-stream '*) ;;
    *) say "$missing"; return 1 ;;
    esac
}

satisfied() {
    installed "$NGINX_PACKAGE" || return 1
    has_stream || return 1
    # Its package's script creates it; a package whose script failed is installed all the same.
    id -u "$NGINX_USER" >/dev/null 2>&1 ||
        { say "the user $NGINX_USER of nginx does not exist"; return 1; }
    is_unstarted nginx
}

apply() {
    keep
    # shellcheck disable=SC2086 # there may be none
    install_unstarted nginx "$NGINX_PACKAGE" $STREAM_PACKAGE
}
