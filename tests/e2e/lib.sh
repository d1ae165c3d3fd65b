# tests/e2e/lib.sh: what the end-to-end tests share. Sourced with the program as $1. Each test drives the program from outside,
# says what it checks, and goes on after a check that fails, so that one run shows everything.
set -u
viso=$(realpath "$1") || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/viso-e2e.XXXXXX") || exit 1
child=
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 143' TERM INT
export HOME="$work/home" LC_ALL=C.UTF-8
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME"
cd "$work" || exit 1

# Two photographs in the public domain, brought by the set-up.
pictures=${VISO_TEST_PICTURES:-}
source=$pictures/grace_hopper.jpg
target=$pictures/astronaut.png

checks=0
failures=0

skip()
{
    echo "skipped: $*"
    exit 77
}

need_pictures()
{
    [ -f "$source" ] && [ -f "$target" ] || skip "no photographs in VISO_TEST_PICTURES (${pictures:-unset}); make setup fetches them"
}

need_models()
{
    [ -f "${VISO_MODELS:-}/mobilefacenet.onnx" ] || skip "no starter models in VISO_MODELS (${VISO_MODELS:-unset})"
}

need_ffmpeg()
{
    command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || skip "ffmpeg and ffprobe are not installed"
}

check() # WHAT COMMAND…: the command succeeds
{
    what=$1
    shift
    checks=$((checks + 1))
    if "$@"; then
        echo "ok: $what"
    else
        failures=$((failures + 1))
        echo "FAILED: $what"
    fi
}

same() # WHAT EXPECTED ACTUAL
{
    checks=$((checks + 1))
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        failures=$((failures + 1))
        echo "FAILED: $1"
        printf '  expected: %.2000s\n  actual:   %.2000s\n' "$2" "$3"
    fi
}

# Runs the program; its exit code in $code, its texts in the files out and err. Never longer than ten minutes.
run()
{
    timeout 600 "$viso" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

# The program must end with CODE and a message that contains each of WORDS.
ends() # WHAT CODE WORD… -- ARGUMENT…
{
    what=$1 wanted=$2 words=
    shift 2
    while [ "$1" != -- ]; do
        words="$words$1
"
        shift
    done
    shift
    run "$@"
    checks=$((checks + 1))
    wrong=
    [ "$code" = "$wanted" ] || wrong="exit code $code, expected $wanted"
    while read -r word; do
        [ -z "$word" ] || grep -qF -- "$word" "$work/err" || wrong="$wrong; the message does not name '$word'"
    done <<END
$words
END
    [ "$(wc -l <"$work/err")" -le 4 ] || wrong="$wrong; the message is $(wc -l <"$work/err") lines long"
    if [ -z "$wrong" ]; then
        echo "ok: $what: $(tail -n 1 "$work/err")"
    else
        failures=$((failures + 1))
        echo "FAILED: $what: ${wrong#; }"
        echo "  viso $*"
        sed 's/^/  | /' "$work/err" | head -n 20
    fi
}

# Nothing under this name, and nothing half-done beside it.
nothing_left() # PATH
{
    [ ! -e "$1" ] || return 1
    [ -z "$(find "$(dirname "$1")" -maxdepth 1 -name '.*part*' 2>/dev/null)" ]
}

no_face() # FILE: a still without a face, by FFmpeg's fractal
{
    ffmpeg -nostdin -v error -y -f lavfi -i mandelbrot=s=640x480:start_scale=1.2 -frames:v 1 "$1"
}

# A clip of the target photograph under known motion, with sound: FILE SECONDS [further output options]
clip()
{
    file=$1 seconds=$2
    shift 2
    ffmpeg -nostdin -v error -y -loop 1 -framerate 25 -i "$target" -f lavfi -i "sine=frequency=330:sample_rate=48000" \
        -vf "zoompan=z='1.1+0.05*sin(on/9)':x='(iw-iw/zoom)*(0.4+0.1*sin(on/7))':y='(ih-ih/zoom)*0.15':d=1:s=448x448:fps=25,format=yuv420p" \
        -t "$seconds" -c:v libx264 -preset ultrafast -crf 18 -c:a aac "$@" "$file"
}

frame_times() # FILE: presentation times of the video frames, in order
{
    ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d ',' | sort -n
}

# The same from the first one on, in milliseconds. A container that knows no negative times (Matroska) moves all streams of a
# file whose sound starts before zero by the same amount.
frame_steps()
{
    frame_times "$1" | awk 'NR == 1 { first = $1 } { printf "%d ", 1000 * ($1 - first) + 0.5 }'
}

sound_lead() # FILE: by how many milliseconds the sound begins before the picture
{
    { frame_times "$1" | head -n 1
      ffprobe -v error -select_streams a:0 -show_entries packet=pts_time -of csv=p=0 "$1" | head -n 1 | tr -d ','; } |
        awk 'NR == 1 { v = $1 } NR == 2 { printf "%d\n", 1000 * (v - $1) + 0.5 }'
}

frame_count()
{
    ffprobe -v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0 "$1" | tr -d ','
}

stream_sum() # FILE SELECTOR: checksum of the packets of a stream, as they lie in the file
{
    ffmpeg -nostdin -v error -i "$1" -map "0:$2" -c copy -f md5 - 2>&1
}

video_entry() # FILE ENTRY: one field of the video stream
{
    ffprobe -v error -select_streams v:0 -show_entries "stream=$2" -of csv=p=0 "$1" | sed 's/,$//; q'
}

plays() # FILE: the picture decodes without an error to at least one frame
{
    [ -s "$1" ] && [ -z "$(ffmpeg -nostdin -v error -i "$1" -map 0:v -f rawvideo -y /dev/null 2>&1)" ] && [ "$(frame_count "$1")" -ge 1 ]
}

done_checking()
{
    echo "$((checks - failures)) of $checks checks hold"
    [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
    exit
}

# Where two pictures or clips differ, as "x1 y1 x2 y2" over all frames and planes; nothing when they are equal everywhere.
differing() # FILE FILE PLANAR-FORMAT (gbrp, yuv420p …)
{
    case $3 in gbr*) planes="r+g+b" ;; *) planes="y+u+v" ;; esac
    # Chroma planes are brought to the size of luma by repeating samples, so that a box counts the same in each.
    ffmpeg -nostdin -v info -i "$1" -i "$2" -filter_complex "[0:v]settb=1/1000,setpts=40*N,format=$3[p];[1:v]settb=1/1000,setpts=40*N,format=$3[q];\
[p][q]blend=all_mode=difference,extractplanes=$planes[a][b][c];[b][a]scale2ref=flags=neighbor[b2][a2];\
[c][a2]scale2ref=flags=neighbor[c2][a3];[a3][b2]blend=all_mode=lighten[ab];[ab][c2]blend=all_mode=lighten,bbox=min_val=0" \
        -f null - 2>&1 | sed -n 's/.* x1:\([0-9]*\) x2:\([0-9]*\) y1:\([0-9]*\) y2:\([0-9]*\) .*/\1 \3 \2 \4/p' |
        awk '{ if (!n++ || $1 < a) a = $1; if (n == 1 || $2 < b) b = $2; if ($3 > c) c = $3; if ($4 > d) d = $4 }
            END { if (n) print a, b, c, d }'
}

# The boxes of all faces viso finds in a file, over all frames, as "x1 y1 x2 y2" around them, a quarter of their size larger.
face_region() # FILE
{
    "$viso" detect "$1" --json 2>/dev/null | tr '{' '\n' | sed -n 's/.*"box":\[\([^]]*\)\].*/\1/p' | tr ',' ' ' |
        awk '{ m = 0.25 * ($3 - $1); x = $1 - m; y = $2 - m; X = $3 + m; Y = $4 + m
               if (!n++ || x < a) a = x; if (n == 1 || y < b) b = y; if (X > c) c = X; if (Y > d) d = Y }
            END { if (n) printf "%d %d %d %d\n", a, b, c + 1, d + 1 }'
}

inside() # BOX BOX: the first lies within the second, and is one
{
    echo "$1 $2" | awk 'NF == 8 && $1 >= $5 && $2 >= $6 && $3 <= $7 && $4 <= $8 { found = 1 } END { exit !found }'
}

embedding() # FILE: of the largest face
{
    "$viso" detect "$1" --json --embed 2>/dev/null | sed -n 's/.*"embedding":\[\([^]]*\)\].*/\1/p' | head -n 1
}

cosine() # EMBEDDING EMBEDDING
{
    printf '%s\n%s\n' "$1" "$2" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) a[i] = $i } NR == 2 { for (i = 1; i <= NF; i++) s += a[i] * $i }
        END { printf "%.3f\n", s }'
}

less() # A B
{
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'
}
