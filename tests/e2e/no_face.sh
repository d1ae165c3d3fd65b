#!/bin/sh
# Pictures without a face: 3 when it is the source, 4 when it is the target; odd sizes are no reason for anything else.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
no_face scene.png
ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=s=320x240:d=1:r=10" -pix_fmt yuv420p -c:v libx264 -preset ultrafast scene.mp4
printf x | ffmpeg -v error -y -f rawvideo -pix_fmt gray -s 1x1 -i - dot.png
ffmpeg -nostdin -v error -y -f lavfi -i "gradients=s=20000x20" -frames:v 1 strip.png
ffmpeg -nostdin -v error -y -f lavfi -i "gradients=s=20x20000" -frames:v 1 pole.png
ffmpeg -nostdin -v error -y -f lavfi -i "color=white:s=64x64" -frames:v 1 flat.png

ends "no face in the source" 3 scene.png -- swap scene.png "$target" -o result.png
ends "no face in a still" 4 scene.png -- swap "$source" scene.png -o result.png
check "no face in a still leaves nothing" nothing_left result.png
ends "no face in a clip" 4 scene.mp4 -- swap "$source" scene.mp4 -o result.mp4
check "no face in a clip leaves nothing" nothing_left result.mp4
for odd in dot strip pole flat; do
    ends "$odd.png as target" 4 $odd.png -- swap "$source" $odd.png -o result.png
    ends "$odd.png as source" 3 $odd.png -- swap $odd.png "$target" -o result.png
    check "$odd.png leaves nothing" nothing_left result.png
done
ends "a fifth face where there is one" 4 astronaut.png -- swap "$source" "$target" --face 5 -o result.png
run detect scene.png --json
same "no face found is no error of detect" 0 "$code"
done_checking
