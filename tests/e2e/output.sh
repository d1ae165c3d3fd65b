#!/bin/sh
# Results that cannot be written, or that would destroy what they are made from.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
cp "$target" photo.png
cp photo.png kept.png
ln -s photo.png link.png
clip clip.mp4 2

ends "the target as result" 2 photo.png -- swap "$source" photo.png -o photo.png
ends "the target as result, forced" 2 photo.png -- swap "$source" photo.png -o photo.png --force
ends "the target as result through a link, forced" 2 link.png -- swap "$source" photo.png -o link.png --force
ends "the source as result, forced" 2 photo.png -- swap photo.png "$target" -o photo.png --force
check "the target is as it was" cmp -s photo.png kept.png
cp clip.mp4 clip-kept.mp4
ends "the target clip as result, forced" 2 clip.mp4 -- swap "$source" clip.mp4 -o clip.mp4 --force
check "the clip is as it was" cmp -s clip.mp4 clip-kept.mp4

echo precious >there.png
ends "a result that exists" 2 there.png -- swap "$source" photo.png -o there.png
same "it is as it was" precious "$(cat there.png)"
ends "a folder that does not exist" 2 result.png -- swap "$source" photo.png -o nowhere/result.png
ends "a name of no known format" 2 result.xyz -- swap "$source" photo.png -o result.xyz
ends "a still out of a clip" 2 result.png -- swap "$source" clip.mp4 -o result.png

# A folder that cannot be written: not even root can make a file in /proc.
if [ "$(id -u)" = 0 ]; then shut=/proc; else shut=$work/shut && mkdir shut && chmod 555 shut; fi
ends "a folder that cannot be written, still" 2 "$shut" -- swap "$source" photo.png -o "$shut/result.png"
ends "a folder that cannot be written, clip" 2 "$shut" -- swap "$source" clip.mp4 -o "$shut/result.mp4"

ends "an option that does not exist" 2 --colour -- swap "$source" photo.png -o result.png --colour 3
ends "a value out of range" 2 detect-score -- swap "$source" photo.png -o result.png --detect-score 7
ends "a command that does not exist" 2 swop -- swop "$source" photo.png
check "none of it left anything" nothing_left result.png
done_checking
