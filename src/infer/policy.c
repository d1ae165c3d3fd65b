/* infer/policy.c: from words to an order of providers. */
#include <string.h>

#include "infer/infer.h"

/* 1 (everything) for auto, the provider's number for its name, 0 for another word. */
static int from_word(const char *word)
{
    if (!word || !*word || strcmp(word, "auto") == 0)
        return 1;
    for (int p = 1; p <= VI_PROVIDERS; ++p)
        if (strcmp(word, vi_provider_name(p)) == 0)
            return p;
    return 0;
}

static bool is_name(const char *word)
{
    return word && *word && strcmp(word, "auto") != 0;
}

int vi_device_policy_make(vi_device_policy *policy, const char *choice, const char *hint, const char *instead, bool strict,
                          viso_error *err)
{
    const char *const words[] = {choice, hint, instead};
    *policy = (vi_device_policy){.strict = strict};
    for (int i = 0; i < 3; ++i)
        if (!from_word(words[i]))
            return vi_error_set(err, VISO_ERR_USAGE, "provider '%s' is none of auto, tensorrt, cuda, cpu", words[i]);
    bool overridden = is_name(instead);
    const char *wanted = overridden ? instead : choice;
    int first = from_word(wanted);
    policy->named = is_name(wanted);
    /* Who names a GPU does not want to hear that the processor would do. */
    bool lifted = policy->named && first < VI_CPU && from_word(hint) == VI_CPU;
    if (!overridden && !lifted && from_word(hint) > first)
        first = from_word(hint);
    for (int p = first; p <= VI_PROVIDERS; ++p) {
        policy->order[policy->n_order++] = p;
        if (strict && policy->named)
            break;
    }
    return 0;
}
