#!/bin/sh
# tools/pictures.sh: makes the README's pictures (docs/images) from the two photographs in the public domain. The last one
# comes straight out of viso, so that it carries the mark of a synthetic picture as every result does.
set -eu
cd "$(dirname "$0")/.."
viso=${1:-build/viso}
source=.deps/pictures/grace_hopper.jpg
target=.deps/pictures/astronaut.png
images=docs/images
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$images"
ffmpeg -nostdin -v error -y -i "$source" -vf crop=360:360:80:30 -q:v 3 "$images/source.jpg"
ffmpeg -nostdin -v error -y -i "$target" -vf crop=240:240:104:6 "$temp/before.png"
ffmpeg -nostdin -v error -y -i "$temp/before.png" -q:v 2 "$images/before.jpg"
"$viso" swap "$source" "$temp/before.png" -o "$images/after.jpg" --force
"$viso" verify "$images/after.jpg"
