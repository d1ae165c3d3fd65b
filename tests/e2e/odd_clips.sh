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

fields() # FILE: how its frames say they are made of fields
{
    ffprobe -v error -select_streams v:0 -show_entries frame=interlaced_frame,top_field_first -of csv=p=0 "$1" | sed 's/,*$//; /^$/d' |
        sort -u | tr '\n' ' '
}

last_time() # FILE a|v: when its last packet begins, in milliseconds
{
    ffprobe -v error -select_streams "$2:0" -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d ',' | sort -n | tail -n 1 |
        awk '{ printf "%d", 1000 * $1 + .5 }'
}

$ff -i base.mp4 -vf "settb=1/1000,setpts='N*40+15*mod(N,3)+200*gte(N,20)'" -fps_mode passthrough -enc_time_base 1:1000 -c:v libx264 \
    -preset ultrafast -c:a copy uneven.mp4
$ff -i base.mp4 -an -vf "setpts=25*PTS" -r 1 -t 4 -c:v libx264 slow.mp4
$ff -i base.mp4 -an -vf "setpts=PTS*25/240" -r 240 -c:v libx264 -preset ultrafast fast.mp4
$ff -i base.mp4 -frames:v 1 -an -c:v libx264 single.mp4
$ff -i base.mp4 -t 0.4 -vf "format=yuv444p,crop=447:445:0:0" -c:v libx264 -preset ultrafast -c:a copy odd.mkv
$ff -i base.mp4 -t 0.4 -vf "scale=336:448,setsar=4/3" -c:v libx264 -preset ultrafast -c:a copy wide.mp4
for order in tff bff; do
    if [ $order = tff ]; then way=interleave_top; else way=interleave_bottom; fi
    $ff -i base.mp4 -t 0.8 -vf "tinterlace=$way,fieldorder=$order" -flags +ilme+ildct -c:v libx264 -preset ultrafast -x264-params $order=1 \
        -c:a copy lines-$order.mp4
done
$ff -i base.mp4 -t 0.6 -c copy short.mp4
$ff -i short.mp4 -stream_loop 2 -i base.mp4 -map 0:v -map 1:a -c copy longer-sound.mp4
for name in uneven.mp4 slow.mp4 fast.mp4 single.mp4 odd.mkv wide.mp4 lines-tff.mp4 lines-bff.mp4 longer-sound.mp4; do
    swapped $name
done
check "the frame times of uneven.mp4 vary" [ "$(frame_times uneven.mp4 | awk 'NR > 1 { print int(1000 * ($1 - p) + .5) } { p = $1 }' | sort -u | wc -l)" -gt 2 ]
same "slow.mp4 has one frame a second" 1000 "$(frame_times slow.mp4 | awk 'NR == 2 { printf "%d", 1000 * $1 + .5 }')"
same "slow.mp4: frame rate" 1/1 "$(video_entry result-slow.mp4 avg_frame_rate)"
same "fast.mp4: frame rate" 240/1 "$(video_entry result-fast.mp4 avg_frame_rate)"
same "single.mp4 has one frame" 1 "$(frame_count result-single.mp4)"
same "wide.mp4: shape of the pixels" 4:3 "$(video_entry result-wide.mp4 sample_aspect_ratio)"
same "wide.mp4: shape of the picture" "$(video_entry wide.mp4 display_aspect_ratio)" "$(video_entry result-wide.mp4 display_aspect_ratio)"
same "odd.mkv: size" "447,445" "$(video_entry result-odd.mkv width,height)"
check "the sound of longer-sound.mp4 goes on" [ "$(last_time longer-sound.mp4 a)" -gt $((1000 + $(last_time longer-sound.mp4 v))) ]
same "longer-sound.mp4: end of the sound" "$(last_time longer-sound.mp4 a)" "$(last_time result-longer-sound.mp4 a)"

# Both fields of an interlaced frame stay where they are, and the result says so where its codec can; where not, that is told.
for order in tff bff; do
    check "lines-$order.mp4 is interlaced" [ "$(fields lines-$order.mp4)" = "1,$([ $order = tff ]; echo $((1 - $?))) " ]
    same "lines-$order.mp4: order of the fields" "$(video_entry lines-$order.mp4 field_order)" "$(video_entry result-lines-$order.mp4 field_order)"
    same "lines-$order.mp4: fields of the frames" "$(fields lines-$order.mp4)" "$(fields result-lines-$order.mp4)"
    run swap "$source" lines-$order.mp4 -o lines-$order.mov --codec prores
    same "lines-$order.mp4: fields in ProRes" "$(fields lines-$order.mp4)" "$(fields lines-$order.mov)"
done
run swap "$source" lines-bff.mp4 -o lines.webm
same "an interlaced clip into VP9" 0 "$code"
check "that VP9 knows no fields is told" grep -q "do not say that they are interlaced" err

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
    printf '%600s' | tr ' ' '\245' | dd of=hurt.mkv bs=1 seek=$((size * at / 8)) conv=notrunc 2>/dev/null
done
run swap "$source" hurt.mkv -o hurt-result.mkv
same "damage in the middle is passed over" 0 "$code"
check "damage is told" grep -qE "hurt.mkv: damaged data (near|in) frame" err
check "most frames are there" [ "$(frame_count hurt-result.mkv)" -ge 50 ]
check "what is left plays" plays hurt-result.mkv

# The last part is missing; what is there is swapped. MP4 with its index behind cannot be read at all then.
clip lost.mkv 3 -g 25
head -c $(($(wc -c <lost.mkv) * 6 / 10)) lost.mkv >torn.mkv
run swap "$source" torn.mkv -o torn-result.mkv
same "a lost end" 0 "$code"
check "what is there is swapped" [ "$(frame_count torn-result.mkv)" -ge 30 ]
check "its sound does not go on behind the picture" [ "$(last_time torn-result.mkv a)" -lt $((1000 + $(last_time torn-result.mkv v))) ]
$ff -i lost.mkv -c copy -movflags +faststart front.mp4
head -c $(($(wc -c <front.mp4) * 6 / 10)) front.mp4 >torn.mp4
run swap "$source" torn.mp4 -o torn-result.mp4
same "a lost end behind the index" 0 "$code"
check "that the clip ends early is told" grep -q "torn.mp4: ends after .* frames (truncated?)" err
check "what is there plays" plays torn-result.mp4
check "what is there is not all of it" [ "$(frame_count torn-result.mp4)" -ge 20 -a "$(frame_count torn-result.mp4)" -lt 75 ]
$ff -i lost.mkv -c copy behind.mp4
head -c $(($(wc -c <behind.mp4) * 6 / 10)) behind.mp4 >headless.mp4
ends "a lost index" 9 headless.mp4 truncated -- swap "$source" headless.mp4 -o headless-result.mp4
check "nothing of headless.mp4 is left" nothing_left headless-result.mp4
# Only the last group of pictures, cut in the middle of its packets.
$ff -i lost.mkv -map 0:v -c copy -f mpegts whole.ts
head -c $(($(wc -c <whole.ts) * 9 / 10 / 188 * 188)) whole.ts >torn.ts
run swap "$source" torn.ts -o torn-ts.mp4
same "a torn transport stream" 0 "$code"
check "the frames before the tear are there" [ "$(frame_count torn-ts.mp4)" -ge 50 ]

# Parts by time and by frame.
run swap "$source" base.mp4 -o part.mp4 --start 0.4 --end 1:00
same "a part of a clip" 0 "$code"
same "the part's frames" 40 "$(frame_count part.mp4)"
run swap "$source" base.mp4 -o five.mp4 --start 10f --end 15f
same "five frames" 5 "$(frame_count five.mp4)"
ends "a start behind the end" 2 base.mp4 -- swap "$source" base.mp4 -o none.mp4 --start 100
done_checking
