#!/bin/bash
# cli.sh PROGRAM ROOT: the program's line, messages, exit codes and streams, over the library of fake_engine.c. Each check runs
# the program once and compares exit code and a piece of what it printed.
viso=$(realpath "$1") root=$(realpath "$2")
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
mkdir tmp
export XDG_CONFIG_HOME=$work/config HOME=$work TMPDIR=$work/tmp COLUMNS=90
unset VISO_MODELS
checks=0 bad=0

fail() { bad=$((bad + 1)); echo "FAIL: $*" >&2; echo "  out: $(head -c 600 out.txt)" >&2; echo "  err: $(head -c 600 err.txt)" >&2; }
# expect CODE STREAM TEXT ARGS…: runs; STREAM is out or err (must hold TEXT), or none (TEXT is "-").
expect() {
    local code=$1 stream=$2 text=$3; shift 3
    checks=$((checks + 1))
    "$viso" "$@" >out.txt 2>err.txt </dev/null
    local got=$?
    [ $got = "$code" ] || fail "viso $*: exit code $got, expected $code"
    [ "$stream" = none ] || grep -qF -- "$text" $stream.txt || fail "viso $*: no '$text' on $stream"
    if [ "$code" != 0 ] && [ "$#" -gt 0 ] && [ "$(grep -c '^viso: ' err.txt)" = 0 ]; then fail "viso $*: no message"; fi
}
silent() { checks=$((checks + 1)); [ ! -s "$1.txt" ] || fail "$2: something on $1"; }
holds() { checks=$((checks + 1)); grep -qF -- "$2" "$1" || fail "$1 lacks '$2'"; }
lacks() { checks=$((checks + 1)); ! grep -qF -- "$2" "$1" || fail "$1 has '$2'"; }
absent() { checks=$((checks + 1)); [ ! -e "$1" ] || fail "$1 is there"; }

touch a.jpg b.jpg c.jpg party.jpg long.mp4 slow.mp4 noface.jpg damaged.jpg full.png "x=y.jpg" marked.png nan.jpg -- -dash.jpg
mkdir shots shots/sub dest; touch shots/1.jpg shots/2.png

# ---- help and version
expect 2 err "usage: viso" ; silent out usage
expect 0 out "viso 9.8.7" --version
expect 0 out "viso 9.8.7" swap --version
expect 0 out "Commands:" --help
expect 0 out "Commands:" help
expect 0 out "models import" -h
expect 0 out "--map PERSON=SOURCE" swap --help
expect 0 out "--detect-score X" help swap
expect 0 out "(0.05 .. 1, default 0.5)" help detect
expect 0 out "--no-detect-pyramid" help detect
expect 0 out "-o, --out FILE" help models import
expect 0 out "Usage: viso models list" models --help
expect 0 out "--map" --no-such-option swap --help
expect 2 err "no command 'nonsense'" help nonsense
for width in 20 40 80; do
    COLUMNS=$width "$viso" help swap >out.txt; awk -v w=$((width < 46 ? 46 : width)) 'length($0) > w + 20 { exit 1 }' out.txt || fail "help at $width columns"
done

# ---- unknown words
expect 2 err "did you mean 'viso swap'" swpa a.jpg b.jpg
expect 2 err "did you mean 'viso models list'" models lst
expect 2 err "viso help lists" frobnicate
expect 2 err "did you mean --json" detect --jsn a.jpg
expect 2 err "did you mean --embed" detect --embd a.jpg
expect 2 err "did you mean --detect-score" detect --detect-scor 0.3 a.jpg
expect 2 err "see viso help detect" detect --zzzzzzz a.jpg
expect 2 err "unknown option -Z" detect -Z a.jpg
expect 2 err "unknown option --map" detect --map a=b a.jpg
expect 2 err "wants a value" detect a.jpg --every
expect 2 err "wants a value" swap a.jpg b.jpg -o
expect 2 err "takes no value" detect --embed=1 a.jpg
expect 2 err "only switches" detect --no-detect-score a.jpg
expect 2 err "takes no value" detect --no-json=1 a.jpg
expect 2 err "--json: 'maybe' is not one of: true, false" detect --json=maybe a.jpg
expect 2 err "--detect-score: '2' is not a number in 0.05 .. 1" detect --detect-score 2 a.jpg
expect 2 err "one word too many" doctor now
expect 2 err "something is missing" detect
expect 2 err "--every: '0'" detect --every 0 a.jpg

# ---- where options may stand
expect 0 out '"faces":[' --json detect a.jpg
expect 0 out '"faces":[' detect a.jpg --json
expect 0 out '"faces":[' --every 1 detect --json=yes a.jpg
expect 0 out "1 face" detect --json --no-json a.jpg
expect 0 out "1 face" --detect-score 0.9 detect --detect-tiles=2 a.jpg
expect 0 out "-dash.jpg" detect -- -dash.jpg
expect 0 out "viso swap" --config none help swap
expect 0 none - swap a.jpg party.jpg -qyoone.jpg; silent err "swap -q"; holds one.jpg "whole a.jpg"

# ---- swap: words, names, refusals
expect 0 err "1 face swapped" swap a.jpg party.jpg; silent out swap; holds party-swapped.jpg "whole a.jpg"
holds err.txt "viso: warning: the source looks away"
holds err.txt "; networks on cuda and cpu, not cuda: it fell"
expect 0 out '"devices":[{"model":"detector","provider":"cuda","fell_back":null},{"model":"mesh","provider":"cpu","fell_back":"cuda: it fell"}]' swap a.jpg party.jpg -y --json
expect 2 err "--force" swap a.jpg party.jpg
expect 0 err "party-swapped.jpg" swap a.jpg party.jpg --force
expect 0 none - swap a.jpg b.jpg c.jpg party.jpg -o merged.jpg; holds merged.jpg "whole a.jpg b.jpg c.jpg"
expect 0 none - swap a.jpg party.jpg -o dest; holds dest/party.jpg "whole a.jpg"
expect 2 err "exists already" swap a.jpg party.jpg -o dest
expect 2 err "never replaced" swap a.jpg party.jpg -o party.jpg --force
expect 2 err "never replaced" swap a.jpg party.jpg -o ./a.jpg -y
ln -s party.jpg link.jpg; expect 2 err "never replaced" swap a.jpg party.jpg -o link.jpg -y
ln party.jpg hard.jpg; expect 2 err "never replaced" swap a.jpg party.jpg -o hard.jpg -y
expect 2 err "is missing" swap
expect 2 err "is missing" swap a.jpg
expect 9 err "missing.jpg: cannot read: No such file" swap missing.jpg party.jpg -o x.jpg
expect 9 err "missing.jpg" swap a.jpg missing.jpg -o x.jpg
expect 9 err "named with -o" swap a.jpg party.jpg new.jpg
expect 2 err "is a folder; a SOURCE" swap shots party.jpg -o x.jpg
expect 3 err "no face" swap noface.jpg party.jpg -o x.jpg
expect 4 err "no face" swap a.jpg noface.jpg -o x.jpg
expect 8 err "disk is full" swap a.jpg full.png -o x.png
expect 9 err "damaged" swap a.jpg damaged.jpg -o x.jpg
expect 7 err "cuda" swap a.jpg party.jpg -o x.jpg --provider cuda --strict-device
absent x.jpg
expect 0 none - swap --map b.jpg=c.jpg party.jpg -o m1.jpg; holds m1.jpg "whole b.jpg>c.jpg"
expect 0 none - swap a.jpg --map b.jpg=c.jpg --map "c.jpg=x=y.jpg" party.jpg -o m2.jpg; holds m2.jpg "whole a.jpg b.jpg>c.jpg c.jpg>x=y.jpg"
expect 0 none - swap --map "x=y.jpg=c.jpg" party.jpg -o m3.jpg; holds m3.jpg "whole x=y.jpg>c.jpg"
expect 2 err "PERSON=SOURCE" swap --map b.jpg party.jpg -o m.jpg
expect 2 err "PERSON=SOURCE" swap --map b.jpg= party.jpg -o m.jpg
expect 9 err "missing.jpg" swap --map b.jpg=missing.jpg party.jpg -o m.jpg
expect 2 err "never replaced" swap --map b.jpg=c.jpg party.jpg -y -o c.jpg
expect 2 err "is the target itself" swap a.jpg shots -o shots
expect 2 err "is a file" swap a.jpg shots -o party.jpg
expect 0 none - swap a.jpg shots; holds shots-swapped/1.jpg "whole a.jpg"
expect 0 none - swap a.jpg shots/ -o fresh; holds fresh/1.jpg "whole a.jpg"
expect 3 none - swap noface.jpg shots -o fresh2; absent fresh2
expect 2 err "cannot be made" swap a.jpg shots -o no/such/folder
expect 0 out '"frames": 1' bench shots
touch dest/1.jpg; expect 2 err "dest/1.jpg: exists already" swap a.jpg shots -o dest
expect 0 none - swap -v a.jpg party.jpg -o v.jpg --log debug; holds err.txt "debug: swap: detail"
expect 0 none - swap a.jpg party.jpg -o w.jpg --log error; lacks err.txt warning

# ---- swap: JSON and progress
expect 0 out '{"event":"progress","phase":"frames"' swap a.jpg long.mp4 -o j.mp4 --json
holds out.txt '{"event":"warning","object":"swap","text":"the source looks away"}'
holds out.txt '{"event":"done","target":"long.mp4","out":"j.mp4","stats":{"frames":50'
lacks err.txt "fps"
expect 4 out '{"event":"error","code":4,' swap a.jpg noface.jpg -o x.jpg --json
expect 2 out '{"event":"error","code":2,' swap --json a.jpg party.jpg -o x.jpg --zzzzzz
expect 0 err "0/50  25.0 fps" swap a.jpg long.mp4 -o p.mp4 --progress always
expect 0 none - swap a.jpg long.mp4 -o p2.mp4; lacks err.txt "/50"
expect 0 none - swap -q a.jpg long.mp4 -o p3.mp4 --progress always; silent err "-q"

# ---- an end before the end
interrupt() { # SIGNAL ARGS…
    local signal=$1; shift
    checks=$((checks + 1))
    rm -f out.txt err.txt # so that the signal waits for this run, not for the text of the last one
    "$viso" "$@" >out.txt 2>err.txt & local pid=$!
    for _ in $(seq 100); do [ -s err.txt ] && break; sleep 0.05; done
    kill -s "$signal" $pid; wait $pid; local got=$?
    [ $got = 130 ] || fail "$signal: exit code $got"
}
interrupt INT swap a.jpg slow.mp4 -o part.mp4; holds err.txt "part.mp4 holds the first"; holds part.mp4 part
interrupt TERM swap a.jpg slow.mp4 -o part2.mp4; holds err.txt "part2.mp4 holds the first"
interrupt INT bench slow.mp4 a.jpg; holds err.txt "nothing was measured"
FAKE_SLOW=1 interrupt INT models install optional-net --progress always; holds err.txt "model optional-net: stopped"
checks=$((checks + 1)); ls -d "$TMPDIR"/viso-bench-* 2>/dev/null && fail "bench leaves a folder"

# ---- detect
expect 0 out "a.jpg (64x48): 1 face" detect a.jpg
expect 0 out "box 10,20 20x20  score 0.90  yaw +5" detect a.jpg
expect 0 out "0 faces" detect noface.jpg
expect 0 out '"faces":[]' detect noface.jpg --json
expect 0 out '"box":[10.0,20.0,30.0,40.5]' detect a.jpg --json
lacks out.txt embedding
expect 0 out '"embedding":[1.0,0.0,0.0,0.0]' detect a.jpg --json --embed
expect 0 out '"yaw":null' detect nan.jpg --json
checks=$((checks + 1)); [ "$("$viso" detect long.mp4 --json --every 3 | wc -l)" = 4 ] || fail "--every"
expect 0 none - detect long.mp4 --draw d.png; holds d.png "frame 0"
expect 2 err "exists already" detect long.mp4 --draw d.png
expect 0 none - detect noface.jpg --draw n.png; holds n.png "frame 0"
expect 0 none - detect long.mp4 --every 4 --draw "f%03d.png"; holds f008.png "frame 8"; absent f001.png
expect 2 err "never replaced" detect a.jpg --draw a.jpg -y
expect 2 err "one file" detect a.jpg b.jpg --draw x.png
expect 9 err "damaged" detect damaged.jpg a.jpg; holds out.txt "a.jpg (64x48)"
expect 9 err "missing.jpg" detect missing.jpg
checks=$((checks + 1)); "$viso" detect long.mp4 --json 2>err.txt | head -1 >out.txt; holds out.txt '"frame":0'
silent err "a reader that leaves"
for json in --json --no-json; do
    checks=$((checks + 1))
    "$viso" detect a.jpg $json >/dev/full 2>err.txt; [ $? = 8 ] || fail "/dev/full $json"; holds err.txt "standard output: cannot write"
done

# ---- models, verify, doctor, bench
expect 0 out "face-full" models list
expect 0 out "1.2 MB" models
expect 0 out '"licence": "Apache-2.0"' models list --json
expect 0 out "~277.0 MB" models list
expect 0 out "face-full" models list --licence permissive; lacks out.txt optional-net
expect 0 out "optional-net" models list --licence non-commercial; lacks out.txt face-full
expect 0 out '"about_bytes": 277000000' models list --json --verify
expect 0 out '"models": []' models list --json --licence GPL-9.0
expect 0 out "/m/face.onnx" models path face-full
expect 0 out "/m" models path
expect 0 out '{"folder":"/m"}' models path --json
expect 6 err "optional-net is not installed" models path optional-net
expect 2 err "did you mean 'face-full'" models path face-ful
expect 0 out "removed /m/face-full.onnx" models remove face-full
expect 2 err "there is no model 'nothing'" models remove face-full nothing; lacks out.txt removed
expect 0 out '{"event":"removed","id":"face-full"' models remove face-full --json
expect 0 out "optional-net: installed" models install optional-net
holds err.txt "licence non-commercial, commercial use: no"
expect 0 out "face-full: is here already" models install --preset starter; lacks out.txt optional-net
expect 0 out '{"event":"installed","id":"optional-net","fetched":true}' models install optional-net --json; silent err "install --json"
holds out.txt '{"event":"progress","id":"optional-net"'
expect 6 err "--offline" models install --offline face-full optional-net
expect 2 err "no preset 'nothing'" models install --preset nothing
expect 2 err "name models" models install
expect 2 err "name models" models install optional-net --preset starter
expect 2 err "did you mean 'face-full'" models install face-ful
expect 0 out "face-full described" models info face-full
expect 2 err "did you mean 'face-full'" models info face-ful
expect 0 out "face-full: installed" models verify
expect 6 err "optional-net is missing" models verify optional-net
touch net.tflite
expect 0 none - models import net.tflite; [ -e net.onnx ] || fail "net.onnx"
expect 0 none - models import net.tflite -o other.onnx; [ -e other.onnx ] || fail "other.onnx"
touch mine.onnx face.dfm
expect 0 out "mine.onnx: installed as something" models import mine.onnx
expect 0 out "face.dfm: installed as face-full" models import face.dfm --as face-full
expect 0 out '{"event":"done","file":"mine.onnx","text":"mine.onnx: installed as something"}' models import mine.onnx --json
expect 2 err "--as is for ONNX files" models import net.tflite --as face-full
expect 9 err "missing.onnx" models import missing.onnx
expect 2 err "is the input" models import net.tflite -o net.tflite
expect 9 err "missing.tflite" models import missing.tflite
expect 0 out "marked as synthetic (compositeWithTrainedAlgorithmicMedia, in xmp)" verify marked.png
expect 0 out "a.jpg: not marked" verify a.jpg
expect 0 out '"marked":true' verify marked.png --json
expect 9 out "a.jpg: not marked" verify damaged.jpg a.jpg
expect 0 out "Ready" doctor
expect 0 out '"ready": true' doctor --json
expect 0 out "1920x1080" plan
expect 0 out "frames in flight" plan
expect 0 out '"ram": 3072000' plan long.mp4 --json
expect 9 err "missing.mp4" plan missing.mp4
expect 2 err "one word too many" plan long.mp4 slow.mp4
# --models without a folder is the test of the models; with one it is the option of everywhere else
expect 0 out "answers" doctor --answers
expect 0 out "answers" doctor --models
expect 0 out '"answers"' doctor --models --json
expect 2 err "wants a value" models list --models
for line in "doctor" "doctor --models folder" "doctor --models=folder"; do
    "$viso" $line | grep -q answers && fail "viso $line: tested the models unasked"
done
FAKE_PROBLEM=models expect 6 err "run make setup" doctor
FAKE_PROBLEM=runtime expect 7 out '"ready": false' doctor --json
expect 0 out '"p50_ms": 1.5' bench long.mp4 a.jpg
holds err.txt "fps with decoding and encoding"
expect 0 out '"encoded": false' bench long.mp4 --discard
expect 9 err "missing.mp4" bench missing.mp4
expect 0 out '"quality": null' bench long.mp4
expect 2 err "TARGET is missing" bench
expect 2 err "--suite" bench long.mp4 --against old.json

# ---- bench: a suite
mkdir clips clips/inner.mp4 empty; touch clips/b-long.mp4 clips/a.mkv clips/damaged.mp4 clips/notes.txt clips/.hidden.mp4
touch "clips/zz a clip of an endless name, with ümläuts in it.webm"
expect 0 out "b-long.mp4" bench --suite clips a.jpg
holds err.txt "warning: clips/damaged.mp4: damaged"; holds out.txt "not measured (exit code 9)"; lacks out.txt "notes"; lacks out.txt "inner"; lacks out.txt "hidden"
column() { awk -v row="$1" -v from="$2" -v width="$3" 'substr($0, 1, length(row)) == row && ++n == t { print substr($0, from, width) + 0 }' t="$4" out.txt; }
cell() { checks=$((checks + 1)); local got; got=$(column "$1" "$2" "$3" "$4"); [ "$got" = "$5" ] || fail "suite: $6 is '$got', expected $5"; }
cell b-long.mp4 23 7 1 50 frames
cell all 23 7 1 52 "frames of all"
cell all 30 8 1 34.7 "fps of all"
cell b-long.mp4 49 9 1 5 "core ms"
cell b-long.mp4 58 8 1 10 "looks in percent"
cell all 23 6 2 52 "frames with a face seen"
cell all 44 8 2 3 switches
cell all 60 7 2 3.04 "jitter before of all" # sqrt((50 * 9 + 2 * 16) / 52)
cell a.mkv 60 7 2 4 "jitter before"
cell all 70 5 2 1 "jitter after of all"
cell b-long.mp4 85 5 2 0.25 "roll after"
cell all 23 7 4 6 born
checks=$((checks + 1)); LC_ALL=C.UTF-8 awk 'length($0) > 100 { exit 1 }' out.txt || fail "suite: a table of more than 100 columns"
checks=$((checks + 1)); ! grep -q ' $' out.txt || fail "suite: blanks at the end of a line"
expect 0 out '"suite": "clips"' bench --suite clips a.jpg --json --discard
holds out.txt '"encoded": false'; holds out.txt '"error": "clips/damaged.mp4: damaged"'; holds out.txt '"code": 9'; holds err.txt "b-long.mp4"
checks=$((checks + 1)); [ "$(head -c 1 out.txt)$(tail -n 1 out.txt)" = "{}" ] || fail "suite: more than one object on standard output"
checks=$((checks + 1)); [ "$(grep -c '"clip":' out.txt)" = 4 ] || fail "suite: not four clips"
checks=$((checks + 1)); [ "$(grep '"clip":' out.txt | head -n 2 | tr -d '\n ,')" = '"clip":"a.mkv""clip":"b-long.mp4"' ] || fail "suite: not by name"
holds out.txt '"id_switches": 3'; holds out.txt '"p50_ms": null'
sed 's/"fps": 100.0/"fps": 50.0/; s/"jitter_after": 1.0/"jitter_after": 4.0/' out.txt >old.json
expect 0 out "now / then" bench --suite clips a.jpg --against old.json; holds out.txt "then: old.json"
cell b-long.mp4 23 9 5 2 "ratio of fps"
cell b-long.mp4 68 9 5 0.25 "ratio of jitter"
cell a.mkv 23 9 5 1 "ratio of fps of another"
checks=$((checks + 1)); LC_ALL=C.UTF-8 awk 'length($0) > 100 { exit 1 }' out.txt || fail "suite: ratios of more than 100 columns"
expect 0 out '"jitter_after": 0.25' bench --suite clips a.jpg --against old.json --json
expect 9 err "not the JSON of a suite" bench --suite clips --against a.jpg
expect 9 err "missing.json" bench --suite clips --against missing.json
expect 9 err "no clips" bench --suite empty
expect 9 err "no folder" bench --suite nowhere
expect 9 err "missing.jpg" bench --suite clips missing.jpg
mkdir broken; touch broken/damaged.mp4; expect 9 err "damaged" bench --suite broken
expect 0 none - bench --suite clips -q --log error; silent out "suite -q"
checks=$((checks + 1)); ls -d "$TMPDIR"/viso-bench-* 2>/dev/null && fail "a suite leaves a folder"
mkdir waits; touch waits/slow.mp4; interrupt INT bench --suite waits a.jpg; holds err.txt "interrupted in slow.mp4"

# ---- settings
expect 0 out "#detect-score = 0.5" options --defaults
expect 0 out "detect-score = 0.7" options --detect-score 0.7
expect 0 out '"$schema"' options --json
expect 0 out '| `--detect-score` |' options --markdown
mkdir -p config/viso; echo "detect-score = 0.8" >config/viso/viso.conf
expect 0 out "detect-score = 0.8" options
expect 0 out "detect-score = 0.6" options --detect-score 0.6
expect 0 out "#detect-score = 0.5" options --config none
echo "detect-tiles = 4" >mine.conf
expect 0 out "detect-tiles = 4" options --config mine.conf; lacks out.txt "detect-score = 0.8"
"$viso" options --detect-tiles 5 --face "a b" >kept.conf
expect 0 out "face = a b" options --config kept.conf; holds out.txt "detect-tiles = 5"
echo "detect-scor = 0.8" >config/viso/viso.conf
expect 2 err "viso.conf:1: unknown option 'detect-scor'; did you mean 'detect-score'?" options
expect 9 err "gone.conf" options --config gone.conf
printf 'a\0b' >zero.conf; expect 2 err "zero bytes" options --config zero.conf
echo "json = yes" >json.conf; expect 0 out '"faces"' detect a.jpg --config json.conf
echo "json = yes" >config/viso/viso.conf; expect 0 out "1 face" detect a.jpg --no-json
rm config/viso/viso.conf
# Presets: those that are built in, files of users by name and by path; values chosen by hand stay.
expect 2 err "no such preset; there are fast, balanced, quality" options --preset slow
expect 0 out "#preset = balanced" options --preset balanced
mkdir -p config/viso/presets; printf '# mine\ndetect-tiles = 7\ndetect-score = 0.9\n' >config/viso/presets/mine.conf
expect 0 out "detect-tiles = 7" options --preset mine --detect-score 0.6; holds out.txt "detect-score = 0.6"
printf 'detect-tils = 7\n' >wrong.conf; expect 2 err "wrong.conf:1: unknown option" options --preset ./wrong.conf

# ---- ranges
expect 0 none - swap a.jpg long.mp4 -yo r.mp4 --at 0:12-0:20 detect-score=0.5; holds r.mp4 "whole a.jpg [0:12-0:20 detect-score=0.5]"
expect 0 none - swap a.jpg --at 12- detect-score=0.5 face=largest long.mp4 -yo r.mp4; holds r.mp4 "a.jpg [12- detect-score=0.5] [12- face=largest]"
expect 0 none - swap a.jpg long.mp4 -yo r.mp4 --at "12-20 detect-score=0.5,detect-tiles=2 face=1"
holds r.mp4 "[12-20 detect-score=0.5] [12-20 detect-tiles=2] [12-20 face=1]"
expect 0 none - swap a.jpg --at -250f detect-tiles=2,face=largest --at=1-2 detect-tiles=3 -yo r.mp4 long.mp4
holds r.mp4 "[-250f detect-tiles=2] [-250f face=largest] [1-2 detect-tiles=3]"
expect 0 none - swap a.jpg long.mp4 -yo r.mp4 --at "1-2 face=who, or not.jpg"; holds r.mp4 "[1-2 face=who, or not.jpg]"
expect 0 none - swap --at 1-2 detect-tiles=2 x=y.jpg long.mp4 -yo r.mp4; holds r.mp4 "whole x=y.jpg [1-2 detect-tiles=2]"
expect 0 none - swap a.jpg long.mp4 -yo r.mp4 --at 1-2 detect-tiles=2 --at "2- preset=fast"; holds r.mp4 "[1-2 detect-tiles=2] [2- preset=fast]"
expect 2 err "--at 12-20: OPTION=VALUE is missing" swap a.jpg long.mp4 -yo r.mp4 --at 12-20
expect 2 err "--at 12-20: OPTION=VALUE is missing" swap a.jpg --at 12-20 long.mp4 -yo r.mp4
expect 2 err "--at 12-20: OPTION=VALUE is missing" swap a.jpg long.mp4 -yo r.mp4 --at "12-20 "
expect 2 err "START-END is missing" swap a.jpg long.mp4 -yo r.mp4 --at detect-tiles=2
expect 2 err "option --at wants a value" swap a.jpg long.mp4 -yo r.mp4 --at
expect 2 err "--at 12: a range is written START-END" swap a.jpg long.mp4 -yo r.mp4 --at 12 detect-tiles=2
expect 2 err "--at 1-2-3: a range is written" swap a.jpg long.mp4 -yo r.mp4 --at 1-2-3 detect-tiles=2
expect 2 err "--at 1-x: 'x' is no place" swap a.jpg long.mp4 -yo r.mp4 --at 1-x detect-tiles=2
expect 2 err "--at 1-2: unknown option 'detect-tils'; did you mean 'detect-tiles'?" swap a.jpg long.mp4 -yo r.mp4 --at 1-2 detect-tils=2
expect 2 err "did you mean 'detect-tiles'?" swap a.jpg long.mp4 -yo r.mp4 --at 1-2 face=1 detect-tils=2
expect 2 err "--at 1-2: --detect-tiles: '99' is not" swap a.jpg long.mp4 -yo r.mp4 --at 1-2 detect-tiles=99
expect 2 err "--at 1-2: 'nonsense' is not OPTION=VALUE" swap a.jpg long.mp4 -yo r.mp4 --at "1-2 nonsense"
expect 2 err "--at 1-2: --threads holds for a whole clip" swap a.jpg long.mp4 -yo r.mp4 --at 1-2 threads=2
expect 2 err "unknown option --at" detect a.jpg --at 1-2 detect-tiles=2
expect 0 out "--at START-END" help swap

# ---- projects
mkdir party elsewhere; touch party/p.mp4 party/anna.jpg party/anna2.jpg party/ben.jpg
cat >party/party.json <<'JSON'
{ "sources": { "anna": ["anna.jpg", "anna2.jpg"], "carla": "../c.jpg" }, "source": "anna",
  "people": { "ben.jpg": "carla" }, "target": "p.mp4", "out": "done.mp4",
  "settings": { "detect-tiles": 5, "detect-pyramid": false },
  "ranges": [ { "start": 3, "end": "4", "settings": { "detect-tiles": 6 } } ] }
JSON
expect 0 err "party/done.mp4: 1 face swapped" swap --project party/party.json
holds party/done.mp4 "whole party/anna.jpg party/anna2.jpg party/ben.jpg>party/../c.jpg [3-4 detect-tiles=6]"
expect 2 err "exists already" swap --project party/party.json
(cd elsewhere && "$viso" swap --project ../party/party.json -yq); holds party/done.mp4 "whole ../party/anna.jpg"
expect 0 none - swap --project party/party.json -o r1.mp4 long.mp4 --at 5- face=1; holds r1.mp4 "anna2.jpg party/ben.jpg>party/../c.jpg [3-4 detect-tiles=6] [5- face=1]"
expect 0 none - swap a.jpg b.jpg --project party/party.json -o r2.mp4 long.mp4 --map party/ben.jpg=a.jpg --map b.jpg=c.jpg
holds r2.mp4 "whole a.jpg b.jpg party/ben.jpg>a.jpg b.jpg>c.jpg ["
expect 2 err "never replaced" swap --project party/party.json -y -o party/anna2.jpg
echo '{"target": "a.jpg"}' >t.json; expect 2 err "the SOURCE photograph is missing" swap --project t.json
echo '{"sources": {"a": "a.jpg"}}' >t.json; expect 2 err "the TARGET is missing" swap --project t.json
echo '{"sources": {"a": "gone.jpg"}, "target": "long.mp4"}' >t.json; expect 9 err "gone.jpg: cannot read" swap --project t.json -o r.mp4 -y
echo '{"sources": {"a": "a.jpg"}, "target": "gone.mp4"}' >t.json; expect 9 err "gone.mp4: cannot read" swap --project t.json -o r.mp4 -y
printf '{\n"settings": {"detect-tils": 5}}' >t.json; expect 2 err "t.json: settings.detect-tils: unknown option 'detect-tils'; did you mean" swap --project t.json
printf '{\n"target" 5}' >t.json; expect 2 err "t.json:2:" swap --project t.json
expect 9 err "gone.json" swap --project gone.json
# Line before project before configuration file before preset: seen in what is saved, and in what a project says of --json.
echo "detect-tiles = 3" >tiles.conf
echo '{"sources": {"a": "a.jpg"}, "target": "long.mp4", "settings": {"json": true, "detect-tiles": 4}}' >t.json
expect 0 out '"event":"done"' swap --project t.json -yo r.mp4
expect 0 err "1 face" swap --project party/party.json -yo r.mp4 --no-json
expect 0 err "r3.json: written" swap a.jpg long.mp4 -o r4.mp4 --save-project r3.json --at 1-2 face=1 detect-tiles=2 --detect-score 0.75 --config tiles.conf
absent r4.mp4; holds r3.json '"detect-score": 0.75'; lacks r3.json '"detect-tiles": 3'; holds r3.json '"end": "2"'
expect 0 none - swap --project r3.json; holds r4.mp4 "whole a.jpg [1-2 face=1] [1-2 detect-tiles=2]"
expect 2 err "exists already" swap a.jpg long.mp4 --save-project r3.json
expect 2 err "never replaced" swap a.jpg long.mp4 --save-project a.jpg -y
expect 0 none - swap --project party/party.json --save-project party/two.json --detect-tiles 8; holds party/two.json '"detect-tiles": 8'; holds party/two.json '"anna2.jpg"'
expect 0 out '"additionalProperties": false' options --project-schema; holds out.txt '"detect-tiles": {'

# ---- warmup: a line for each model
expect 0 out "face-full                      cpu       load     12.5 ms  first run      3.0 ms  second      2.0 ms" warmup
expect 0 out "optional-net" warmup face-full optional-net; holds out.txt "not cuda: it fell"
expect 0 out '{"event":"warm","model":"face-full","provider":"cpu","fell_back":null,"load_ms":12.5,"first_ms":3.0,"second_ms":2.0}' warmup --json
expect 6 err "nobody" warmup face-full nobody; holds out.txt "face-full"

# ---- completion
offers() { local want=$1; shift; checks=$((checks + 1)); "$viso" --complete "$@" >out.txt 2>err.txt; grep -qxF -- "$want" out.txt || fail "complete $*: no '$want'"; }
offers swap ""
offers swap sw
offers models m
offers list models l
offers import models ""
offers "<files>" swap ""
offers --detect-score swap --detect-s
offers --no-detect-pyramid detect --no-
offers --map swap --m
offers "<files>" swap -o ""
offers cuda swap --provider cu
offers all swap --face ""
offers face-full models info ""
offers swap -q ""
offers swap help s
offers "<files>" swap --project ""
offers detect-tiles= swap --at 1-2 ""
offers detect-tiles= swap --at 1-2 detect-t
offers detect-pyramid=true swap --at 1-2 detect-pyramid=
offers face= swap --at 1-2 detect-tiles=3 ""
offers "<files>" swap --at 1-2 detect-tiles=3 ""
offers --detect-score swap --at 1-2 detect-tiles=3 --detect-s
offers "1-2 detect-tiles=" swap --at "1-2 detect-t"
offers "1-2 face=1,detect-pyramid=false" swap --at "1-2 face=1,detect-pyramid=f"
"$viso" --complete swap --at 1-2 "" >out.txt; lacks out.txt "threads="; lacks out.txt "<files>"
"$viso" --complete swap --at "" >out.txt; lacks out.txt "detect-tiles="
"$viso" --complete detect --m >out.txt; lacks out.txt "--map"
checks=$((checks + 1))
source "$root/program/cli/completion.bash"
COMP_WORDS=("$viso" swap --provider = c) COMP_CWORD=4; _viso
case " ${COMPREPLY[*]} " in *" cpu "*) ;; *) fail "completion.bash: ${COMPREPLY[*]}" ;; esac
COMP_WORDS=("$viso" swap --at 1 : 20-1 : 30 detect-pyramid = t) COMP_CWORD=10; _viso
[ "${COMPREPLY[*]}" = true ] || fail "completion.bash, a pair's value: ${COMPREPLY[*]}"
COMP_WORDS=("$viso" swap --at 1 : 20-1 : 30 detect-py) COMP_CWORD=8; _viso
[ "${COMPREPLY[0]}" = detect-pyramid= ] || fail "completion.bash, a pair: ${COMPREPLY[*]}"
COMP_WORDS=("$viso" swap --at "\"1:20-1:30 detect-py") COMP_CWORD=3; _viso
[ "${COMPREPLY[*]}" = "1:20-1:30 detect-pyramid=" ] || fail "completion.bash, within quotes: ${COMPREPLY[*]}"
COMP_WORDS=("$viso" detect par) COMP_CWORD=2; _viso
case " ${COMPREPLY[*]} " in *" party.jpg "*) ;; *) fail "completion.bash: ${COMPREPLY[*]}" ;; esac

# ---- gallery
expect 0 out "anna  " gallery
expect 0 out "1 imported" gallery list
expect 0 out "biometric data" gallery list
expect 0 out '"biometric": true' gallery list --json ; holds out.txt '"quality": null'
expect 0 out "one, two" gallery show anna
expect 9 err "nobody" gallery show nobody
expect 0 out "a.jpg: added to anna, quality 0.80, 3 vectors" gallery add anna a.jpg ; holds err.txt "similarity 55 (cosine 0.10), 71 are usual"
expect 0 out '"similarity":55.0' gallery add anna a.jpg --json
expect 3 err "noface.jpg" gallery add anna noface.jpg a.jpg ; holds out.txt "a.jpg: added"
expect 9 err "missing.jpg" gallery add anna missing.jpg
expect 2 err "gallery add" gallery add anna
expect 0 none - gallery merge anna bea
expect 9 err "nobody" gallery remove anna nobody
expect 2 err "gallery rename" gallery rename anna
expect 0 out "2 people; biometric data" gallery export new.json
expect 2 err "exists already" gallery export a.jpg
expect 0 out "2 entries, 1 of them new" gallery import a.jpg
expect 0 out "3 vectors made" gallery refresh

# ---- cache
expect 0 out "/c/results.db: 2.1M of 1.0G" cache ; holds out.txt "1 input, 2 runs, 339 frames" ; holds out.txt "data about people"
expect 0 out '"personal": true' cache --json ; holds out.txt '"limit": 1073741824'
expect 0 out "/v/clip.mp4  0123456789ab  0.00 to 12.48 s, 313 frames, 1.9M, used 2026-01-03" cache list ; holds out.txt "being made"
expect 0 out '"whole": false' cache list --json
expect 0 out "2 runs forgotten" cache clear
expect 0 out "1 run forgotten" cache clear a.jpg
expect 0 out '"runs":2' cache clear --json
expect 9 err "other.mp4" cache clear other.mp4
expect 2 err "cache info" cache info a.jpg
expect 0 out "anna, similarity 75" detect a.jpg --who
expect 0 out '"person":"anna","most_like":"anna","similarity":75.0,"cosine":0.5' detect a.jpg --who --json ; lacks out.txt embedding
expect 0 none - swap --map anna=a.jpg party.jpg -o named.jpg
expect 9 err "anna.jpg" swap --map anna.jpg=a.jpg party.jpg -o named2.jpg

echo "$checks checks, $bad failed"
[ $bad = 0 ]
