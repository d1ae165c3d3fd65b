#!/bin/sh
# A little of everything, in seconds: pictures with no, one and two faces, and clips of ten frames in which faces are lost in every
# way there is a fall-back for. Numbers of faces, shapes of what comes out, exit codes, and no crash.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
ff="ffmpeg -nostdin -v error -y"

no_face none.png
$ff -i "$target" -vf scale=320:320 one.png
$ff -i "$target" -i "$source" -filter_complex "[0]scale=320:320[a];[1]crop=iw:iw:0:0,scale=320:320[b];[a][b]hstack" two.png

faces_in() # each line of out: how many faces it has
{
    while read -r line; do
        printf '%s\n' "$line" | grep -o '"box":' | wc -l
    done <out | tr -d ' ' | xargs
}

numbers_of() # FIELD: how many numbers the lists of that name hold, innermost lists joined, a figure for each face
{
    tr -d ' \n' <out | sed 's/\],\[/,/g' | grep -o "\"$1\":\[\[*[^]]*" | while read -r list; do
        printf '%s\n' "$list" | tr ',' '\n' | wc -l
    done | tr -d ' ' | xargs
}

# ---- looking at pictures
for n in "none 0 640x480" "one 1 320x320" "two 2 640x320"; do
    set -- $n
    run detect "$1.png" --json --embed
    same "$1.png: exit code" 0 "$code"
    same "$1.png: faces" "$2" "$(faces_in)"
    same "$1.png: size" "$3" "$(sed 's/.*"width":\([0-9]*\),"height":\([0-9]*\).*/\1x\2/' out)"
done
same "two.png: boxes of four" "4 4" "$(numbers_of box)"
same "two.png: five points of two" "10 10" "$(numbers_of points | cut -d' ' -f1,2)"
same "two.png: a mesh of 478 points of three" "1434 1434" "$(numbers_of mesh)"
size=$(numbers_of embedding)
check "two.png: embeddings ($size)" [ "${size% *}" -ge 64 ]
same "two.png: both embeddings are as long" "${size% *}" "${size#* }"
tr -d ' \n' <out | grep -o '"embedding":\[[^]]*' | cut -d'[' -f2 >vectors
check "two.png: of unit length" awk -F, '{ s = 0; for (i = 1; i <= NF; i++) s += $i * $i; if (s < 0.999 || s > 1.001) exit 1 }' vectors
check "two.png: of two people" less "$(cosine "$(head -n 1 vectors)" "$(tail -n 1 vectors)")" 0.4
sed 's/.*"box":\[\([^]]*\)\].*"box":\[\([^]]*\)\].*/\1 \2/' out | tr ',' ' ' >boxes
check "two.png: one in either half" awk '{ a = ($1 + $3) / 2; b = ($5 + $7) / 2; exit !((a < 320) != (b < 320)) }' boxes

# ---- swapping pictures
ends "none.png: no face" 4 none.png -- swap "$source" none.png -o none-out.png
check "none.png: nothing is left" nothing_left none-out.png
for n in "one 1" "two 2"; do
    set -- $n
    run swap "$source" "$1.png" -o "$1-out.png" --json
    same "$1.png: swapped" "0 $2" "$code $(grep -o '"faces_swapped":[0-9]*' out | cut -d: -f2)"
    same "$1.png: the result has its size" "$(video_entry "$1.png" width,height,pix_fmt)" "$(video_entry "$1-out.png" width,height,pix_fmt)"
    run detect "$1-out.png" --json
    same "$1.png: as many faces in the result" "$2" "$(faces_in)"
done

# ---- ten frames
ten() # FILE PICTURE FILTER
{
    $ff -loop 1 -framerate 25 -i "$2" -vf "$3,format=yuv420p" -frames:v 10 -c:v libx264 -preset ultrafast -crf 18 "$1"
}
move="zoompan=z='1.02+0.01*sin(on/3)':x='2*on':y='3':d=1:fps=25"
ten plain.mp4 one.png "$move:s=320x320"
ten pair.mp4 two.png "$move:s=640x320"
run detect plain.mp4 --json
same "ten frames: a face in each" "0 1 1 1 1 1 1 1 1 1 1" "$code $(faces_in)"
same "ten frames: it keeps its number" 1 "$(grep -o '"track":[0-9]*' out | sort -u | wc -l)"
run detect pair.mp4 --json
same "ten frames of two: two in each" "0 2 2 2 2 2 2 2 2 2 2" "$code $(faces_in)"
same "ten frames of two: two numbers" 2 "$(grep -o '"track":[0-9]*' out | sort -u | wc -l)"

swaps() # WHAT FILE LEAST OPTION…: swapped in at least so many of its faces
{
    what=$1 file=$2 least=$3
    shift 3
    run swap "$source" "$file" -o out.mkv -y --codec ffv1 --json --telemetry counts.csv "$@"
    made=$(grep -o '"faces_swapped":[0-9]*' out | tail -n 1 | cut -d: -f2)
    same "$what: exit code" 0 "$code"
    same "$what: ten frames" 10 "$(frame_count out.mkv)"
    same "$what: their size" "$(video_entry "$file" width,height)" "$(video_entry out.mkv width,height)"
    check "$what: ${made:-no} faces swapped" [ "${made:-0}" -ge "$least" ]
    same "$what: nobody who is seen is left" 0 "$(grep -o '"frames_dropped_back":[0-9]*' out | tail -n 1 | cut -d: -f2)"
}
count() # KEY: of the tracker
{
    sed -n "s/^tracker\.$1,//p" counts.csv
}

swaps "one face" plain.mp4 10
swaps "two faces" pair.mp4 20
swaps "one of two" pair.mp4 10 --face 1
swaps "one worker, the smallest ring" pair.mp4 20 --threads 1 --ring 2

black="drawbox=c=black:t=fill:enable='eq(n,5)'"
blur="gblur=sigma=6:enable='between(n,4,6)'"
fog="gblur=sigma=20:enable='between(n,4,6)'"
half="drawbox=x=320:w=320:h=320:c=gray:t=fill:enable='gte(n,5)'"
flash="drawbox=c=white:t=fill:enable='between(n,5,6)'"
ten black.mp4 one.png "$move:s=320x320,$black"
ten blur.mp4 one.png "$move:s=320x320,$blur"
ten fog.mp4 one.png "$move:s=320x320,$fog"
ten bar.mp4 one.png "$move:s=320x320[face];color=gray:s=60x320:r=25[bar];[face][bar]overlay=x=40*n-80:y=0"
ten half.mp4 two.png "$move:s=640x320,$half"
ten flash.mp4 one.png "$move:s=320x320,$flash"
ten late.mp4 one.png "$move:s=320x320,drawbox=c=gray:t=fill:enable='lt(n,4)'"
for gap in 0 4 10; do
    swaps "a black frame, gap $gap" black.mp4 9 --gap $gap
    swaps "blurred frames, gap $gap" blur.mp4 9 --gap $gap
    swaps "frames that show nothing, gap $gap" fog.mp4 4 --gap $gap
done
swaps "blurred frames" blur.mp4 9
check "blurred frames: points are lost ($(count points_lost))" [ "$(count points_lost)" -ge 1 ]
check "blurred frames: the filter holds the place ($(count held))" [ "$(count held)" -ge 1 ]
swaps "a bar that passes" bar.mp4 7
swaps "one of two is gone" half.mp4 14
same "one of two is gone: two were born" 2 "$(count born)"
swaps "a flash" flash.mp4 8
swaps "a face that comes later" late.mp4 1
swaps "points that are hardly trusted" blur.mp4 9 --follow-lost 0.1
swaps "points that are always trusted" blur.mp4 9 --follow-lost 0.9
swaps "no smoothing" pair.mp4 20 --smooth 0 --steady off
swaps "much smoothing" pair.mp4 20 --smooth 1 --steady high
swaps "a look at every frame" pair.mp4 20 --redetect 1
check "a look at every frame: $(count detector_looks)" [ "$(count detector_looks)" -ge 5 ]

# Nothing but frames without a face.
ten empty.mp4 none.png "scale=320:240"
ends "ten frames of nobody" 4 empty.mp4 -- swap "$source" empty.mp4 -o empty-out.mp4
check "ten frames of nobody: nothing is left" nothing_left empty-out.mp4
run detect empty.mp4 --json
same "ten frames of nobody: looked at" "0 0 0 0 0 0 0 0 0 0 0" "$code $(faces_in)"
done_checking
