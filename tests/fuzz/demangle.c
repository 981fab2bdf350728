/* Any symbol name: demangled within the bound, or left alone. */
#include "demangle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *name = strndup((const char *)bytes, size);
    if (name == NULL)
        return 0;
    char *readable = demangle_name(name);
    if (readable != NULL && strlen(readable) > DEMANGLE_RESULT_MAX)
        abort();
    free(readable);
    free(name);
    return 0;
}
