/*
 * The StartIo lock is not acquired in HwStorStartIo, which is called with it (VER-88).
 *
 * Mistake: it acquires it.
 * drydock says: VER-88, in Recurse; on Windows the processor would hang. The twin does not.
 */
#include "common/at_first_read.h"

static DECLSPEC_NOINLINE VOID Recurse(PVOID Adapter)
{
#ifndef TWIN_CORRECT
    STOR_LOCK_HANDLE lock;

    RtlZeroMemory(&lock, sizeof(lock));
    StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &lock); /* EXPECT: VER-88 */
    StorPortReleaseSpinLock(Adapter, &lock);
#else
    UNREFERENCED_PARAMETER(Adapter);
#endif
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Srb);
    Recurse(Adapter);
}
