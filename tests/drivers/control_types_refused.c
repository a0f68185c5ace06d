/*
 * HwStorAdapterControl answers ScsiQuerySupportedControlTypes (ST-170).
 *
 * Mistake: it returns ScsiAdapterControlUnsuccessful.
 * drydock says: ST-170, HwStorAdapterControl. The twin answers.
 */
#include "common/nullhba.h"

static SCSI_ADAPTER_CONTROL_STATUS AdapterControl(PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters)
{
#ifndef TWIN_CORRECT
    if (ControlType == ScsiQuerySupportedControlTypes)
        return ScsiAdapterControlUnsuccessful;
#endif
    return NullAdapterControl(DeviceExtension, ControlType, Parameters);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwAdapterControl = AdapterControl;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
