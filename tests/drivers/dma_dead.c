/*
 * What a completed request left behind is dead for the device as well (VER-25): data, and the SRB extension.
 *
 * Mistake: a READ of ddvioblk is built with the data address (OF_DATA) or the descriptor table (OF_EXTENSION) of an
 * earlier READ, which has been completed. The device is refused; drydock says whose memory it was, and where the driver
 * last wrote to the device. The twin leaves the request as ddvioblk built it.
 */
#include "ddvioblk.h"

#define HEALTHY_READS 20              /* before the mistake, which is made once */
#define LATELY        12              /* requests: Storport has not yet used the earlier one's slot again */

static HW_BUILDIO SpoiltBuildIo;
static ULONG Requests, Reads, DeadAt;
static ULONGLONG DeadData, DeadTable;
static ULONG DeadLength;

/* ddvioblk's DriverEntry, but for one routine. */
static ULONG InitializeSpoilt(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, HW_INITIALIZATION_DATA *Init)
{
    Init->HwBuildIo = SpoiltBuildIo;
    return StorPortInitialize(DriverObject, RegistryPath, Init, NULL);
}
#define StorPortInitialize(DriverObject, RegistryPath, Init, Context) InitializeSpoilt(DriverObject, RegistryPath, Init)
#include "entry.c"

/* Of the table the first descriptor is the header, the last one the status; the data lies between. Clients use the same
 * buffers again, so the end of a large READ is what a smaller one after it leaves alone. */
static BOOLEAN UsesPage(PREQUEST Request, ULONGLONG Address)
{
    ULONG i;

    for (i = 0; i < Request->DescriptorCount; ++i)
        if (Request->Table[i].Addr / PAGE_SIZE <= Address / PAGE_SIZE &&
            Address / PAGE_SIZE <= (Request->Table[i].Addr + Request->Table[i].Len - 1) / PAGE_SIZE)
            return TRUE;
    return FALSE;
}

static BOOLEAN IsGoodMoment(PREQUEST Request)
{
    return (BOOLEAN)(Reads >= HEALTHY_READS && Requests - DeadAt <= LATELY && !UsesPage(Request, DeadData));
}

static VOID Spoil(PREQUEST Request)
{
    static BOOLEAN done;
    const VIRTQ_DESC *last = &Request->Table[Request->DescriptorCount - 2];
    ULONGLONG data = last->Addr, table = Request->Physical;
    ULONG length = last->Len;

    if (!done && IsGoodMoment(Request)) {
        done = TRUE;
#ifndef TWIN_CORRECT
#ifdef OF_DATA
        Request->Table[1].Addr = DeadData;
        if (Request->Table[1].Len > DeadLength)
            Request->Table[1].Len = DeadLength;
#else
        Request->Physical = DeadTable;
#endif
#endif
    }
    DeadData = data;
    DeadTable = table;
    DeadLength = length;
    DeadAt = Requests;
    ++Reads;
}

static BOOLEAN SpoiltBuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PREQUEST request = SrbGetMiniportContext(Srb);

    ++Requests;
    if (!HwBuildIo(DeviceExtension, Srb))
        return FALSE;
    if (request->Kind == RequestPlain && request->Header.Type == VIRTIO_BLK_T_IN)
        Spoil(request);
    return TRUE;
}
