/*
 * A function that handles an exception has, and gives back to its caller, the registers it would have had without one: all
 * that the calling convention preserves, xmm6 to xmm15 with both halves. DOC: DRY-20
 *
 * No mistake. If one register differs, the driver refuses to start.
 */
#include "common/exceptions.h"

typedef struct _PRESERVED {
    ULONG64 General[7]; /* rbx rsi rdi r12 r13 r14 r15 */
    ULONG64 Pad;
    M128A   Xmm[10];    /* xmm6 … xmm15 */
} PRESERVED;

typedef ULONG GUARDED(ULONG How);

#define CLOBBERED \
    "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
        "xmm14", "xmm15", "memory"

/* Every preserved register is changed, then the exception comes: by a trap, or by a routine. */
static DECLSPEC_NOINLINE VOID Spoil(ULONG How)
{
    __asm__ volatile(
        "xorl %%ebx, %%ebx\n xorl %%esi, %%esi\n xorl %%edi, %%edi\n xorl %%r12d, %%r12d\n xorl %%r13d, %%r13d\n"
        "xorl %%r14d, %%r14d\n xorl %%r15d, %%r15d\n xorps %%xmm6, %%xmm6\n xorps %%xmm7, %%xmm7\n xorps %%xmm8, %%xmm8\n"
        "xorps %%xmm9, %%xmm9\n xorps %%xmm10, %%xmm10\n xorps %%xmm11, %%xmm11\n xorps %%xmm12, %%xmm12\n"
        "xorps %%xmm13, %%xmm13\n xorps %%xmm14, %%xmm14\n xorps %%xmm15, %%xmm15" : : : CLOBBERED);
    if (How == 0)
        *NOWHERE = 1;
    ExRaiseStatus(STATUS_UNSUCCESSFUL);
}

static DECLSPEC_NOINLINE ULONG Guarded(ULONG How)
{
    __try { Spoil(How); } __except (EXCEPTION_EXECUTE_HANDLER) { return 1; }
    return 0;
}

static DECLSPEC_NOINLINE VOID SpoilInBlock(ULONG How)
{
    __try { Spoil(How); } __finally {
        __try { Spoil(1 - How); } __except (EXCEPTION_EXECUTE_HANDLER) { Say('i'); }
    }
}

static DECLSPEC_NOINLINE ULONG GuardedDeeply(ULONG How)
{
    __try { SpoilInBlock(How); } __except (EXCEPTION_EXECUTE_HANDLER) { return 1; }
    return 0;
}

/* Calls with every preserved register set, and stores what they are afterwards. No walk passes through here. */
__attribute__((naked)) static ULONG CallWith(GUARDED *Routine, ULONG How, const PRESERVED *Before, PRESERVED *After)
{
    __asm__(
        "pushq %rbx ; pushq %rsi ; pushq %rdi ; pushq %r12 ; pushq %r13 ; pushq %r14 ; pushq %r15 ; pushq %rbp\n\t"
        "subq $200, %rsp\n\t"
        "movups %xmm6, 40(%rsp) ; movups %xmm7, 56(%rsp)\n\t"
        "movups %xmm8, 72(%rsp) ; movups %xmm9, 88(%rsp)\n\t"
        "movups %xmm10, 104(%rsp) ; movups %xmm11, 120(%rsp)\n\t"
        "movups %xmm12, 136(%rsp) ; movups %xmm13, 152(%rsp)\n\t"
        "movups %xmm14, 168(%rsp) ; movups %xmm15, 184(%rsp)\n\t"
        "movq %r9, 32(%rsp)\n\t"
        "movq 0(%r8), %rbx\n\t"
        "movq 8(%r8), %rsi\n\t"
        "movq 16(%r8), %rdi\n\t"
        "movq 24(%r8), %r12\n\t"
        "movq 32(%r8), %r13\n\t"
        "movq 40(%r8), %r14\n\t"
        "movq 48(%r8), %r15\n\t"
        "movups 64(%r8), %xmm6 ; movups 80(%r8), %xmm7\n\t"
        "movups 96(%r8), %xmm8 ; movups 112(%r8), %xmm9\n\t"
        "movups 128(%r8), %xmm10 ; movups 144(%r8), %xmm11\n\t"
        "movups 160(%r8), %xmm12 ; movups 176(%r8), %xmm13\n\t"
        "movups 192(%r8), %xmm14 ; movups 208(%r8), %xmm15\n\t"
        "movq %rcx, %rax ; movl %edx, %ecx ; call *%rax ; movq 32(%rsp), %r9\n\t"
        "movq %rbx, 0(%r9)\n\t"
        "movq %rsi, 8(%r9)\n\t"
        "movq %rdi, 16(%r9)\n\t"
        "movq %r12, 24(%r9)\n\t"
        "movq %r13, 32(%r9)\n\t"
        "movq %r14, 40(%r9)\n\t"
        "movq %r15, 48(%r9)\n\t"
        "movups %xmm6, 64(%r9) ; movups %xmm7, 80(%r9)\n\t"
        "movups %xmm8, 96(%r9) ; movups %xmm9, 112(%r9)\n\t"
        "movups %xmm10, 128(%r9) ; movups %xmm11, 144(%r9)\n\t"
        "movups %xmm12, 160(%r9) ; movups %xmm13, 176(%r9)\n\t"
        "movups %xmm14, 192(%r9) ; movups %xmm15, 208(%r9)\n\t"
        "movups 40(%rsp), %xmm6 ; movups 56(%rsp), %xmm7\n\t"
        "movups 72(%rsp), %xmm8 ; movups 88(%rsp), %xmm9\n\t"
        "movups 104(%rsp), %xmm10 ; movups 120(%rsp), %xmm11\n\t"
        "movups 136(%rsp), %xmm12 ; movups 152(%rsp), %xmm13\n\t"
        "movups 168(%rsp), %xmm14 ; movups 184(%rsp), %xmm15\n\t"
        "addq $200, %rsp\n\t"
        "popq %rbp ; popq %r15 ; popq %r14 ; popq %r13 ; popq %r12 ; popq %rdi ; popq %rsi ; popq %rbx\n\t"
        "ret");
}

static VOID Fill(PRESERVED *Values)
{
    ULONG64 *word = (ULONG64 *)Values;
    ULONG i;

    for (i = 0; i < sizeof(*Values) / 8; ++i)
        word[i] = 0x0123456789ABCDEFull * (i + 3);
}

static void Check(void)
{
    static GUARDED *const routines[] = {Guarded, GuardedDeeply};
    static PRESERVED before, after;
    ULONG routine, how;

    Fill(&before);
    for (routine = 0; routine < 2; ++routine)
        for (how = 0; how < 2; ++how) {
            RtlZeroMemory(&after, sizeof(after));
            EXPECT(CallWith(routines[routine], how, &before, &after) == 1);
            after.Pad = before.Pad;
            EXPECT(memcmp(&before, &after, sizeof(before)) == 0);
        }
    EXPECT(Said("ii"));
}
