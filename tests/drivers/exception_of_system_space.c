/*
 * No handler is asked about an address of the system where nothing is (0x50). DOC: VER-132
 *
 * Mistake: a pointer to system space is tried out under __try. The twin asks about an address of user space.
 */
#include "common/exceptions.h"

#ifdef TWIN_CORRECT
#define TRIED NOWHERE
#else
#define TRIED ((volatile ULONG *)0xFFFF800000001000)
#endif

static DECLSPEC_NOINLINE ULONG Guarded(volatile ULONG *From)
{
    ULONG value = 0;

    __try {
        value = *From; /* EXPECT: read of address 0xffff800000001000 */
    } __except (EXCEPTION_EXECUTE_HANDLER) { Say('h'); }
    return value;
}

static void Check(void)
{
    Guarded(TRIED);
    EXPECT(Said("h"));
}
