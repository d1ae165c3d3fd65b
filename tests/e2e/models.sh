#!/bin/sh
# Models that are missing or damaged: exit code 6 and a message that names the file or the model.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
good=$VISO_MODELS

mkdir none
export VISO_MODELS="$work/none"
ends "an empty folder of models" 6 models -- swap "$source" "$target" -o result.png
check "an empty folder of models leaves nothing" nothing_left result.png

for file in face_detection_full_range.onnx face_landmark_with_attention.onnx face_mesh_canonical.binarypb; do
    rm -rf copy && mkdir copy && cp "$good"/* copy/
    export VISO_MODELS="$work/copy"
    id=${file%.*}
    rm "copy/$file"
    ends "$file missing" 6 "$id" -- swap "$source" "$target" -o result.png

    head -c 1000 "$good/$file" >"copy/$file"
    ends "$file cut short" 6 "$id" -- swap "$source" "$target" -o result.png
    ends "$file cut short, models verify" 6 "$id" -- models verify

    # One bit in the middle of the weights: the graph would load; only a digest sees it.
    cp "$good/$file" "copy/$file"
    middle=$(($(wc -c <"copy/$file") / 2))
    byte=$(od -An -tu1 -j "$middle" -N 1 "copy/$file" | tr -d ' ')
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of="copy/$file" bs=1 seek="$middle" conv=notrunc 2>/dev/null
    ends "$file with one bit turned" 6 "$id" -- swap "$source" "$target" -o result.png
    ends "$file with one bit turned, models verify" 6 "$id" -- models verify
    check "$file damaged leaves nothing" nothing_left result.png
done

export VISO_MODELS=$good
run models verify
same "whole models are verified" 0 "$code"
run doctor
same "doctor is content" 0 "$code"

ends "a file that is no TensorFlow Lite model" 9 "$(basename "$target")" -- models import "$target" -o result.onnx
check "a failed import leaves nothing" nothing_left result.onnx
done_checking
