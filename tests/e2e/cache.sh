#!/bin/sh
# What was found in a clip is kept for the next run: another setting of the swap runs no network and gives the same picture as
# a fresh run, another setting of the analysis runs them again; parts; what is written where; forgetting; damage, kills, two at once.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
unset VISO_CACHE
clip clip.mp4 2
db=$HOME/.cache/viso/results.db

number() # NAME: a number of the last run's stats
{
    tr ',{' '\n\n' <out | sed -n "s/^ *\"$1\": *\([0-9][0-9]*\).*/\1/p" | tail -n 1
}

word() # NAME
{
    tr ',{' '\n\n' <out | sed -n "s/^ *\"$1\": *\"\([a-z]*\)\".*/\1/p" | tail -n 1
}

runs() # of detector, landmark model, recogniser
{
    echo "$(number detector_runs) $(number landmark_runs) $(number embedder_runs)"
}

swaps() # OUT OPTION…: lossless, with numbers
{
    result=$1
    shift
    rm -f "$result"
    run swap "$source" clip.mp4 -o "$result" --codec ffv1 --json "$@"
}

run bench clip.mp4 "$source" --json --discard --cache off
[ -n "$(word cache)" ] || skip "the pipeline does not ask the cache yet: viso bench --json has no \"cache\""
same "off: nothing is kept" off "$(word cache)"
check "and nothing is made" [ ! -e "$db" ]

# --face largest also wants embeddings.
swaps first.mkv --face largest
same "the first run" 0 "$code"
same "records" recorded "$(word cache)"
check "with the networks ($(runs))" [ "$(number detector_runs)" -gt 0 ] && [ "$(number landmark_runs)" -gt 0 ] && [ "$(number embedder_runs)" -gt 0 ]
same "in a file of the owner's" 600 "$(stat -c %a "$db")"
same "in a folder of the owner's" 700 "$(stat -c %a "$(dirname "$db")")"
swaps again.mkv --face largest
same "the same again replays" replayed "$(word cache)"
same "runs no network" "0 0 0" "$(runs)"
same "and gives the same picture" "$(stream_sum first.mkv v)" "$(stream_sum again.mkv v)"

swaps half.mkv --face largest --opacity 0.5 --swap-grain 0
same "other settings of the swap replay" replayed "$(word cache)"
same "run no network" "0 0 0" "$(runs)"
same "put as many faces" 50 "$(number faces_swapped)"
swaps fresh.mkv --face largest --opacity 0.5 --swap-grain 0 --cache off
same "without the cache" off "$(word cache)"
same "it is the same picture" "$(stream_sum fresh.mkv v)" "$(stream_sum half.mkv v)"
check "which is another one than before" [ "$(stream_sum first.mkv v)" != "$(stream_sum half.mkv v)" ]

swaps other.mkv --face largest --detect-score 0.7
same "another setting of the detector looks again" recorded "$(word cache)"
check "with the networks ($(runs))" [ "$(number detector_runs)" -gt 0 ] && [ "$(number landmark_runs)" -gt 0 ]
swaps other.mkv --face largest --redetect 5
same "one of the tracker, too" recorded "$(word cache)"
swaps first.mkv --face largest
same "the first is still there" replayed "$(word cache)"

# A jump into the clip: no network, as many frames as asked for.
swaps part.mkv --face largest --start 0.8 --end 1.6
same "a part of a clip that is known replays" replayed "$(word cache)"
same "runs no network" "0 0 0" "$(runs)"
same "has its frames" 20 "$(frame_count part.mkv)"

# Known by its bytes.
cp clip.mp4 copy.mp4
run swap "$source" copy.mp4 -o copy.mkv --codec ffv1 --json --face largest
same "a copy is known" replayed "$(word cache)"
clip clip.mp4 1
swaps shorter.mkv --face largest
same "another clip of the same name is not" recorded "$(word cache)"

# What the command says.
run cache
check "viso cache says where" grep -qF "$db" out
check "and what that is" grep -q 'data about people' out
run cache list --json
same "list" 4 "$(grep -c '"digest"' out)"
run cache clear copy.mp4
same "a clip is forgotten, by its bytes" "3 runs forgotten" "$(cat out)"
ends "once" 9 copy.mp4 "nothing of it" -- cache clear copy.mp4
run swap "$source" copy.mp4 -o copy.mkv --codec ffv1 --json --face largest -y
same "and looked at again" recorded "$(word cache)"
run cache clear
run cache list --json
same "all is forgotten" 0 "$(grep -c '"digest"' out)"

# Killed, damaged, two at once: the next run is as good as ever.
"$viso" swap "$source" copy.mp4 -o killed.mkv --codec ffv1 --face largest >/dev/null 2>&1 &
child=$!
sleep 1
kill -9 $child
wait $child 2>/dev/null
child=
swaps after.mkv --face largest
same "after a kill" 0 "$code"
same "a run records" recorded "$(word cache)"
head -c 20000 /dev/urandom >"$db"
rm -f "$db-wal" "$db-shm"
swaps after.mkv --face largest
same "a damaged file is no failure" 0 "$code"
same "and a new one is begun" recorded "$(word cache)"
check "said in a line" grep -q 'moved to' err
run cache clear
"$viso" swap "$source" clip.mp4 -o one.mkv --codec ffv1 --face largest >/dev/null 2>&1 &
child=$!
swaps two.mkv --face largest
same "two at once: one" 0 "$code"
wait $child
same "and the other" 0 "$?"
child=
same "make the same picture" "$(stream_sum one.mkv v)" "$(stream_sum two.mkv v)"
swaps three.mkv --face largest
same "and leave something" replayed "$(word cache)"
done_checking
