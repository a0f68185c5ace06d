/*
 * nullhba - a correct Storport miniport without hardware, for drivers that break one rule.
 *
 * It accepts whatever adapter it is started on, touches none of its registers, and is a disk of 2 MiB kept in the
 * driver's image. Requests are completed in HwStartIo; data is reached by StorPortGetSystemAddress, which is right
 * under every MapBuffers mode. A fixture calls NullDescribe, replaces the entry points it wants to spoil, and may call
 * the originals.
 */
#pragma once

#include <ntddk.h>
#include <storport.h>
#include <scsi.h>
#include <srbhelper.h>

#define NULL_BLOCK_SIZE   512u
#define NULL_BLOCKS       4096u
#define NULL_MAX_TRANSFER 65536u
#define NULL_UNITS_MAX    8u

/* The device extension. All of it is the fixture's own. */
typedef struct _NULL_ADAPTER {
    STOR_DPC Dpc;
    PVOID    Pool;
    volatile LONG Flag;
    ULONG    Spare;
    ULONG    Share;
    ULONG    Reads;
} NULL_ADAPTER, *PNULL_ADAPTER;

/* The SRB extension. */
typedef struct _NULL_REQUEST {
    ULONG Marker;
} NULL_REQUEST, *PNULL_REQUEST;

HW_FIND_ADAPTER    NullFindAdapter;
HW_INITIALIZE      NullInitialize;
HW_STARTIO         NullStartIo;
HW_INTERRUPT       NullInterrupt;
HW_RESET_BUS       NullResetBus;
HW_ADAPTER_CONTROL NullAdapterControl;

/* Fills an initialisation structure with all of the above. */
VOID NullDescribe(HW_INITIALIZATION_DATA *Init);

/* Does what the SRB asks, and returns the SRB status to complete it with. */
UCHAR NullExecute(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb);
VOID  NullComplete(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);

/* What a fixture asks of a request before it misbehaves. */
BOOLEAN NullIsRead(PSCSI_REQUEST_BLOCK Srb);
BOOLEAN NullIsWrite(PSCSI_REQUEST_BLOCK Srb);
BOOLEAN NullIsInquiry(PSCSI_REQUEST_BLOCK Srb);

/* Which units of target 0:0 exist, a bit for each; all show the same disk. At first unit 0 alone. */
extern volatile ULONG NullUnits;

DRIVER_INITIALIZE DriverEntry;
