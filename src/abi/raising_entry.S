// Entries of routines that may raise (abi/raising_entry.h). Entered by the driver's call; eax is free.

#define FRAME_RSP      120
#define FRAME_RIP      128
#define FRAME_FLAGS    136
#define FRAME_MASK     208
#define FRAME_EXTENDED 256
#define AREA_MXCSR     (FRAME_EXTENDED + 24)
#define AREA_XMM       (FRAME_EXTENDED + 160)
#define AREA_HEADER    (FRAME_EXTENDED + 512)
#define FRAME_SIZE     (FRAME_EXTENDED + 576)
#define SSE_COMPONENT  2
#define CALL_AREA      112              // home space, eight arguments, the frame's address, alignment
#define CALL_FRAME     96

        .text
        .globl  drydock_raising_stubs
        .hidden drydock_raising_stubs
        .type   drydock_raising_stubs, @function
        .p2align 4
drydock_raising_stubs:
        .cfi_startproc
        .set    index, 0
        .rept   256
        .p2align 4
        movl    $index, %eax
        jmp     keep_registers
        .set    index, index + 1
        .endr
        .p2align 4
keep_registers:
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        subq    $FRAME_SIZE, %rsp
        andq    $-64, %rsp
        movq    %r8, 0(%rsp)
        movq    %r9, 8(%rsp)
        movq    %r10, 16(%rsp)
        movq    %r11, 24(%rsp)
        movq    %r12, 32(%rsp)
        movq    %r13, 40(%rsp)
        movq    %r14, 48(%rsp)
        movq    %r15, 56(%rsp)
        movq    %rdi, 64(%rsp)
        movq    %rsi, 72(%rsp)
        movq    (%rbp), %r10
        movq    %r10, 80(%rsp)                  // rbp
        movq    %rbx, 88(%rsp)
        movq    %rdx, 96(%rsp)
        movq    %rax, 104(%rsp)
        movq    %rcx, 112(%rsp)
        leaq    16(%rbp), %r10
        movq    %r10, FRAME_RSP(%rsp)
        movq    8(%rbp), %r10
        movq    %r10, FRAME_RIP(%rsp)
        pushfq
        popq    %r10
        movq    %r10, FRAME_FLAGS(%rsp)
        .set    number, 0
        .irp    register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movaps  %xmm\register, AREA_XMM + 16 * \register(%rsp)
        .endr
        stmxcsr AREA_MXCSR(%rsp)
        xorps   %xmm0, %xmm0
        movaps  %xmm0, 144(%rsp)                // segments … extended_mask
        movaps  %xmm0, 160(%rsp)
        movaps  %xmm0, 176(%rsp)
        movaps  %xmm0, 192(%rsp)
        movaps  %xmm0, AREA_HEADER(%rsp)
        movaps  %xmm0, AREA_HEADER + 16(%rsp)
        movaps  %xmm0, AREA_HEADER + 32(%rsp)
        movaps  %xmm0, AREA_HEADER + 48(%rsp)
        movq    $SSE_COMPONENT, FRAME_MASK(%rsp)
        movq    $SSE_COMPONENT, AREA_HEADER(%rsp)
        movaps  AREA_XMM(%rsp), %xmm0
        movq    %rsp, %r10
        subq    $CALL_AREA, %rsp
        .irp    argument, 0, 1, 2, 3, 4, 5, 6, 7
        movq    48 + 8 * \argument(%rbp), %r11
        movq    %r11, 32 + 8 * \argument(%rsp)
        .endr
        movq    %r10, CALL_FRAME(%rsp)
        movl    %eax, %eax
        leaq    drydock_raising_targets(%rip), %r11
        call    *(%r11,%rax,8)
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_same_value %rbp
        ret
        .cfi_endproc
        .size   drydock_raising_stubs, . - drydock_raising_stubs

        .section .note.GNU-stack, "", @progbits
