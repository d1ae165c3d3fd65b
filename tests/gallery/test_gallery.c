/* The gallery's file: people, photographs, vectors; who may read it; versions, damage, a full disk, two writers at once; and
 * VisoMaster's embeddings in and out. */
#include "../at_once.h"
#include "../test.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gallery/internal.h"

static char dir[64];
static viso_error err;
static char warned[512];

#define FAILS(code_, word, call)                                                                                       \
    do {                                                                                                               \
        err.code = 0;                                                                                                  \
        err.text[0] = 0;                                                                                               \
        assert_int_equal(call, code_);                                                                                 \
        if (!strstr(err.text, word))                                                                                   \
            fail_msg("%s: the message '%s' does not say '%s'", #call, err.text, word);                                  \
    } while (0)

static const char *at(const char *name)
{
    static char path[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void on_log(void *user, viso_log_level level, const char *object, const char *text)
{
    (void)user, (void)object;
    if (level == VISO_LOG_WARN)
        snprintf(warned, sizeof warned, "%s", text);
}

static vi_gallery *open_new(const char *name)
{
    vi_gallery *g;
    vi_log log = { on_log, NULL, VISO_LOG_TRACE, "test" };
    OK(vi_gallery_open(&g, at(name), true, &log, &err));
    return g;
}

static int64_t put_person(vi_gallery *g, const char *name)
{
    int64_t id;
    OK(vi_gallery_person_id(g, name, &id, &err));
    return id;
}

/* A photograph with a crop of a few pixels and a digest made of `seed`. */
static int put_photo(vi_gallery *g, int64_t person, int seed, int64_t *id)
{
    uint8_t rgb[16 * 16 * 3];
    vi_gallery_photo p = { .quality = 0.5f + 0.01f * (float)seed, .side = 16, .rgb = rgb };
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 7 + (size_t)seed);
    for (int i = 0; i < 10; i++)
        p.points[i] = (float)(seed + i);
    snprintf(p.name, sizeof p.name, "photo%d.jpg", seed);
    vi_sha256(&seed, sizeof seed, p.sha256);
    err.code = 0;
    int rc = vi_gallery_add_photo(g, person, &p, &err);
    if (id)
        *id = p.id;
    return rc;
}

static void put_vector(vi_gallery *g, int64_t photo, const char *recogniser, const char *crop, float first, int n)
{
    float value[VI_GALLERY_VECTOR];
    for (int i = 0; i < n; i++)
        value[i] = first + 0.001f * (float)i;
    vi_gallery_vector v = { .photo = photo, .n = n, .value = value };
    snprintf(v.recogniser, sizeof v.recogniser, "%s", recogniser);
    snprintf(v.crop, sizeof v.crop, "%s", crop);
    OK(vi_gallery_put_vector(g, &v, &err));
}

static int people(vi_gallery *g, char *names, size_t size)
{
    vi_gallery_person *list;
    int n;
    OK(vi_gallery_people(g, &list, &n, &err));
    names[0] = 0;
    for (int i = 0; i < n; i++)
        snprintf(names + strlen(names), size - strlen(names), "%s:%d/%d ", list[i].name, list[i].photos, list[i].vectors);
    vi_free(list);
    return n;
}

static void what_is_kept_comes_back(void **state)
{
    vi_gallery *g = open_new("a/b/kept.db");
    int64_t anna = put_person(g, "Anna Å"), photo, id;
    assert_int_equal(put_photo(g, anna, 1, &photo), 0);
    assert_int_equal(put_photo(g, anna, 1, NULL), VISO_EOF); /* the same file again */
    assert_int_equal(put_photo(g, anna, 2, NULL), 0);
    put_vector(g, photo, "one", "opal", 0.5f, 512);
    put_vector(g, photo, "one", "opal", 0.25f, 512); /* takes the place of the first */
    put_vector(g, photo, "two", "", 1, 192);
    vi_gallery_close(&g);

    OK(vi_gallery_open(&g, at("a/b/kept.db"), false, NULL, &err));
    OK(vi_gallery_find(g, "Anna Å", &id, &err));
    assert_int_equal(id, anna);
    FAILS(VISO_EOF, "", vi_gallery_find(g, "Anna", &id, &err));
    vi_gallery_photo *p;
    vi_gallery_vector *v;
    int n;
    OK(vi_gallery_photos(g, anna, true, &p, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(p[0].name, "photo1.jpg");
    assert_float_equal(p[1].quality, 0.52, 1e-6);
    assert_int_equal(p[1].side, 16);
    assert_int_equal(p[1].rgb[100], (uint8_t)(702));
    assert_float_equal(p[1].points[9], 11, 0);
    assert_int_equal(strlen(p[0].added), 20);
    vi_gallery_photos_free(p, n);
    OK(vi_gallery_vectors(g, anna, NULL, NULL, &v, &n, &err));
    assert_int_equal(n, 2);
    vi_gallery_vectors_free(v, n);
    OK(vi_gallery_vectors(g, anna, "one", "opal", &v, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(v[0].n, 512);
    assert_float_equal(v[0].value[511], 0.25f + 0.511f, 1e-6);
    vi_gallery_vectors_free(v, n);
    OK(vi_gallery_vectors(g, anna, "one", "pearl", &v, &n, &err)); /* another crop's is another vector … */
    assert_int_equal(n, 0);
    vi_gallery_vectors_free(v, n);
    OK(vi_gallery_vectors(g, anna, "two", "pearl", &v, &n, &err)); /* … one of which nothing is known goes for any */
    assert_int_equal(n, 1);
    vi_gallery_vectors_free(v, n);
    vi_gallery_close(&g);
}

static void people_are_merged_renamed_removed(void **state)
{
    char names[200];
    vi_gallery *g = open_new("people.db");
    int64_t anna = put_person(g, "anna"), bea = put_person(g, "bea"), photo;
    assert_int_equal(put_person(g, "anna"), anna);
    put_photo(g, anna, 1, &photo);
    put_vector(g, photo, "one", "", 1, 4);
    put_photo(g, bea, 1, &photo);
    put_photo(g, bea, 2, &photo);
    put_vector(g, photo, "one", "", 2, 4);
    FAILS(VISO_ERR_USAGE, "itself", vi_gallery_merge(g, "anna", "anna", &err));
    FAILS(VISO_ERR_INPUT, "carla", vi_gallery_merge(g, "anna", "carla", &err));
    OK(vi_gallery_merge(g, "anna", "bea", &err));
    people(g, names, sizeof names);
    assert_string_equal(names, "anna:2/2 "); /* what both had is there once */
    put_person(g, "dora");
    FAILS(VISO_ERR_USAGE, "dora", vi_gallery_rename(g, "anna", "dora", &err));
    FAILS(VISO_ERR_USAGE, "'/'", vi_gallery_rename(g, "anna", "a/b", &err));
    OK(vi_gallery_rename(g, "anna", "anna", &err));
    OK(vi_gallery_rename(g, "anna", "eva", &err));
    people(g, names, sizeof names);
    assert_string_equal(names, "dora:0/0 eva:2/2 ");
    OK(vi_gallery_remove(g, "eva", &err));
    FAILS(VISO_ERR_INPUT, "eva", vi_gallery_remove(g, "eva", &err));
    people(g, names, sizeof names);
    assert_string_equal(names, "dora:0/0 ");
    int64_t left = -1;
    vi_query q = vi_query_make(g, "SELECT (SELECT count(*) FROM photo) + (SELECT count(*) FROM vector)");
    if (vi_query_row(&q))
        left = vi_query_get_int(&q, 0);
    OK(vi_query_end(&q, &err));
    assert_int_equal(left, 0);
    vi_gallery_close(&g);
}

static void names_are_checked(void **state)
{
    static const char *const bad[] = { "", "-x", "a/b", "a=b", "12", "all", "Largest", " a", "a ", "a\nb", "\xff\xfe", "\xc0\x80" };
    char longest[200];
    for (size_t i = 0; i < VI_COUNT(bad); i++)
        FAILS(VISO_ERR_USAGE, "cannot be a name", vi_gallery_check_name(bad[i], &err));
    memset(longest, 'x', sizeof longest);
    longest[127] = 0;
    OK(vi_gallery_check_name(longest, &err));
    longest[127] = 'x';
    longest[128] = 0;
    FAILS(VISO_ERR_USAGE, "127", vi_gallery_check_name(longest, &err));
    OK(vi_gallery_check_name("Jürgen O'Neill 2 世界", &err));
}

static void the_file_is_the_owners(void **state)
{
    struct stat st;
    umask(0);
    vi_gallery *g = open_new("fresh/private.db");
    put_person(g, "anna");
    vi_gallery_close(&g);
    assert_int_equal(stat(at("fresh/private.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(at("fresh"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    chmod(at("fresh/private.db"), 0644);
    warned[0] = 0;
    g = open_new("fresh/private.db");
    stat(at("fresh/private.db"), &st);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_non_null(strstr(warned, "others could read"));
    int n;
    (void)n;
    OK(vi_gallery_export(g, at("out.json"), NULL, NULL, &n, &err)); /* one person without vectors: nothing to merge */
    stat(at("out.json"), &st);
    assert_int_equal(st.st_mode & 0777, 0600);
    vi_gallery_close(&g);
    umask(022);
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void what_is_no_gallery_is_refused(void **state)
{
    vi_gallery *g;
    FAILS(VISO_EOF, "", vi_gallery_open(&g, at("not-there.db"), false, NULL, &err));
    assert_null(g);
    write_file(at("text.db"), "This is not a database, but long enough to look like something else entirely.", 77);
    FAILS(VISO_ERR_INPUT, "no gallery", vi_gallery_open(&g, at("text.db"), true, NULL, &err));
    FAILS(VISO_ERR_INPUT, "is no file", vi_gallery_open(&g, dir, true, NULL, &err));
    /* A database of somebody else, and one of a later version. */
    g = open_new("other.db");
    OK(vi_store_exec(g, "PRAGMA application_id = 1", &err));
    vi_gallery_close(&g);
    FAILS(VISO_ERR_INPUT, "another program", vi_gallery_open(&g, at("other.db"), true, NULL, &err));
    g = open_new("newer.db");
    OK(vi_store_exec(g, "PRAGMA user_version = 99", &err));
    vi_gallery_close(&g);
    FAILS(VISO_ERR_INPUT, "newer viso", vi_gallery_open(&g, at("newer.db"), true, NULL, &err));
    /* Damage at every part of the file, and files cut short: a message or a gallery, never a crash; the file stays. */
    g = open_new("whole.db");
    for (int i = 0; i < 6; i++) {
        char name[16];
        int64_t photo;
        snprintf(name, sizeof name, "person%d", i);
        put_photo(g, put_person(g, name), i, &photo);
        put_vector(g, photo, "one", "", (float)i, 512);
    }
    vi_gallery_close(&g);
    uint8_t *data;
    size_t size;
    int refused = 0;
    OK(vi_file_read(at("whole.db"), 1 << 24, &data, &size, &err));
    for (size_t from = 0; from < size; from += size / 37) {
        uint8_t *copy = vi_alloc(size);
        memcpy(copy, data, size);
        for (size_t i = from; i < size && i < from + 64; i++)
            copy[i] ^= 0x5A;
        write_file(at("hurt.db"), copy, from % 3 == 0 ? size : VI_MIN(size, from + 32));
        vi_free(copy);
        err.code = 0;
        int rc = vi_gallery_open(&g, at("hurt.db"), true, NULL, &err);
        refused += rc != 0;
        if (rc) {
            assert_int_equal(rc, VISO_ERR_INPUT);
            assert_non_null(strstr(err.text, "hurt.db"));
            continue;
        }
        vi_gallery_person *list = NULL;
        int n = 0;
        err.code = 0;
        rc = vi_gallery_people(g, &list, &n, &err);
        for (int i = 0; i < n; i++) {
            vi_gallery_photo *p;
            vi_gallery_vector *v;
            int k;
            if (vi_gallery_photos(g, list[i].id, true, &p, &k, &(viso_error){ 0 }) == 0)
                vi_gallery_photos_free(p, k);
            if (vi_gallery_vectors(g, list[i].id, NULL, NULL, &v, &k, &(viso_error){ 0 }) == 0)
                vi_gallery_vectors_free(v, k);
        }
        vi_free(list);
        vi_gallery_close(&g);
    }
    assert_true(refused > 20);
    vi_free(data);
}

/* A file as the first version wrote it gets the newer columns and keeps what is in it. */
static void older_files_are_brought_up(void **state)
{
    char names[64];
    vi_gallery *g;
    OK(vi_store_open_at(&g, at("older.db"), &vi_gallery_kind, true, 1, NULL, NULL, &err));
    OK(vi_store_exec(g, "INSERT INTO person VALUES (1, 'anna', 'then'); INSERT INTO photo (id, person, name, sha256, added)"
                          " VALUES (1, 1, 'a.jpg', 'x', 'then'); INSERT INTO vector VALUES (1, 'one', '', x'0000803F0000003F')", &err));
    float value = 0;
    vi_gallery_vector none = { .photo = 1, .n = 1, .value = &value };
    FAILS(VISO_ERR_INTERNAL, "digest", vi_gallery_put_vector(g, &none, &err)); /* it has no such column */
    vi_gallery_close(&g);
    g = open_new("older.db");
    people(g, names, sizeof names);
    assert_string_equal(names, "anna:1/1 ");
    vi_gallery_vector *v;
    int n;
    OK(vi_gallery_vectors(g, 1, NULL, NULL, &v, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(v[0].n, 2);
    assert_float_equal(v[0].value[0], 1, 0);
    assert_float_equal(v[0].value[1], 0.5, 0);
    assert_string_equal(v[0].digest, "");
    vi_gallery_vectors_free(v, n);
    vi_gallery_close(&g);
}

enum { EACH = 10 };

static int add_people(int which)
{
    viso_error e = { 0 };
    vi_gallery *own;
    int rc = vi_gallery_open(&own, at("shared.db"), true, NULL, &e);
    for (int i = 0; i < EACH && !rc; i++) {
        char name[16];
        int64_t id;
        vi_gallery_photo p = { .quality = -1 };
        snprintf(name, sizeof name, "p%d-%d", which, i);
        rc = vi_gallery_person_id(own, name, &id, &e);
        if (!rc)
            rc = vi_gallery_add_photo(own, id, &p, &e);
    }
    if (!rc)
        vi_gallery_close(&own);
    else
        fprintf(stderr, "writer %d: %s\n", which, e.text);
    return rc != 0;
}

/* Two processes add people to one file, which is new to both: nothing is lost. */
static void two_writers_take_turns(void **state)
{
    char names[2048];
    assert_int_equal(at_once(2, add_people), 0);
    vi_gallery *g;
    g = open_new("shared.db");
    assert_int_equal(people(g, names, sizeof names), 2 * EACH);
    vi_gallery_close(&g);
}

/* No room (a limit on the size of files stands for the disk): a clear end, and what was there is still there. */
static void a_full_disk_changes_nothing(void **state)
{
    char names[256];
    vi_gallery *g = open_new("full.db");
    int64_t anna = put_person(g, "anna");
    vi_gallery_close(&g);
    struct stat st;
    stat(at("full.db"), &st);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = { (rlim_t)st.st_size, (rlim_t)st.st_size };
        viso_error e = { 0 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        uint8_t *rgb = calloc(512 * 512, 3);
        vi_gallery_photo p = { .quality = -1, .side = 512, .rgb = rgb };
        int rc = vi_gallery_open(&g, at("full.db"), true, NULL, &e);
        if (!rc)
            rc = vi_gallery_add_photo(g, anna, &p, &e);
        fprintf(stderr, "%s\n", e.text);
        _exit(rc == VISO_ERR_NO_SPACE && strstr(e.text, "full.db") ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    g = open_new("full.db");
    people(g, names, sizeof names);
    assert_string_equal(names, "anna:0/0 ");
    vi_gallery_close(&g);
}

/* A process killed between the writes of one change leaves the file as it was before. */
static void a_killed_writer_changes_nothing(void **state)
{
    char names[256];
    vi_gallery *g = open_new("killed.db");
    put_photo(g, put_person(g, "anna"), 1, NULL);
    vi_gallery_close(&g);
    pid_t child = fork();
    if (child == 0) {
        int64_t id;
        viso_error e = { 0 };
        if (vi_gallery_open(&g, at("killed.db"), true, NULL, &e) == 0 && vi_gallery_begin(g, &e) == 0 &&
            vi_gallery_remove(g, "anna", &e) == 0 && vi_gallery_person_id(g, "bea", &id, &e) == 0)
            raise(SIGKILL);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    g = open_new("killed.db");
    people(g, names, sizeof names);
    assert_string_equal(names, "anna:1/0 ");
    vi_gallery_close(&g);
}

/* ---- VisoMaster's file ---- */

static bool mean(void *user, const float *const *in, int n, int size, float *out)
{
    (void)user;
    for (int k = 0; k < size; k++) {
        out[k] = 0;
        for (int i = 0; i < n; i++)
            out[k] += in[i][k] / (float)n;
    }
    return true;
}

static void embeddings_go_out_and_come_back(void **state)
{
    char names[256];
    int64_t photo, id;
    int n, added;
    vi_gallery *g = open_new("from.db");
    int64_t anna = put_person(g, "Anna \"A\" Å");
    put_photo(g, anna, 1, &photo);
    put_vector(g, photo, "w600k_r50", "arcface", 0.1f, 512);
    put_vector(g, photo, "w600k_r50", "opal", 9, 512); /* of the same photograph: it counts once */
    put_vector(g, photo, "mobilefacenet", "arcface", 0.3f, 192);
    put_photo(g, anna, 2, &photo);
    put_vector(g, photo, "w600k_r50", "arcface", 0.3f, 512);
    OK(vi_gallery_export(g, at("people.json"), mean, NULL, &n, &err));
    assert_int_equal(n, 1);
    vi_gallery_close(&g);
    uint8_t *text;
    size_t size;
    OK(vi_file_read(at("people.json"), 1 << 20, &text, &size, &err));
    assert_non_null(strstr((char *)text, "\"Inswapper128ArcFace\":[0."));
    assert_null(strstr((char *)text, "w600k_r50"));
    vi_free(text);

    g = open_new("to.db");
    OK(vi_gallery_import(g, at("people.json"), &n, &added, &err));
    assert_int_equal(n, 1);
    assert_int_equal(added, 1);
    OK(vi_gallery_find(g, "Anna \"A\" Å", &id, &err));
    vi_gallery_vector *v;
    OK(vi_gallery_vectors(g, id, "w600k_r50", "opal", &v, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(v[0].n, 512);
    for (int i = 0; i < 512; i++) {
        float a = 0.1f + 0.001f * (float)i, b = 0.3f + 0.001f * (float)i;
        float want = 0;
        want += a / 2;
        want += b / 2;
        assert_true(v[0].value[i] == want); /* to the last bit */
    }
    vi_gallery_vectors_free(v, n);
    OK(vi_gallery_import(g, at("people.json"), &n, &added, &err)); /* again */
    assert_int_equal(added, 0);
    people(g, names, sizeof names);
    assert_string_equal(names, "Anna \"A\" Å:1/2 ");
    vi_gallery_close(&g);
}

static void damaged_embeddings_are_refused(void **state)
{
    static const struct {
        const char *text, *word;
    } bad[] = {
        { "", "line" },
        { "{\"name\": \"x\"}", "no list" },
        { "[1]", "entry 1" },
        { "[{\"name\": \"x\"}]", "embedding_store" },
        { "[{\"embedding_store\": {\"A\": [1]}}]", "'name'" },
        { "[{\"name\": \"x\", \"embedding_store\": {}}]", "embedding_store" },
        { "[{\"name\": \"x\", \"embedding_store\": {\"A\": 3}}]", "list of 1 to 2048" },
        { "[{\"name\": \"x\", \"embedding_store\": {\"A\": []}}]", "list of 1 to 2048" },
        { "[{\"name\": \"x\", \"embedding_store\": {\"A\": [1, \"2\"]}}]", "no number" },
        { "[{\"name\": \"x\", \"embedding_store\": {\"A\": [1e300]}}]", "no number" },
        { "[{\"name\": \"x\", \"embedding_store\": {\"A\": [1, NaN]}}]", "line" },
        { "[{\"name\": \"fine\", \"embedding_store\": {\"A\": [1]}}, {\"name\": \"x\", \"embedding_store\": {\"A\": [true]}}]", "entry 2" },
    };
    char names[256];
    int n, added;
    vi_gallery *g = open_new("refuse.db");
    for (size_t i = 0; i < VI_COUNT(bad); i++) {
        write_file(at("bad.json"), bad[i].text, strlen(bad[i].text));
        FAILS(VISO_ERR_INPUT, bad[i].word, vi_gallery_import(g, at("bad.json"), &n, &added, &err));
        assert_non_null(strstr(err.text, "bad.json"));
    }
    assert_int_equal(people(g, names, sizeof names), 0); /* nothing of a file that is partly good */
    /* Names that cannot be one are changed, and said. */
    const char *odd = "[{\"name\": \"a/b=c\", \"embedding_store\": {\"A\": [1]}}, {\"name\": \"7\", \"embedding_store\": {\"A\": [2]}}]";
    write_file(at("odd.json"), odd, strlen(odd));
    OK(vi_gallery_import(g, at("odd.json"), &n, &added, &err));
    people(g, names, sizeof names);
    assert_string_equal(names, "a_b_c:1/1 person 7:1/1 ");
    assert_non_null(strstr(warned, "becomes 'person 7'"));
    vi_gallery_close(&g);
}

int main(void)
{
    snprintf(dir, sizeof dir, "/tmp/viso-gallery.XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back),
        cmocka_unit_test(people_are_merged_renamed_removed),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(the_file_is_the_owners),
        cmocka_unit_test(what_is_no_gallery_is_refused),
        cmocka_unit_test(older_files_are_brought_up),
        cmocka_unit_test(two_writers_take_turns),
        cmocka_unit_test(a_full_disk_changes_nothing),
        cmocka_unit_test(a_killed_writer_changes_nothing),
        cmocka_unit_test(embeddings_go_out_and_come_back),
        cmocka_unit_test(damaged_embeddings_are_refused),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) ? 1 : rc;
}
