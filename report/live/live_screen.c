#include "live/live_screen.h"
#include "command.h"

#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define SCREEN_WIDTH_MAX 1024
/* How long the rest of a key's escape sequence may take, in milliseconds. */
#define SCREEN_ESCAPE_MS 50

static volatile sig_atomic_t screen_ended; /* written by the signal handler */
static SCREEN *screen;
static int screen_styles[LIVE_STYLE_LIMIT];

static void screen_end(int number)
{
    (void)number;
    screen_ended = 1;
}

/* ncurses' own handlers would exit with a status that means findings. */
static void screen_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = screen_end};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
}

static void screen_color(bool color)
{
    screen_styles[LIVE_STRONG] = A_BOLD;
    screen_styles[LIVE_FAINT] = color ? A_DIM : A_NORMAL;
    screen_styles[LIVE_TITLE] = screen_styles[LIVE_SELECTED] = A_REVERSE;
    if (!color || !has_colors() || start_color() != OK)
        return;
    bool own = use_default_colors() == OK;
    init_pair(1, COLOR_GREEN, (short)(own ? -1 : COLOR_BLACK));
    init_pair(2, COLOR_RED, (short)(own ? -1 : COLOR_BLACK));
    screen_styles[LIVE_GOOD] = COLOR_PAIR(1);
    screen_styles[LIVE_BAD] = COLOR_PAIR(2) | A_BOLD;
}

int live_screen_open(bool color, char *message, size_t message_size)
{
    const char *terminal = command_environment("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        snprintf(
            message, message_size,
            "a live view needs a terminal on standard input and output; elsewhere use memtrack "
            "report, also while the process runs");
        return -ENOTTY;
    }
    setlocale(LC_CTYPE, ""); /* NOLINT(concurrency-mt-unsafe): one thread */
    screen = newterm(terminal, stdout, stdin);
    if (screen == NULL) {
        snprintf(message, message_size,
                 "TERM=%s: this terminal is not known; set TERM to one that is, for example xterm",
                 terminal != NULL ? terminal : "");
        return -ENOTTY;
    }
    screen_signals();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(SCREEN_ESCAPE_MS);
    curs_set(0);
    screen_color(color);
    return 0;
}

void live_screen_close(void)
{
    if (screen == NULL)
        return;
    endwin();
    delscreen(screen);
    screen = NULL;
}

int live_screen_rows(void)
{
    return LINES;
}

int live_screen_columns(void)
{
    return COLS;
}

void live_screen_begin(void)
{
    erase();
}

void live_screen_show(void)
{
    refresh();
}

/* As many characters as fit into `width` columns; what cannot be shown becomes a question mark. */
static int screen_convert(const char *text, wchar_t *to, int width)
{
    mbstate_t state = {0};
    size_t left = strlen(text);
    int count = 0, column = 0;
    while (left > 0 && count < SCREEN_WIDTH_MAX) {
        wchar_t character;
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): the state is our own */
        size_t used = mbrtowc(&character, text, left, &state);
        if (used == 0 || used > left) {
            used = 1;
            character = L'?';
            state = (mbstate_t){0};
        }
        int columns = wcwidth(character);
        if (columns < 0) {
            character = L'?';
            columns = 1;
        }
        if (column + columns > width)
            break;
        to[count++] = character;
        column += columns;
        text += used;
        left -= used;
    }
    return count;
}

void live_screen_put(int row, int column, int width, enum live_style style, const char *text)
{
    wchar_t wide[SCREEN_WIDTH_MAX];
    int room = COLS - column;
    if (row < 0 || row >= LINES || column < 0 || room <= 0)
        return;
    if (width <= 0 || width > room)
        width = room;
    attrset(screen_styles[style]);
    if (style == LIVE_TITLE || style == LIVE_SELECTED)
        mvhline(row, column, ' ', width);
    mvaddnwstr(row, column, wide, screen_convert(text, wide, width));
    attrset(A_NORMAL);
}

static int screen_translate(int key)
{
    switch (key) {
    case ERR:
        return LIVE_INPUT_NONE;
    case KEY_RESIZE:
        return LIVE_INPUT_RESIZED;
    case KEY_UP:
        return LIVE_INPUT_UP;
    case KEY_DOWN:
        return LIVE_INPUT_DOWN;
    case KEY_PPAGE:
        return LIVE_INPUT_PAGE_UP;
    case KEY_NPAGE:
        return LIVE_INPUT_PAGE_DOWN;
    case KEY_HOME:
        return LIVE_INPUT_FIRST;
    case KEY_END:
        return LIVE_INPUT_LAST;
    case '\r':
    case '\n':
    case KEY_ENTER:
        return LIVE_INPUT_OPEN;
    case 27:
    case 127:
    case '\b':
    case KEY_BACKSPACE:
        return LIVE_INPUT_BACK;
    default:
        return key < 128 ? key : LIVE_INPUT_NONE;
    }
}

/* Keys that ncurses has read and not given out yet would not wake poll. */
int live_screen_key(int milliseconds)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int key = getch();
    if (key == ERR && !screen_ended) {
        int ready = poll(&input, 1, milliseconds);
        if (ready > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
            return LIVE_INPUT_CLOSED;
        key = getch(); /* also after a signal: the new size comes as a key */
    }
    return screen_ended ? LIVE_INPUT_CLOSED : screen_translate(key);
}
