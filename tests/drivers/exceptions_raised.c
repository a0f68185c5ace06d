/*
 * Routines that raise: ExRaiseStatus and its kin. DOC: DRY-20
 *
 * No mistake. If a code, a place or a parameter is wrong the driver refuses to start.
 */
#include "common/exceptions.h"

static EXCEPTION_RECORD Seen;
static EXCEPTION_RECORD SeenBefore;

static LONG Keep(PEXCEPTION_POINTERS Pointers, LONG What)
{
    Say('f');
    Seen = *Pointers->ExceptionRecord;
    if (Seen.ExceptionRecord != NULL)
        SeenBefore = *Seen.ExceptionRecord;
    return What;
}

static DECLSPEC_NOINLINE VOID Raise(NTSTATUS Status) { ExRaiseStatus(Status); }
static DECLSPEC_NOINLINE VOID RaiseViolation(void) { ExRaiseAccessViolation(); }
static DECLSPEC_NOINLINE VOID RaiseMisalignment(void) { ExRaiseDatatypeMisalignment(); }

#define CODE_OF(Statement) \
    code = 0; \
    __try { Statement; Say('n'); } __except (Keep(GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) { code = GetExceptionCode(); } \
    EXPECT(Said("f"))

static VOID CheckCodes(void)
{
    ULONG code;

    CODE_OF(Raise(STATUS_INSUFFICIENT_RESOURCES));
    EXPECT(code == (ULONG)STATUS_INSUFFICIENT_RESOURCES && (Seen.ExceptionFlags & EXCEPTION_NONCONTINUABLE));
    EXPECT((ULONG_PTR)Seen.ExceptionAddress - (ULONG_PTR)Raise < 64);
    CODE_OF(ExRaiseStatus(STATUS_UNSUCCESSFUL));
    EXPECT(code == (ULONG)STATUS_UNSUCCESSFUL);
    CODE_OF(RtlRaiseStatus(STATUS_UNSUCCESSFUL));
    EXPECT(code == (ULONG)STATUS_UNSUCCESSFUL && (Seen.ExceptionFlags & EXCEPTION_NONCONTINUABLE));
    CODE_OF(RaiseViolation());
    EXPECT(code == (ULONG)STATUS_ACCESS_VIOLATION);
    CODE_OF(RaiseMisalignment());
    EXPECT(code == (ULONG)STATUS_DATATYPE_MISALIGNMENT);
}

static LONG GoOn(PEXCEPTION_POINTERS Pointers)
{
    Say('g');
    Seen = *Pointers->ExceptionRecord;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static VOID CheckRecords(void)
{
    EXCEPTION_RECORD record;

    RtlZeroMemory(&record, sizeof(record));
    record.ExceptionCode = (NTSTATUS)0xE0001234;
    record.NumberParameters = 3;
    record.ExceptionInformation[2] = 77;
    __try { RtlRaiseException(&record); Say('n'); } __except (GoOn(GetExceptionInformation())) { Say('x'); }
    EXPECT(Said("gn"));
    EXPECT(Seen.ExceptionCode == (NTSTATUS)0xE0001234 && Seen.NumberParameters == 3 && Seen.ExceptionInformation[2] == 77);
}

static LONG RefuseThenAccept(PEXCEPTION_POINTERS Pointers)
{
    if (Pointers->ExceptionRecord->ExceptionCode == STATUS_NONCONTINUABLE_EXCEPTION)
        return Keep(Pointers, EXCEPTION_EXECUTE_HANDLER);
    Say('c');
    return EXCEPTION_CONTINUE_EXECUTION;
}

static VOID CheckNoncontinuable(void)
{
    __try { Raise(STATUS_UNSUCCESSFUL); } __except (RefuseThenAccept(GetExceptionInformation())) { Say('x'); }
    EXPECT(Said("cfx"));
    EXPECT(SeenBefore.ExceptionCode == STATUS_UNSUCCESSFUL);
}

static DECLSPEC_NOINLINE ULONG_PTR WhereAmI(PCONTEXT Context)
{
    RtlCaptureContext(Context);
    return (ULONG_PTR)__builtin_frame_address(0);
}

static VOID CheckTables(void)
{
    CONTEXT context;
    ULONG_PTR base = 0, frame = 0;
    PVOID data = NULL;
    PRUNTIME_FUNCTION function;

    WhereAmI(&context);
    EXPECT(context.Rip - (ULONG_PTR)WhereAmI < 64);
    function = RtlLookupFunctionEntry(context.Rip, &base, NULL);
    EXPECT(function != NULL && base != 0);
    EXPECT(base + function->BeginAddress == (ULONG_PTR)WhereAmI);
    EXPECT(RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context.Rip, function, &context, &data, &frame, NULL) == NULL);
    EXPECT(context.Rip - (ULONG_PTR)CheckTables < 256);
    EXPECT(RtlLookupFunctionEntry((ULONG_PTR)NOWHERE, &base, NULL) == NULL);
}

static void Check(void)
{
    CheckCodes();
    CheckRecords();
    CheckNoncontinuable();
    CheckTables();
}
