/*
 * For a mistake that is a call or two at PASSIVE_LEVEL: the fixture writes AtPassive, which runs once, in the passive half
 * of the initialisation; this is the rest of the driver.
 */
#pragma once

#include "nullhba.h"

static VOID AtPassive(PVOID Adapter);

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    AtPassive(DeviceExtension);
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
