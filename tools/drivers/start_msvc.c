/* What clang for MSVC targets expects of the C run-time library, in a driver that has none. */
int _fltused = 0x9875;

/*
 * For code built with -fstack-protector, which is /GS: the value that a function with buffers puts before its return
 * address and the check at its end. Whoever loads the driver sets the cookie, found through the load configuration; the
 * linker fills the entry from the symbol of that name. A changed cookie ends the system: int 29h with 2 in ecx,
 * FAST_FAIL_STACK_COOKIE_CHECK_FAILURE.
 */
unsigned long long __security_cookie = 0x00002B992DDFA232;

__attribute__((naked)) void __security_check_cookie(unsigned long long Value) {
  __asm__("cmpq __security_cookie(%rip), %rcx\n\t"
          "jne 1f\n\t"
          "ret\n"
          "1: movl $2, %ecx\n\t"
          "int $0x29");
}

/* The load configuration directory as documented: only the size and the cookie's address say anything. */
__attribute__((used)) const struct {
  unsigned Size;
  char Before[0x54];
  unsigned long long *SecurityCookie;
} _load_config_used = {0x60, {0}, &__security_cookie};

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
