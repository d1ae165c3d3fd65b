/* cache/options.c: whether results are kept, where, and how many. */
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"

static const vi_option_row rows[] = {
    VI_OPTION_STRING(vi_cache_settings, cache, "cache", "Folder of kept results",
                     "Where faces that were found in a video are kept, so that a second run with other settings of the swap need not look "
                     "again: a folder, or 'off'. Empty: $VISO_CACHE, viso in the user's cache folder. It is data about people, readable by "
                     "you alone; 'viso cache clear' forgets it.", "", VI_OPTION_PATH),
    VI_OPTION_STRING(vi_cache_settings, size, "cache-size", "Size of kept results",
                     "The most that is kept, such as 1G or 500M; what was not used for longest goes first. Empty: no limit.", "1G",
                     VI_OPTION_ADVANCED),
};

const vi_option_group vi_cache_options = { "cache", "What is kept for the next run", rows, VI_COUNT(rows), sizeof(vi_cache_settings) };

char *vi_cache_folder(const vi_cache_settings *s)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *chosen = getenv("VISO_CACHE");
    if (s->cache[0])
        chosen = s->cache;
    if (chosen && chosen[0])
        return strcmp(chosen, "off") == 0 ? NULL : vi_strdup(chosen);
    if (base && base[0])
        return vi_asprintf("%s/viso", base);
    return home && home[0] ? vi_asprintf("%s/.cache/viso", home) : NULL;
}
