// The trap trampoline: where a thread continues after the signal of a trapped driver instruction, with rsp = its
// TrapFrame (abi/trap_frame.h), still on the driver's stack. The signal is over by then, so what it calls is ordinary
// code: it may switch stacks, resume on another OS thread, or never come back. The CFI makes the frame look like a
// signal frame to debuggers, so that a backtrace goes on into the driver.

#define FRAME_RSP      120
#define FRAME_RIP      128
#define FRAME_FLAGS    136
#define FRAME_SERVICE  184
#define FRAME_MASK     208
#define FRAME_EXTENDED 256

// DW_CFA_expression: register `reg` is saved at rsp + a SLEB128 offset given as its two bytes.
.macro saved_at reg low high
        .cfi_escape 0x10, \reg, 3, 0x77, \low, \high
.endm
.macro saved_registers
        .cfi_escape 0x0f, 4, 0x77, 0xf8, 0x00, 0x06     // CFA = [rsp + 120]
        .cfi_escape 0x10, 8, 2, 0x77, 0                 // r8
        .cfi_escape 0x10, 9, 2, 0x77, 8
        .cfi_escape 0x10, 10, 2, 0x77, 16
        .cfi_escape 0x10, 11, 2, 0x77, 24
        .cfi_escape 0x10, 12, 2, 0x77, 32
        .cfi_escape 0x10, 13, 2, 0x77, 40
        .cfi_escape 0x10, 14, 2, 0x77, 48
        .cfi_escape 0x10, 15, 2, 0x77, 56
        saved_at 5, 0xc0, 0x00                          // rdi
        saved_at 4, 0xc8, 0x00                          // rsi
        saved_at 6, 0xd0, 0x00                          // rbp
        saved_at 3, 0xd8, 0x00                          // rbx
        saved_at 1, 0xe0, 0x00                          // rdx
        saved_at 0, 0xe8, 0x00                          // rax
        saved_at 2, 0xf0, 0x00                          // rcx
        saved_at 16, 0x80, 0x01                         // rip
.endm

// Continues the driver with what the frame at rsp holds.
.macro leave_frame
        movl    FRAME_MASK(%rsp), %eax
        xorl    %edx, %edx
        xrstor64 FRAME_EXTENDED(%rsp)
        // The way out goes through two words below the driver's rsp: the Microsoft ABI has no red zone.
        movq    FRAME_RSP(%rsp), %rax
        movq    FRAME_RIP(%rsp), %rcx
        movq    %rcx, -8(%rax)
        movq    FRAME_FLAGS(%rsp), %rcx
        movq    %rcx, -16(%rax)
        movq    0(%rsp), %r8
        movq    8(%rsp), %r9
        movq    16(%rsp), %r10
        movq    24(%rsp), %r11
        movq    32(%rsp), %r12
        movq    40(%rsp), %r13
        movq    48(%rsp), %r14
        movq    56(%rsp), %r15
        movq    64(%rsp), %rdi
        movq    72(%rsp), %rsi
        movq    80(%rsp), %rbp
        movq    88(%rsp), %rbx
        movq    96(%rsp), %rdx
        movq    104(%rsp), %rax
        movq    112(%rsp), %rcx
        movq    FRAME_RSP(%rsp), %rsp
        leaq    -16(%rsp), %rsp
        .cfi_def_cfa %rsp, 16
        .cfi_offset %rip, -8
        .cfi_same_value %rax
        .cfi_same_value %rbx
        .cfi_same_value %rcx
        .cfi_same_value %rdx
        .cfi_same_value %rsi
        .cfi_same_value %rdi
        .cfi_same_value %rbp
        .cfi_same_value %r8
        .cfi_same_value %r9
        .cfi_same_value %r10
        .cfi_same_value %r11
        .cfi_same_value %r12
        .cfi_same_value %r13
        .cfi_same_value %r14
        .cfi_same_value %r15
        popfq
        leaq    8(%rsp), %rsp
        jmp     *-8(%rsp)                       // not ret: the return predictor stays balanced
.endm

.macro trampoline name save
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        .cfi_signal_frame
        saved_registers
        cld
        movl    FRAME_MASK(%rsp), %eax
        xorl    %edx, %edx
        \save   FRAME_EXTENDED(%rsp)
        fninit                                  // drydock computes with its own modes, not the driver's
        ldmxcsr default_mxcsr(%rip)
        movq    %rsp, %rdi
        call    *FRAME_SERVICE(%rsp)
        leave_frame
        .cfi_endproc
        .size   \name, . - \name
.endm

        .text
        trampoline drydock_trampoline_xsavec, xsavec64
        trampoline drydock_trampoline_xsave, xsave64

// resume_frame: the way out alone, for a frame in rdi that lies below the rsp it holds. Whatever was between is abandoned.
        .globl  drydock_resume_frame
        .hidden drydock_resume_frame
        .type   drydock_resume_frame, @function
        .p2align 4
drydock_resume_frame:
        .cfi_startproc
        movq    %rdi, %rsp
        .cfi_signal_frame
        saved_registers
        leave_frame
        .cfi_endproc
        .size   drydock_resume_frame, . - drydock_resume_frame

        .section .rodata
        .p2align 2
default_mxcsr:
        .long   0x1F80

        .section .note.GNU-stack, "", @progbits
