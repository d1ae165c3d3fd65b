#!/bin/sh
# Clips that are not as clips should be: very slow and very fast ones, one frame, tiny pictures, odd sides, pixels that are not
# square, interlaced ones, a picture that changes its size, damage in the middle, a lost end, sound that goes on. Each gives a
# clear result (as many frames at the same times) or a clear error that names the file.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
clip base.mp4 2
ff="ffmpeg -nostdin -v error -y"

swapped() # FILE [OUT]: swapped with all frames at their times, and the same sound
{
    out=${2:-result-$1}
    run swap "$source" "$1" -o "$out" --json
    same "$1 is swapped" 0 "$code"
    if [ "$code" != 0 ]; then
        head -n 3 err
        return
    fi
    same "$1: frame times" "$(frame_steps "$1")" "$(frame_steps "$out")"
    same "$1: sound" "$(stream_sum "$1" a)" "$(stream_sum "$out" a)"
    check "$1 is marked" sh -c "'$viso' verify '$out' | grep -q synthetic"
}

$ff -i base.mp4 -an -vf "setpts=25*PTS" -r 1 -t 4 -c:v libx264 slow.mp4
$ff -i base.mp4 -an -vf "setpts=PTS*25/240" -r 240 -c:v libx264 -preset ultrafast fast.mp4
$ff -i base.mp4 -frames:v 1 -an -c:v libx264 single.mp4
$ff -i base.mp4 -t 0.4 -vf "format=yuv444p,crop=447:445:0:0" -c:v libx264 -preset ultrafast -c:a copy odd.mkv
$ff -i base.mp4 -t 0.4 -vf "scale=336:448,setsar=4/3" -c:v libx264 -preset ultrafast -c:a copy wide.mp4
$ff -i base.mp4 -t 0.8 -vf "tinterlace=interleave_top,fieldorder=tff" -flags +ilme+ildct -c:v libx264 -preset ultrafast -x264-params tff=1 -c:a copy lines.mp4
$ff -i base.mp4 -t 0.6 -c copy short.mp4
$ff -i short.mp4 -stream_loop 2 -i base.mp4 -map 0:v -map 1:a -c copy longer-sound.mp4
for name in slow.mp4 fast.mp4 single.mp4 odd.mkv wide.mp4 lines.mp4 longer-sound.mp4; do
    swapped $name
done
same "slow.mp4 has one frame a second" 1000 "$(frame_times slow.mp4 | awk 'NR == 2 { printf "%d", 1000 * $1 + .5 }')"
same "wide.mp4: shape of the pixels" "$(video_entry wide.mp4 sample_aspect_ratio)" "$(video_entry result-wide.mp4 sample_aspect_ratio)"
same "lines.mp4: order of the fields" "$(video_entry lines.mp4 field_order)" "$(video_entry result-lines.mp4 field_order)"
same "odd.mkv: size" "447,445" "$(video_entry result-odd.mkv width,height)"

# Nothing can be seen in two by two pixels; that is said, and nothing is left.
$ff -f lavfi -i color=c=gray:s=2x2:d=0.4:r=25 -c:v libx264 tiny.mp4
ends "two by two pixels" 4 tiny.mp4 -- swap "$source" tiny.mp4 -o tiny-result.mp4
check "nothing of tiny.mp4 is left" nothing_left tiny-result.mp4

# A stream that goes on in another size: frames are scaled to the first one's size.
$ff -i base.mp4 -t 0.6 -an -c:v libx264 -preset ultrafast -f mpegts first.ts
$ff -i base.mp4 -t 0.6 -an -vf scale=224:224 -c:v libx264 -preset ultrafast -output_ts_offset 0.6 -f mpegts second.ts
cat first.ts second.ts >sizes.ts
run swap "$source" sizes.ts -o sizes.mp4
same "a change of size in mid-clip" 0 "$code"
check "the change of size is told" grep -q "size or format changes" err
same "the result has the first size" "448,448" "$(video_entry sizes.mp4 width,height)"
check "the result has frames of both" [ "$(frame_count sizes.mp4)" -ge 28 ]

# Bytes overwritten in the middle of the picture data; the sound is not touched by it.
clip hurt.mkv 3 -g 25
size=$(wc -c <hurt.mkv)
for at in 3 4 5; do
    dd if=/dev/urandom of=hurt.mkv bs=1 count=600 seek=$((size * at / 8)) conv=notrunc 2>/dev/null
done
run swap "$source" hurt.mkv -o hurt-result.mkv
same "damage in the middle is passed over" 0 "$code"
check "most frames are there" [ "$(frame_count hurt-result.mkv)" -ge 50 ]

# The last part is missing; what is there is swapped.
clip lost.mkv 3 -g 25
head -c $(($(wc -c <lost.mkv) * 6 / 10)) lost.mkv >torn.mkv
run swap "$source" torn.mkv -o torn-result.mkv
same "a lost end" 0 "$code"
check "what is there is swapped" [ "$(frame_count torn-result.mkv)" -ge 30 ]

# Parts by time and by frame.
run swap "$source" base.mp4 -o part.mp4 --start 0.4 --end 1:00
same "a part of a clip" 0 "$code"
same "the part's frames" 40 "$(frame_count part.mp4)"
run swap "$source" base.mp4 -o five.mp4 --start 10f --end 15f
same "five frames" 5 "$(frame_count five.mp4)"
ends "a start behind the end" 2 base.mp4 -- swap "$source" base.mp4 -o none.mp4 --start 100
done_checking
