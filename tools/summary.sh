#!/bin/sh
# tools/summary.sh TESTLOG.JSON: counts the results in Meson's log (one JSON object per line), names what did not pass,
# and ends with the line "N passed, N failed, N skipped".
[ -f "$1" ] || { echo "0 passed, 1 failed (no test ran)"; exit 1; }
awk '
    # The first "name" and "result" of a line are the test'"'"'s own: quotes inside other strings are escaped.
    function value(key,   at, rest) {
        at = match($0, "\"" key "\": \"")
        if (!at) return ""
        rest = substr($0, at + RLENGTH)
        sub(/".*/, "", rest)
        return rest
    }
    {
        result = value("result"); name = value("name")
        if (result == "OK" || result == "EXPECTEDFAIL") passed++
        else if (result == "SKIP") { skipped++; print "skipped: " name }
        else { failed++; print "FAILED:  " name " (" result ")" }
    }
    END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }
' "$1"
