/* Writes the seeds of the report fuzzer into the folder that it is given: files that parse, each
   taking other ways through the reader. */
#include "make_report.h"

#include <stdio.h>
#include <stdlib.h>

static void write_seed(const char *folder, const char *name, struct make_report *report,
                       size_t piece)
{
    char path[4096];
    size_t size;
    const uint8_t *bytes = make_report_bytes(report, piece, &size);
    snprintf(path, sizeof path, "%s/%s.memtrack", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(2); /* NOLINT(concurrency-mt-unsafe): one thread */
    }
    make_report_free(report);
}

static struct make_report *unfinished(void)
{
    struct make_report *report = make_report_sample();
    make_report_header(report)->state = MTF_STATE_RUNNING;
    make_report_header(report)->totals.lost[MTF_LOST_SITE] = 7;
    return report;
}

static struct make_report *forked(void)
{
    struct make_report *report = make_report_sample();
    struct mtf_header *header = make_report_header(report);
    struct mtf_site *site = make_report_record(report, MTF_KIND_SITES, 1);
    header->flags |= MTF_FLAG_FORKED | MTF_FLAG_WAITED | MTF_FLAG_NEXT_ALLOCATOR;
    header->wait_status = 9;
    header->next_allocator = header->executable;
    site->inherited_blocks = 4;
    site->inherited_bytes = 400;
    return report;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    write_seed(argv[1], "empty", make_report_new(), 0);
    write_seed(argv[1], "sample", make_report_sample(), 0);
    write_seed(argv[1], "pieces", make_report_large(60, 8), 4096);
    write_seed(argv[1], "unfinished", unfinished(), 0);
    write_seed(argv[1], "forked", forked(), 0);
    write_seed(argv[1], "measured", make_report_measured(), 0);
    return 0;
}
