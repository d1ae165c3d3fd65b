#!/bin/sh
# Memory told before a run and kept to in a run: the plan against what was really resident, and --max-ram with what it lowers.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
unset MALLOC_PERTURB_ # it writes to memory that nobody uses

# A number out of the last JSON on out.
number() # KEY
{
    grep -o "\"$1\": *[0-9-]*" "$work/out" | tail -n 1 | grep -o '[0-9-]*$'
}

# Seventy frames, so that an encoder that looks ahead forty is filled.
ffmpeg -nostdin -v error -y -loop 1 -framerate 25 -i "$target" \
    -vf "scale=4*iw:4*ih,zoompan=z='1.2+0.05*sin(on/9)':x='(iw-iw/zoom)*(0.4+0.1*sin(on/7))':y='(ih-ih/zoom)*0.15':d=1:s=1920x1080:fps=25,format=yuv420p" \
    -frames:v 70 -c:v libx264 -preset ultrafast -crf 18 hd.mp4

# Sanitizers and their like take memory of their own: there only the logic is checked.
strings=$(ldd "$viso" 2>/dev/null; nm -D "$viso" 2>/dev/null)
case $strings in *asan* | *tsan* | *ubsan*) measured= ;; *) measured=yes ;; esac
within() # WHAT PLANNED PEAK: at most 10 % too low, 25 % too high
{
    [ -z "$measured" ] || check "$1: $2 planned, $3 taken" awk -v p="$2" -v q="$3" 'BEGIN { exit !(p >= 0.9 * q && p <= 1.25 * q) }'
}

run plan hd.mp4 --threads 2 --encoder-threads 2 --json
same "plan: exit code" 0 "$code"
check "plan: parts" grep -q '"name": "frames in flight"' out
planned=$(number ram)
run bench hd.mp4 "$source" --threads 2 --encoder-threads 2 --json
same "a run with room: exit code" 0 "$code"
same "the plan of the run is that of viso plan" "$planned" "$(number planned_ram)"
same "nothing was lowered: ring" 16 "$(number ring)"
same "nothing was lowered: look-ahead" 20 "$(number encoder_lookahead)"
within "a run with room" "$planned" "$(number peak_rss)"

# Frames in flight go first, then the look-ahead; workers stay as they were set.
limit=$((500 * 1048576))
run bench hd.mp4 "$source" --threads 2 --encoder-threads 2 --max-ram 500M --json
same "500 MiB: exit code" 0 "$code"
check "500 MiB: says what was lowered" grep -q "max-ram is 500 MiB: frames in flight from 16 to [0-9]*, look-ahead of the encoder from 20 to 10" err
check "500 MiB: ring" [ "$(number ring)" -le 10 ]
same "500 MiB: look-ahead" 10 "$(number encoder_lookahead)"
same "500 MiB: workers" 2 "$(number workers)"
within "500 MiB" "$(number planned_ram)" "$(number peak_rss)"
[ -z "$measured" ] || check "500 MiB: kept to" [ "$(number peak_rss)" -le "$limit" ]

# What was set by hand stays, so something else has to give way.
run plan hd.mp4 --max-ram 500M --ring 8 --threads 2 --encoder-threads 2 --json
same "a ring that was set stays" 8 "$(number ring)"
check "the look-ahead gives way instead" [ "$(number encoder_lookahead)" -lt 20 ]
run plan hd.mp4 --max-ram 600M --encoder-preset medium --encoder-lookahead 40 --threads 2 --encoder-threads 2 --json
same "a look-ahead that was set stays" 40 "$(number encoder_lookahead)"

# Workers are lowered when the rest does not do.
run plan hd.mp4 --max-ram 400M --encoder-threads 2 --json
same "400 MiB: one worker" 1 "$(number workers)"
check "400 MiB: within" [ "$(number ram)" -le $((400 * 1048576)) ]

ends "what cannot fit is refused" 8 "needs at least about" "--max-ram is 100 MiB" "raise it" -- swap "$source" hd.mp4 -o out.mp4 --max-ram 100M
check "and leaves nothing" nothing_left out.mp4
ends "what was set is named" 8 "leave out --threads" -- swap "$source" hd.mp4 -o out.mp4 --max-ram 350M --encoder-lookahead 40
ends "a size that is none" 2 "--max-ram lots" "2G, 800M or 50%" -- swap "$source" hd.mp4 -o out.mp4 --max-ram lots
ends "doctor knows" 8 "1080p clip" "raise --max-ram" -- doctor --max-ram 100M
run doctor --max-ram 500M
same "doctor: lowered settings do" 0 "$code"
run plan --max-ram 50% --json
check "half of the memory of the machine" [ "$(number max_ram)" -gt 1000000 ]
done_checking
