/*
 * For a mistake in what ddvioblk does: the fixture writes Hook, which may replace entry points, and HookList, which may
 * change what the device is told of a request's memory; ddvioblk is the rest of the driver.
 */
#pragma once

#undef StorPortInitialize
#undef StorPortGetScatterGatherList
#include <scsi.h>
#include <srbhelper.h>

static VOID Hook(PHW_INITIALIZATION_DATA Init);
static PSTOR_SCATTER_GATHER_LIST HookList(PSCSI_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST List);

ULONG HookedInitialize(PVOID DriverObject, PVOID RegistryPath, PHW_INITIALIZATION_DATA Init, PVOID Context)
{
    Hook(Init);
    return StorPortInitialize(DriverObject, RegistryPath, Init, Context);
}

PSTOR_SCATTER_GATHER_LIST HookedList(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PSTOR_SCATTER_GATHER_LIST list = StorPortGetScatterGatherList(Adapter, Srb);

    return list == NULL ? NULL : HookList(Srb, list);
}

static inline BOOLEAN IsRead(PSCSI_REQUEST_BLOCK Srb)
{
    return (BOOLEAN)(SrbGetSrbFunction(Srb) == SRB_FUNCTION_EXECUTE_SCSI && (SrbGetSrbFlags(Srb) & SRB_FLAGS_DATA_IN) != 0 &&
                     (((PCDB)SrbGetCdb(Srb))->AsByte[0] & 0x1F) == SCSIOP_READ6);
}

/* A list of the fixture's own, with the same elements. */
static inline PSTOR_SCATTER_GATHER_LIST CopyOf(PSTOR_SCATTER_GATHER_LIST List)
{
    static ULONGLONG room[1024];
    PSTOR_SCATTER_GATHER_LIST copy = (PSTOR_SCATTER_GATHER_LIST)(PVOID)room;
    ULONG i;

    if (sizeof(*copy) + List->NumberOfElements * sizeof(copy->List[0]) > sizeof(room))
        return NULL;
    copy->NumberOfElements = List->NumberOfElements;
    for (i = 0; i < List->NumberOfElements; ++i)
        copy->List[i] = List->List[i];
    return copy;
}
