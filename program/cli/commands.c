/* commands.c: the one table of commands. Dispatch, help and completion walk it; nothing else names a command. */
#include "cli.h"

#include <string.h>

const cli_arg cli_global_args[] = {
    { "help", 'h', NULL, false, false, "Shows this help; after a command, the help of the command." },
    { "version", 0, NULL, false, false, "Shows the version." },
    { "config", 0, "FILE", true, false,
      "Reads settings from FILE instead of $XDG_CONFIG_HOME/viso/viso.conf; 'none' reads no file at all." },
};
const int cli_global_arg_count = (int)VI_COUNT(cli_global_args);

static const char *const swap_groups[] = { "who", "target", "input", "detect", "landmark", "track", "identify",
                                           "swap", "blend",  "output",   "cache", "run",   NULL };
static const char *const look_groups[] = { "target", "input", "detect", "landmark", "track", "run", NULL };
static const char *const run_groups[] = { "run", NULL };

static const char *const cache_groups[] = { "cache", "run", NULL };
static const char *const gallery_groups[] = { "identify", "detect", "run", NULL };

static const cli_arg swap_args[] = {
    { "out", 'o', "OUT", true, false,
      "Where the result goes: a file, or a folder when the target is one. Left out: TARGET-swapped beside the "
      "target." },
    { "map", 0, "PERSON=SOURCE", true, false,
      "Only the person in the photograph PERSON, or of this name in the gallery, gets the face of SOURCE. May be given several "
      "times, also for one PERSON, whose SOURCES are merged; faces "
      "that are like none of them get the plain SOURCE, or stay when there is none." },
    { "at", 0, "START-END", false, false,
      "Settings for a part of a video: the words behind it, OPTION=VALUE, hold from START up to END, which are written like --start "
      "and may be left out: --at 0:12-0:20 opacity=0.5 steady=high, or in one word \"0:12-0:20 opacity=0.5,steady=high\". May be given "
      "several times; later ones count, option by option." },
    { "project", 0, "FILE", true, false,
      "Takes sources, people, target, result, settings and ranges from a project file (docs/project.md). What stands on the line goes "
      "before it; words on the line are [SOURCE...] TARGET." },
    { "save-project", 0, "FILE", true, false,
      "Writes the project and the line as a project file, and swaps nothing." },
};

static const cli_arg detect_args[] = {
    { "draw", 0, "OUT", true, false,
      "Writes a picture with boxes and points: of the first frame with a face; a name with %d gives one for "
      "every frame." },
    { "embed", 0, NULL, false, false, "Also computes embeddings." },
    { "who", 0, NULL, false, false, "Also names the people of the gallery, with their similarity (0 .. 100) and its cosine." },
    { "every", 0, "N", false, false, "Reports every N-th frame of a video." },
};

static const cli_arg list_args[] = {
    { "licence", 0, "NAME", false, false,
      "Only models under this licence (as the list shows it); 'permissive' means MIT, Apache-2.0, BSD and their like." },
    { "verify", 0, NULL, false, false, "Reads the installed files and checks their digests." },
};

static const cli_arg install_args[] = {
    { "preset", 0, "NAME", false, false, "All models of a set; viso models list --json shows which belong to which." },
    { "offline", 0, NULL, false, false, "Fetches nothing: ends with 6 when a model is not here." },
};

static const cli_arg import_args[] = {
    { "out", 'o', "FILE", true, false,
      "Of a TensorFlow Lite file: the ONNX file; left out: the name of the input with .onnx. It is replaced when it exists." },
    { "as", 0, "MODEL", false, false, "Of an ONNX file: the model whose tensors it has, when that cannot be told." },
};

static const cli_arg options_args[] = {
    { "markdown", 0, NULL, false, false, "All options as a Markdown page." },
    { "defaults", 0, NULL, false, false, "A configuration file with the defaults instead of the values in force." },
    { "project-schema", 0, NULL, false, false, "The JSON schema of project files." },
};

static const cli_arg bench_args[] = {
    { "discard", 0, NULL, false, false, "Throws the result away instead of encoding it into a temporary file." },
    { "suite", 0, "FOLDER", true, false,
      "Measures every clip of FOLDER, by name, and also how good the results are: faces left behind, mixed-up identities, jitter, "
      "flicker. Prints tables, with --json an object (tables on standard error)." },
    { "against", 0, "FILE", true, false, "Of a suite: also how it compares with an earlier one, FILE being its JSON." },
};

static const cli_arg doctor_args[] = {
    { "answers", 0, NULL, false, false,
      "Also runs the known-answer test of every installed model on every device that works; takes a while. --models "
      "without a folder means the same." },
};

#define ARGS(a) (a), (int)VI_COUNT(a)

const cli_command cli_commands[] = {
    { "swap", "SOURCE... TARGET -o OUT", "Puts the face of SOURCE on the faces in TARGET.",
      "SOURCE is one or more photographs of one person; several are merged. TARGET is a photograph, a video or a "
      "folder of them. Everything that is not face is kept as it is: pixels, sound, subtitles, times, metadata.\n"
      "Results are marked as composites with generated content (IPTC digital source type). An existing OUT is "
      "only replaced with --force (-y). Ctrl-C ends early and keeps what is done of a video.",
      swap_groups, ARGS(swap_args), 0, -1, false, cli_swap },
    { "detect", "FILE...", "Finds the faces in photographs or videos and describes them.",
      "With --json one object for each frame: box, score, five points, 478 points, pose, quality. No face found "
      "is a result, not an error.",
      look_groups, ARGS(detect_args), 1, -1, false, cli_detect },
    { "models list", "", "Lists the models with their licences and whether they are installed.", NULL, run_groups,
      ARGS(list_args), 0, 0, false, cli_models_list },
    { "models info", "MODEL...", "Describes models: file, licence, origin, tensors.", NULL, run_groups, NULL, 0, 1, -1,
      true, cli_models_info },
    { "models install", "MODEL...", "Fetches models and checks them.",
      "Size and SHA-256 must be those of the manifest before a file gets its name. An interrupted download goes on where "
      "it was. The usual proxy variables (https_proxy, no_proxy) count. Mind the licences: viso models info MODEL.",
      run_groups, ARGS(install_args), 0, -1, true, cli_models_install },
    { "models path", "[MODEL...]", "Tells where the files of models are; without a name, where new ones go.", NULL,
      run_groups, NULL, 0, 0, -1, true, cli_models_path },
    { "models remove", "MODEL...", "Removes the installed files of models.", NULL, run_groups, NULL, 0, 1, -1, true,
      cli_models_remove },
    { "models import", "FILE", "Takes over a model that is here already.",
      "An ONNX file or a DeepFaceLive .dfm of any name is copied into the folder of models under its own: it is recognised "
      "by its digest or by its tensors, and how sure that is is said. A TensorFlow Lite file is converted to ONNX.",
      run_groups, ARGS(import_args), 1, 1, false, cli_models_import },
    { "models verify", "[MODEL...]", "Reads the installed models and checks their digests.",
      "Ends with 6 when one is damaged, or missing although it was named or belongs to the starter set.", run_groups,
      NULL, 0, 0, -1, true, cli_models_verify },
    { "verify", "FILE...", "Tells whether files are marked as synthetic.",
      "Both answers are results and end with 0; with --json look at \"marked\".", run_groups, NULL, 0, 1, -1, false,
      cli_verify },
    { "gallery list", "", "Lists the people that have a name.",
      "The gallery holds biometric data: crops of faces and what recognisers made of them. It is readable by you alone, and "
      "nothing of it leaves this machine by itself. Keep it only of people who agreed.",
      gallery_groups, NULL, 0, 0, 0, false, cli_gallery_list },
    { "gallery show", "NAME...", "Shows what the gallery keeps of people.", NULL, gallery_groups, NULL, 0, 1, -1, false,
      cli_gallery_show },
    { "gallery add", "NAME PHOTO...", "Gives the person in photographs a name.",
      "The largest face of each PHOTO is kept as a crop of at most 512 pixels, with its vectors by every recogniser that is "
      "installed. NAME can then stand for a photograph of the person: --face NAME, --map NAME=SOURCE, viso detect --who.",
      gallery_groups, NULL, 0, 2, -1, false, cli_gallery_add },
    { "gallery merge", "NAME OTHER...", "Makes the photographs of OTHER those of NAME.", NULL, gallery_groups, NULL, 0, 2, -1, false,
      cli_gallery_merge },
    { "gallery rename", "NAME NEW", "Gives a person another name.", NULL, gallery_groups, NULL, 0, 2, 2, false, cli_gallery_rename },
    { "gallery remove", "NAME...", "Forgets people; their data is overwritten.", NULL, gallery_groups, NULL, 0, 1, -1, false,
      cli_gallery_remove },
    { "gallery refresh", "", "Makes the vectors of recognisers that were installed later.",
      "Not needed as a rule: what is missing is made when it is asked for.", gallery_groups, NULL, 0, 0, 0, false, cli_gallery_refresh },
    { "gallery export", "FILE", "Writes all people as VisoMaster's embeddings (JSON).",
      "Several photographs of a person become one vector (--merge). The file is readable by you alone.", gallery_groups, NULL, 0, 1, 1,
      false, cli_gallery_export },
    { "gallery import", "FILE...", "Takes over VisoMaster's embeddings (JSON).",
      "All or nothing of each FILE. Only vectors come; a recogniser that FILE does not know needs a photograph.", gallery_groups, NULL,
      0, 1, -1, false, cli_gallery_import },
    { "cache info", "", "Tells what is kept of videos for the next run, where, and how much.",
      "A swap of a video keeps what it found of faces in each frame, so that the next one with other settings of the swap need not "
      "look again. It is data about people, readable by you alone. --cache off keeps nothing.",
      cache_groups, NULL, 0, 0, 0, false, cli_cache_info },
    { "cache list", "", "Lists the runs that are kept.", NULL, cache_groups, NULL, 0, 0, 0, false, cli_cache_list },
    { "cache clear", "[FILE...]", "Forgets what is kept, of all videos or of FILE; it is overwritten.", NULL, cache_groups, NULL, 0, 0, -1,
      false, cli_cache_clear },
    { "options", "", "Shows all settings as a configuration file, with the values in force.",
      "With --json the JSON schema of the settings.", run_groups, ARGS(options_args), 0, 0, false, cli_options },
    { "bench", "[TARGET] [SOURCE...]", "Measures a swap of a clip or folder and prints the times as JSON.",
      "Without SOURCE the first face of TARGET is used. The result goes to a temporary file that is removed. With --suite there is no "
      "TARGET, and each clip is a run of its own. Nothing is taken from a cache unless --cache is given.",
      swap_groups, ARGS(bench_args), 0, -1, false, cli_bench },
    { "warmup", "[MODEL...]", "Loads models and runs them, one timed line each.",
      "Without a name the models of a job with these settings. On a GPU this builds what is built once; TensorRT takes "
      "minutes for a large model, and keeps the result.",
      swap_groups, NULL, 0, 0, -1, true, cli_warmup },
    { "doctor", "", "Checks that this machine can do the work: runtime, devices, models, codecs, folders.",
      "Ends with what to do, the most important first, and with 0 only when a face can be swapped here with the options "
      "given: --provider cuda --strict-device needs a GPU, --provider auto does not.",
      run_groups, ARGS(doctor_args), 0, 0, false, cli_doctor },
    { "plan", "[TARGET]", "Tells what a swap will take in memory, before it runs.",
      "By parts, for the video TARGET or for 720p, 1080p and 2160p, with the options given. When it will not fit into --max-ram "
      "or what is free, it also tells what swap would lower. Estimates; nothing is loaded.",
      swap_groups, NULL, 0, 0, 1, false, cli_plan },
    { "help", "[COMMAND]", "Shows the help of a command.", NULL, NULL, NULL, 0, 0, 2, false, cli_show_help },
};
const int cli_command_count = (int)VI_COUNT(cli_commands);

/* An option that means a switch of the command when its value is left out. */
const char *cli_bare_switch(const cli_command *k, const char *option)
{
    static const struct {
        const char *command, *option, *meant;
    } bare[] = { { "doctor", "models", "answers" } };
    for (size_t i = 0; k && i < VI_COUNT(bare); i++)
        if (strcmp(bare[i].command, k->name) == 0 && strcmp(bare[i].option, option) == 0)
            return bare[i].meant;
    return NULL;
}

bool cli_takes_pairs(const cli_arg *a)
{
    return strcmp(a->name, "at") == 0;
}

const cli_command *cli_command_find(const char *const *word, int n, int *used)
{
    char name[64];
    *used = 0;
    for (int words = VI_MIN(n, 2); words >= 1; words--) {
        snprintf(name, sizeof name, words == 2 ? "%s %s" : "%s", word[0], words == 2 ? word[1] : "");
        for (int i = 0; i < cli_command_count; i++) {
            if (strcmp(cli_commands[i].name, name) == 0) {
                *used = words;
                return &cli_commands[i];
            }
        }
    }
    /* The first word of a pair alone means the first of its kind. */
    for (int i = 0; n == 1 && i < cli_command_count; i++) {
        const char *space = strchr(cli_commands[i].name, ' ');
        size_t len = space ? (size_t)(space - cli_commands[i].name) : 0;
        if (len && strlen(word[0]) == len && strncmp(cli_commands[i].name, word[0], len) == 0) {
            *used = 1;
            return &cli_commands[i];
        }
    }
    return NULL;
}
