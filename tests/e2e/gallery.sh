#!/bin/sh
# People with a name, from outside: add, list, show, use in a swap, merge, rename, remove; export and import; recognisers that
# come later; damage and a full disk.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg

ffmpeg -nostdin -v error -y -i "$target" -i "$source" -filter_complex "[1:v]crop=512:512:0:0[b];[0:v][b]hstack,format=rgb24" two.png
ffmpeg -nostdin -v error -y -i "$source" -vf hflip -q:v 2 mirrored.jpg
cp "$target" astronaut.png
cp "$source" admiral.jpg
left="0 0 511 511" right="512 0 1023 511"
db=$HOME/.local/share/viso/gallery.db

run gallery list
same "an empty gallery is no fault" 0 "$code"
check "and makes no file" [ ! -e "$db" ]
run gallery add Grace admiral.jpg
same "a person is added" 0 "$code"
check "the quality is said" grep -q 'added to Grace, quality [01]\.[0-9]*' out
same "the file is the owner's alone" 600 "$(stat -c %a "$db")"
run gallery add Grace admiral.jpg mirrored.jpg
check "the same file again adds nothing" grep -q 'admiral.jpg: is in the gallery already' out
check "another one does" grep -q 'mirrored.jpg: added' out
run gallery add Eileen astronaut.png
run gallery list
check "list knows both" grep -q '^Grace  *2 photographs' out
check "and says what it is" grep -q 'biometric data' out
run gallery list --json
same "as JSON too" 2 "$(grep -c '"name"' out)"
run gallery show Grace
check "show names photographs and recognisers" grep -q 'mirrored.jpg .* mobilefacenet' out
run gallery add Grace astronaut.png
check "somebody else under the same name is said" grep -q 'does not look like the Grace' err
run gallery remove Grace
run gallery add Grace admiral.jpg

changed_by() # ARGUMENT…: where two.png changes
{
    rm -f result.png
    run swap "$@" -o result.png
    [ "$code" = 0 ] || head -n 3 err >&2
    [ ! -f result.png ] || differing two.png result.png gbrp
}
changed=$(changed_by astronaut.png two.png --face Grace)
check "--face Grace changes the right one ($changed)" inside "$changed" "$right"
changed=$(changed_by two.png --map Eileen=admiral.jpg)
check "--map Eileen=admiral.jpg changes the left one ($changed)" inside "$changed" "$left"
cp astronaut.png Eileen # a file of this name wins
changed=$(changed_by two.png --map Eileen=admiral.jpg)
check "a file of the name wins, and that is said" grep -q 'the file is taken' err
rm Eileen
ends "a person of the gallery is no source for the mesh" 2 Grace "whole photographs" -- swap Grace two.png -o new.png
ends "nor in a map" 2 Grace "whole photographs" -- swap two.png --map Eileen=Grace -o new.png
ends "a name nobody has" 9 Nobody gallery -- swap two.png --map Nobody=admiral.jpg -o new.png
ends "nor as --face" 2 Nobody gallery -- swap admiral.jpg two.png --face Nobody -o new.png
run swap astronaut.png astronaut.png --face Grace -o none.png
same "who is not in the picture is not swapped" 4 "$code"
check "with the nearest similarity" grep -q 'Grace: nobody in the target is like this person; the nearest has a similarity of [0-9]* (cosine' err

run detect two.png --who --json
same "detect names both" 2 "$(tr '{' '\n' <out | grep -c '"person":"\(Grace\|Eileen\)"')"
check "with similarity and cosine" grep -q '"similarity":[0-9.]*,"cosine":0\.' out
run detect two.png --who
check "and says it to people" grep -q 'Eileen, similarity [0-9][0-9]' out

# Another recogniser: what the gallery lacks is made from its crops.
if [ -f "$VISO_TEST_SHARED/models/mobilefacenet_128_rgb.onnx" ]; then
    mkdir more
    ln -s "$VISO_MODELS"/* "$VISO_TEST_SHARED"/models/mobilefacenet_128_*.onnx more/
    run detect two.png --who --models more --recogniser mobilefacenet_128_rgb
    check "a recogniser that came later knows them" grep -q 'Grace, similarity [0-9][0-9]' out
    run gallery show Eileen --models more
    check "its vectors are kept" grep -q 'mobilefacenet, mobilefacenet_128_rgb' out
    run gallery refresh --models more
    same "refresh makes the rest" "2 vectors made" "$(cat out)"
    changed=$(changed_by two.png --map Eileen=admiral.jpg --models more --recogniser mobilefacenet_128_bgr)
    check "a swap by another recogniser ($changed)" inside "$changed" "$left"
    ends "one that is not there" 6 w600k_r50 -- detect two.png --who --models more --recogniser w600k_r50
fi
ends "one that is none" 2 nonsense mobilefacenet -- detect two.png --embed --recogniser nonsense

# Out and in again.
run gallery export people.json
same "export" 0 "$code"
same "is the owner's alone" 600 "$(stat -c %a people.json)"
ends "is not replaced unasked" 2 people.json -- gallery export people.json
run gallery import people.json --gallery other.db
check "import" grep -q '2 entries, 2 of them new' out
run gallery import people.json --gallery other.db
check "twice changes nothing" grep -q '2 entries, 0 of them new' out
changed=$(changed_by astronaut.png two.png --face Grace --gallery other.db)
check "imported vectors find a person ($changed)" inside "$changed" "$right"
printf '[{"name": "x", "embedding_store": {"y": [1, "z"]}}]' >bad.json
ends "damaged embeddings" 9 bad.json "entry 1" -- gallery import bad.json --gallery other.db
run gallery list --json --gallery other.db
same "leave everything as it was" 2 "$(grep -c '"name"' out)"

run gallery rename Eileen "Eileen C."
run gallery merge Grace "Eileen C."
run gallery list --json
same "two people become one" 1 "$(grep -c '"name"' out)"
run gallery remove Grace
check "a removed crop is overwritten" [ "$(grep -c admiral.jpg "$db")" = 0 ]
ends "who is gone is gone" 9 Grace -- gallery remove Grace
ends "a name that cannot be one" 2 "a/b" -- gallery add a/b admiral.jpg
ends "no face" 3 scene.png -- gallery add Nobody "$(no_face scene.png && echo scene.png)"

# Two at once.
"$viso" gallery add A admiral.jpg >/dev/null 2>&1 &
one=$!
run gallery add B astronaut.png
wait $one
run gallery list --json
same "two programs at once lose nothing" 2 "$(grep -c '"name"' out)"

head -c 3000 /dev/urandom >broken.db
ends "a damaged file" 9 broken.db "no gallery" -- gallery list --gallery broken.db
ends "a damaged file in a swap" 9 broken.db -- swap two.png --map A=admiral.jpg --gallery broken.db -o new.png
(trap '' XFSZ; ulimit -f 8; "$viso" gallery add C mirrored.jpg) >out 2>err
same "a full disk" 8 "$?"
run gallery list --json
same "changes nothing" 2 "$(grep -c '"name"' out)"
done_checking
