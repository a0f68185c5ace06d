/*
 * Device extension, SRB extension and uncached extension have the sizes that the driver asked for (VER-120).
 *
 * Mistake: bytes behind one (OF_DEVICE, OF_SRB, OF_UNCACHED) are written. drydock says: by default, in the end, that bytes
 * beside it were changed; with --checks all, or built by drydock-cc --kasan, the line that did it. The twin asks for as
 * much as it uses.
 */
#include "common/nullhba.h"

#define UNCACHED_BYTES 100u
#define BEYOND         24u            /* over a border of 16 bytes, where --checks all has its closed page */

#ifdef TWIN_CORRECT
#define ASKED_MORE     (BEYOND + PAGE_SIZE)
#else
#define ASKED_MORE     0u
#endif

#if defined(OF_UNCACHED)
#define OVER PAGE_SIZE                /* an uncached extension begins on a page and has pages of its own */
#else
#define OVER BEYOND
#endif

static DECLSPEC_NOINLINE VOID Scribble(volatile UCHAR *Object, ULONG Bytes)
{
    ULONG i;

    for (i = Bytes - 4; i < Bytes + OVER; ++i)
        Object[i] = (UCHAR)i; /* EXPECT: VER-120 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
#if defined(OF_SRB)
    if (NullIsRead(Srb))
        Scribble(SrbGetMiniportContext(Srb), sizeof(NULL_REQUEST));
#elif defined(OF_DEVICE)
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Spare++ == 0)
        Scribble(DeviceExtension, sizeof(NULL_ADAPTER));
#endif
    return NullStartIo(DeviceExtension, Srb);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ULONG found = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
#if defined(OF_UNCACHED)
    PVOID uncached = StorPortGetUncachedExtension(DeviceExtension, ConfigInfo, UNCACHED_BYTES + ASKED_MORE);

    if (uncached == NULL)
        return SP_RETURN_ERROR;
    Scribble(uncached, UNCACHED_BYTES);
#endif
    return found;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwStartIo = StartIo;
    init.DeviceExtensionSize = sizeof(NULL_ADAPTER) + ASKED_MORE;
    init.SrbExtensionSize = sizeof(NULL_REQUEST) + ASKED_MORE;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
