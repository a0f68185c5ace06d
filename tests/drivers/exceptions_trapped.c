/*
 * What the processor refuses is an exception that a handler of the driver may take: DOC: DRY-20.
 *
 * No mistake. The driver looks at code, place and parameters of each, and refuses to start if one is not as documented.
 */
#include "common/exceptions.h"

static EXCEPTION_RECORD Seen;
static CONTEXT SeenContext;

static LONG Keep(PEXCEPTION_POINTERS Pointers)
{
    Seen = *Pointers->ExceptionRecord;
    SeenContext = *Pointers->ContextRecord;
    return EXCEPTION_EXECUTE_HANDLER;
}

static DECLSPEC_NOINLINE ULONG Load(volatile ULONG *From) { return *From; }
static DECLSPEC_NOINLINE VOID Store(volatile ULONG *To) { *To = 1; }
static DECLSPEC_NOINLINE VOID Call(void (*Where)(void)) { Where(); Facts += 0; }
static DECLSPEC_NOINLINE VOID Illegal(void) { __asm__ volatile("ud2"); }
static DECLSPEC_NOINLINE VOID Break(void) { __asm__ volatile("int3"); Say('c'); }
static DECLSPEC_NOINLINE VOID Misaligned(PVOID Where) { __asm__ volatile("movaps (%0), %%xmm0" : : "r"(Where) : "xmm0"); }
static DECLSPEC_NOINLINE ULONG Divide(LONG Low, LONG High, LONG By)
{
    LONG quotient = Low, rest = High;

    __asm__ volatile("idivl %2" : "+a"(quotient), "+d"(rest) : "r"(By));
    return (ULONG)quotient;
}
static DECLSPEC_NOINLINE ULONG DivideByMemory(volatile LONG *By)
{
    LONG quotient = 7, rest = 0;

    __asm__ volatile("idivl %2" : "+a"(quotient), "+d"(rest) : "m"(*By));
    return (ULONG)quotient;
}

#define CAUGHT(Statement) \
    RtlZeroMemory(&Seen, sizeof(Seen)); \
    __try { Statement; Say('n'); } __except (Keep(GetExceptionInformation())) { Say('x'); code = GetExceptionCode(); } \
    EXPECT(Said("x")); \
    EXPECT(code == (ULONG)Seen.ExceptionCode); \
    EXPECT(Seen.ExceptionFlags == 0 && Seen.ExceptionRecord == NULL)

#define INSIDE(Function) \
    EXPECT((ULONG_PTR)Seen.ExceptionAddress - (ULONG_PTR)(Function) < 64); \
    EXPECT(SeenContext.Rip == (ULONG_PTR)Seen.ExceptionAddress)

static VOID CheckAddresses(void)
{
    ULONG code = 0;

    CAUGHT(Load(NOWHERE));
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION && Seen.NumberParameters == 2);
    EXPECT(Seen.ExceptionInformation[0] == EXCEPTION_READ_FAULT && Seen.ExceptionInformation[1] == (ULONG_PTR)NOWHERE);
    INSIDE(Load);
    CAUGHT(Store(NOWHERE));
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT(Seen.ExceptionInformation[0] == EXCEPTION_WRITE_FAULT && Seen.ExceptionInformation[1] == (ULONG_PTR)NOWHERE);
    INSIDE(Store);
    CAUGHT(Load(NULL));
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION && Seen.ExceptionInformation[1] == 0);
    CAUGHT(Call((void (*)(void))0x20));
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT(Seen.ExceptionInformation[0] == EXCEPTION_EXECUTE_FAULT && Seen.ExceptionInformation[1] == 0x20);
    CAUGHT(Load((volatile ULONG *)0x4141414141414140));
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION && Seen.ExceptionInformation[1] == ~(ULONG_PTR)0);
    CAUGHT(Misaligned((PCHAR)&Seen + 4));
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION && Seen.ExceptionInformation[1] == ~(ULONG_PTR)0);
    INSIDE(Misaligned);
}

/* The access itself is in the guarded range, not in a function called from it. */
static VOID CheckDirect(void)
{
    volatile ULONG before = 1;

    __try { *NOWHERE = 5; } __except (Keep(GetExceptionInformation())) { Say('x'); }
    EXPECT(Said("x"));
    EXPECT(IsGuarded(Seen.ExceptionAddress));
    EXPECT(!IsGuarded((PVOID)(ULONG_PTR)Load));

    __try {
        before = 2;
        *NOWHERE = 5;
        before = 3;
    } __except (GetExceptionCode() == (ULONG)STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        Say('x');
    }
    EXPECT(Said("x"));
    EXPECT(before == 2);
}

static VOID CheckArithmetic(void)
{
    volatile LONG zero = 0, minus = -1;
    ULONG code = 0;

    CAUGHT(Divide(1, 0, 0));
    EXPECT(code == (ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO);
    INSIDE(Divide);
    CAUGHT(Divide((LONG)0x80000000, -1, -1));
    EXPECT(code == (ULONG)STATUS_INTEGER_OVERFLOW);
    CAUGHT(DivideByMemory(&zero));
    EXPECT(code == (ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO);
    EXPECT(DivideByMemory(&minus) == (ULONG)-7);
    CAUGHT(Illegal());
    EXPECT(code == (ULONG)STATUS_ILLEGAL_INSTRUCTION);
    EXPECT(Seen.ExceptionAddress == (PVOID)(ULONG_PTR)SeenContext.Rip);
    CAUGHT(Break());
    EXPECT(code == (ULONG)STATUS_BREAKPOINT);
    EXPECT(*(UCHAR *)Seen.ExceptionAddress == 0xCC && SeenContext.Rip == (ULONG_PTR)Seen.ExceptionAddress);
}

/* Unmasked, an operation of SSE that has no ordinary result is an exception; each of its kinds has a code. */
#define FLOATS(Name, Unmask, First, Operation, Second) \
    static DECLSPEC_NOINLINE VOID Name(void) \
    { \
        static const float first = First, second = Second; \
        static const ULONG control = 0x1F80 & ~(ULONG)(Unmask); \
        __asm__ volatile("movss %0, %%xmm0\n ldmxcsr %2\n " Operation " %1, %%xmm0" : : "m"(first), "m"(second), "m"(control) : "xmm0"); \
    }
FLOATS(FloatInvalid, 0x80, 0.0f, "divss", 0.0f)
FLOATS(FloatDenormal, 0x100, 1.0f, "addss", 1e-42f)
FLOATS(FloatDivide, 0x200, 1.0f, "divss", 0.0f)
FLOATS(FloatOverflow, 0x400, 3e38f, "mulss", 10.0f)
FLOATS(FloatUnderflow, 0x800, 1e-38f, "mulss", 1e-10f)
FLOATS(FloatInexact, 0x1000, 1.0f, "divss", 3.0f)

static VOID CheckFloat(VOID (*Operation)(void), NTSTATUS Status)
{
    static const ULONG masked = 0x1F80;
    ULONG code = 0;

    CAUGHT(Operation());
    __asm__ volatile("ldmxcsr %0" : : "m"(masked));
    EXPECT(code == (ULONG)Status);
    INSIDE(Operation);
    EXPECT((SeenContext.MxCsr & 0x1F80) != masked);
}

static VOID CheckFloats(void)
{
    CheckFloat(FloatInvalid, STATUS_FLOAT_INVALID_OPERATION);
    CheckFloat(FloatDenormal, STATUS_FLOAT_DENORMAL_OPERAND);
    CheckFloat(FloatDivide, STATUS_FLOAT_DIVIDE_BY_ZERO);
    CheckFloat(FloatOverflow, STATUS_FLOAT_OVERFLOW);
    CheckFloat(FloatUnderflow, STATUS_FLOAT_UNDERFLOW);
    CheckFloat(FloatInexact, STATUS_FLOAT_INEXACT_RESULT);
}

static LONG StepOver(PEXCEPTION_POINTERS Pointers)
{
    Say('f');
    Pointers->ContextRecord->Rip += 1;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static ULONG Good = 4711;

static LONG Repair(PEXCEPTION_POINTERS Pointers)
{
    Say('r');
    Pointers->ContextRecord->Rcx = (ULONG_PTR)&Good;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static DECLSPEC_NOINLINE ULONG LoadThroughRcx(PVOID Where)
{
    ULONG value;

    __asm__ volatile("movl (%%rcx), %0" : "=a"(value) : "c"(Where));
    return value;
}

static VOID CheckContinuing(void)
{
    volatile ULONG value = 0;

    __try { Break(); Say('n'); } __except (StepOver(GetExceptionInformation())) { Say('x'); }
    EXPECT(Said("fcn"));
    __try { value = LoadThroughRcx((PVOID)NOWHERE); Say('n'); } __except (Repair(GetExceptionInformation())) { Say('x'); }
    EXPECT(Said("rn"));
    EXPECT(value == 4711);
    Break(); /* nobody handles it: passed */
    EXPECT(Said("c"));
}

static void Check(void)
{
    CheckAddresses();
    CheckDirect();
    CheckArithmetic();
    CheckFloats();
    CheckContinuing();
}
