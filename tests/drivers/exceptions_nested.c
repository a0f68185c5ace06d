/*
 * The order of filters, __finally blocks and handlers, within a function and across functions; exceptions in filters and
 * in __finally blocks; exceptions raised again. DOC: DRY-20
 *
 * No mistake. If the order of events is not the documented one, the driver refuses to start.
 */
#include "common/exceptions.h"

static volatile ULONG One = 1;

/* To clang it may return: a __finally block that never ends would make it drop what is around it. */
static DECLSPEC_NOINLINE VOID Raise(ULONG Code)
{
    if (One)
        ExRaiseStatus((NTSTATUS)(0xE0000000 | Code));
}

/* Filters first, from the innermost outwards; then the blocks, from the innermost outwards; then the handler. */
static DECLSPEC_NOINLINE VOID Inner(void)
{
    __try {
        __try { Say('a'); Raise(1); Say('n'); } __finally { Say(AbnormalTermination() ? 'F' : 'f'); }
    } __except (Answer('1', EXCEPTION_CONTINUE_SEARCH)) { Say('x'); }
    Say('n');
}

static VOID TwoPhases(void)
{
    __try {
        __try { Inner(); } __finally { Say('G'); }
    } __except (Answer('2', EXCEPTION_EXECUTE_HANDLER)) { Say('h'); }
    Say('e');
    EXPECT(Said("a12FGhe"));
}

static VOID WithoutException(void)
{
    __try {
        __try { Say('a'); } __finally { Say(AbnormalTermination() ? 'F' : 'f'); }
        Say('b');
    } __except (Answer('1', EXCEPTION_EXECUTE_HANDLER)) { Say('x'); }
    EXPECT(Said("afb"));
}

/* What is not left is not terminated: a __finally around the __try that handles. */
static VOID HandledInside(void)
{
    __try {
        __try { Raise(1); } __except (Answer('1', EXCEPTION_EXECUTE_HANDLER)) { Say('h'); }
        Say('i');
    } __finally { Say(AbnormalTermination() ? 'F' : 'f'); }
    EXPECT(Said("1hif"));
}

static VOID FromAHandler(void)
{
    __try {
        __try { Raise(1); } __except (Answer('1', EXCEPTION_EXECUTE_HANDLER)) {
            Say('h');
            Raise(2);
        }
    } __except (Answer('2', EXCEPTION_EXECUTE_HANDLER)) { Say(GetExceptionCode() == 0xE0000002 ? 'j' : '?'); }
    EXPECT(Said("1h2j"));
}

/* A handler inside a handler, with a block in it that the first exception does not reach. */
static VOID TryInsideAHandler(void)
{
    __try { Raise(1); } __except (Answer('1', EXCEPTION_EXECUTE_HANDLER)) {
        __try {
            __try { Raise(2); } __finally { Say('F'); }
        } __except (Answer('2', EXCEPTION_EXECUTE_HANDLER)) { Say('h'); }
    }
    EXPECT(Said("12Fh"));
}

static DECLSPEC_NOINLINE LONG RaisingFilter(void)
{
    Say('r');
    Raise(2);
    return EXCEPTION_EXECUTE_HANDLER;
}

static DECLSPEC_NOINLINE LONG GuardedFilter(void)
{
    __try { Raise(2); } __except (Answer('g', EXCEPTION_EXECUTE_HANDLER)) { Say('k'); }
    return EXCEPTION_EXECUTE_HANDLER;
}

static VOID ExceptionWithinAFilter(void)
{
    __try { Raise(1); } __except (GuardedFilter()) { Say(GetExceptionCode() == 0xE0000001 ? 'h' : '?'); }
    EXPECT(Said("gkh"));
}

/* It passes out of the filter: the frames of the first exception are searched again, and unwound by the second. */
static ULONG Asked;

static DECLSPEC_NOINLINE LONG RaiseOnce(void) { return Asked++ == 0 ? RaisingFilter() : Answer('s', EXCEPTION_CONTINUE_SEARCH); }

static VOID ExceptionOutOfAFilter(void)
{
    Asked = 0;
    __try {
        __try {
            __try { Raise(1); } __finally { Say('F'); }
        } __except (RaiseOnce()) { Say('x'); }
    } __except (Answer('2', EXCEPTION_EXECUTE_HANDLER)) { Say(GetExceptionCode() == 0xE0000002 ? 'h' : '?'); }
    EXPECT(Said("rs2Fh"));
}

static VOID ExceptionWithinAFinally(void)
{
    __try {
        __try { Raise(1); } __finally {
            Say('F');
            __try { Raise(2); } __except (Answer('2', EXCEPTION_EXECUTE_HANDLER)) { Say('k'); }
            Say('G');
        }
    } __except (Answer('1', EXCEPTION_EXECUTE_HANDLER)) { Say(GetExceptionCode() == 0xE0000001 ? 'h' : '?'); }
    EXPECT(Said("1F2kGh"));
}

/* The second exception takes over: the block that raised it is not run again, those further out are. */
static DECLSPEC_NOINLINE VOID Collide(void)
{
    __try {
        __try {
            __try { Raise(1); } __finally { Say('F'); Raise(2); Say('n'); }
        } __finally { Say('G'); }
    } __except (Answer('1', GetExceptionCode() == 0xE0000003)) { Say('x'); }
}

static VOID ExceptionOutOfAFinally(void)
{
    __try { Collide(); } __except (Answer('2', EXCEPTION_EXECUTE_HANDLER)) { Say(GetExceptionCode() == 0xE0000002 ? 'h' : '?'); }
    EXPECT(Said("12F12Gh"));
}

/* From a __finally further in than the target, caught between. */
static VOID CollisionCaughtFurtherIn(void)
{
    __try {
        __try {
            __try { Raise(1); } __finally { Say('F'); Raise(2); }
        } __except (Answer('m', GetExceptionCode() == 0xE0000002)) { Say('k'); }
        Say('l');
    } __except (Answer('o', EXCEPTION_EXECUTE_HANDLER)) { Say('x'); }
    EXPECT(Said("moFmkl"));
}

static DECLSPEC_NOINLINE ULONG LeaveEarly(ULONG How)
{
    ULONG i;

    for (i = 0; i < 3; ++i) {
        __try {
            if (How == 0)
                return 10;
            if (How == 1)
                break;
            if (How == 2)
                continue;
            if (How == 3)
                __leave;
            Say('n');
        } __finally { Say(AbnormalTermination() ? 'F' : 'f'); }
    }
    return i;
}

static VOID JumpsOut(void)
{
    EXPECT(LeaveEarly(0) == 10);
    EXPECT(Said("F"));
    EXPECT(LeaveEarly(1) == 0);
    EXPECT(Said("F"));
    EXPECT(LeaveEarly(3) == 3);
    EXPECT(Said("fff"));
}

/* Many frames between: each with registers of its own, some with blocks. */
static DECLSPEC_NOINLINE ULONG Deep(ULONG Levels)
{
    volatile ULONG mine = Levels;

    if (Levels == 0)
        Raise(9);
    if (Levels % 3 == 0) {
        __try { Deep(Levels - 1); } __finally { Say((char)('a' + mine / 3)); }
        return mine;
    }
    return Deep(Levels - 1) + mine;
}

static VOID AcrossManyFrames(void)
{
    volatile ULONG local = 5;

    __try { Deep(12); } __except (GetExceptionCode() == 0xE0000009) { Say('h'); }
    EXPECT(local == 5);
    EXPECT(Said("bcdeh"));
}

static VOID ManyTimes(void)
{
    ULONG i, caught = 0;

    for (i = 0; i < 1000; ++i)
        __try {
            if (i % 2)
                Raise(i);
            *NOWHERE = i;
        } __except (EXCEPTION_EXECUTE_HANDLER) { ++caught; }
    EXPECT(caught == 1000);
}

static void Check(void)
{
    TwoPhases();
    WithoutException();
    HandledInside();
    FromAHandler();
    TryInsideAHandler();
    ExceptionWithinAFilter();
    ExceptionOutOfAFilter();
    ExceptionWithinAFinally();
    ExceptionOutOfAFinally();
    CollisionCaughtFurtherIn();
    JumpsOut();
    AcrossManyFrames();
    ManyTimes();
}
