/* pipeline/form.c: the form of a result, decided by names and options alone, before anything is opened. */
#include "pipeline/form.h"

#include "media/media.h"
#include "pipeline/run_options.h"

static bool names_video(const char *out)
{
    return out && !vi_media_is_folder_name(out, NULL) && vi_media_kind_of_name(out) == VI_MEDIA_VIDEO;
}

bool vi_form_is_clip(const vi_settings *s, const char *target, const char *out)
{
    const vi_target_settings *t = vi_settings_group(s, "target");
    return vi_is_folder(target) && (t->as_clip || names_video(out));
}

viso_form vi_form_of(const vi_settings *s, const char *target, const char *out)
{
    if (vi_is_folder(target)) {
        if (!vi_form_is_clip(s, target, out))
            return VISO_FORM_FILES;
        return names_video(out) ? VISO_FORM_FILE : VISO_FORM_PICTURES;
    }
    /* A still stays one file, whatever is said of clips. */
    bool pictures = vi_settings_given(s, "pictures") && vi_media_kind_of_name(target) != VI_MEDIA_STILL;
    return pictures && !names_video(out) ? VISO_FORM_PICTURES : VISO_FORM_FILE;
}
