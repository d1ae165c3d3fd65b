#!/bin/sh
# tests/e2e/real_clips.sh: every clip of the test data is swapped: same frames at the same times, the sound packet for packet,
# and no frame in which a face is seen (not in profile) comes out as it went in. Skips without the test data.
. "$(dirname "$0")/lib.sh"
clips=${VISO_TEST_SHARED:-}/video
[ -d "$clips" ] || skip "no clips in VISO_TEST_SHARED (${VISO_TEST_SHARED:-unset})"
need_pictures
need_models
need_ffmpeg

sound()
{
    [ -n "$(ffprobe -v error -select_streams a -show_entries stream=index -of csv=p=0 "$1")" ] || return 0
    ffmpeg -nostdin -v error -i "$1" -map 0:a -c copy -f framemd5 - 2>/dev/null | grep -v '^#' | awk -F, '{ print $5, $6 }'
}

# Numbers of frames in which some face is seen and every seen face is turned less than 45 degrees.
seen()
{
    "$viso" detect "$1" --json 2>/dev/null | awk '
        /"faces":\[\]/ { next }
        { n = 0; turned = 0; line = $0
          while (match(line, /"yaw":-?[0-9.e+-]+/)) {
              yaw = substr(line, RSTART + 6, RLENGTH - 6) + 0
              if (yaw > 45 || yaw < -45) turned = 1
              n++; line = substr(line, RSTART + RLENGTH) }
          if (n && !turned && match($0, /"frame":[0-9]+/)) print substr($0, RSTART + 8, RLENGTH - 8) }'
}

# Numbers of frames whose decoded pixels are the same in both files.
untouched()
{
    ffmpeg -nostdin -v error -i "$1" -map 0:v:0 -fps_mode passthrough -f framemd5 - | grep -v '^#' | awk '{ print $NF }' >one
    ffmpeg -nostdin -v error -i "$2" -map 0:v:0 -fps_mode passthrough -f framemd5 - | grep -v '^#' | awk '{ print $NF }' >two
    paste one two | awk '$1 == $2 { print NR - 1 }'
}

for clip in "$clips"/*.mp4; do
    name=$(basename "$clip" .mp4)
    run swap "$target" "$clip" -o "$name.mkv" --codec ffv1 --json
    same "$name: swapped" 0 "$code"
    [ "$code" = 0 ] || continue
    same "$name: nobody left behind" 0 "$(grep -o '"frames_dropped_back":[0-9]*' out | tail -n 1 | cut -d: -f2)"
    seen "$clip" >faces
    untouched "$clip" "$name.mkv" >same
    same "$name: every frame with a face is changed" "" "$(awk 'NR == FNR { face[$1] = 1; next } $1 in face' faces same)"
    check "$name: faces are seen" test -s faces
    rm "$name.mkv"

    run swap "$target" "$clip" -o "$name.mp4"
    same "$name: swapped to MP4" 0 "$code"
    same "$name: frame times" "$(frame_times "$clip")" "$(frame_times "$name.mp4")"
    same "$name: sound" "$(sound "$clip")" "$(sound "$name.mp4")"
    rm "$name.mp4"
done
done_checking
