/*
 * No handler is asked about a page fault at DISPATCH_LEVEL (0xD1). DOC: VER-131
 *
 * Mistake: a guarded access to user memory is made with a spin lock held. The twin holds none.
 */
#include "common/exceptions.h"

static DECLSPEC_NOINLINE ULONG Guarded(volatile ULONG *From)
{
    ULONG value = 0;

    __try {
        value = *From; /* EXPECT: read of address 0x10000 */
    } __except (EXCEPTION_EXECUTE_HANDLER) { Say('h'); }
    return value;
}

static void Check(void)
{
    KIRQL irql = KeGetCurrentIrql();

#ifndef TWIN_CORRECT
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
#endif
    Guarded(NOWHERE);
    KeLowerIrql(irql);
    EXPECT(Said("h"));
}
