/* pipeline/project_schema.c: the JSON schema of project files. Settings come from the schema of the options table, so that an option
 * that is added is in it; what may hold in a range is asked of pipeline/parts.c, as the reader does. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/groups.h"
#include "pipeline/parts.h"
#include "pipeline/project.h"

/* The rows' properties; NULL out of memory. `ranges`: only those that can hold in a part of a clip. */
static json_t *properties(bool ranges)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups);
    char *text = vi_options_json_schema(groups, n);
    json_t *schema = text ? json_loads(text, 0, NULL) : NULL, *all = json_incref(json_object_get(schema, "properties"));
    vi_free(text);
    json_decref(schema);
    for (int g = 0; all && ranges && g < n; g++)
        for (int r = 0; r < groups[g]->n_row; r++)
            if (vi_parts_refusal(groups[g], &groups[g]->row[r]))
                json_object_del(all, groups[g]->row[r].key);
    return all;
}

static json_t *settings(bool ranges, const char *what)
{
    return json_pack("{s:s, s:s, s:b, s:o*}", "description", what, "type", "object", "additionalProperties", 0, "properties",
                     properties(ranges));
}

static json_t *path(const char *what)
{
    return json_pack("{s:s, s:s, s:i}", "description", what, "type", "string", "minLength", 1);
}

static json_t *place(const char *what)
{
    return json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:i}]}", "description", what, "anyOf", "type", "string", "pattern",
                     "^([0-9.]+(:[0-9.]+){0,2}|[0-9]+f)?$", "type", "number", "minimum", 0);
}

static json_t *range(void)
{
    return json_pack("{s:s, s:b, s:[s], s:{s:o, s:o, s:o}}", "type", "object", "additionalProperties", 0, "required",
                     VI_PROJECT_KEY_SETTINGS, "properties",
                     VI_PROJECT_KEY_START, place("Where the range begins: seconds (83.5), \"1:23.5\", or a frame (\"250f\"). Left out: the "
                                                 "beginning."),
                     VI_PROJECT_KEY_END, place("Where it ends; what lies there is not in it. Left out: the end of the clip."),
                     VI_PROJECT_KEY_SETTINGS, settings(true, "What holds in the range. Where ranges overlap, later ones count, option by "
                                                             "option."));
}

static json_t *sources(void)
{
    return json_pack("{s:s, s:s, s:{s:[o, {s:s, s:i, s:o}]}}", "description",
                     "People to take faces from: a name for each, and one photograph or several, which are merged.", "type", "object",
                     "additionalProperties", "anyOf", path("A photograph."), "type", "array", "minItems", 1, "items",
                     path("A photograph."));
}

static json_t *root(void)
{
    json_t *people = json_pack("{s:s, s:s, s:o}", "description",
                               "Who becomes whom: a photograph of the person in the target, or a name of the gallery, and the "
                               "name of a source.",
                               "type", "object", "additionalProperties", path("Name of a source."));
    json_t *p = json_pack("{s:{s:s, s:i}, s:o*, s:o, s:o*, s:o, s:o, s:o*, s:{s:s, s:s, s:o*}}",
        VI_PROJECT_KEY_VERSION, "description", "Of the format.", "const", VI_PROJECT_VERSION,
        VI_PROJECT_KEY_SOURCES, sources(),
        VI_PROJECT_KEY_SOURCE, path("Name of the source for all faces that people does not name. Left out: with people these stay as they "
                                    "are; else the only source."),
        VI_PROJECT_KEY_PEOPLE, people,
        VI_PROJECT_KEY_TARGET, path("Photograph, video or folder."),
        VI_PROJECT_KEY_OUT, path("The result."),
        VI_PROJECT_KEY_SETTINGS, settings(false, "Options of the table."),
        VI_PROJECT_KEY_RANGES, "description", "Parts of a video with settings of their own.", "type", "array", "items", range());
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o*}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
                     "Project of viso", "description", "Paths are relative to the folder of the file.", "type", "object",
                     "additionalProperties", 0, "properties", p);
}

/* Whether all parts are there: packing leaves out what there was no memory for. */
static bool whole(const json_t *schema)
{
    const json_t *p = json_object_get(schema, "properties");
    const json_t *items = json_object_get(json_object_get(p, VI_PROJECT_KEY_RANGES), "items");
    const json_t *inner = json_object_get(json_object_get(items, "properties"), VI_PROJECT_KEY_SETTINGS);
    return json_object_get(p, VI_PROJECT_KEY_SOURCES) && json_object_get(p, VI_PROJECT_KEY_PEOPLE) &&
           json_object_get(json_object_get(p, VI_PROJECT_KEY_SETTINGS), "properties") && json_object_get(inner, "properties");
}

char *viso_project_schema(void)
{
    json_t *schema = root();
    char *dump = whole(schema) ? json_dumps(schema, JSON_INDENT(2) | JSON_REAL_PRECISION(7)) : NULL;
    char *text = dump ? vi_asprintf("%s\n", dump) : NULL;
    free(dump);
    json_decref(schema);
    return text;
}
