#!/bin/sh
# tools/test.sh [TEST…]: runs the built tests; prints the log of each one that failed and, last, a count.
# A test is named as Meson names it, or as suite:NAME.
set -u
cd "$(dirname "$0")/.." || exit 1
args=
for t in "$@"; do
    case $t in
        suite:*) args="$args --suite ${t#suite:}" ;;
        *) args="$args $t" ;;
    esac
done
# Limits of single tests are set for a fast machine; two slow cores may take a few times as long.
# shellcheck disable=SC2086
meson test -C build --no-rebuild --print-errorlogs --timeout-multiplier 4 $args
status=$?
sh tools/summary.sh build/meson-logs/testlog.json
exit $status
