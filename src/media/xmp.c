/* media/xmp.c: the home of exempi. Its initialisation and its registry of names belong to the process, so everything here
 * runs under one lock; packets are small. */
#include "media/xmp.h"

#include <exempi/xmp.h>
#include <exempi/xmpconsts.h>
#include <stdio.h>
#include <string.h>

#define NS_EXT "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool ready;

/* Under the lock. */
static bool start(void)
{
    if (!ready && xmp_init()) {
        XmpStringPtr given = xmp_string_new();
        xmp_register_namespace(NS_EXT, "Iptc4xmpExt:", given);
        xmp_string_free(given);
        ready = true;
    }
    return ready;
}

static XmpPtr parse(const void *data, size_t size)
{
    XmpPtr x = xmp_new_empty();
    if (x && size && !xmp_parse(x, data, size)) {
        xmp_free(x);
        return NULL;
    }
    return x;
}

static void replace(XmpPtr x, const char *ns, const char *name, int value)
{
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    if (xmp_has_property(x, ns, name))
        xmp_set_property(x, ns, name, text, 0);
}

static int settle(vi_buf *xmp, bool mark, int width, int height, const vi_log *log, viso_error *err)
{
    if (!start())
        return vi_error_set(err, VISO_ERR_INTERNAL, "the XMP library does not start");
    XmpPtr x = parse(xmp->data, xmp->size);
    if (!x) {
        vi_warn(log, "the XMP packet is damaged and is replaced");
        x = xmp_new_empty();
    }
    XmpStringPtr text = xmp_string_new();
    int rc = 0;
    if (!x || !text) {
        rc = vi_error_nomem(err, "XMP");
        goto done;
    }
    if (mark)
        xmp_set_property(x, NS_EXT, "DigitalSourceType", VI_MARK_URI, 0);
    if (width > 0) {
        replace(x, NS_TIFF, "Orientation", 1);
        replace(x, NS_TIFF, "ImageWidth", width);
        replace(x, NS_TIFF, "ImageLength", height);
        replace(x, NS_EXIF, "PixelXDimension", width);
        replace(x, NS_EXIF, "PixelYDimension", height);
    }
    if (!xmp_serialize(x, text, XMP_SERIAL_USECOMPACTFORMAT, 0)) {
        rc = vi_error_set(err, VISO_ERR_INTERNAL, "the XMP packet cannot be written");
        goto done;
    }
    vi_buf_set(xmp, xmp_string_cstr(text), strlen(xmp_string_cstr(text)));
    if (xmp->failed)
        rc = vi_error_nomem(err, "XMP");
done:
    if (text)
        xmp_string_free(text);
    if (x)
        xmp_free(x);
    return rc;
}

int vi_xmp_settle(vi_buf *xmp, bool mark, int width, int height, const vi_log *log, viso_error *err)
{
    if (!mark && (!xmp->size || width <= 0))
        return 0;
    pthread_mutex_lock(&lock);
    int rc = settle(xmp, mark, width, height, log, err);
    pthread_mutex_unlock(&lock);
    return rc;
}

bool vi_xmp_source_type(const void *data, size_t size, char *out, size_t out_size)
{
    bool found = false;
    out[0] = 0;
    if (!size)
        return false;
    pthread_mutex_lock(&lock);
    XmpPtr x = start() ? parse(data, size) : NULL;
    XmpStringPtr text = xmp_string_new();
    if (x && text && xmp_get_property(x, NS_EXT, "DigitalSourceType", text, NULL)) {
        snprintf(out, out_size, "%s", xmp_string_cstr(text));
        found = true;
    }
    if (text)
        xmp_string_free(text);
    if (x)
        xmp_free(x);
    pthread_mutex_unlock(&lock);
    return found;
}
