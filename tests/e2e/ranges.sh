#!/bin/sh
# Parts of a clip with settings of their own, and projects. Results are lossless, so that frames can be compared one by one.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
clip clip.mp4 2

frames_of() # FILE: a line for each frame, equal for equal pictures
{
    ffmpeg -nostdin -v error -i "$1" -map 0:v -f framehash -hash md5 - | sed -n 's/^0,.*, *//p'
}

lossless() # RESULT ARGUMENT…: a swap of the clip
{
    to=$1
    shift
    run swap "$source" clip.mp4 -o "$to" --codec ffv1 -q "$@"
    [ "$code" = 0 ] || { echo "  viso swap … $*: exit code $code"; head -n 3 err; }
    frames_of "$to" >"$to.frames"
}

changed_frames() # RESULT: numbers, from 0, of the frames that are not those of plain.mkv
{
    paste -d ' ' plain.mkv.frames "$1.frames" | awk '$1 != $2 { printf "%s%d", n++ ? " " : "", NR - 1 }'
}

sum_of() # FILE [SED-SCRIPT]: of the lines of a list of frames
{
    sed -n "${2:-p}" "$1.frames" | md5sum
}

few_outside() # FROM TO NUMBER…: how many numbers lie outside FROM..TO
{
    from=$1 to=$2
    shift 2
    for n in "$@"; do [ "$n" -ge "$from" ] && [ "$n" -le "$to" ] || echo "$n"; done | wc -l
}

lossless plain.mkv
same "frames of the plain result" 50 "$(wc -l <plain.mkv.frames)"
lossless all.mkv --at - opacity=0.5
[ -n "$(changed_frames all.mkv)" ] || skip "this build takes --at but does not follow it yet"
same "a range over the whole clip is the setting itself" "$(lossless half.mkv --opacity 0.5; sum_of half.mkv)" "$(sum_of all.mkv)"

# Frames 20 to 29 lie in 0:00.8 to 0:01.2; the end is not in the range.
inside="20 21 22 23 24 25 26 27 28 29"
lossless opacity.mkv --at 0.8-0:01.2 opacity=0.5
same "another strength: just the frames of the range change" "$inside" "$(changed_frames opacity.mkv)"
same "and are those of a swap with that strength" "$(sum_of half.mkv 21,30p)" "$(sum_of opacity.mkv 21,30p)"
lossless light.mkv --at 20f-30f swap-light=0
same "other light: just the frames of the range change" "$inside" "$(changed_frames light.mkv)"
lossless two.mkv --at "20f-30f opacity=0.1" --at 25f-40f opacity=0.5 --at 45f- swap-light=0.2
same "where ranges overlap the later one counts" "$(sum_of half.mkv 26,40p)" "$(sum_of two.mkv 26,40p)"
same "and all that lies in some range changes" "$(seq -s ' ' 20 39) $(seq -s ' ' 45 49)" "$(changed_frames two.mkv)"
lossless mask.mkv --at 20f-30f swap-occlusion=false
lossless unmasked.mkv --no-swap-occlusion
if [ -n "$(changed_frames unmasked.mkv)" ]; then
    # What was measured under another mask fades out of the memory of colour and light, so that frames behind may differ a little.
    check "another mask changes frames of the range" [ -n "$(changed_frames mask.mkv)" ]
    # shellcheck disable=SC2046
    same "and none before it" 0 "$(few_outside 20 49 $(changed_frames mask.mkv))"
fi
lossless workers.mkv --at 20f-30f opacity=0.5 --threads 1
same "the number of workers does not matter" "$(sum_of opacity.mkv)" "$(sum_of workers.mkv)"
lossless late.mkv --at 0.8-1.2 opacity=0.5 --start 0.4
same "places are those of the whole clip" "10 11 12 13 14 15 16 17 18 19" \
    "$(lossless late-plain.mkv --start 0.4; paste -d ' ' late-plain.mkv.frames late.mkv.frames | awk '$1 != $2 { printf "%s%d", n++ ? " " : "", NR - 1 }')"

# Two people, the left one swapped; in the range the detector looks otherwise, and more often. Who is who must not change.
ffmpeg -nostdin -v error -y -i "$target" -i "$source" -filter_complex "[1:v]crop=512:512:0:0[b];[0:v][b]hstack,format=yuv420p,\
loop=49:1,fps=25,crop=960:500:x='30+20*sin(n/8)':y=6" -frames:v 50 -c:v ffv1 people.mkv
for setting in detect-score=0.3,redetect=2 pyramid=3,landmark-passes=2 min-face=40 steady=off,smooth=0; do
    run swap "$source" people.mkv -y -o people-out.mkv --codec ffv1 --face 1 --json --at 0.8-1.2 "$setting"
    same "$setting in a range" 0 "$code"
    check "$setting: every frame swapped" grep -q '"faces_swapped":50[,}]' out
    changed=$(differing people.mkv people-out.mkv yuv420p)
    check "$setting: it is the left one throughout (changes at $changed)" inside "$changed" "0 0 500 499"
done

# A project is the line in a file.
mkdir party
cp clip.mp4 party/
cp "$source" party/admiral.jpg
cat >party/party.json <<'END'
{
  "sources": { "admiral": "admiral.jpg" },
  "target": "clip.mp4",
  "out": "result.mkv",
  "settings": { "codec": "ffv1", "swap-shape": 0.5 },
  "ranges": [ { "start": 0.8, "end": "30f", "settings": { "opacity": 0.5 } } ]
}
END
run swap --project party/party.json
same "a project" 0 "$code"
lossless line.mkv --swap-shape 0.5 --at 0.8-30f opacity=0.5
same "gives what the line gives" "$(sum_of line.mkv)" "$(frames_of party/result.mkv | md5sum)"
run swap --project party/party.json -o over.mkv --swap-shape 1
same "the line goes before the project" "$(sum_of opacity.mkv)" "$(frames_of over.mkv | md5sum)"
run swap "$source" clip.mp4 -o saved.mkv --codec ffv1 --at 0.8-1.2 opacity=0.5 --save-project saved.json
check "a line is saved, and not run" [ "$code" = 0 -a ! -e saved.mkv ]
run swap --project saved.json
same "and does what it would have done" "$(sum_of opacity.mkv)" "$(frames_of saved.mkv | md5sum)"
done_checking
