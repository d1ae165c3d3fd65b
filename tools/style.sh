#!/bin/sh
# tools/style.sh: the checks of style that need no opinion: tabs, trailing blanks, long lines, missing final newlines,
# carriage returns, conflict marks, and the shape of the newest commit message. Names each place; exit 1 if there is one.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

files()
{
    git ls-files -- "$@" 2>/dev/null | grep -v '^tests/fuzz/corpus/' | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

report() # WHAT PLACES
{
    if [ -n "$2" ]; then
        printf '%s\n' "$2" | sed "s/^/style: $1: /" | head -n 20
        bad=1
    fi
}

code=$(files '*.c' '*.h' '*.sh' '*.build' 'meson_options.txt' '.ci/run')
text="$code $(files '*.md' Makefile deps.lock)"
tab=$(printf '\t')
# shellcheck disable=SC2086
{
    report 'tab' "$(grep -n "$tab" $code /dev/null | cut -d: -f1,2)"
    report 'blank at the end of the line' "$(grep -nE '[[:blank:]]+$' $text /dev/null | cut -d: -f1,2)"
    report 'carriage return' "$(grep -ln "$(printf '\r')" $text /dev/null)"
    report 'conflict mark' "$(grep -nE '^(<<<<<<<|>>>>>>>) ' $text /dev/null | cut -d: -f1,2)"
    report 'line over 140 columns' "$(LC_ALL=C.UTF-8 awk 'length($0) > 140 { print FILENAME ":" FNR }' $(files '*.c' '*.h'))"
    report 'no newline at the end' "$(for f in $text; do [ -z "$(tail -c 1 "$f")" ] || echo "$f"; done)"
}
subject=$(git log -1 --no-merges --format=%s 2>/dev/null)
case $subject in
    '') ;;
    *.) report 'commit message ends in a full stop' "$subject" ;;
    [a-z.]*:\ *) ;;
    *) report 'commit message is not "room: summary"' "$subject" ;;
esac
[ "$bad" -eq 0 ] && echo "style: fine"
exit "$bad"
