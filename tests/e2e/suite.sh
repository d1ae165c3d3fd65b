#!/bin/sh
# viso bench --suite: a folder of clips with known content, one of them broken. What is measured is there, is the same in a second
# run, and tells a still head from a jittered one.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
command -v python3 >/dev/null || skip "python3 is not installed"
mkdir clips
clip clips/moving.mp4 1.2
ffmpeg -nostdin -v error -y -i "$target" -i "$source" -filter_complex \
    "[0]scale=320:320[a];[1]crop=iw:iw:0:0,scale=320:320[b];[a][b]hstack,loop=24:1:0,fps=25,noise=alls=6:allf=t,format=yuv420p" \
    -frames:v 25 -c:v libx264 -preset ultrafast -crf 12 clips/pair.mp4
head -c 3000 clips/pair.mp4 >clips/broken.mp4
no_face nobody.png
ffmpeg -nostdin -v error -y -loop 1 -framerate 25 -i nobody.png -frames:v 5 -c:v libx264 -preset ultrafast clips/nobody.mp4

run bench --suite clips "$source" --discard --json --telemetry told.json
same "exit code" 0 "$code"
cp out first.json
cp err tables
cat >look.py <<'END'
import json
suite = json.load(open("first.json"))
clips = {c["clip"]: c for c in suite["clips"]}
assert list(clips) == sorted(clips) == ["broken.mp4", "moving.mp4", "nobody.mp4", "pair.mp4"], list(clips)
assert clips["broken.mp4"]["code"] == 9 and "broken.mp4" in clips["broken.mp4"]["error"], clips["broken.mp4"]
assert clips["nobody.mp4"]["code"] == 4, clips["nobody.mp4"]
moving, pair, all = clips["moving.mp4"], clips["pair.mp4"], suite["all"]
assert moving["frames"] == 30 and pair["frames"] == 25 and all["frames"] == 55
assert pair["faces_swapped"] == 50 and moving["faces_swapped"] == 30
for c, faces in (moving, 1), (pair, 2):
    q = c["quality"]
    assert q["faces"] == faces * c["frames"] and q["frames_seen"] == c["frames"], q
    assert c["frames_dropped_back"] == 0 and q["id_switches"] == 0, q
    assert q["jitter_count"] >= faces * (c["frames"] - 4) * 0.8, q
    assert 0 < q["jitter_after"] < q["jitter_before"] < 20 and 0 < q["roll_after"] <= q["roll_before"] < 5, q
    assert q["flicker_count"] > 0 and 0 < q["flicker"] < 20, q
    assert c["landmark_runs"] >= faces * c["frames"] / 2 and 0 < c["detector_frames"] < c["frames"], c
    assert c["detector_runs"] >= c["detector_frames"] and c["embedder_runs"] >= faces, c
    assert c["detector_runs"] + c["landmark_runs"] + c["embedder_runs"] == c["networks"], c
    assert c["follow"]["born"] == faces and c["fps"] > 0 and c["limiting"] and c["peak_rss"] > 1 << 20, c
assert all["networks"] == moving["networks"] + pair["networks"]
told = json.load(open("told.json")) # of the last clip
assert told["quality"]["faces"] == pair["quality"]["faces"] and told["quality"]["jitter_after"] == pair["quality"]["jitter_after"]
print("jitter %.2f > %.2f, roll %.2f > %.2f, flicker %.2f" % tuple(all["quality"][k] for k in
      ("jitter_before", "jitter_after", "roll_before", "roll_after", "flicker")))
END
check "the figures" python3 look.py
check "the tables are told apart from it" grep -q '^quality .*jitter px' tables
check "a broken clip is in them" grep -q '^broken.mp4 .*not measured (exit code 9)' tables

# The same once more: nothing but time and memory may differ.
run bench --suite clips "$source" --discard --json --against first.json -q
same "once more: exit code" 0 "$code"
cat >again.py <<'END'
import json
was, now = json.load(open("first.json")), json.load(open("out"))
for a, b in zip(was["clips"] + [was["all"]], now["clips"] + [now["all"]]):
    assert a.get("error") == b.get("error")
    if "error" in a:
        continue
    for key in "quality", "follow", "networks", "frames", "faces_swapped", "detector_frames":
        assert a[key] == b[key], (key, a[key], b[key])
    for key in "jitter_after", "roll_after", "flicker", "networks", "detector_frames":
        assert abs(b["ratio"][key] - 1) < 1e-6, b["ratio"]
    assert b["ratio"]["fps"] > 0
END
check "once more: the same" python3 again.py

# Without smoothing the landmarks are used as they came, so nothing is gained.
run bench --suite clips "$source" --discard --json -q --smooth 0 --steady off --landmark-every 1
same "no smoothing: exit code" 0 "$code"
check "no smoothing: jitter after is about what it was before" python3 -c '
import json
q, smoothed = json.load(open("out"))["all"]["quality"], json.load(open("first.json"))["all"]["quality"]
assert q["jitter_after"] > 0.9 * q["jitter_before"], q
assert q["jitter_after"] > 1.3 * smoothed["jitter_after"], (q, smoothed)'
done_checking
