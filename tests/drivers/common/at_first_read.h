/*
 * For a mistake that is made once, in HwStorStartIo: the fixture writes AtFirstRead, which is called with the first READ
 * before it is carried out; this is the rest of the driver.
 */
#pragma once

#include "nullhba.h"

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb);

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Reads++ == 0)
        AtFirstRead(DeviceExtension, Srb);
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
