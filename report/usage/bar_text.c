#include "bar_text.h"

void bar_text_put(struct text *text, uint64_t part, uint64_t whole)
{
    int length = 0;
    if (part > 0 && whole > 0)
        length = (int)((double)part / (double)whole * BAR_TEXT_WIDTH + 0.5);
    if (part > 0 && length == 0)
        length = 1;
    if (length > 0)
        fprintf(text->out, " %s", text_style(text, TERMINAL_STRONG));
    for (int i = 0; i < length; i++)
        fputc('#', text->out);
    fprintf(text->out, "%s\n", length > 0 ? text_style(text, TERMINAL_PLAIN) : "");
}
