#!/bin/sh
# The short form of bench/soak: memory over thirty jobs in one process, with one engine and with one for each, and over two sizes of
# the ring. An hour and a hundred jobs are not for every day; the head of bench/soak.c tells how.
soak=$(realpath "$2")
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
unset MALLOC_PERTURB_ # it writes to memory that nobody uses
strings=$(ldd "$soak" 2>/dev/null; nm -D "$soak" 2>/dev/null)
case $strings in *asan* | *tsan* | *ubsan*) skip "sanitizers take memory of their own" ;; esac

ffmpeg -nostdin -v error -y -loop 1 -framerate 25 -i "$target" -vf "scale=320:320,zoompan=z='1.02+0.01*sin(on/3)':x='2*on':y=3:d=1:fps=25:s=320x320,format=yuv420p" \
    -frames:v 10 -c:v libx264 -preset ultrafast -crf 18 ten.mp4
ffmpeg -nostdin -v error -y -loop 1 -framerate 25 -i "$target" -vf "scale=1024:-2,zoompan=z='1.02+0.01*sin(on/3)':x='2*on':y=3:d=1:fps=25:s=1280x720,format=yuv420p" \
    -frames:v 80 -c:v libx264 -preset ultrafast -crf 18 hd.mp4
check "thirty jobs, one engine" "$soak" jobs ten.mp4 "$source" 30
check "thirty jobs, an engine each" "$soak" jobs ten.mp4 "$source" 30 each
check "rings of 8 and 24 frames" "$soak" rings hd.mp4 "$source" 8 24
"$soak" jobs ten.mp4 "$source" 2 2>/dev/null
same "too few jobs are refused" 2 $?
"$soak" jobs nothing.mp4 "$source" 30 2>err
same "a clip that is not there" 1 $?
check "it is named" grep -q nothing.mp4 err
done_checking
