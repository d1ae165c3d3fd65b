#!/bin/sh
# The include lines of the tree against rooms.txt; first, that the check itself sees what it must see.
# usage: run.sh ROOT
set -u
here=$(cd "$(dirname "$0")" && pwd)
temp=$(mktemp -d) || exit 1
trap 'rm -rf "$temp"' EXIT
status=0

expect() # WANTED-EXIT FILE LINE
{
    mkdir -p "$temp/$(dirname "$2")"
    printf '%s\n' "$3" >"$temp/$2"
    (cd "$temp" && awk -f "$here/layering.awk" "$here/rooms.txt" "$2" >/dev/null)
    got=$?
    if [ "$got" != "$1" ]; then
        echo "the check itself is wrong: '$3' in $2 gave $got, expected $1"
        status=1
    fi
    rm -f "$temp/$2"
}
expect 0 src/swap/a.c '#include "face/face.h"'
expect 0 src/swap/a.c '#include <stdio.h>'
expect 0 src/swap/a.c '#include "viso/face.h"'
expect 0 src/media/a.c '#include <libavformat/avformat.h>'
expect 1 src/swap/a.c '#include "detect/detect.h"'
expect 1 src/swap/a.c '#include "kernel/internal.h"'
expect 1 src/swap/a.c '#include <libavformat/avformat.h>'
expect 1 src/swap/a.c '#  include <onnxruntime_c_api.h>'
expect 1 src/base/a.c '#include "frame/frame.h"'
expect 1 src/cellar/a.c '#include <stdio.h>'
expect 1 program/cli/a.c '#include "pipeline/groups.h"'
expect 1 program/cli/a.c '#include "missing.h"'
expect 1 src/base/a.c 'int nothing_included;'

cd "$1" || exit 1
find src program -name '*.[ch]' | sort | xargs awk -f "$here/layering.awk" "$here/rooms.txt" || status=1
exit $status
