// See trap/run_instruction.h. Moves do not change flags, so registers are loaded behind popfq and stored before pushfq.

        .text
        .globl  drydock_run_instruction
        .hidden drydock_run_instruction
        .type   drydock_run_instruction, @function
        .p2align 4
drydock_run_instruction:
        .cfi_startproc
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   128(%rdi)
        .cfi_adjust_cfa_offset 8
        pushq   120(%rdi)
        popfq
        movq    0(%rdi), %r8
        movq    8(%rdi), %r9
        movq    16(%rdi), %r10
        movq    24(%rdi), %r11
        movq    32(%rdi), %r12
        movq    40(%rdi), %r13
        movq    48(%rdi), %r14
        movq    56(%rdi), %r15
        movq    72(%rdi), %rsi
        movq    80(%rdi), %rbp
        movq    88(%rdi), %rbx
        movq    96(%rdi), %rdx
        movq    104(%rdi), %rax
        movq    112(%rdi), %rcx
        movq    64(%rdi), %rdi
        call    *(%rsp)
        movq    %rdi, (%rsp)            // over the code pointer
        movq    8(%rsp), %rdi
        movq    %r8, 0(%rdi)
        movq    %r9, 8(%rdi)
        movq    %r10, 16(%rdi)
        movq    %r11, 24(%rdi)
        movq    %r12, 32(%rdi)
        movq    %r13, 40(%rdi)
        movq    %r14, 48(%rdi)
        movq    %r15, 56(%rdi)
        movq    %rsi, 72(%rdi)
        movq    %rbp, 80(%rdi)
        movq    %rbx, 88(%rdi)
        movq    %rdx, 96(%rdi)
        movq    %rax, 104(%rdi)
        movq    %rcx, 112(%rdi)
        pushfq
        popq    120(%rdi)
        cld
        popq    64(%rdi)
        .cfi_adjust_cfa_offset -8
        leaq    8(%rsp), %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        popq    %r14
        .cfi_adjust_cfa_offset -8
        popq    %r13
        .cfi_adjust_cfa_offset -8
        popq    %r12
        .cfi_adjust_cfa_offset -8
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   drydock_run_instruction, . - drydock_run_instruction

        .globl  drydock_run_vector_instruction
        .hidden drydock_run_vector_instruction
        .type   drydock_run_vector_instruction, @function
        .p2align 4
drydock_run_vector_instruction:
        .cfi_startproc
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        subq    $16, %rsp
        .cfi_adjust_cfa_offset 16
        stmxcsr (%rsp)
        ldmxcsr 136(%rdi)
        .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        movaps  (144+16*\i)(%rdi), %xmm\i
        .endr
        call    drydock_run_instruction
        movq    16(%rsp), %rdi
        .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        movaps  %xmm\i, (144+16*\i)(%rdi)
        .endr
        stmxcsr 136(%rdi)
        ldmxcsr (%rsp)
        addq    $24, %rsp
        .cfi_adjust_cfa_offset -24
        ret
        .cfi_endproc
        .size   drydock_run_vector_instruction, . - drydock_run_vector_instruction

        .section .note.GNU-stack, "", @progbits
