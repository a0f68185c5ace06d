/*
 * An exception that nobody handles stops the machine: in a system thread, as HwFindAdapter runs on one, 0x7E. DOC: VER-133 VER-134
 *
 * Mistake: the filter takes access violations only. drydock says so with the stack of the routine that raised, not that of
 * the filter. The twin takes whatever comes.
 */
#include "common/exceptions.h"

#ifdef TWIN_CORRECT
#define WANTED EXCEPTION_EXECUTE_HANDLER
#else
#define WANTED (GetExceptionCode() == (ULONG)STATUS_ACCESS_VIOLATION)
#endif

static DECLSPEC_NOINLINE VOID GiveUp(NTSTATUS Status)
{
    ExRaiseStatus(Status); /* EXPECT: exception 0xc000009a was raised */
}

static void Check(void)
{
    __try {
        __try { GiveUp(STATUS_INSUFFICIENT_RESOURCES); } __finally { Say('F'); }
    } __except (WANTED) { Say('h'); }
    EXPECT(Said("Fh"));
}
