/* options/size.c: sizes as people write them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "options/options.h"

int vi_size_parse(const char *option, const char *text, uint64_t whole, uint64_t *bytes, viso_error *err)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    double x = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
    *bytes = 0;
    if (!text[0])
        return 0;
    if (x >= 0 && end[0] == '%' && !end[1] && x <= 100 && whole) {
        x *= (double)whole / 100;
        end++;
    } else if (x >= 0 && end[0]) {
        const char *unit = strchr(units, toupper((unsigned char)end[0]));
        for (long i = unit ? unit - units + 1 : 0; i > 0; i--)
            x *= 1024;
        end += unit ? 1 : 0;
        if (unit && end[0] == 'i' && (end[1] == 'B' || !end[1]))
            end++;
        end += unit && (end[0] == 'B' || end[0] == 'b');
    }
    if (x < 1 || end[0] || x > 9e18)
        return vi_error_set(err, VISO_ERR_USAGE, "--%s %s: expected a size such as 2G, 800M%s", option, text, whole ? " or 50%" : "");
    *bytes = (uint64_t)x;
    return 0;
}
