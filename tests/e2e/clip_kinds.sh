#!/bin/sh
# Clips that are easily spoiled: variable frame times, 10 bits with HLG tags, HDR metadata, rotation by metadata, several
# sounds, subtitles and chapters. Each keeps what it had.
. "$(dirname "$0")/lib.sh"
need_pictures
need_models
need_ffmpeg
clip base.mp4 2

swap() # FROM TO
{
    run swap "$source" "$1" -o "$2" --json
    same "a swap of $1" 0 "$code"
    [ "$code" = 0 ] || head -n 3 err
}

times_kept() # FROM TO
{
    same "$1: frame times" "$(frame_times "$1" | tr '\n' ' ')" "$(frame_times "$2" | tr '\n' ' ')"
}

# Frames come after 40, 55, 70, 25 … milliseconds.
for kind in mp4 mkv; do
    ffmpeg -nostdin -v error -y -i base.mp4 -vf "settb=1/1000,setpts='N*40+15*mod(N,3)'" -vsync passthrough -enc_time_base 1:1000 \
        -c:v libx264 -preset ultrafast -c:a copy "vfr.$kind"
    check "the frame times of vfr.$kind vary" [ "$(frame_times vfr.$kind | awk 'NR > 1 { print int(1000 * ($1 - p) + .5) } { p = $1 }' | sort -u | wc -l)" -gt 1 ]
    swap "vfr.$kind" "vfr-result.$kind"
    times_kept "vfr.$kind" "vfr-result.$kind"
    same "vfr.$kind: sound" "$(stream_sum "vfr.$kind" a)" "$(stream_sum "vfr-result.$kind" a)"
done

colour=pix_fmt,color_range,color_space,color_transfer,color_primaries
first_frame_side_data()
{
    ffprobe -v error -select_streams v:0 -read_intervals '%+#1' -show_frames "$1" |
        grep -E '^(side_data_type=(Mastering|Content)|red_|green_|blue_|white_|min_lum|max_lum|max_content|max_average)' | sort
}
if ffmpeg -v error -encoders 2>/dev/null | grep -q libx265; then
    ffmpeg -nostdin -v error -y -i base.mp4 -t 1 -vf scale=in_range=tv:out_range=tv,format=yuv420p10le -c:v libx265 -preset ultrafast \
        -color_range tv -colorspace bt2020nc -color_trc arib-std-b67 -color_primaries bt2020 \
        -x265-params "log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:range=limited" -c:a copy hlg.mp4
    swap hlg.mp4 hlg-result.mp4
    same "hlg.mp4: depth and colour tags" "$(video_entry hlg.mp4 $colour)" "$(video_entry hlg-result.mp4 $colour)"
    same "hlg.mp4: codec" hevc "$(video_entry hlg-result.mp4 codec_name)"
    times_kept hlg.mp4 hlg-result.mp4

    ffmpeg -nostdin -v error -y -i base.mp4 -t 1 -vf format=yuv420p10le -c:v libx265 -preset ultrafast \
        -color_range tv -colorspace bt2020nc -color_trc smpte2084 -color_primaries bt2020 -x265-params \
        "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400" \
        -c:a copy pq.mp4
    swap pq.mp4 pq-result.mp4
    same "pq.mp4: depth and colour tags" "$(video_entry pq.mp4 $colour)" "$(video_entry pq-result.mp4 $colour)"
    check "pq.mp4 has mastering metadata" [ -n "$(first_frame_side_data pq.mp4)" ]
    same "pq.mp4: mastering metadata" "$(first_frame_side_data pq.mp4)" "$(first_frame_side_data pq-result.mp4)"
else
    echo "no libx265: the 10-bit clips are not tried"
fi

rotation()
{
    ffprobe -v error -select_streams v:0 -show_streams "$1" | sed -n 's/^rotation=//p' | head -n 1
}
# Stored lying on its side, shown upright.
ffmpeg -nostdin -v error -y -i base.mp4 -t 1 -vf transpose=cclock -c:v libx264 -preset ultrafast -c:a copy lying.mp4
ffmpeg -nostdin -v error -y -i lying.mp4 -c copy -metadata:s:v:0 rotate=90 rotated.mp4 2>/dev/null
check "rotated.mp4 is rotated by metadata" [ -n "$(rotation rotated.mp4)" ]
swap rotated.mp4 rotated-result.mp4
same "rotated.mp4: rotation" "$(rotation rotated.mp4)" "$(rotation rotated-result.mp4)"
same "rotated.mp4: stored size" "$(video_entry rotated.mp4 width,height)" "$(video_entry rotated-result.mp4 width,height)"
check "rotated.mp4: every frame swapped" grep -q '"faces_swapped":25[,}]' out
times_kept rotated.mp4 rotated-result.mp4

printf '1\n00:00:00,100 --> 00:00:00,900\nHello.\n\n2\n00:00:01,000 --> 00:00:01,800\nGood-bye.\n' >text.srt
printf ';FFMETADATA1\ntitle=A clip\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=2000\ntitle=Two\n' >chapters
cp "$target" cover.png
ffmpeg -nostdin -v error -y -i base.mp4 -f lavfi -i sine=frequency=800:duration=2 -i text.srt -i chapters -map 0:v -map 0:a -map 1:a -map 2:s \
    -map_metadata 3 -c:v copy -c:a:0 copy -c:a:1 flac -c:s srt -metadata:s:a:1 language=fra -disposition:a:1 0 \
    -attach cover.png -metadata:s:t:0 mimetype=image/png -metadata:s:t:0 filename=cover.png rich.mkv
swap rich.mkv rich-result.mkv
streams_of()
{
    ffprobe -v error -show_entries stream=codec_type,codec_name:stream_tags=language,filename -of csv=p=0 "$1" | sort
}
chapters_of()
{
    ffprobe -v error -show_chapters -show_entries chapter=start_time,end_time:chapter_tags=title -of csv=p=0 "$1"
}
same "rich.mkv: streams" "$(streams_of rich.mkv)" "$(streams_of rich-result.mkv)"
same "rich.mkv: chapters" "$(chapters_of rich.mkv)" "$(chapters_of rich-result.mkv)"
for stream in a:0 a:1 s:0; do
    same "rich.mkv: packets of $stream" "$(stream_sum rich.mkv $stream)" "$(stream_sum rich-result.mkv $stream)"
done
same "rich.mkv: title" "A clip" "$(ffprobe -v error -show_entries format_tags=title -of csv=p=0 rich-result.mkv)"
done_checking
