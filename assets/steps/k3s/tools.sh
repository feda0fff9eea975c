# shellcheck shell=sh
# The host can download over HTTPS, which the install script needs.
# inputs: DOWNLOAD_PACKAGES   with a proxy: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR

satisfied() {
    command -v curl >/dev/null || command -v wget >/dev/null ||
        { say 'there is neither curl nor wget'; return 1; }
    [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -s /etc/pki/tls/certs/ca-bundle.crt ] ||
        [ -s /etc/ssl/ca-bundle.pem ] || { say 'there are no CA certificates'; return 1; }
}

apply() {
    # shellcheck disable=SC2086 # a list of packages
    ( use_proxy; install_packages $DOWNLOAD_PACKAGES )
}
