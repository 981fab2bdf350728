/* Where a handler that was installed without libc returns to; the kernel asks for it (SA_RESTORER). These
   very bytes are how unwinders know a signal frame. */
        .text
        .hidden arch_sigreturn
        .globl arch_sigreturn
        .type arch_sigreturn, @function
arch_sigreturn:
        mov $15, %rax
        syscall
        .size arch_sigreturn, . - arch_sigreturn
        .section .note.GNU-stack, "", @progbits
