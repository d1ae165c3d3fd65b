#!/bin/sh
# tools/setup.sh: brings a fresh machine to where Meson can build viso, and does nothing when it is there already.
#
#   tools/setup.sh [GPU=1] [ONNXRUNTIME=/path|system] [MODELS=/path] [APT=no]
#
# What is needed stands in deps.lock. Debian packages come through apt-get; npm tarballs are kept in the cache
# ($XDG_CACHE_HOME/viso, else ~/.cache/viso) and read only after their digest was checked; what is taken out of them
# goes to .deps/, each file under its own digest. The state on disk is the only memory: every file that is in place
# and whole is left alone, so a second run needs no network, and a damaged file is made again.
#
# ONNXRUNTIME names an ONNX Runtime in the layout of its release archives (include/, lib/), or "system" for the one that
# pkg-config knows; npm's is not fetched then, and a machine that cannot reach npm still builds. MODELS names a folder
# with the original model files. APT=no: check nothing of Debian.
set -eu
cd "$(dirname "$0")/.."
for setting in "$@"; do
    case $setting in
        GPU=* | ONNXRUNTIME=* | MODELS=* | APT=*) eval "${setting%%=*}=\${setting#*=}" ;;
        *) echo "usage: tools/setup.sh [GPU=1] [ONNXRUNTIME=/path|system] [MODELS=/path] [APT=no]" >&2; exit 2 ;;
    esac
done
GPU=${GPU:-} ONNXRUNTIME=${ONNXRUNTIME:-} MODELS=${MODELS:-} APT=${APT:-}
[ "$GPU" != 0 ] || GPU=
lock=deps.lock
deps=.deps
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/viso
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say()
{
    printf 'setup: %s\n' "$*"
}

fail()
{
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# A folder of our own for half-done things, inside the cache so that a finished file only needs a rename.
scratch()
{
    if [ -z "$work" ]; then
        mkdir -p "$cache" || fail "cannot make the cache $cache; set XDG_CACHE_HOME to a folder that can be written"
        work=$(mktemp -d "$cache/work.XXXXXX")
    fi
}

digest_is() # FILE SHA256
{
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]
}

# ---- Debian packages

missing_packages()
{
    wanted=$(awk '$1 == "debian" { print $2 }' "$lock")
    # shellcheck disable=SC2086
    have=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | awk '$2 == "installed" { print $1 }')
    for p in $wanted; do
        echo "$have" | grep -qx "$p" || echo "$p"
    done
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

may_be_root()
{
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Lists are refreshed once, and only when apt does not know a package or cannot fetch the version it knows.
apt_update()
{
    [ -z "${apt_updated:-}" ] || return 0
    apt_updated=yes
    say "refreshing the package lists (apt-get update)"
    as_root apt-get -qq update >"$work/apt.log" 2>&1 || { tail -n 5 "$work/apt.log" >&2; return 1; }
}

apt_knows() # PACKAGE…
{
    for p in "$@"; do
        apt-cache policy "$p" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
    done
}

apt_try()
{
    as_root apt-get -qq -y --no-install-recommends install "$@" >"$work/apt.log" 2>&1
}

apt_install() # PACKAGE…
{
    may_be_root || fail "these Debian packages are missing; run this, then make again:
sudo apt-get install --no-install-recommends $*"
    scratch
    apt_knows "$@" || apt_update || fail "apt-get update failed; the packages needed are: $*"
    say "installing from Debian: $*"
    apt_try "$@" || { apt_update && apt_try "$@"; } || {
        tail -n 15 "$work/apt.log" >&2
        fail "apt-get could not install: $*"
    }
}

debian_packages()
{
    if [ "$APT" = no ] || ! command -v dpkg-query >/dev/null; then
        say "Debian packages: not checked; Meson will name what it lacks (the list is in deps.lock)"
        return
    fi
    missing=$(missing_packages | tr '\n' ' ')
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        apt_install $missing
    else
        say "Debian packages: all there"
    fi
}

# ---- npm tarballs

npm_client()
{
    command -v npm >/dev/null && return
    [ "$APT" != no ] && command -v apt-get >/dev/null || { say "npm is missing"; return 1; }
    apt_install npm
}

tarball_of() # NAME VERSION: where the cache keeps it, under the name that npm pack gives
{
    echo "$cache/npm/$(echo "$1" | sed 's/^@//; s|/|-|g')-$2.tgz"
}

# Leaves a checked tarball at $tarball. Returns 1 when npm cannot deliver it; a wrong digest ends the run.
fetch() # NAME VERSION SHA256
{
    tarball=$(tarball_of "$1" "$2")
    digest_is "$tarball" "$3" && return
    rm -f "$tarball"
    scratch
    npm_client || return 1
    say "fetching $1 $2 from npm"
    mkdir -p "$work/pack" "$cache/npm"
    (cd "$work/pack" && npm pack --loglevel error --ignore-scripts --no-update-notifier --fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 5000 --cache "$work/npm" "$1@$2") \
        >"$work/npm.log" 2>&1 || {
        tail -n 5 "$work/npm.log" >&2
        say "npm could not deliver $1@$2"
        return 1
    }
    rm -rf "$work/npm"
    set -- "$1" "$2" "$3" "$work"/pack/*.tgz
    if ! digest_is "$4" "$3"; then
        got=$(sha256sum "$4" | cut -d' ' -f1)
        rm -f "$4"
        fail "$1@$2: the tarball from npm has SHA-256 $got, deps.lock wants $3; it was removed, nothing was unpacked"
    fi
    mv "$4" "$tarball"
}

# Standard input becomes .deps/DESTINATION if its digest is right.
place() # DESTINATION SHA256 FROM
{
    mkdir -p "$(dirname "$deps/$1")"
    cat >"$deps/$1.part"
    if ! digest_is "$deps/$1.part" "$2"; then
        rm -f "$deps/$1.part"
        fail "$1 taken from $3 does not have the SHA-256 of deps.lock; it was removed"
    fi
    mv "$deps/$1.part" "$deps/$1"
}

# One file of a bundle: the loader script beside DATA lists {"filename": …, "start": …, "end": …}.
cut_out() # DATA FILE
{
    range=$(sed 's/}/}\n/g' "${1%.data}_loader.js" | tr -d ' ' |
        sed -n "s|.*\"filename\":\"[^\"]*/$2\",\"start\":\([0-9]*\),\"end\":\([0-9]*\)}.*|\1 \2|p" | head -n 1)
    [ -n "$range" ] || fail "$2 is not listed in ${1%.data}_loader.js"
    head -c "${range#* }" "$1" | tail -c +$((${range% *} + 1))
}

# What a set takes out of one tarball, each path once (with the loader scripts of bundles).
paths_of() # SET NAME
{
    awk -v s="$1" -v n="$2" '$2 == s && $3 == n && $1 == "take" { print $4 }
        $2 == s && $3 == n && $1 == "cut" { print $4; sub(/\.data$/, "_loader.js", $4); print $4 }' "$lock" | sort -u
}

# Everything of a set that is not in place is taken out of its tarball, which is fetched for that if need be.
unpack_set() # SET WHAT
{
    made=
    while read -r verb set name a b c d; do
        [ "$set" = "$1" ] || continue
        case $verb in
            npm) version=$a sha=$b opened= ; continue ;;
            take) from=$a destination=$b digest=$c ;;
            cut) from=$a file=$b destination=$c digest=$d ;;
            *) continue ;;
        esac
        digest_is "$deps/$destination" "$digest" && continue
        if [ -z "$opened" ]; then
            fetch "$name" "$version" "$sha" </dev/null || return 1
            scratch
            mkdir -p "$work/open"
            # shellcheck disable=SC2046
            tar -xzf "$tarball" -C "$work/open" $(paths_of "$set" "$name") || fail "$tarball: cannot be unpacked"
            opened=yes
        fi
        case $verb in
            take) place "$destination" "$digest" "$name@$version" <"$work/open/$from" ;;
            cut) cut_out "$work/open/$from" "$file" | place "$destination" "$digest" "$name@$version" || exit 1 ;;
        esac
        made=yes
    done <"$lock"
    if [ -n "$made" ]; then say "$2: unpacked into $deps"; else say "$2: in place"; fi
}

runtime()
{
    if [ -n "$ONNXRUNTIME" ] && [ "$ONNXRUNTIME" != system ]; then
        [ -f "$ONNXRUNTIME/include/onnxruntime_c_api.h" ] || ls "$ONNXRUNTIME"/include/*/onnxruntime_c_api.h >/dev/null 2>&1 ||
            fail "ONNXRUNTIME=$ONNXRUNTIME holds no include/onnxruntime_c_api.h"
        say "ONNX Runtime: $ONNXRUNTIME"
        return
    elif [ "$ONNXRUNTIME" = system ]; then
        pkg-config --exists libonnxruntime || fail "ONNXRUNTIME=system, but pkg-config knows no libonnxruntime"
        say "ONNX Runtime: the system's, $(pkg-config --modversion libonnxruntime)"
        return
    fi
    machine=$(uname -m)
    case $machine in
        x86_64 | aarch64) ;;
        *) fail "npm carries ONNX Runtime for x86_64 and aarch64, not for $machine; give your own: make build ONNXRUNTIME=/path" ;;
    esac
    [ -z "$GPU" ] || [ "$machine" = x86_64 ] || fail "npm carries the CUDA and TensorRT providers for x86_64 only"
    help="; see above, or give your own: make build ONNXRUNTIME=/path (include/, lib/)"
    unpack_set headers "ONNX Runtime headers" || fail "no ONNX Runtime headers$help"
    unpack_set "runtime-$machine" "ONNX Runtime" || fail "no ONNX Runtime$help"
    if [ -n "$GPU" ]; then
        unpack_set gpu "CUDA and TensorRT providers" || fail "no GPU providers; run without GPU=1 to do without them"
    fi
}

models()
{
    if [ -n "$MODELS" ]; then
        [ -d "$MODELS" ] || fail "MODELS=$MODELS is not a folder"
        say "starter models: from $MODELS"
    elif ! unpack_set models "starter models' original files"; then
        [ -n "$ONNXRUNTIME" ] || fail "no starter models; see above, or give a folder with the files: make build MODELS=/path"
        say "starter models: not there; viso builds, and viso doctor will say what is missing (make build MODELS=/path)"
    fi
}

# ---- photographs for the demo: nice to have, never a reason to stop

picture() # PACKAGE PATH DESTINATION SHA256
{
    kept=$cache/$3
    if ! digest_is "$kept" "$4"; then
        command -v apt-get >/dev/null && [ "$APT" != no ] || return 1
        scratch
        apt_knows "$1" || { may_be_root && apt_update; } || return 1
        say "fetching $(basename "$3") out of Debian's $1"
        mkdir -p "$(dirname "$kept")" "$work/deb"
        (cd "$work/deb" && rm -f ./*.deb && apt-get -qq download "$1") >"$work/apt.log" 2>&1 ||
            { may_be_root && apt_update && (cd "$work/deb" && apt-get -qq download "$1") >"$work/apt.log" 2>&1; } || return 1
        dpkg-deb --fsys-tarfile "$work/deb/$1"_*.deb | tar -xOf - "./$2" >"$work/picture" || return 1
        digest_is "$work/picture" "$4" || { say "$(basename "$3") has an unexpected SHA-256 and was not taken"; return 1; }
        mv "$work/picture" "$kept"
    fi
    place "$3" "$4" "$1" <"$kept"
}

pictures()
{
    lacking=
    while read -r verb package path destination sha; do
        [ "$verb" = picture ] || continue
        digest_is "$deps/$destination" "$sha" || picture "$package" "$path" "$destination" "$sha" </dev/null ||
            lacking="$lacking $(basename "$destination")"
    done <"$lock"
    if [ -n "$lacking" ]; then say "photographs: without$lacking (only the demo and a few tests want them)"; else say "photographs: in place"; fi
}

debian_packages
runtime
models
pictures
