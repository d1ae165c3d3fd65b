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
done_checking
