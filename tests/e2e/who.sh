#!/bin/sh
# Who is swapped: by place, by size, by likeness, by a map; several sources; a folder; what detect says.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg

# Two people side by side: left the astronaut, right the admiral.
ffmpeg -nostdin -v error -y -i "$target" -i "$source" -filter_complex "[1:v]crop=512:512:0:0[b];[0:v][b]hstack,format=rgb24" two.png
cp "$target" astronaut.png
cp "$source" admiral.jpg
ffmpeg -nostdin -v error -y -i "$source" -vf hflip -q:v 2 mirrored.jpg
left="0 0 511 511" right="512 0 1023 511"

run detect two.png --json
same "two faces are found" 2 "$(grep -o '"box"' out | wc -l)"
same "each with 478 points" 2 "$(tr '{' '\n' <out | grep -c '"mesh":\[\(\[[^]]*\],\)\{477\}\[[^]]*\]\]')"
run detect two.png --draw drawn.png
check "a drawing is made" [ -s drawn.png ]

changed_by() # ARGUMENT…: where two.png changes
{
    rm -f result.png
    run swap "$@" -o result.png -q
    [ "$code" = 0 ] || head -n 3 err >&2
    [ ! -f result.png ] || differing two.png result.png gbrp
}
changed=$(changed_by mirrored.jpg two.png --face 1)
check "--face 1 changes the left one ($changed)" inside "$changed" "$left"
changed=$(changed_by astronaut.png two.png --face 2)
check "--face 2 changes the right one ($changed)" inside "$changed" "$right"
changed=$(changed_by astronaut.png two.png --face admiral.jpg)
check "--face admiral.jpg changes the right one ($changed)" inside "$changed" "$right"
changed=$(changed_by two.png --map astronaut.png=admiral.jpg)
check "--map astronaut=admiral changes the left one ($changed)" inside "$changed" "$left"
changed=$(changed_by two.png --map admiral.jpg=astronaut.png)
check "--map admiral=astronaut changes the right one ($changed)" inside "$changed" "$right"
run swap two.png --map admiral.jpg=astronaut.png --map astronaut.png=admiral.jpg -o both.png --json
same "both maps at once" 0 "$code"
check "change both faces" grep -q '"faces_swapped":2[,}]' out

run swap two.png --map astronaut.png=admiral.jpg --map astronaut.png=mirrored.jpg -o twice.png --json
same "two photographs for one person of the map" 0 "$code"
changed=$(differing two.png twice.png gbrp)
check "change that person alone ($changed)" inside "$changed" "$left"
run swap two.png --map astronaut.png=admiral.jpg -o once.png -q
check "and not as one photograph does" [ "$(differing once.png twice.png gbrp)" ]

run swap admiral.jpg mirrored.jpg astronaut.png -o merged.png --json
same "two photographs of the source" 0 "$code"
run swap admiral.jpg two.png --face largest -o largest.png --json
check "--face largest changes one" grep -q '"faces_swapped":1[,}]' out

mkdir in
cp astronaut.png two.png in/
no_face in/scene.png
echo "no picture" >in/notes.txt
run swap admiral.jpg in -o results
same "a folder with a picture without a face ends with 4" 4 "$code"
check "the others are done" [ -s results/astronaut.png -a -s results/two.png ]
check "and the one without a face has no result" [ ! -e results/scene.png ]
done_checking
