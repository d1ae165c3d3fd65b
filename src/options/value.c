/* options/value.c: one value as text and back. Numbers are read and written in the C locale whatever the
 * process has set, because a configuration file must mean the same in every country. */
#include "options/value.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double parse_double(const char *text, char **end)
{
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? strtod_l(text, end, c_locale) : strtod(text, end);
}

void vi_float_text(double v, char text[32])
{
    /* Six digits are nearly always enough; nine always are for a float. */
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, 32, "%.*g", digits, v);
        for (char *p = text; *p; p++)
            if (*p == ',')
                *p = '.'; /* the process may run under a locale with a decimal comma */
        if ((float)parse_double(text, NULL) == (float)v)
            return;
    }
}

static bool *as_bool(const vi_option_row *r, const void *group)
{
    return (bool *)((char *)(uintptr_t)group + r->offset);
}

static int *as_int(const vi_option_row *r, const void *group)
{
    return (int *)(void *)((char *)(uintptr_t)group + r->offset);
}

static float *as_float(const vi_option_row *r, const void *group)
{
    return (float *)(void *)((char *)(uintptr_t)group + r->offset);
}

static char *as_text(const vi_option_row *r, const void *group)
{
    return (char *)(uintptr_t)group + r->offset;
}

static const char *default_text(const vi_option_row *r)
{
    return r->def_text ? r->def_text : "";
}

void vi_value_default(const vi_option_row *r, void *group)
{
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: *as_bool(r, group) = r->def != 0; break;
    case VI_OPTION_TYPE_INT:
    case VI_OPTION_TYPE_CHOICE: *as_int(r, group) = (int)r->def; break;
    case VI_OPTION_TYPE_FLOAT: *as_float(r, group) = (float)r->def; break;
    case VI_OPTION_TYPE_TEXT: snprintf(as_text(r, group), VI_OPTION_TEXT, "%s", default_text(r)); break;
    }
}

bool vi_value_is_default(const vi_option_row *r, const void *group)
{
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: return *as_bool(r, group) == (r->def != 0);
    case VI_OPTION_TYPE_INT:
    case VI_OPTION_TYPE_CHOICE: return *as_int(r, group) == (int)r->def;
    case VI_OPTION_TYPE_FLOAT: return *as_float(r, group) == (float)r->def;
    case VI_OPTION_TYPE_TEXT: return strcmp(as_text(r, group), default_text(r)) == 0;
    }
    return false;
}

void vi_value_range(const vi_option_row *r, char *text, size_t size)
{
    char lo[32], hi[32];
    size_t used = 0;
    text[0] = 0;
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: snprintf(text, size, "true, false"); break;
    case VI_OPTION_TYPE_INT: snprintf(text, size, "%.0f .. %.0f", r->min, r->max); break;
    case VI_OPTION_TYPE_FLOAT:
        vi_float_text(r->min, lo);
        vi_float_text(r->max, hi);
        snprintf(text, size, "%s .. %s", lo, hi);
        break;
    case VI_OPTION_TYPE_CHOICE:
        for (int i = 0; r->choices[i] && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", r->choices[i]);
        break;
    case VI_OPTION_TYPE_TEXT: snprintf(text, size, "text"); break;
    }
}

static int refuse(const vi_option_row *r, const char *text, viso_error *err)
{
    char range[320];
    vi_value_range(r, range, sizeof range);
    const char *unit = r->unit ? r->unit : "", *gap = r->unit ? " " : "";
    switch (r->type) {
    case VI_OPTION_TYPE_INT:
        return vi_error_set(err, VISO_ERR_USAGE, "--%s: '%.60s' is not a whole number in %s%s%s", r->key, text, range,
                            gap, unit);
    case VI_OPTION_TYPE_FLOAT:
        return vi_error_set(err, VISO_ERR_USAGE, "--%s: '%.60s' is not a number in %s%s%s", r->key, text, range, gap,
                            unit);
    default: return vi_error_set(err, VISO_ERR_USAGE, "--%s: '%.60s' is not one of: %s", r->key, text, range);
    }
}

static int parse_bool(const char *text)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
    for (int i = 0; i < (int)VI_COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return i & 1;
    return -1;
}

static int parse_text(const vi_option_row *r, void *group, const char *text, viso_error *err)
{
    size_t n = strlen(text);
    if (n >= VI_OPTION_TEXT)
        return vi_error_set(err, VISO_ERR_USAGE, "--%s: the value is longer than %d bytes", r->key, VI_OPTION_TEXT - 1);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127)
            return vi_error_set(err, VISO_ERR_USAGE, "--%s: the value holds a control character", r->key);
    memcpy(as_text(r, group), text, n + 1);
    return VISO_OK;
}

/* Fits within the row's range once rounded to the type of the field, so that a printed limit is accepted again. */
static bool parse_number(const vi_option_row *r, const char *text, double *v)
{
    char *end;
    if (text[strspn(text, "+-.0123456789eE")] != 0)
        return false; /* strtod would also take blanks, hexadecimal, inf and nan */
    *v = parse_double(text, &end);
    return end != text && *end == 0 && (float)*v >= (float)r->min && (float)*v <= (float)r->max;
}

int vi_value_parse(const vi_option_row *r, void *group, const char *text, viso_error *err)
{
    double v;
    long n;
    char *end;
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: {
        int on = parse_bool(text);
        if (on < 0)
            return refuse(r, text, err);
        *as_bool(r, group) = on;
        return VISO_OK;
    }
    case VI_OPTION_TYPE_INT:
        errno = 0;
        n = text[strspn(text, "+-0123456789")] == 0 ? strtol(text, &end, 10) : (end = NULL, 0);
        if (!end || end == text || *end || errno || (double)n < r->min || (double)n > r->max)
            return refuse(r, text, err);
        *as_int(r, group) = (int)n;
        return VISO_OK;
    case VI_OPTION_TYPE_FLOAT:
        if (!parse_number(r, text, &v))
            return refuse(r, text, err);
        *as_float(r, group) = (float)v;
        return VISO_OK;
    case VI_OPTION_TYPE_CHOICE:
        for (int i = 0; r->choices[i]; i++) {
            if (strcasecmp(text, r->choices[i]) == 0) {
                *as_int(r, group) = i;
                return VISO_OK;
            }
        }
        return refuse(r, text, err);
    case VI_OPTION_TYPE_TEXT: return parse_text(r, group, text, err);
    }
    return vi_error_set(err, VISO_ERR_INTERNAL, "--%s: row without a type", r->key);
}

int vi_value_print(const vi_option_row *r, const void *group, char *text, size_t size)
{
    char number[32];
    switch (r->type) {
    case VI_OPTION_TYPE_BOOL: return snprintf(text, size, "%s", *as_bool(r, group) ? "true" : "false");
    case VI_OPTION_TYPE_INT: return snprintf(text, size, "%d", *as_int(r, group));
    case VI_OPTION_TYPE_FLOAT: vi_float_text(*as_float(r, group), number); return snprintf(text, size, "%s", number);
    case VI_OPTION_TYPE_CHOICE: return snprintf(text, size, "%s", r->choices[*as_int(r, group)]);
    case VI_OPTION_TYPE_TEXT: return snprintf(text, size, "%s", as_text(r, group));
    }
    return 0;
}

/* ---- a string that grows ---- */

static bool reserve(vi_text *t, size_t more)
{
    if (!t->ok)
        return false;
    if (t->size + more + 1 <= t->capacity)
        return true;
    size_t capacity = VI_MAX(t->capacity * 2, t->size + more + 1024);
    char *data = vi_alloc(capacity);
    if (!data) {
        vi_free(t->data);
        *t = (vi_text){ 0 };
        return false;
    }
    if (t->size)
        memcpy(data, t->data, t->size);
    vi_free(t->data);
    t->data = data;
    t->capacity = capacity;
    data[t->size] = 0;
    return true;
}

static void add_bytes(vi_text *t, const char *s, size_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->data + t->size, s, n);
    t->size += n;
    t->data[t->size] = 0;
}

void vi_text_add(vi_text *t, const char *s)
{
    add_bytes(t, s, strlen(s));
}

void vi_text_addf(vi_text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !reserve(t, (size_t)n))
        return;
    va_start(args, fmt);
    vsnprintf(t->data + t->size, (size_t)n + 1, fmt, args);
    va_end(args);
    t->size += (size_t)n;
}

void vi_text_wrap(vi_text *t, const char *prefix, const char *s, size_t width)
{
    size_t room = width > strlen(prefix) + 20 ? width - strlen(prefix) : 20;
    while (*s) {
        size_t n = strlen(s);
        if (n > room) {
            n = room;
            while (n > 0 && s[n] != ' ')
                n--;
            if (n == 0)
                n = strcspn(s, " "); /* one word longer than the line */
        }
        vi_text_add(t, prefix);
        add_bytes(t, s, n);
        vi_text_add(t, "\n");
        s += n;
        s += strspn(s, " ");
    }
}

char *vi_text_take(vi_text *t)
{
    char *data = t->ok && reserve(t, 0) ? t->data : NULL;
    *t = (vi_text){ 0 };
    return data;
}
