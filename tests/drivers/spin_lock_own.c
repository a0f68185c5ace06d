/*
 * A spin lock is not acquired by the processor that holds it (VER-91).
 *
 * Mistake: HwStorStartIo acquires its lock again.
 * drydock says: VER-91, in Recurse; on Windows the processor would hang. The twin acquires it once.
 */
#include "common/at_first_read.h"

static KSPIN_LOCK Lock;

static DECLSPEC_NOINLINE VOID Recurse(VOID)
{
#ifndef TWIN_CORRECT
    KeAcquireSpinLockAtDpcLevel(&Lock); /* EXPECT: VER-91 */
#endif
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    Recurse();
    KeReleaseSpinLockFromDpcLevel(&Lock);
}
