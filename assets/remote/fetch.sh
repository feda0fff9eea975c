# shellcheck shell=sh
# Downloads a URL and prints it. From HTTPS it follows no redirect to plain HTTP: then it fails, and
# what it has printed must not be used.
# inputs: URL LIMIT (seconds)   with a proxy: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR
use_proxy
case $URL in
https:*) allowed='=https' ;;
*) allowed='=http,https' ;;
esac
if command -v curl >/dev/null; then
    curl -fsSL --proto "$allowed" --proto-redir "$allowed" --retry 3 --connect-timeout 15 \
        --max-time "$LIMIT" "$URL"
elif command -v wget >/dev/null; then
    # wget knows no such option, but says where it was led.
    report=$(mktemp)
    status=0
    timeout "$LIMIT" wget -O - --progress=dot:giga --tries=3 --timeout=30 "$URL" 2>"$report" || status=$?
    if [ "$allowed" = '=https' ] && grep -qi '^Location: http:' "$report"; then
        echo "$URL redirects to plain HTTP" >&2
        status=1
    fi
    [ "$status" -eq 0 ] || tail -n 20 "$report" >&2
    rm -f "$report"
    exit "$status"
else
    echo 'there is neither curl nor wget' >&2
    exit 127
fi
