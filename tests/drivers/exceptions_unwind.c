/*
 * What drivers rarely do themselves: language handlers of their own, RtlUnwind and RtlUnwindEx, _local_unwind as Microsoft's
 * compiler calls it, and the handler of a function with both __try and a security cookie, which is linked into the driver and
 * asks __C_specific_handler. The functions concerned are in assembly, with unwind information of their own. DOC: DRY-20
 *
 * No mistake. If an order, a flag or a register is wrong the driver refuses to start.
 */
#include "common/exceptions.h"

typedef ULONG ROUTINE(void);

void _local_unwind(PVOID Frame, PVOID Target);

ULONG Catching(ROUTINE *Routine);       /* without a handler; Landing adds 1000 */
ULONG Handling(ROUTINE *Routine);       /* OwnHandler; HandlingBlock adds 2000 */
ULONG LeavingEarly(void);               /* leaves a __try by _local_unwind */
ULONG WithCookie(ROUTINE *Routine);     /* __GSHandlerCheck_SEH; its __except gives 4000 and rbx */
extern char Landing[], HandlingBlock[], CookieTry[];
PVOID CatchingFrame;

#define FUNCTION(Name, Handler) \
    ".globl " #Name "\n.seh_proc " #Name "\n" #Name ":\n" Handler \
    "pushq %rbx\n.seh_pushreg %rbx\nsubq $0x30, %rsp\n.seh_stackalloc 0x30\n.seh_endprologue\n"
#define LEAVE "addq $0x30, %rsp\npopq %rbx\nretq\n"

__asm__(
    ".text\n"
    FUNCTION(Catching, "")
    "movl $7, %ebx\n movq %rsp, CatchingFrame(%rip)\n callq *%rcx\n xorl %eax, %eax\n jmp 1f\n"
    ".globl Landing\nLanding:\n leal 1000(%rax,%rbx), %eax\n"
    "1: " LEAVE ".seh_endproc\n"

    FUNCTION(Handling, ".seh_handler OwnHandler, @except, @unwind\n")
    "movl $8, %ebx\n callq *%rcx\n xorl %eax, %eax\n jmp 1f\n"
    ".globl HandlingBlock\nHandlingBlock:\n leal 2000(%rax,%rbx), %eax\n"
    "1: " LEAVE ".seh_endproc\n"

    FUNCTION(LeavingEarly, ".seh_handler __C_specific_handler, @except, @unwind\n")
    "movl $9, %ebx\n"
    "LeavingTry: movq %rsp, %rcx\n leaq LeavingOut(%rip), %rdx\n callq _local_unwind\n int3\n"
    "LeavingTryEnd: xorl %eax, %eax\n jmp 1f\n"
    "LeavingOut: leal 3000(%rbx), %eax\n"
    "1: " LEAVE
    ".seh_handlerdata\n.long 1\n.long LeavingTry@IMGREL, LeavingTryEnd@IMGREL, LeavingBlock@IMGREL, 0\n.text\n.seh_endproc\n"

    FUNCTION(WithCookie, ".seh_handler __GSHandlerCheck_SEH, @except, @unwind\n")
    "movq Cookie(%rip), %rax\n xorq %rsp, %rax\n movq %rax, 0x28(%rsp)\n movl $10, %ebx\n"
    ".globl CookieTry\nCookieTry: callq *%rcx\n nop\n"
    "CookieTryEnd: xorl %eax, %eax\n jmp 1f\n"
    "CookieBlock: leal 4000(%rbx), %eax\n"
    "1: " LEAVE
    ".seh_handlerdata\n.long 1\n.long CookieTry@IMGREL, CookieTryEnd@IMGREL, CookieFilter@IMGREL, CookieBlock@IMGREL\n"
    ".long 0x28 + 3\n.text\n.seh_endproc\n");

/* --- the driver's own unwinding ------------------------------------------------------------------------------------------ */

static DECLSPEC_NOINLINE VOID UnwindToCatching(void)
{
    volatile BOOLEAN extended = LogLength != 0 && Log[0] == 'x';
    CONTEXT context;

    if (extended)
        RtlUnwindEx(CatchingFrame, Landing, NULL, (PVOID)34, &context, NULL);
    RtlUnwind(CatchingFrame, Landing, NULL, (PVOID)33);
}

static DECLSPEC_NOINLINE ULONG Inside(void)
{
    __try {
        __try { UnwindToCatching(); Say('n'); } __finally { Say(AbnormalTermination() ? 'F' : 'f'); }
    } __except (Answer('1', EXCEPTION_EXECUTE_HANDLER)) { Say('x'); }
    return 1;
}

static VOID CheckUnwinding(void)
{
    EXPECT(Catching(Inside) == 1000 + 7 + 33);
    EXPECT(Said("F"));
    Say('x');
    EXPECT(Catching(Inside) == 1000 + 7 + 34);
    EXPECT(Said("xF"));
}

/* Nothing of Catching is on the stack any more. */
static VOID CheckBadTarget(void)
{
    ULONG code = 0;

    __try { UnwindToCatching(); Say('n'); } __except (EXCEPTION_EXECUTE_HANDLER) { code = GetExceptionCode(); }
    EXPECT(code == (ULONG)STATUS_INVALID_UNWIND_TARGET);
    EXPECT(Said(""));
}

/* --- a language handler ---------------------------------------------------------------------------------------------------- */

static ULONG Take;
static CONTEXT UnwindContext;

EXCEPTION_DISPOSITION OwnHandler(PEXCEPTION_RECORD Record, PVOID Frame, PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher)
{
    if (IS_DISPATCHING(Record->ExceptionFlags)) {
        Say('s');
        EXPECT(Dispatcher->LanguageHandler == (PEXCEPTION_ROUTINE)(PVOID)OwnHandler);
        EXPECT(Dispatcher->ImageBase + Dispatcher->FunctionEntry->BeginAddress == (ULONG_PTR)Handling);
        EXPECT(Context->Rip == (ULONG_PTR)Record->ExceptionAddress);
        if (Take)
            RtlUnwindEx(Frame, HandlingBlock, Record, (PVOID)(ULONG_PTR)Take, &UnwindContext, Dispatcher->HistoryTable);
    } else {
        Say(IS_TARGET_UNWIND(Record->ExceptionFlags) ? 't' : 'u');
        if (IS_TARGET_UNWIND(Record->ExceptionFlags))
            EXPECT(Dispatcher->TargetIp == (ULONG_PTR)HandlingBlock && Context == &UnwindContext && Context->Rbx == 8);
    }
    return ExceptionContinueSearch;
}

static DECLSPEC_NOINLINE ULONG RaiseInside(void)
{
    __try { ExRaiseStatus(STATUS_UNSUCCESSFUL); } __finally { Say('F'); }
    return 1;
}

static VOID CheckHandler(void)
{
    ULONG code = 0;

    Take = 50;
    EXPECT(Handling(RaiseInside) == 2000 + 8 + 50);
    EXPECT(Said("sFt"));
    Take = 0;
    __try { Handling(RaiseInside); } __except (EXCEPTION_EXECUTE_HANDLER) { code = GetExceptionCode(); }
    EXPECT(code == (ULONG)STATUS_UNSUCCESSFUL);
    EXPECT(Said("sFu"));
}

/* --- what compilers do ------------------------------------------------------------------------------------------------------ */

void LeavingBlock(BOOLEAN Abnormal, PVOID Frame)
{
    UNREFERENCED_PARAMETER(Frame);
    Say(Abnormal ? 'L' : 'l');
}

ULONG_PTR Cookie = 0x1234567890AB;
static ULONG CookiesChecked;

LONG CookieFilter(PEXCEPTION_POINTERS Pointers, PVOID Frame)
{
    UNREFERENCED_PARAMETER(Frame);
    Say('f');
    return Pointers->ExceptionRecord->ExceptionCode == STATUS_UNSUCCESSFUL ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

/* Behind the scope table: the cookie's offset, whose low bits say for which phase the scopes count. */
EXCEPTION_DISPOSITION __GSHandlerCheck_SEH(PEXCEPTION_RECORD Record, PVOID Frame, PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher)
{
    const SCOPE_TABLE_AMD64 *table = Dispatcher->HandlerData;
    ULONG behind = *(const ULONG *)&table->ScopeRecord[table->Count];
    ULONG_PTR kept = *(ULONG_PTR *)((PCHAR)Frame + (behind & ~7u));

    ++CookiesChecked;
    EXPECT((kept ^ (ULONG_PTR)Frame) == Cookie);
    if ((behind & (IS_DISPATCHING(Record->ExceptionFlags) ? 1u : 2u)) == 0)
        return ExceptionContinueSearch;
    return __C_specific_handler(Record, Frame, Context, Dispatcher);
}

static VOID CheckCompilers(void)
{
    ULONG code = 0;

    EXPECT(LeavingEarly() == 3000 + 9);
    EXPECT(Said("L"));
    EXPECT(WithCookie(RaiseInside) == 4000 + 10);
    EXPECT(Said("fF"));
    EXPECT(CookiesChecked == 2); /* once for each phase */
    EXPECT(IsGuarded(CookieTry) && !IsGuarded((PVOID)(ULONG_PTR)WithCookie));
    Take = 0;
    __try { WithCookie((ROUTINE *)(PVOID)NOWHERE); } __except (EXCEPTION_EXECUTE_HANDLER) { code = GetExceptionCode(); }
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT(Said("f"));
}

static void Check(void)
{
    CheckUnwinding();
    CheckBadTarget();
    CheckHandler();
    CheckCompilers();
}
