/* Any function name: folded or not, and shortened, without reading behind its end. */
#include "fold.h"
#include "shorten.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *name = strndup((const char *)bytes, size);
    if (name == NULL)
        return 0;
    bool once = fold_frame(name, "/lib/libc.so.6", 0);
    if (fold_frame(name, "/lib/libc.so.6", 0) != once)
        abort();
    char *shorter = shorten_name(name);
    if (shorter != NULL && strlen(shorter) > strlen(name))
        abort();
    free(shorter);
    free(name);
    return 0;
}
