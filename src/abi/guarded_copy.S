// guarded_copy (abi/guarded_copy.h): a fault between the first two labels is continued at the third.

        .text
        .globl  drydock_guarded_copy
        .globl  drydock_guarded_copy_end
        .globl  drydock_guarded_copy_fixup
        .hidden drydock_guarded_copy
        .hidden drydock_guarded_copy_end
        .hidden drydock_guarded_copy_fixup
        .type   drydock_guarded_copy, @function
        .p2align 4
drydock_guarded_copy:
        .cfi_startproc
        movq    %rdx, %rcx
        rep movsb
drydock_guarded_copy_end:
        movl    $1, %eax
        ret
drydock_guarded_copy_fixup:
        xorl    %eax, %eax
        ret
        .cfi_endproc
        .size   drydock_guarded_copy, . - drydock_guarded_copy

        .section .note.GNU-stack, "", @progbits
