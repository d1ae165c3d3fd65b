#!/bin/sh
# A disk that is full: exit code 8, the file named, nothing left. Needs the right to mount a small tmpfs in a namespace.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
unshare -m true 2>/dev/null && mkdir disk && unshare -m sh -c "mount -t tmpfs -o size=64k none '$work/disk'" 2>/dev/null ||
    skip "no right to mount a tmpfs"
clip clip.mp4 3

on_small_disk() # CODE-FILE ARGUMENT…: the program with a disk of 64 KiB; then lists what is on it
{
    unshare -m sh -c 'mount -t tmpfs -o size=64k none "$0/disk" && "$@" >"$0/out" 2>"$0/err" </dev/null
        echo $? >"$0/code"; ls -A "$0/disk" >"$0/left"' "$work" "$viso" "$@"
    code=$(cat code)
}
for result in result.png result.mp4 result.mkv; do
    if [ $result = result.png ]; then from=$target; else from=clip.mp4; fi
    on_small_disk swap "$source" "$from" -o "$work/disk/$result" --crf 1
    same "$result on a full disk: exit code" 8 "$code"
    check "$result on a full disk: the message names it" grep -q "$result" err
    same "$result on a full disk: nothing is left" "" "$(cat left)"
    head -n 2 err
done

# --full-disk wait: the run says so and goes on when there is room; with segments that were written before.
unshare -m sh -c 'mount -t tmpfs -o size=400k none "$0/disk"
    "$1" swap "$2" clip.mp4 -o "$0/disk/result.mp4" --crf 1 --full-disk wait --segment 0.5 --json >"$0/out" 2>"$0/err" </dev/null &
    child=$!
    while kill -0 $child 2>/dev/null && ! grep -q "\"phase\":\"full\"" "$0/out"; do sleep 0.1; done
    mount -o remount,size=40m "$0/disk"
    wait $child
    echo $? >"$0/code"
    cp "$0/disk/result.mp4" "$0/waited.mp4"; ls -A "$0/disk" >"$0/left"' "$work" "$viso" "$source"
same "waiting for room: exit code" 0 "$(cat code)"
check "waiting for room: it was told" grep -q '"phase":"full"' out
check "waiting for room: once" [ "$(grep -c 'full' err)" -le 2 ]
same "waiting for room: all frames" "$(frame_count clip.mp4)" "$(frame_count waited.mp4)"
same "waiting for room: nothing else is left" result.mp4 "$(cat left)"

# Stopped by it, what was done is kept, and the run goes on when there is room.
unshare -m sh -c 'mount -t tmpfs -o size=1300k none "$0/disk"
    "$1" swap "$2" clip.mp4 -o "$0/disk/result.mp4" --crf 1 --segment 0.5 >"$0/out" 2>"$0/err" </dev/null
    echo $? >"$0/code"
    mount -o remount,size=40m "$0/disk"
    "$1" swap "$2" clip.mp4 -o "$0/disk/result.mp4" --crf 1 --segment 0.5 --resume >"$0/out2" 2>"$0/err2" </dev/null
    echo $? >"$0/code2"
    cp "$0/disk/result.mp4" "$0/resumed.mp4"' "$work" "$viso" "$source"
same "stopped by a full disk: exit code" 8 "$(cat code)"

check "stopped by a full disk: --resume is named" grep -q -e --resume err
same "gone on with: exit code" 0 "$(cat code2)"
same "gone on with: the same frames" "$(ffmpeg -nostdin -v error -i waited.mp4 -map 0:v -f md5 -)" \
    "$(ffmpeg -nostdin -v error -i resumed.mp4 -map 0:v -f md5 -)"
done_checking
