/*
 * A driver that finds its own data damaged stops the system at once: __fastfail, int 29h with the reason in ecx.
 *
 * Mistake: the first READ finds a list entry corrupt (FAST_FAIL_CORRUPT_LIST_ENTRY).
 * drydock says: KERNEL_SECURITY_CHECK_FAILURE 0x139, parameter 3, from CheckList (exit status 4). The twin's list is whole.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID CheckList(PLIST_ENTRY Entry)
{
    if (Entry->Flink->Blink != Entry)
        __fastfail(FAST_FAIL_CORRUPT_LIST_ENTRY); /* EXPECT: 0x139 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    LIST_ENTRY head, entry;

    InitializeListHead(&head);
    InsertTailList(&head, &entry);
#ifndef TWIN_CORRECT
    head.Blink = NULL;
#endif
    if (NullIsRead(Srb))
        CheckList(&entry);
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
