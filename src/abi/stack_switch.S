// Where a stack made by stack_switch::make starts: its function is the word on top, the message is in rax.

        .text
        .globl  drydock_stack_entry
        .hidden drydock_stack_entry
        .type   drydock_stack_entry, @function
        .p2align 4
drydock_stack_entry:
        .cfi_startproc
        .cfi_undefined %rip             // backtraces end here
        popq    %rdx
        pushq   $0
        movq    %rax, %rdi
        xorl    %ebp, %ebp
        call    *%rdx
        ud2
        .cfi_endproc
        .size   drydock_stack_entry, . - drydock_stack_entry

        .section .note.GNU-stack, "", @progbits
