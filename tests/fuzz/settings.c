/* Any memtrack.ini, or, where the first byte says so, any baseline: both are read from a file. */
#include "gate/baseline.h"
#include "gate/gate.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int read_settings(const char *path, char *message, size_t message_size)
{
    struct gate gate;
    int error = gate_begin(&gate, message, message_size);
    if (error == 0)
        error = gate_read_file(&gate, path, message, message_size);
    gate_free(&gate);
    return error;
}

/* What was read must be written again, whole. */
static int read_baseline(const char *path, char *message, size_t message_size)
{
    struct ledger ledger = {.by = LEDGER_STABLE};
    int error = baseline_load(&ledger, path, message, message_size);
    FILE *out = fopen("/dev/null", "we");
    if (error == 0 && out != NULL && baseline_write(out, &ledger) != 0)
        abort();
    if (out != NULL)
        fclose(out);
    ledger_free(&ledger);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[64], message[512] = "";
    int file = size > 0 ? memfd_create("input", MFD_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int error = 0;
    if (write(file, bytes + 1, size - 1) == (ssize_t)size - 1)
        error = *bytes == 'b' ? read_baseline(path, message, sizeof message)
                              : read_settings(path, message, sizeof message);
    if (error != 0 && *message == '\0')
        abort();
    close(file);
    return 0;
}
