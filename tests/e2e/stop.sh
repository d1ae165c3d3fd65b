#!/bin/sh
# Ctrl-C and SIGTERM half-way: exit code 130, what was done so far is a playable file with its sound. The signal is sent when
# the program has reported frames, so no clock is needed; the clip is far too long to end by itself before.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
clip short.mp4 4
ffmpeg -nostdin -v error -y -stream_loop 150 -i short.mp4 -c copy long.mp4
ffmpeg -nostdin -v error -y -i long.mp4 -c copy long.mkv
total=$(ffprobe -v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0 long.mp4 | tr -d ',')

stopped() # SIGNAL FILE RESULT
{
    rm -f progress "$3"
    # A shell starts background work with SIGINT ignored; a terminal does not.
    env --default-signal=INT "$viso" swap "$source" "$2" -o "$3" --json >progress 2>err </dev/null &
    child=$!
    while kill -0 "$child" 2>/dev/null && ! grep -q '"phase":"frames","frames":[1-9]' progress; do
        sleep 0.1
    done
    kill -s "$1" "$child"
    wait "$child"
    code=$?
    child=
    same "$1 on $3: exit code" 130 "$code"
    check "$1 on $3: the file plays" plays "$3"
    made=$(frame_count "$3")
    check "$1 on $3: it holds a part (${made:-0} of $total frames)" [ "${made:-0}" -gt 0 -a "${made:-0}" -lt "$total" ]
    check "$1 on $3: it has its sound" [ -n "$(ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 "$3")" ]
    sound=$(ffprobe -v error -select_streams a:0 -show_entries packet=pts_time -of csv=p=0 "$3" | tr -d ',' | sort -n | tail -n 1)
    video=$(frame_times "$3" | tail -n 1)
    check "$1 on $3: the sound ends with the picture ($sound s, $video s)" \
        awk -v a="$sound" -v v="$video" 'BEGIN { exit !(a > v - 0.5 && a < v + 0.5) }'
    "$viso" verify "$3" --json >verify 2>&1
    check "$1 on $3: it is marked" grep -q '"marked":true' verify
    check "$1 on $3: nothing half-done beside it" [ -z "$(find . -maxdepth 1 -name '.*part*')" ]
    tail -n 1 err
}
stopped INT long.mp4 int.mp4
stopped TERM long.mp4 term.mp4
stopped INT long.mkv int.mkv

# Killed outright: no file under the final name.
rm -f progress
"$viso" swap "$source" long.mp4 -o killed.mp4 --json >progress 2>err </dev/null &
child=$!
while kill -0 "$child" 2>/dev/null && ! grep -q '"phase":"frames","frames":[1-9]' progress; do
    sleep 0.1
done
kill -9 "$child"
wait "$child" 2>/dev/null
child=
check "killed: nothing under the final name" [ ! -e killed.mp4 ]
done_checking
