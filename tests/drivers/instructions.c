/*
 * Every instruction a driver of this kind contains and that cannot just run: port I/O alone and in strings, copies and
 * fills on registers in both directions, locked and bit instructions, compare-and-exchange, SSE moves, cr8, cli and sti,
 * wbinvd, int 3. On virtio-blk, whose common configuration has registers that keep what is written.
 *
 * No mistake. A wrong result makes the driver refuse to start, with the number of the check in the debug output.
 */
#include "common/nullhba.h"
#include "common/virtio_registers.h"

/* virtio 1.2, 4.1.4.3: 64-bit registers that read back as written, one behind the other */
#define QUEUE_SELECT 22
#define QUEUE_DESC   32

#define NO_PORT 0x5F10                    /* nobody is there: reads as all ones */

static BOOLEAN Ports(volatile UCHAR *Regs)
{
    UCHAR a, bytes[4] = { 0 };
    USHORT b;
    ULONG c, count = 2;
    PVOID to = bytes;
    USHORT port = NO_PORT;

    UNREFERENCED_PARAMETER(Regs);
    __asm__ volatile("outb %%al, %%dx; outw %%ax, %%dx; outl %%eax, %%dx" : : "a"(0x01020304), "d"(port));
    __asm__ volatile("inb %%dx, %%al" : "=a"(a) : "d"(port));
    __asm__ volatile("inw %%dx, %%ax" : "=a"(b) : "d"(port));
    __asm__ volatile("inl %%dx, %%eax" : "=a"(c) : "d"(port));
    __asm__ volatile("rep insw" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    return (BOOLEAN)(a == 0xFF && b == 0xFFFF && c == 0xFFFFFFFF && count == 0 && to == bytes + 4
                     && *(ULONG *)bytes == 0xFFFFFFFF);
}

static BOOLEAN StringsOnRegisters(volatile UCHAR *Regs)
{
    volatile ULONG *desc = (volatile ULONG *)(Regs + QUEUE_DESC);
    ULONG out[4] = { 0x11110000, 0x2222, 0x33330000, 0x4444 }, back[4] = { 0 };
    PVOID to = (PVOID)desc, from = out;
    ULONGLONG count = 4;

    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    if (desc[0] != 0x11110000 || desc[3] != 0x4444)
        return FALSE;
    to = &back[3];
    from = (PVOID)&desc[3];
    count = 4;
    __asm__ volatile("std; rep movsl; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory", "cc");
    if (RtlCompareMemory(out, back, sizeof(out)) != sizeof(out))
        return FALSE;
    to = (PVOID)desc;                     /* from one register to another */
    from = (PVOID)&desc[2];
    count = 2;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    if (desc[0] != 0x33330000 || desc[1] != 0x4444)
        return FALSE;
    to = (PVOID)desc;
    count = 2;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0x5000) : "memory");
    return (BOOLEAN)(desc[0] == 0x5000 && desc[1] == 0x5000 && desc[2] == 0x33330000);
}

static BOOLEAN LockedAndBits(volatile UCHAR *Regs)
{
    volatile ULONG *desc = (volatile ULONG *)(Regs + QUEUE_DESC);
    ULONG was, expected = 0x6000, same;
    LONG_PTR offset = 32 + 7;             /* beyond the word that the instruction names */
    UCHAR carry, after;

    desc[0] = 0x5000;
    desc[1] = 0;
    was = 0x1000;
    __asm__ volatile("lock xaddl %0, %1" : "+r"(was), "+m"(desc[0]) : : "memory", "cc");
    if (was != 0x5000 || desc[0] != 0x6000)
        return FALSE;
    __asm__ volatile("lock cmpxchgl %3, %1; sete %b2" : "+a"(expected), "+m"(desc[0]), "=q"(same) : "r"(0x7000) : "memory", "cc");
    if ((UCHAR)same != 1 || desc[0] != 0x7000)
        return FALSE;
    __asm__ volatile("lock btsq %2, %1; setc %0" : "=q"(carry) : "m"(desc[0]), "r"(offset) : "memory", "cc");
    __asm__ volatile("btq %2, %1; setc %0" : "=q"(after) : "m"(desc[0]), "r"(offset) : "memory", "cc");
    if (carry != 0 || after != 1 || desc[1] != 1u << 7)
        return FALSE;
    __asm__ volatile("lock btrq %1, %0" : : "m"(desc[0]), "r"(offset) : "memory", "cc");
    return (BOOLEAN)(desc[1] == 0 && InterlockedExchange((volatile LONG *)desc, 0x1000) == 0x7000
                     && InterlockedOr((volatile LONG *)desc, 0x2000) == 0x1000 && desc[0] == 0x3000);
}

static BOOLEAN Vectors(volatile UCHAR *Regs)
{
    volatile ULONGLONG *desc = (volatile ULONGLONG *)(Regs + QUEUE_DESC);
    ULONGLONG in[2] = { 0x0000000123456000ULL, 0x0000000789ABC000ULL }, out[2] = { 0 };

    __asm__ volatile("movups %1, %%xmm2; movups %%xmm2, %0" : "=m"(*(volatile UCHAR (*)[16])desc) : "m"(in) : "xmm2", "memory");
    __asm__ volatile("movdqu %1, %%xmm3; movdqu %%xmm3, %0" : "=m"(out) : "m"(*(volatile UCHAR (*)[16])desc) : "xmm3", "memory");
    if (out[0] != in[0] || out[1] != in[1])
        return FALSE;
    __asm__ volatile("movq %1, %%xmm4; movhps %2, %%xmm4; pxor %%xmm5, %%xmm5; movq %%xmm5, %0"
                     : "=m"(*desc) : "m"(desc[0]), "m"(desc[1]) : "xmm4", "xmm5", "memory");
    return (BOOLEAN)(desc[0] == 0);
}

static BOOLEAN Processor(volatile UCHAR *Regs)
{
    ULONGLONG before, raised, after;

    UNREFERENCED_PARAMETER(Regs);
    __asm__ volatile("movq %%cr8, %0; movq %2, %%cr8; movq %%cr8, %1; movq %0, %%cr8" : "=&r"(before), "=&r"(raised) : "r"(2ULL));
    __asm__ volatile("movq %%cr8, %0" : "=r"(after));
    __asm__ volatile("cli; nop; sti; wbinvd; lfence; sfence; mfence; pause" : : : "memory");
    __asm__ volatile("int3");
    return (BOOLEAN)(before == 0 && raised == 2 && after == 0);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    static BOOLEAN (*const checks[])(volatile UCHAR *) = { Ports, StringsOnRegisters, LockedAndBits, Vectors, Processor };
    PUCHAR regs = VirtioCommonRegisters(DeviceExtension, ConfigInfo);
    ULONG i;

    if (regs == NULL)
        return SP_RETURN_NOT_FOUND;
    *(volatile USHORT *)(regs + QUEUE_SELECT) = 0;
    for (i = 0; i < RTL_NUMBER_OF(checks); ++i) {
        if (checks[i](regs))
            continue;
        StorPortDebugPrint(0, "instructions: check %lu failed\n", i);
        return SP_RETURN_ERROR;
    }
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
