#!/bin/sh
# tools/demo.sh: a face swapped in a photograph and in a clip, from two photographs in the public domain.
#
# The clip is made from the still: a slow zoom, a pan and a slight roll, known motion at 25 frames a second, with a tone
# that rises and falls so that one can hear whether the sound was kept. Results are in out/.
set -eu
cd "$(dirname "$0")/.."
viso=build/viso
out=out
source=.deps/pictures/grace_hopper.jpg
target=.deps/pictures/astronaut.png

for f in "$source" "$target"; do
    if [ ! -f "$f" ]; then
        echo "demo: $f is not there: set-up could not fetch it from Debian (apt-get download)." >&2
        echo "demo: try your own photographs: $viso swap FACE.jpg TARGET.jpg -o out.jpg" >&2
        exit 1
    fi
done
mkdir -p "$out"
cp "$target" "$out/photo-before.png"

# Rolled and zoomed at four times the size, so that the motion is smooth to a quarter of a pixel.
if [ ! -f "$out/clip-before.mp4" ]; then
    echo "demo: making a clip of 4 seconds from $(basename "$target")"
    ffmpeg -nostdin -v error -y -loop 1 -framerate 25 -i "$target" \
        -f lavfi -i "aevalsrc='0.25*sin(2*PI*(180*t+12*sin(2*PI*1.5*t)))*(0.6+0.4*sin(2*PI*3*t))':s=48000" \
        -filter_complex "[0:v]scale=2048:2048:flags=lanczos,rotate='0.06*sin(2*PI*t/4)':fillcolor=black,\
zoompan=z='1.35+0.2*sin(2*PI*on/100)':x='(iw-iw/zoom)*(0.42+0.10*sin(2*PI*on/80))':y='(ih-ih/zoom)*(0.10+0.05*sin(2*PI*on/60))'\
:d=1:s=720x720:fps=25,format=yuv420p[v]" \
        -map '[v]' -map 1:a -t 4 -c:v libx264 -crf 16 -preset fast -c:a aac -b:a 96k "$out/.clip.mp4"
    mv "$out/.clip.mp4" "$out/clip-before.mp4"
fi

echo "demo: swapping the face in a photograph"
"$viso" swap "$source" "$target" -o "$out/photo-after.png" --force
echo "demo: swapping the face in a clip"
"$viso" swap "$source" "$out/clip-before.mp4" -o "$out/clip-after.mp4" --force
"$viso" verify "$out/photo-after.png"
"$viso" verify "$out/clip-after.mp4"

echo
echo "The face of $source was put on:"
echo "  $out/photo-before.png  ->  $out/photo-after.png"
echo "  $out/clip-before.mp4   ->  $out/clip-after.mp4   (with its sound)"
