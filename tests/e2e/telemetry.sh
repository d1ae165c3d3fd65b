#!/bin/sh
# --profile and --telemetry: a row for each stage and frame, numbers that agree with the stats, a result that does not depend on
# them, valid files after Ctrl-C and after a failure, refusals before any work, and ranges for a tool that listens.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
command -v python3 >/dev/null || skip "python3 is not installed"
clip clip.mp4 2

run swap "$source" clip.mp4 -o plain.mkv --codec ffv1 --threads 2
same "without: exit code" 0 "$code"
run swap "$source" clip.mp4 -o traced.mkv --codec ffv1 --threads 2 --profile rows.csv --telemetry summary.json --json
same "with both: exit code" 0 "$code"
cp out stats
plain=$(stream_sum plain.mkv v:0) # a Matroska file as a whole has a random number in it
same "the pictures are the same to the byte" "$plain" "$(stream_sum traced.mkv v:0)"
same "and the sound" "$(stream_sum plain.mkv a:0)" "$(stream_sum traced.mkv a:0)"
check "nothing half-done beside them" [ -z "$(find . -maxdepth 1 -name '.*part*')" ]

cat >agree.py <<'END'
import csv, json
rows = list(csv.DictReader(open("rows.csv")))
summary = json.load(open("summary.json"))
done = [json.loads(line) for line in open("stats")][-1]
stats = done["stats"]
frames = stats["frames"]
assert frames == 50 and summary["ended"] == "done" and summary["code"] == 0, frames
assert all(None not in r and None not in r.values() for r in rows)
inside = [r for r in rows if r["frame"]]
def named(kind, name):
    return [r for r in inside if r["kind"] == kind and r["name"] == name]
# One row for each stage and frame, each frame once.
for kind, name in ("stage", "track-begin"), ("stage", "track-end"), ("stage", "mesh"), ("stage", "paste"), \
        ("frame", "temporal"), ("frame", "picture"), ("media", "decode"), ("media", "encode"), ("wait", "slot"), ("wait", "work"):
    assert sorted(int(r["frame"]) for r in named(kind, name)) == list(range(frames)), (kind, name)
for s in stats["stages"]:
    found = named("stage", s["id"])
    assert len(found) == s["calls"], s
    cpu = sum(float(r["cpu_us"]) for r in found) * 1e-6
    assert s["total_s"] <= cpu <= s["total_s"] * 1.1 + 2e-5 * len(found), (s, cpu)
    told = [t for t in summary["stages"] if t["name"] == s["id"]]
    assert len(told) == 1 and told[0]["calls"] == s["calls"], told
    wall = sorted(float(r["wall_us"]) for r in found)
    t = told[0]["wall_ms"]
    for q, key in (0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (1, "max"):
        exact = wall[-int(-q * len(wall) // 1) - 1] * 1e-3
        assert abs(t[key] - exact) <= 0.008 * exact + 1e-6, (s["id"], key, t[key], exact)
networks = [r for r in inside if r["kind"] == "network"]
assert len(networks) == stats["networks"] == sum(n["calls"] for n in summary["networks"]), len(networks)
assert all(r["device"] == "cpu" for r in networks)
landmarks = [r for r in networks if r["name"] == "face_landmark_with_attention"]
assert landmarks and all(r["face"] for r in landmarks)
# What is inside lies inside: a stage within its lane's frame, a thread at a time.
for r in named("stage", "mesh"):
    whole = [f for f in named("frame", "picture") if f["frame"] == r["frame"]][0]
    assert whole["thread"] == r["thread"] and r["thread"].startswith("vi-work-"), r
    assert int(whole["start_ns"]) <= int(r["start_ns"])
    assert int(r["start_ns"]) + float(r["wall_us"]) * 1e3 <= int(whole["start_ns"]) + float(whole["wall_us"]) * 1e3 + 2
assert sum(summary["ring"]["frames_at"]) == frames and 1 <= summary["ring"]["min"] <= summary["ring"]["max"] <= summary["ring"]["size"]
assert summary["profile"] == {"rows": len(rows), "lost": 0}, summary["profile"]
assert summary["run"]["faces_swapped"] == stats["faces_swapped"] and summary["tracker"]["born"] >= 1
assert summary["devices"]["loads"]["cpu"] == len(summary["devices"]["models"]) >= 2
assert summary["options"]["threads"] == "2" and summary["options"]["telemetry"] == "(a file)"
assert "frames" not in summary["options"]
text = open("summary.json").read()
for word in ("clip.mp4", "traced", "grace_hopper", "/"):
    assert word not in text.replace("frames/s", ""), word
print(f"{len(rows)} rows agree with the stats")
END
check "rows, summary and stats agree" python3 agree.py

# The same as lines of key and value.
run swap "$source" clip.mp4 -o again.mkv --codec ffv1 --telemetry summary.csv
same "as CSV: exit code" 0 "$code"
same "as CSV: heading" "key,value" "$(head -n 1 summary.csv)"
check "as CSV: calls" grep -qx 'stages.mesh.calls,50' summary.csv
check "as CSV: percentiles" grep -qE '^networks.face_landmark_with_attention@cpu.wall_ms.p99,[0-9.]+$' summary.csv
check "as CSV: every line has two fields" [ -z "$(grep -vE '^[^,]+,("[^"]*"|-?[0-9.e+-]+)$' summary.csv | sed 1d)" ]

# A photograph, and a folder of two.
run swap "$source" "$target" -o still.png --profile still.csv --telemetry still.json
same "photograph: exit code" 0 "$code"
same "photograph: rows of the swap stage" 1 "$(grep -c ',0,[^,]*,stage,mesh,' still.csv)"
mkdir in out2
cp "$target" in/a.png
cp "$source" in/b.jpg
run swap "$source" in -o out2 --profile folder.csv
same "folder: exit code" 0 "$code"
same "folder: files" "0 1" "$(awk -F, '$4 == "stage" && $5 == "mesh" { print $1 }' folder.csv | sort -u | xargs)"

# Stopped half-way.
ffmpeg -nostdin -v error -y -stream_loop 200 -i clip.mp4 -c copy long.mp4
env --default-signal=INT "$viso" swap "$source" long.mp4 -o long-out.mkv --profile stop.csv --telemetry stop.json --json >progress 2>err </dev/null &
child=$!
while kill -0 "$child" 2>/dev/null && ! grep -q '"phase":"frames","frames":[1-9]' progress; do
    sleep 0.1
done
kill -s INT "$child"
wait "$child"
code=$?
child=
same "Ctrl-C: exit code" 130 "$code"
made=$(frame_count long-out.mkv)
same "Ctrl-C: telemetry tells" "interrupted 130 $made" "$(python3 -c 'import json; s = json.load(open("stop.json")); print(s["ended"], s["code"], s["run"]["frames"])')"
same "Ctrl-C: a row for each encoded frame" "$made" "$(grep -c ',media,encode,' stop.csv)"
same "Ctrl-C: every row is whole" "" "$(awk -F, 'NF != 10' stop.csv)"

# A run that fails still tells how it went.
no_face nobody.png
run swap "$source" nobody.png -o x.png --telemetry failed.json
same "failure: exit code" 4 "$code"
same "failure: telemetry tells" "no face in the target 4" "$(python3 -c 'import json; s = json.load(open("failed.json")); print(s["ended"], s["code"])')"

run swap "$source" "$target" -o x.png --models "$work" --telemetry failed.csv
same "no models: exit code" 6 "$code"
check "no models: telemetry tells" grep -qx 'ended,"model missing or damaged"' failed.csv
run detect "$target" --profile detect.csv
check "looking: a warning, no file" [ "$code" = 0 -a ! -e detect.csv -a -n "$(grep -- --profile err)" ]

# Refused before any work.
ends "telemetry of another kind" 2 .json .csv report.txt -- swap "$source" "$target" -o x.png --telemetry report.txt
ends "profile of another kind" 2 .csv rows.json -- swap "$source" "$target" -o x.png --profile rows.json
ends "both in one file" 2 same.csv -- swap "$source" "$target" -o x.png --profile same.csv --telemetry same.csv
ends "a folder that is not there" 2 none/rows.csv -- swap "$source" "$target" -o x.png --profile none/rows.csv
cp "$source" photo.csv
ends "over a source" 2 photo.csv source -- swap photo.csv "$target" -o x.png --profile photo.csv
check "refused: nothing written" [ ! -e x.png -a ! -e report.txt -a ! -e same.csv ]
check "refused: the source is as it was" cmp -s "$source" photo.csv

# A full disk costs the files, not the result.
if unshare -m true 2>/dev/null && mkdir disk && unshare -m sh -c "mount -t tmpfs -o size=8k none '$work/disk'" 2>/dev/null; then
    unshare -m sh -c 'mount -t tmpfs -o size=8k none disk && "$@" >out 2>err </dev/null; echo $? >code; ls -A disk >left' sh \
        "$viso" swap "$source" clip.mp4 -o full.mkv --codec ffv1 --profile disk/rows.csv --telemetry disk/summary.json
    same "full disk: exit code" 0 "$(cat code)"
    check "full disk: a warning names the profile" grep -q 'warning.*disk/rows.csv' err
    check "full disk: the profile is gone" [ -z "$(grep rows left)" ]
    same "full disk: the pictures are the same" "$plain" "$(stream_sum full.mkv v:0)"
fi

# A tool that listens.
if [ -f "${VISO_TEST_NVTX:-}" ]; then
    NVTX_INJECTION64_PATH=$VISO_TEST_NVTX STUB_NVTX_OUT=$work/ranges "$viso" swap "$source" clip.mp4 -o nvtx.mkv --codec ffv1 --profile nvtx >out 2>err
    same "ranges: exit code" 0 "$?"
    head -n 1 ranges
    check "ranges: balanced" grep -qE '^balanced [1-9][0-9]*$' ranges
    check "ranges: a stage" grep -qx 'mesh 50' ranges
    check "ranges: a frame with its number" grep -qx 'picture 49 1' ranges
    check "ranges: a network" grep -qE '^face_landmark_with_attention [0-9]+$' ranges
    same "ranges: the pictures are the same" "$plain" "$(stream_sum nvtx.mkv v:0)"
    NVTX_INJECTION64_PATH=/nowhere.so "$viso" swap "$source" "$target" -o nvtx.png --profile nvtx >out 2>err
    same "a tool that is not there: exit code" 0 "$?"
    check "a tool that is not there: a warning" grep -q NVTX_INJECTION64_PATH err
fi
done_checking
