/* What clang for MSVC targets expects of the C run-time library, in a driver that has none. */
int _fltused = 0x9875;

/* In: rax = bytes of the frame; the caller subtracts. Touches every page and keeps all registers but r10 and r11. */
__attribute__((naked)) void __chkstk(void) {
  __asm__("leaq 8(%rsp), %r10\n\t"
          "movq %rax, %r11\n"
          "1: cmpq $4096, %r11\n\t"
          "jb 2f\n\t"
          "subq $4096, %r10\n\t"
          "orl $0, (%r10)\n\t"
          "subq $4096, %r11\n\t"
          "jmp 1b\n"
          "2: subq %r11, %r10\n\t"
          "orl $0, (%r10)\n\t"
          "ret");
}
