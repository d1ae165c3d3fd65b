#!/bin/sh
# A run that is killed, or stopped, and gone on with ends like one that was never broken: the same decoded frames, time stamps and
# sound. Killed after each of some numbers of frames reported, so that no clock is needed.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
kills=${VISO_KILLS:-2}

# Two faces under known motion, B-frames, sound, and a rate that varies.
clip long.mp4 10
ffmpeg -nostdin -v error -y -i long.mp4 -vf "select='not(eq(mod(n,7),3))'" -fps_mode vfr -c:v libx264 -preset fast -bf 3 -c:a copy vfr.mkv

frames_of() # FILE
{
    ffmpeg -nostdin -v error -i "$1" -map 0:v:0 -f framemd5 - 2>&1 | grep -v '^#' | md5sum
}

journal_lines() # RESULT: segments that are on the disk
{
    grep '"segments"' "$1.unfinished/journal" 2>/dev/null | wc -l
}

kill_and_go_on() # CLIP RESULT OPTIONS…
{
    in=$1 out=$2
    shift 2
    run swap "$source" "$in" -o "whole-$out" "$@"
    same "$in: unbroken" 0 "$code"
    check "$in: nothing is left beside an unbroken run" [ ! -e "whole-$out.unfinished" ]
    total=$(frame_count "whole-$out")
    rm -rf "$out" "$out.unfinished"
    i=1
    while [ "$i" -le "$kills" ]; do
        at=$((total * 3 * i / (4 * (kills + 1)) + i % 3)) # what is left then takes longer than reading the report
        rm -f progress
        "$viso" swap "$source" "$in" -o "$out" --resume --json "$@" >progress 2>err </dev/null &
        child=$!
        while kill -0 "$child" 2>/dev/null; do
            done=$(sed -n 's/.*"phase":"frames","frames":\([0-9]*\).*/\1/p' progress | tail -n 1)
            [ "${done:-0}" -lt "$at" ] || break
            sleep 0.02
        done
        kill -9 "$child" 2>/dev/null
        wait "$child" 2>/dev/null
        child=
        check "$in, kill $i: nothing under the final name" [ ! -e "$out" ]
        kept=$(journal_lines "$out")
        echo "killed at ${done:-0} of $total, segments kept: $kept"
        i=$((i + 1))
    done
    check "$in: segments were kept" [ "$kept" -ge 1 ]
    run swap "$source" "$in" -o "$out" "$@"
    same "$in: without --resume it is refused" 2 "$code"
    check "$in: the message names --resume" grep -q -e --resume err
    run swap "$source" "$in" -o "$out" --resume --crf 30 "$@"
    same "$in: with other settings it is refused" 2 "$code"
    check "$in: the message says what is other" grep -q settings err
    run swap "$source" "$in" -o "$out" --resume --json "$@"
    same "$in: gone on with to the end" 0 "$code"
    [ "$code" = 0 ] || cat err
    resumed=$(sed -n 's/.*"frames_resumed":\([0-9]*\).*/\1/p' out | tail -n 1)
    check "$in: frames from before the break (${resumed:-0})" [ "${resumed:-0}" -gt 0 ]
    same "$in: decoded frames" "$(frames_of "whole-$out")" "$(frames_of "$out")"
    same "$in: times" "$(frame_times "whole-$out" | md5sum)" "$(frame_times "$out" | md5sum)"
    same "$in: sound" "$(stream_sum "whole-$out" a)" "$(stream_sum "$out" a)"
    check "$in: nothing is left" [ ! -e "$out.unfinished" ]
    "$viso" verify "$out" --json >verify 2>&1
    check "$in: it is marked" grep -q '"marked":true' verify
}
# The second with records that come from the cache, which the unbroken run has filled.
kill_and_go_on long.mp4 r.mp4 --segment 1 --cache off
kill_and_go_on vfr.mkv r.mkv --segment 0.5

# Ctrl-C leaves a file that plays, and the run can be gone on with all the same.
rm -f progress
env --default-signal=INT "$viso" swap "$source" long.mp4 -o stopped.mp4 --segment 1 --cache off --json >progress 2>err </dev/null &
child=$!
while kill -0 "$child" 2>/dev/null && [ "$(journal_lines stopped.mp4)" -lt 3 ]; do
    sleep 0.05
done
kill -s INT "$child"
wait "$child"
same "Ctrl-C: exit code" 130 "$?"
child=
check "Ctrl-C: the file plays" plays stopped.mp4
check "Ctrl-C: the message names --resume" grep -q -e --resume err
run swap "$source" long.mp4 -o stopped.mp4 --segment 1 --cache off --resume
same "Ctrl-C: gone on with" 0 "$code"
same "Ctrl-C: decoded frames" "$(frames_of whole-r.mp4)" "$(frames_of stopped.mp4)"
same "Ctrl-C: sound" "$(stream_sum whole-r.mp4 a)" "$(stream_sum stopped.mp4 a)"

# Segments shorter than what is looked ahead: the frames that a stopped run lets out early hold the beginning of one, always.
clip brief.mp4 2
run swap "$source" brief.mp4 -o whole-b.mp4 --segment 0.2 --cache off
rm -f progress
env --default-signal=INT "$viso" swap "$source" brief.mp4 -o brief-b.mp4 --segment 0.2 --cache off >progress 2>err </dev/null &
child=$!
while kill -0 "$child" 2>/dev/null && [ "$(journal_lines brief-b.mp4)" -lt 1 ]; do
    sleep 0.02
done
kill -s INT "$child"
wait "$child"
same "Ctrl-C in short segments: exit code" 130 "$?"
child=
run swap "$source" brief.mp4 -o brief-b.mp4 --segment 0.2 --cache off --resume
same "Ctrl-C in short segments: gone on with" 0 "$code"
same "Ctrl-C in short segments: decoded frames" "$(frames_of whole-b.mp4)" "$(frames_of brief-b.mp4)"
check "Ctrl-C in short segments: nothing is said of a clip that ends early" [ -z "$(grep truncated err)" ]

# A segment or a state that is damaged costs one step back, not the run.
rm -f progress
"$viso" swap "$source" long.mp4 -o hurt.mp4 --segment 1 --cache off >progress 2>err </dev/null &
child=$!
while kill -0 "$child" 2>/dev/null && [ "$(journal_lines hurt.mp4)" -lt 4 ]; do
    sleep 0.05
done
kill -9 "$child"
wait "$child" 2>/dev/null
child=
kept=$(journal_lines hurt.mp4)
printf 'x' | dd of="hurt.mp4.unfinished/state-$(printf %05d "$kept")" bs=1 seek=3000 conv=notrunc 2>/dev/null
run swap "$source" long.mp4 -o hurt.mp4 --segment 1 --cache off --resume
same "damaged state: gone on with one segment earlier" 0 "$code"
same "damaged state: decoded frames" "$(frames_of whole-r.mp4)" "$(frames_of hurt.mp4)"

# By itself a segment of large or fast pictures is shorter: sixty frames of 1080 lines, told by the key frame behind it.
ffmpeg -nostdin -v error -y -t 1.8 -i long.mp4 -vf scale=1920:1080 -r 60 -c:v libx264 -preset ultrafast -an large.mp4
run swap "$source" large.mp4 -o large-out.mp4 --face largest --encoder-preset ultrafast --cache off
[ "$code" = 0 ] || cat err
keys=$(ffprobe -v error -select_streams v:0 -show_entries packet=flags -of csv=p=0 large-out.mp4 | grep -n K | cut -d: -f1 | tr '\n' ' ')
same "key frames of 108 frames of 1080p60" "1 61 " "$keys"

# A folder goes on with the files that are not there yet.
mkdir shots done
ffmpeg -nostdin -v error -y -t 3 -i long.mp4 -c copy shots/a.mp4
cp shots/a.mp4 shots/b.mp4
cp "$target" shots/c.png
run swap "$source" shots -o done
same "folder" 0 "$code"
rm done/b.mp4
before=$(stat -c %Y%i done/a.mp4)
run swap "$source" shots -o done --resume
same "folder: gone on with" 0 "$code"
check "folder: the missing result is there" plays done/b.mp4
same "folder: a finished one was not made again" "$before" "$(stat -c %Y%i done/a.mp4)"
done_checking
