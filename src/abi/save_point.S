// SavePoint (abi/save_point.h): the registers a called function must keep, rsp as the caller has it, and where it goes on.

        .text
        .globl  drydock_save_point
        .hidden drydock_save_point
        .type   drydock_save_point, @function
        .p2align 4
drydock_save_point:
        .cfi_startproc
        movq    (%rsp), %rdx
        leaq    8(%rsp), %rax
        movq    %rbx, 0(%rdi)
        movq    %rbp, 8(%rdi)
        movq    %r12, 16(%rdi)
        movq    %r13, 24(%rdi)
        movq    %r14, 32(%rdi)
        movq    %r15, 40(%rdi)
        movq    %rax, 48(%rdi)
        movq    %rdx, 56(%rdi)
        xorl    %eax, %eax
        ret
        .cfi_endproc
        .size   drydock_save_point, . - drydock_save_point

        .globl  drydock_return_to
        .hidden drydock_return_to
        .type   drydock_return_to, @function
        .p2align 4
drydock_return_to:
        .cfi_startproc
        movq    0(%rdi), %rbx
        movq    8(%rdi), %rbp
        movq    16(%rdi), %r12
        movq    24(%rdi), %r13
        movq    32(%rdi), %r14
        movq    40(%rdi), %r15
        movq    48(%rdi), %rsp
        movl    $1, %eax
        jmp     *56(%rdi)
        .cfi_endproc
        .size   drydock_return_to, . - drydock_return_to

        .section .note.GNU-stack, "", @progbits
