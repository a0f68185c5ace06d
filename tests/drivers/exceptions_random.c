/*
 * Random nestings of __try, __except and __finally, with exceptions in filters and blocks, against a plain model of the
 * order of events: exceptions_random.py. DOC: DRY-20
 *
 * No mistake. If one event differs from the model's, the driver refuses to start.
 */
#include "common/exceptions.h"

static USHORT Events[1024];
static ULONG  EventCount;
static volatile ULONG One = 1;

typedef struct _CASE {
    VOID (*Run)(void);
    const USHORT *Expected; /* the number of events, then the events */
} CASE;

static DECLSPEC_NOINLINE VOID Event(USHORT Number)
{
    if (EventCount < ARRAYSIZE(Events))
        Events[EventCount] = Number;
    ++EventCount;
}

static DECLSPEC_NOINLINE VOID Raise(ULONG Code)
{
    if (One)
        ExRaiseStatus((NTSTATUS)Code);
}

static DECLSPEC_NOINLINE VOID RaiseSoftly(ULONG Code)
{
    EXCEPTION_RECORD record;

    RtlZeroMemory(&record, sizeof(record));
    record.ExceptionCode = (NTSTATUS)Code;
    RtlRaiseException(&record);
}

static DECLSPEC_NOINLINE VOID Trap(void) { *NOWHERE = 1; }

#include "exceptions_random.h"

static BOOLEAN AsExpected(const CASE *Case)
{
    ULONG i;

    EventCount = 0;
    __try { Case->Run(); } __except (EXCEPTION_EXECUTE_HANDLER) {
        Event(0);
        Event((USHORT)(GetExceptionCode() & 0x7FFF));
    }
    for (i = 0; i < Case->Expected[0]; ++i)
        if (i >= EventCount || Events[i] != Case->Expected[i + 1]) {
            DbgPrint("case %u: event %u of %u is %x, expected %x\n", (ULONG)(Case - Cases), i, EventCount,
                     i < EventCount ? Events[i] : 0, Case->Expected[i + 1]);
            return FALSE;
        }
    return EventCount == Case->Expected[0];
}

static void Check(void)
{
    ULONG i;

    UNREFERENCED_PARAMETER(Said);
    for (i = 0; i < ARRAYSIZE(Cases); ++i)
        EXPECT(AsExpected(&Cases[i]));
}
