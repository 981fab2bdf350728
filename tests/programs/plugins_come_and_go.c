/* usage: plugins_come_and_go FOLDER: two plugins that allocate in their constructors are loaded and
   unloaded in turn, often at the same address: each one's frames keep their names. */
#include "truth.h"
#include <dlfcn.h>

static void *volatile kept[64];
static size_t kept_count;

static void visit(const char *folder, const char *name, const char *function)
{
    char path[512];
    truth_require(snprintf(path, sizeof path, "%s/%s.so", folder, name) < (int)sizeof path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    truth_require(handle != NULL);
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(handle, function);
    truth_require(make != NULL);
    kept[kept_count++] = make(70);
    truth_require(dlclose(handle) == 0);
    truth_require(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL);
}

int main(int argc, char **argv)
{
    truth_require(argc == 2);
    for (size_t round = 0; round < 5; round++) {
        visit(argv[1], "first_plugin", "first_plugin_make");
        visit(argv[1], "second_plugin", "second_plugin_make");
    }
    truth_write(1, "truth under first_plugin_make live_blocks=5 live_bytes=350\n");
    truth_write(1, "truth under second_plugin_make live_blocks=5 live_bytes=350\n");
    truth_write(1, "truth under first_plugin_starts live_blocks=5 live_bytes=55\n");
    truth_write(1, "truth under second_plugin_starts live_blocks=5 live_bytes=110\n");
    truth_write(1, "truth under first_plugin_ends allocs=5 frees=5 live_blocks=0\n");
    return 0;
}
