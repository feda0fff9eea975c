# shellcheck shell=sh
# What came from the bundle and is installed is no longer here.
# inputs: BUNDLE

satisfied() { [ ! -e "$BUNDLE" ] || { say "$BUNDLE is still here"; return 1; }; }
apply() { remove; }
remove() { rm -rf "$BUNDLE"; }
