#include "amount.h"
#include "command.h"
#include "live/live_draw.h"
#include "live/live_find.h"
#include "live/live_screen.h"
#include "live/live_view.h"
#include "process_alive.h"
#include "summary.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_MS 1000000
#define TOP_INTERVAL_MS 1000
#define TOP_INTERVAL_LEAST 100
#define TOP_INTERVAL_MOST 60000

struct top {
    struct live_view view;
    uint64_t interval_ms;
    uint64_t due_ns; /* when the report is to be read again */
    bool running;    /* the process was seen to run */
    bool done;
    const char *color;
};

enum top_option {
    OPTION_SORT = 256,
    OPTION_INTERVAL,
    OPTION_FULL,
    OPTION_COLOR,
};

static const struct option top_options[] = {
    {"sort", required_argument, NULL, OPTION_SORT},
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"full", no_argument, NULL, OPTION_FULL},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int top_help(void)
{
    puts(
        "usage: memtrack top [OPTION]... FILE|PID\n"
        "\n"
        "Shows what a tracked process holds while it runs: its totals, and the call sites that "
        "hold\n"
        "most, grow most, or allocate most. It only reads the report, so it can come and go as it\n"
        "likes. It ends when the process does, and says how; a paused view or an open stack "
        "stays.\n"
        "The report of a process that has ended is shown as it is.\n"
        "\n"
        "  --sort KEY      first by live bytes (live, the default), blocks, growth since the mark, "
        "or\n"
        "                  bytes (rate) or calls allocated in a second\n"
        "  --interval S    seconds between two looks, 0.1 to 60 (default 1)\n"
        "  --full          fold no library frames\n"
        "  --color WHEN    auto (default), always or never\n"
        "  --help          print this\n"
        "\n"
        "Keys: arrows, Page Up and Page Down move; Enter opens a call stack, Escape goes back; l b "
        "g r c\n"
        "order; m marks; p pauses; d changes to mappings; f folds; + and - change the interval; ? "
        "tells\n"
        "more; q quits.\n"
        "\n"
        "Exit status: 0 ended; 2 there is no such process or report, or no terminal.");
    return COMMAND_CLEAN;
}

static int top_set_sort(struct top *top, const char *argument)
{
    if (live_key_parse(argument, &top->view.key))
        return 0;
    return command_fail("--sort=%s: must be live, blocks, growth, rate or calls", argument);
}

static int top_set_interval(struct top *top, const char *argument)
{
    char *end;
    double seconds = strtod(argument, &end);
    if (end == argument || *end != '\0' || !(seconds >= 0.1 && seconds <= 60))
        return command_fail("--interval=%s: must be a number of seconds from 0.1 to 60", argument);
    top->interval_ms = (uint64_t)lround(seconds * 1000);
    return 0;
}

static int top_set(struct top *top, char **argv, int option)
{
    switch (option) {
    case OPTION_SORT:
        return top_set_sort(top, optarg);
    case OPTION_INTERVAL:
        return top_set_interval(top, optarg);
    case OPTION_FULL:
        top->view.full = true;
        return 0;
    case OPTION_COLOR:
        top->color = optarg;
        return 0;
    default:
        return command_bad_option(argv, option);
    }
}

/* A number is a process, unless a file is called so. */
static int top_input(struct top *top, const char *argument)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct stat status;
    char *end;
    errno = 0;
    long pid = strtol(argument, &end, 10);
    bool number =
        *argument >= '1' && *argument <= '9' && *end == '\0' && errno == 0 && pid <= 0x7fffffff;
    if (!number || stat(argument, &status) == 0) {
        top->view.path = strdup(argument);
        return top->view.path != NULL ? 0 : command_fail("out of memory");
    }
    top->view.pid = (int)pid;
    if (live_find(top->view.pid, &top->view.path, message, sizeof message) != 0)
        return command_fail("%s", message);
    return 0;
}

/* By exec the process has become another image, with a report of its own. */
static bool top_follow(struct top *top)
{
    const struct snapshot *snapshot = top->view.snapshot;
    char message[SNAPSHOT_MESSAGE_SIZE], *path;
    if (top->view.pid == 0 || snapshot->state != SNAPSHOT_ENDED ||
        !process_alive(top->view.pid, snapshot->pid_start) ||
        live_find(top->view.pid, &path, message, sizeof message) != 0)
        return false;
    if (strcmp(path, top->view.path) == 0) {
        free(path);
        return false;
    }
    live_view_change(&top->view, path);
    return true;
}

/* Between the end of one image and the beginning of the next there is a moment without a report. */
static bool top_waits(const struct top *top)
{
    const struct snapshot *snapshot = top->view.snapshot;
    return top->view.pid != 0 && snapshot->end_kind == MTF_END_EXEC &&
           process_alive(top->view.pid, snapshot->pid_start);
}

/* A report that cannot be read for a moment is no reason to end, but its process's end is. */
static void top_read(struct top *top)
{
    struct live_view *view = &top->view;
    int error = live_view_load(view);
    if (error == 0 && top_follow(top))
        error = live_view_load(view);
    if (view->snapshot == NULL) {
        top->done = true;
        return;
    }
    bool alive = error == 0 ? view->snapshot->state == SNAPSHOT_RUNNING || top_waits(top)
                            : process_alive(view->pid != 0 ? view->pid : view->snapshot->pid,
                                            view->snapshot->pid_start);
    if (top->running && !alive && !view->stack && !view->paused)
        top->done = true;
    top->running |= alive;
}

/* Reading a large report takes its time: at most a tenth of ours, and of the disk's, goes into it. */
static void top_read_in_time(struct top *top)
{
    uint64_t began = live_now();
    if (began < top->due_ns || top->view.paused)
        return;
    top_read(top);
    uint64_t took = live_now() - began, interval = top->interval_ms * NS_PER_MS;
    top->due_ns = began + (took * 10 > interval ? took * 10 : interval);
}

static void top_sort(struct top *top, enum live_key key)
{
    top->view.key = key;
    live_view_sort(&top->view);
}

static void top_domain(struct top *top)
{
    struct live_view *view = &top->view;
    const struct live_row *pools = &view->model.sums[MTF_DOMAIN_POOLS];
    int domain = (int)view->domain + 1;
    if (domain == MTF_DOMAIN_POOLS && pools->live_blocks == 0 && pools->rate_calls == 0)
        domain++;
    view->domain = (enum mtf_domain)(domain % MTF_DOMAIN_LIMIT);
    view->holds = false;
    live_view_sort(view);
}

static void top_pause(struct top *top)
{
    top->view.paused = !top->view.paused;
    top->due_ns = 0;
}

static void top_interval(struct top *top, bool longer)
{
    uint64_t interval = longer ? top->interval_ms * 2 : top->interval_ms / 2;
    if (interval >= TOP_INTERVAL_LEAST && interval <= TOP_INTERVAL_MOST)
        top->interval_ms = interval;
    top->due_ns = 0;
}

static void top_scroll(struct top *top, long rows)
{
    struct live_view *view = &top->view;
    if (!view->stack)
        live_view_move(view, rows);
    else if (rows < 0)
        view->scroll -= (size_t)-rows < view->scroll ? (size_t)-rows : view->scroll;
    else
        view->scroll += (size_t)rows; /* drawing keeps it within the stack */
}

static bool top_key_moves(struct top *top, int key)
{
    long page = live_draw_room();
    switch (key) {
    case LIVE_INPUT_UP:
    case 'k':
        top_scroll(top, -1);
        return true;
    case LIVE_INPUT_DOWN:
    case 'j':
        top_scroll(top, 1);
        return true;
    case LIVE_INPUT_PAGE_UP:
        top_scroll(top, -page);
        return true;
    case LIVE_INPUT_PAGE_DOWN:
        top_scroll(top, page);
        return true;
    case LIVE_INPUT_FIRST:
        top_scroll(top, -0x7fffffff);
        return true;
    case LIVE_INPUT_LAST:
        top_scroll(top, 0x7fffffff);
        return true;
    default:
        return false;
    }
}

static bool top_key_orders(struct top *top, int key)
{
    static const char letters[LIVE_KEY_LIMIT] = {[LIVE_BYTES] = 'l',
                                                 [LIVE_BLOCKS] = 'b',
                                                 [LIVE_GROWTH] = 'g',
                                                 [LIVE_RATE] = 'r',
                                                 [LIVE_CALLS] = 'c'};
    for (int i = 0; i < LIVE_KEY_LIMIT; i++) {
        if (key == letters[i]) {
            top_sort(top, (enum live_key)i);
            return true;
        }
    }
    return false;
}

static void top_back(struct top *top)
{
    struct live_view *view = &top->view;
    view->help = view->stack = false;
    live_view_sort(view);
}

static void top_open(struct top *top)
{
    struct live_view *view = &top->view;
    view->help = false;
    view->stack = view->order_count > 0;
    view->scroll = 0;
}

static void top_key(struct top *top, int key)
{
    struct live_view *view = &top->view;
    if (top_key_moves(top, key) || top_key_orders(top, key))
        return;
    switch (key) {
    case 'q':
    case LIVE_INPUT_CLOSED:
        top->done = true;
        break;
    case 'p':
    case ' ':
        top_pause(top);
        break;
    case 'm':
        live_view_mark(view);
        break;
    case 'd':
        top_domain(top);
        break;
    case 'f':
        view->full = !view->full;
        break;
    case '+':
    case '-':
        top_interval(top, key == '+');
        break;
    case '?':
    case 'h':
        view->help = !view->help;
        break;
    case LIVE_INPUT_OPEN:
        top_open(top);
        break;
    case LIVE_INPUT_BACK:
        top_back(top);
        break;
    default:
        break;
    }
}

/* Until the next look is due; a paused view waits for a key alone. */
static int top_wait_ms(const struct top *top)
{
    uint64_t now = live_now();
    if (top->view.paused)
        return -1;
    return top->due_ns > now ? (int)((top->due_ns - now) / NS_PER_MS) + 1 : 0;
}

static void top_watch(struct top *top)
{
    while (!top->done) {
        live_draw(&top->view);
        top_key(top, live_screen_key(top_wait_ms(top)));
        if (!top->done)
            top_read_in_time(top);
    }
}

/* What is left on the terminal. */
static void top_farewell(const struct top *top)
{
    const struct snapshot *snapshot = top->view.snapshot;
    if (snapshot == NULL)
        return;
    summary_name(stdout, snapshot);
    printf(" (process %d): ", top->view.pid != 0 ? top->view.pid : snapshot->pid);
    if (snapshot->state == SNAPSHOT_RUNNING)
        fputs("still running", stdout);
    else
        summary_state(stdout, snapshot);
    printf("; %s in %s; memtrack report %s\n", amount_bytes(snapshot->totals.live_bytes).text,
           amount_noun(snapshot->totals.live_blocks, "block").text, top->view.path);
}

static int top_run(struct top *top, const char *argument)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    bool color;
    if (!command_color(stdout, top->color, &color) || top_input(top, argument) != 0)
        return COMMAND_FAILED;
    if (live_view_load(&top->view) != 0)
        return command_fail("%s", top->view.message);
    top->running = top->view.snapshot->state == SNAPSHOT_RUNNING;
    top->due_ns = live_now() + top->interval_ms * NS_PER_MS;
    if (live_screen_open(color, message, sizeof message) != 0)
        return command_fail("%s", message);
    top_watch(top);
    live_screen_close();
    if (top->view.message[0] != '\0')
        return command_fail("%s", top->view.message);
    top_farewell(top);
    return COMMAND_CLEAN;
}

int cmd_top(int argc, char **argv)
{
    struct top top = {.interval_ms = TOP_INTERVAL_MS};
    int option, result;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, ":h", top_options, NULL)) != -1) {
        if (option == 'h')
            return top_help();
        result = top_set(&top, argv, option);
        if (result != 0)
            return result;
    }
    if (optind + 1 != argc)
        return command_fail("give one report file, or the number of a process; see %s --help",
                            argv[0]);
    top.view.symbolizer = symbolizer_open();
    if (top.view.symbolizer == NULL)
        return command_fail("out of memory");
    result = top_run(&top, argv[optind]);
    live_view_free(&top.view);
    symbolizer_close(top.view.symbolizer);
    return result;
}
