# Holds every #include of src/ and program/ to rooms.txt. Called with rooms.txt first, then the sources, named from the
# root of the tree: src/ROOM/…, program/cli/…. Prints each include that the table does not allow; exit 1 if there is one.
function words(text, set,   part, n, i)
{
    n = split(text, part, " ")
    for (i = 1; i <= n; i++) set[part[i]] = 1
}

FNR == NR {
    if ($0 ~ /^#/ || $0 ~ /^ *$/) next
    split($0, column, "|")
    split(column[1], name, " ")
    known[name[1]] = 1
    doors[name[1]] = " " column[2] " "
    uses[name[1]] = " " column[3] " "
    libraries[name[1]] = column[4]
    next
}

FNR == 1 {
    files++
    split(FILENAME, step, "/")
    room = step[2]
    if (!(room in known)) complain("the room is not in rooms.txt")
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    header = $0
    sub(/^[^<"]*[<"]/, "", header)
    sub(/[>"].*/, "", header)
    includes++
    if (header ~ /^viso\//) next
    slash = index(header, "/")
    other = substr(header, 1, slash - 1)
    if (slash && (other in known)) {
        rest = substr(header, slash + 1)
        if (other == room) next
        if (index(uses[room], " " other " ") == 0)
            complain("\"" header "\": " room " may not use " other)
        else if (index(doors[other], " " rest " ") == 0)
            complain("\"" header "\" is private to " other)
        next
    }
    if (index(doors["libc"], " " header " ")) next
    # A header without a folder in quotes lies beside the file that includes it.
    if ($0 ~ /include[ \t]*"/ && !slash) {
        folder = FILENAME
        sub(/[^\/]*$/, "", folder)
        if ((getline line < (folder header)) >= 0) { close(folder header); next }
    }
    n = split(libraries[room], allowed, " ")
    for (i = 1; i <= n; i++)
        if (header == allowed[i] || (allowed[i] ~ /\/$/ && index(header, allowed[i]) == 1)) next
    complain("<" header "> is not among the libraries of " room)
}

function complain(what)
{
    print FILENAME ":" FNR ": " what
    bad++
}

END {
    printf "%d files, %d includes, %d not allowed\n", files, includes, bad
    exit bad > 0 || includes == 0
}
