#!/bin/sh
# documents.sh PROGRAM ROOT: docs/options.md must be what the program prints today, and the schema must name every option.
set -u
program=$1 root=$2
if ! "$program" --config none options --markdown | diff -u "$root/docs/options.md" -; then
    echo "docs/options.md is old; refresh it: build/viso options --markdown > docs/options.md" >&2
    exit 1
fi
schema=$("$program" --config none options --json) || exit 1
keys=$(sed -n 's/^| `--\([a-z0-9-]*\)`.*/\1/p' "$root/docs/options.md")
[ -n "$keys" ] || { echo "docs/options.md lists no option" >&2; exit 1; }
for key in $keys; do
    case $schema in
    *"\"$key\": {"*) ;;
    *) echo "the schema lacks $key" >&2; exit 1 ;;
    esac
done
# No option of a command may hide one of the table.
for command in swap detect bench options "models import"; do
    twice=$("$program" --complete $command -- | sort | uniq -d)
    [ -z "$twice" ] || { echo "$command: two options are called $twice" >&2; exit 1; }
done
