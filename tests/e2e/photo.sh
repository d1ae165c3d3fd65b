#!/bin/sh
# A photograph: the face is the source's, everything else is as it came, bit for bit, and the result says what it is.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg

run swap "$source" "$target" -o result.png
same "a swap into a PNG" 0 "$code"
changed=$(differing "$target" result.png gbrp)
region=$(face_region "$target")
check "pixels differ only around the face (at $changed, face within $region)" inside "$changed" "$region"
same "size and format are the target's" "$(video_entry "$target" width,height,pix_fmt)" "$(video_entry result.png width,height,pix_fmt)"

new=$(embedding result.png) old=$(embedding "$target") wanted=$(embedding "$source")
before=$(cosine "$old" "$wanted") after=$(cosine "$new" "$wanted")
check "the face is nearer to the source than before by 0.3 ($before, then $after)" less "$(awk -v b="$before" 'BEGIN { print b + 0.3 }')" "$after"

run verify result.png --json
check "the result is marked" grep -q '"marked":true' out
run verify "$target" --json
check "the target was not" grep -q '"marked":false' out

# Transparency is none of ours.
ffmpeg -nostdin -v error -y -i "$target" -vf "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='mod(X+Y,256)'" alpha.png
run swap "$source" alpha.png -o alpha-result.png
same "a swap into a PNG with alpha" 0 "$code"
alpha_of()
{
    ffmpeg -nostdin -v error -i "$1" -vf format=rgba,alphaextract -f md5 - 2>&1
}
same "alpha is as it was" "$(alpha_of alpha.png)" "$(alpha_of alpha-result.png)"

# Depth stays.
ffmpeg -nostdin -v error -y -i "$target" -pix_fmt rgb48be deep.png
run swap "$source" deep.png -o deep-result.png
same "a swap into a PNG of 16 bits" 0 "$code"
same "it has 16 bits" rgb48be "$(video_entry deep-result.png pix_fmt)"

# Other formats of the same still, by their names.
for format in jpg webp tiff bmp; do
    run swap "$source" "$target" -o "as.$format"
    same "a swap into a .$format" 0 "$code"
    check "the .$format shows a face" [ -n "$(face_region "as.$format")" ]
done
for format in jpg webp tiff png; do
    run verify "as.$format" --json
    [ $format = png ] || check "the .$format is marked" grep -q '"marked":true' out
done

# A picture that is already open to the library may be grey.
ffmpeg -nostdin -v error -y -i "$target" -pix_fmt gray grey.png
run swap "$source" grey.png -o grey-result.png
same "a swap into a grey picture" 0 "$code"
same "it is grey" gray "$(video_entry grey-result.png pix_fmt)"

run swap "$source" "$target" -o json.png --json
same "a swap with --json" 0 "$code"
check "it says that one face was swapped" grep -q '"faces_swapped":1[,}]' out
same "and nothing on standard error" "" "$(cat err)"
run swap "$source" "$target" -o quiet.png -q
same "a swap with -q says nothing" "" "$(cat out err)"
check "the same input gives the same picture" cmp -s result.png quiet.png
done_checking
