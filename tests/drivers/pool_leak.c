/*
 * What StorPortAllocatePool gave goes back before the driver unloads (ST-57).
 *
 * Mistake: a block from HwInitialize's passive half is never freed.
 * drydock says: ST-57, one block of 256 bytes, tag "leak", allocated in AllocateLog. The twin frees it while it may
 * (ScsiStopAdapter comes at DIRQL, where StorPortFreePool is not allowed).
 */
#include "common/nullhba.h"

#define TAG 0x6B61656C                /* "leak" */

static DECLSPEC_NOINLINE VOID AllocateLog(PNULL_ADAPTER Adapter)
{
    StorPortAllocatePool(Adapter, 256, TAG, &Adapter->Pool); /* EXPECT: ST-57 */
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    AllocateLog(DeviceExtension);
#ifdef TWIN_CORRECT
    {
        PNULL_ADAPTER adapter = DeviceExtension;

        StorPortFreePool(adapter, adapter->Pool);
        adapter->Pool = NULL;
    }
#endif
    return TRUE;
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    return StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
