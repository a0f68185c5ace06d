/* What gcc calls without saying so, in a driver that has no C run-time library: ___chkstk_ms touches every page of a large
 * stack frame. In: rax = bytes of the frame. All registers are kept, the stack pointer too (the caller subtracts). */
        .text
        .globl  ___chkstk_ms
___chkstk_ms:
        pushq   %rcx
        pushq   %rax
        leaq    24(%rsp), %rcx
1:      cmpq    $4096, %rax
        jb      2f
        subq    $4096, %rcx
        orl     $0, (%rcx)
        subq    $4096, %rax
        jmp     1b
2:      subq    %rax, %rcx
        orl     $0, (%rcx)
        popq    %rax
        popq    %rcx
        ret
