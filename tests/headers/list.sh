#!/bin/sh
# usage: list.sh ROOT MESON.BUILD: every header of include/viso is named there.
status=0
for header in "$1"/include/viso/*.h; do
    grep -q "'$(basename "$header")'" "$2" || { echo "$header is not tested alone"; status=1; }
done
exit $status
