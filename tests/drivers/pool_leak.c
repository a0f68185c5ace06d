/*
 * What StorPortAllocatePool gave goes back before the driver unloads (ST-57).
 *
 * Mistake: a block from HwInitialize's passive half is not freed at ScsiStopAdapter.
 * drydock says: ST-57, one block of 256 bytes, tag "leak", allocated in AllocateLog. The twin frees it.
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
    return TRUE;
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    return StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

static SCSI_ADAPTER_CONTROL_STATUS AdapterControl(PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType,
                                                  PVOID Parameters)
{
#ifdef TWIN_CORRECT
    PNULL_ADAPTER adapter = DeviceExtension;

    if (ControlType == ScsiStopAdapter && adapter->Pool != NULL) {
        StorPortFreePool(adapter, adapter->Pool);
        adapter->Pool = NULL;
    }
#endif
    return NullAdapterControl(DeviceExtension, ControlType, Parameters);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwInitialize = Initialize;
    init.HwAdapterControl = AdapterControl;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
