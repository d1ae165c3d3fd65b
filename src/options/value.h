/* options/value.h: inside the options room: one value as text and back, and a string that grows. */
#ifndef VI_OPTIONS_VALUE_H
#define VI_OPTIONS_VALUE_H

#include "options/options.h"

/* Writes the default of a row into the group's struct. */
void vi_value_default(const vi_option_row *r, void *group);
bool vi_value_is_default(const vi_option_row *r, const void *group);
/* Parses `text` into the group's struct, which is untouched on failure: VISO_ERR_USAGE naming option, value and what is
 * allowed. */
int vi_value_parse(const vi_option_row *r, void *group, const char *text, viso_error *err);
/* Canonical text, as short as it can be and still be read back to the same value. Returns its length (as snprintf). */
int vi_value_print(const vi_option_row *r, const void *group, char *text, size_t size);
/* Shortest decimal that reads back to the same float; always with a '.' as the point. */
void vi_float_text(double v, char text[32]);
/* "0.05 .. 1", "true, false", "auto, cpu": what is allowed, for people. */
void vi_value_range(const vi_option_row *r, char *text, size_t size);

/* A string that grows. A failed allocation sticks: data becomes NULL and stays so; check once at the end. Zero-initialise
 * with `.ok = true`. */
typedef struct vi_text {
    char *data;
    size_t size, capacity;
    bool ok;
} vi_text;
void vi_text_add(vi_text *t, const char *s);
void vi_text_addf(vi_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds s broken into lines of at most `width` bytes, each starting with `prefix`. */
void vi_text_wrap(vi_text *t, const char *prefix, const char *s, size_t width);
/* Hands the string over; NULL when something failed. */
char *vi_text_take(vi_text *t);

#endif
