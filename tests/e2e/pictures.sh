#!/bin/sh
# Folders of pictures as clips, clips as folders of pictures: names, times, pixels outside the face, what is refused, and a run that
# goes on.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
clip clip.mp4 2
mkdir shots
ffmpeg -nostdin -v error -y -i clip.mp4 -frames:v 12 -start_number 8 -pix_fmt rgb24 shots/f%d.png # f8, f9, f10: by value
count() # FOLDER EXTENSION
{
    find "$1" -maxdepth 1 -name "*.$2" | wc -l
}

run swap "$source" shots -o shots.mp4 --frame-rate 30000/1001
same "a folder named as a video: exit code" 0 "$code"
same "its rate" 30000/1001 "$(video_entry shots.mp4 r_frame_rate)"
same "its frames" 12 "$(frame_count shots.mp4)"
check "no folder of that name" [ -f shots.mp4 ]

run swap "$source" shots --as-clip --json
same "--as-clip: exit code" 0 "$code"
check "one clip: the detector looked at few of the pictures" grep -q '"detector_frames":[1-4],' out
same "the pictures keep their names" "$(ls shots)" "$(ls shots-swapped)"
check "f10.png is marked" sh -c "'$viso' verify shots-swapped/f10.png --json | grep -q '\"marked\":true'"
box=$(differing shots/f10.png shots-swapped/f10.png gbrp)
check "f10.png: only the face changed ($box)" inside "$box" "$(face_region shots/f10.png)"

run swap "$source" shots -o batch
same "without it they are files: exit code" 0 "$code"
same "a file for each" 12 "$(count batch png)"

run swap "$source" clip.mp4 -o frames --pictures jpg --json
same "a video as pictures: exit code" 0 "$code"
same "a picture for each frame" "$(frame_count clip.mp4)" "$(count frames jpg)"
check "numbered from one" [ -f frames/000001.jpg ]
check "nothing else beside it" [ ! -e frames.unfinished ]
ends "a folder that is in use" 2 "frames" "--force" -- swap "$source" clip.mp4 -o frames --pictures jpg
run swap "$source" clip.mp4 -o frames --pictures jpg --force
same "unless forced" 0 "$code"
run swap "$source" clip.mp4 --pictures png --end 5f
same "without a name: exit code" 0 "$code"
same "a folder beside the clip" 5 "$(count clip-swapped png)"
no_face nothing.png
ffmpeg -nostdin -v error -y -loop 1 -framerate 10 -i nothing.png -t 1 -pix_fmt yuv420p nobody.mp4
run swap "$source" nobody.mp4 -o empty --pictures png
same "nobody in it: exit code" 4 "$code"
check "nobody in it: no pictures" [ "$(count empty png 2>/dev/null)" -eq 0 ]
ends "the target itself" 2 "shots" -- swap "$source" shots -o shots --as-clip --force
ends "ranges of a still" 2 "time ranges" -- swap "$source" "$target" -o still.png --at 0-1 opacity=0.5

# Pictures of different sizes are no clip.
cp -r shots mixed
ffmpeg -nostdin -v error -y -i shots/f10.png -vf scale=320:240 mixed/f11.png
ends "another size in mid-folder" 9 "f11.png" -- swap "$source" mixed -o mixed.mp4

# Stopped and gone on with: the same pictures.
clip long.mp4 8
run swap "$source" long.mp4 -o whole --pictures jpg --segment 1
same "unbroken: exit code" 0 "$code"
"$viso" swap "$source" long.mp4 -o broken --pictures jpg --segment 1 >/dev/null 2>err </dev/null &
child=$!
while kill -0 "$child" 2>/dev/null && [ "$(grep -s '"segments"' broken.unfinished/journal | wc -l)" -lt 2 ]; do
    sleep 0.05
done
kill -9 "$child"
wait "$child" 2>/dev/null
child=
run swap "$source" long.mp4 -o broken --pictures jpg --segment 1 --resume
same "gone on with: exit code" 0 "$code"
[ "$code" = 0 ] || cat err
same "the same pictures" "$(cd whole && cat *.jpg | md5sum)" "$(cd broken && cat *.jpg | md5sum)"
check "nothing is left" [ ! -e broken.unfinished ]
done_checking
