#!/bin/sh
# Input that is no photograph and no video: exit code 9 and a message that names the file; nothing is left under the name
# of the result. No file, text, nothing, truncated files, as source and as target.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg

cp "$target" whole.png
ffmpeg -nostdin -v error -y -i "$target" -q:v 2 whole.jpg
clip whole.mp4 1
echo "This is a text, whatever it is called." >text.jpg
: >empty.jpg
: >empty.mp4
for kind in jpg png mp4; do
    head -c $(($(wc -c <whole.$kind) / 2)) whole.$kind >half.$kind
done
head -c 20 whole.jpg >start.jpg
head -c 40 whole.png >start.png
tr '\0-\377' '\200-\377\0-\177' <whole.png >scrambled.png

ends "no such target" 9 nowhere.jpg -- swap "$source" nowhere.jpg -o result.jpg
ends "no such source" 9 nowhere.jpg -- swap nowhere.jpg "$target" -o result.png
ends "no such clip" 9 nowhere.mp4 -- swap "$source" nowhere.mp4 -o result.mp4
for bad in text.jpg empty.jpg half.jpg half.png start.jpg start.png scrambled.png; do
    ends "$bad as target" 9 "$bad" -- swap "$source" "$bad" -o "result.${bad##*.}"
    check "$bad as target leaves nothing" nothing_left "result.${bad##*.}"
    ends "$bad as source" 9 "$bad" -- swap "$bad" "$target" -o result.png
    check "$bad as source leaves nothing" nothing_left result.png
    ends "$bad in detect" 9 "$bad" -- detect "$bad"
done
for bad in empty.mp4 half.mp4; do
    ends "$bad as target" 9 "$bad" -- swap "$source" "$bad" -o result.mp4
    check "$bad as target leaves nothing" nothing_left result.mp4
    ends "$bad in detect" 9 "$bad" -- detect "$bad"
done
ends "text in verify" 9 text.jpg -- verify text.jpg
ends "an empty folder as target" 9 hollow -- swap "$source" hollow -o results
mkdir hollow
ends "an empty folder as target" 9 hollow -- swap "$source" hollow -o results
ends "a folder as source" 2 hollow -- swap hollow "$target" -o result.png

# A clip whose index stands first can be read up to the cut: what can be shown is swapped, or it is refused, never a crash.
clip early.mp4 2 -movflags +faststart
head -c $(($(wc -c <early.mp4) * 2 / 3)) early.mp4 >cut.mp4
run swap "$source" cut.mp4 -o cut-out.mp4 -q
case $code in
    0) check "a clip cut short plays up to the cut" plays cut-out.mp4 ;;
    9) check "a clip cut short is refused by name" grep -q cut.mp4 err ;;
    *) same "a clip cut short ends in order" "0 or 9" "$code: $(head -n 3 err)" ;;
esac
done_checking
