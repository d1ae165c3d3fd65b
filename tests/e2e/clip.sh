#!/bin/sh
# A clip: frame count, times, sound as they were; the picture outside the face untouched in a lossless result; marked.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
clip clip.mp4 2

for result in result.mp4 result.mov result.mkv; do
    run swap "$source" clip.mp4 -o $result --json
    same "a swap into $result" 0 "$code"
    same "$result: frames" "$(frame_count clip.mp4)" "$(frame_count $result)"
    same "$result: times" "$(frame_steps clip.mp4)" "$(frame_steps $result)"
    same "$result: the sound begins when it did" "$(sound_lead clip.mp4)" "$(sound_lead $result)"
    same "$result: sound" "$(stream_sum clip.mp4 a)" "$(stream_sum $result a)"
    same "$result: codec, size, format" "$(video_entry clip.mp4 codec_name,width,height,pix_fmt)" \
        "$(video_entry $result codec_name,width,height,pix_fmt)"
    check "$result: every frame swapped" grep -q '"faces_swapped":50[,}]' out
    check "$result: no frame dropped back" grep -q '"frames_dropped_back":0[,}]' out
    run verify $result --json
    check "$result: marked" grep -q '"marked":true' out
done

run swap "$source" clip.mp4 -o lossless.mkv --codec ffv1
same "a lossless result" 0 "$code"
changed=$(differing clip.mp4 lossless.mkv yuv420p)
region=$(face_region clip.mp4)
check "samples differ only around the face (at $changed, face within $region)" inside "$changed" "$region"

run swap "$source" clip.mp4 -o threads.mkv --codec ffv1 --threads 1
same "with one worker" 0 "$code"
same "the number of workers does not change the picture" "$(stream_sum lossless.mkv v)" "$(stream_sum threads.mkv v)"
done_checking
