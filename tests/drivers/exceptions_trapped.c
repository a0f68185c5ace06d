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

/* Does the scope table of the function at Address guard it with an __except? Read as "x64 exception handling" has it. */
static BOOLEAN IsGuarded(PVOID Address)
{
    ULONG_PTR base = 0;
    PRUNTIME_FUNCTION function = RtlLookupFunctionEntry((ULONG_PTR)Address, &base, NULL);
    ULONG rva = (ULONG)((ULONG_PTR)Address - base), codes, i;
    const UCHAR *info;
    const SCOPE_TABLE_AMD64 *table;

    if (function == NULL)
        return FALSE;
    info = (const UCHAR *)(base + function->UnwindInfoAddress);
    codes = (info[2] + 1u) & ~1u;
    if (((info[0] >> 3) & UNW_FLAG_EHANDLER) == 0)
        return FALSE;
    table = (const SCOPE_TABLE_AMD64 *)(info + 4 + codes * 2 + sizeof(ULONG));
    for (i = 0; i < table->Count; ++i)
        if (rva >= table->ScopeRecord[i].BeginAddress && rva < table->ScopeRecord[i].EndAddress &&
            table->ScopeRecord[i].JumpTarget != 0)
            return TRUE;
    return FALSE;
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
    CheckContinuing();
}
