/*
 * KeAcquireSpinLockAtDpcLevel is for DISPATCH_LEVEL exactly (VER-84).
 *
 * Mistake: it is called at PASSIVE_LEVEL.
 * drydock says: VER-84, in AtPassive. The twin raises first.
 */
#include "common/at_passive.h"

static KSPIN_LOCK Lock;

static VOID AtPassive(PVOID Adapter)
{
    KIRQL irql = PASSIVE_LEVEL;

    UNREFERENCED_PARAMETER(Adapter);
    KeInitializeSpinLock(&Lock);
#ifdef TWIN_CORRECT
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
#endif
    KeAcquireSpinLockAtDpcLevel(&Lock); /* EXPECT: VER-84 */
    KeReleaseSpinLockFromDpcLevel(&Lock);
#ifdef TWIN_CORRECT
    KeLowerIrql(irql);
#else
    UNREFERENCED_PARAMETER(irql);
#endif
}
