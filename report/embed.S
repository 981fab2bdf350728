/* See embed.h. */
        .section .rodata

        .macro file symbol, path
        .globl \symbol
        .type \symbol, @object
\symbol:
        .incbin "\path"
        .globl \symbol\()_end
\symbol\()_end:
        .size \symbol, . - \symbol
        .endm

        file embed_sqlite_schema, "report/schema/sqlite-1.sql"
        file embed_page, "build/made/page.html"

        .section .note.GNU-stack, "", %progbits
