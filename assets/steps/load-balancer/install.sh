# shellcheck shell=sh
# nginx with its stream module is installed; a newly installed one does not start its own service.
# inputs: NGINX_PACKAGES

OURS=$KEEP/nginx-is-ours
OWN_LINK=/etc/systemd/system/multi-user.target.wants/nginx.service

satisfied() {
    # shellcheck disable=SC2086 # a list of packages
    installed $NGINX_PACKAGES || return 1
    [ ! -e "$OURS" ] || [ "$(systemctl is-enabled nginx 2>/dev/null)" = disabled ] || {
        say "the package's own nginx service is not disabled"
        return 1
    }
}

apply() {
    keep
    installed nginx >/dev/null || : >"$OURS"
    if [ -e "$OURS" ]; then
        # While masked, the package cannot start it, not even briefly.
        systemctl mask nginx.service
    fi
    # shellcheck disable=SC2086
    install_packages $NGINX_PACKAGES
    if [ -e "$OURS" ]; then
        rm -f "$OWN_LINK"
        systemctl unmask nginx.service
        systemctl disable nginx.service
    fi
}
