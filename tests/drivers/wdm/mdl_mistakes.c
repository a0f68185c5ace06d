/* A driver that locks its caller's buffer itself (METHOD_NEITHER) and makes one mistake with an MDL, chosen by the build: see
 * CMakeLists.txt. The correct twin of each does the same as it should. DOC: MDL-12 MDL-16 MDL-17 MDL-19 MDL-22 MDL-24
 * MDL-25 MDL-29 MDL-32 MDL-35 MDL-36 MDL-37 MDL-39 MDL-41 MDL-44 MDL-49 MDL-52 VER-51 VER-150 VER-151 */
#define ON_CONTROL Control
#include "plain_driver.h"

#define PRIORITY (NormalPagePriority | MdlMappingNoExecute)
#define TAG 0x6C64674D

MAYBE_UNUSED static DECLSPEC_NOINLINE NTSTATUS Lock(PMDL mdl, LOCK_OPERATION operation) {
  __try {
    MmProbeAndLockPages(mdl, UserMode, operation);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return (NTSTATUS)GetExceptionCode();
  }
  return STATUS_SUCCESS;
}

/* An MDL of the caller's buffer, locked. */
MAYBE_UNUSED static PMDL Locked(PVOID buffer, ULONG length, LOCK_OPERATION operation) {
  PMDL mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
  if (mdl == NULL || NT_SUCCESS(Lock(mdl, operation))) return mdl;
  IoFreeMdl(mdl);
  return NULL;
}

MAYBE_UNUSED static VOID End(PMDL mdl) {
  MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

MAYBE_UNUSED static PMDL Pages(ULONG count) {
  PHYSICAL_ADDRESS low, high, skip;
  low.QuadPart = 0, high.QuadPart = ~(LONGLONG)0 & MAXLONGLONG, skip.QuadPart = 0;
  return MmAllocatePagesForMdlEx(low, high, skip, count * PAGE_SIZE, MmCached, 0);
}

MAYBE_UNUSED static VOID EndPages(PMDL mdl) {
  MmFreePagesFromMdl(mdl);
  ExFreePool(mdl);
}

MAYBE_UNUSED static PMDL OfPool(PVOID *pool, SIZE_T bytes) {
  *pool = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG);
  if (*pool == NULL) return NULL;
  return IoAllocateMdl(*pool, (ULONG)bytes, FALSE, FALSE, NULL);
}

#if defined(FREED_LOCKED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  if (CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

#elif defined(FREED_MAPPED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp, (void)buffer, (void)length;
  mdl = Pages(2);
  MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  if (CORRECT) EndPages(mdl);
  else IoFreeMdl(mdl);
}

#elif defined(LOCKED_AT_DISPATCH)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  KIRQL irql = 0;
  (void)irp;
  if (!CORRECT) KeRaiseIrql(DISPATCH_LEVEL, &irql);
  mdl = Locked(buffer, length, IoReadAccess);
  if (!CORRECT) KeLowerIrql(irql);
  End(mdl);
}

#elif defined(LOCKED_ABOVE_DISPATCH)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PVOID pool = NULL;
  KIRQL irql = 0;
  (void)irp, (void)buffer, (void)length;
  pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
  mdl = IoAllocateMdl(pool, 64, FALSE, FALSE, NULL);
  KeRaiseIrql(CORRECT ? DISPATCH_LEVEL : DISPATCH_LEVEL + 1, &irql);
  MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
  KeLowerIrql(irql);
  End(mdl);
  ExFreePool(pool);
}

#elif defined(LOCKED_TWICE)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  if (CORRECT) MmUnlockPages(mdl);
  MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
  End(mdl);
}

#elif defined(LOCKED_NONPAGED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PVOID pool = NULL;
  (void)irp, (void)buffer, (void)length;
  mdl = OfPool(&pool, 64);
  MmBuildMdlForNonPagedPool(mdl);
  if (!CORRECT) MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
  IoFreeMdl(mdl);
  ExFreePool(pool);
}

#elif defined(UNLOCKED_NONPAGED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PVOID pool = NULL;
  (void)irp, (void)buffer, (void)length;
  mdl = OfPool(&pool, 64);
  MmBuildMdlForNonPagedPool(mdl);
  if (!CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
  ExFreePool(pool);
}

#elif defined(UNLOCKED_PARTIAL)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PMDL part;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  part = IoAllocateMdl(buffer, 16, FALSE, FALSE, NULL);
  IoBuildPartialMdl(mdl, part, buffer, 16);
  if (!CORRECT) MmUnlockPages(part);
  IoFreeMdl(part);
  End(mdl);
}

#elif defined(UNLOCKED_NEVER)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
  if (CORRECT && NT_SUCCESS(Lock(mdl, IoReadAccess))) MmUnlockPages(mdl);
  if (!CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

#elif defined(UNLOCKED_TWICE)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  MmUnlockPages(mdl);
  if (!CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

#elif defined(BUILT_OVER_STACK)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  char local[64];
  (void)irp, (void)buffer, (void)length;
  mdl = IoAllocateMdl(local, sizeof(local), FALSE, FALSE, NULL);
  if (CORRECT) MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
  else MmBuildMdlForNonPagedPool(mdl);
  ((volatile char *)MmGetSystemAddressForMdlSafe(mdl, PRIORITY))[0] = 1;
  if (CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

#elif defined(BUILT_OVER_USER)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
  if (CORRECT) Lock(mdl, IoReadAccess);
  else MmBuildMdlForNonPagedPool(mdl);
  if (CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

#elif defined(MAPPED_NONPAGED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PVOID pool = NULL;
  (void)irp, (void)buffer, (void)length;
  mdl = OfPool(&pool, 64);
  MmBuildMdlForNonPagedPool(mdl);
  if (CORRECT) MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  else MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, PRIORITY);
  IoFreeMdl(mdl);
  ExFreePool(pool);
}

#elif defined(MAPPED_UNLOCKED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
  if (CORRECT) Lock(mdl, IoReadAccess);
  MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, PRIORITY);
  if (CORRECT) MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

#elif defined(BUG_CHECK_ON_FAILURE)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, !CORRECT, PRIORITY);
  End(mdl);
}

#elif defined(MAPPED_TWICE)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, PRIORITY);
  if (CORRECT) MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  else MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, PRIORITY);
  End(mdl);
}

#elif defined(UNFILLED_TO_USER)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PVOID pool = NULL;
  volatile char *mapped = NULL;
  (void)irp, (void)buffer, (void)length;
  mdl = OfPool(&pool, PAGE_SIZE);
  if (CORRECT) RtlZeroMemory(pool, PAGE_SIZE);
  MmBuildMdlForNonPagedPool(mdl);
  __try {
    mapped = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, PRIORITY);
    MmUnmapLockedPages((PVOID)mapped, mdl);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
  IoFreeMdl(mdl);
  ExFreePool(pool);
}

#elif defined(FREED_WITH_USER_MAPPING)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PVOID pool = NULL;
  volatile char *mapped = NULL;
  (void)irp, (void)buffer, (void)length;
  mdl = OfPool(&pool, PAGE_SIZE);
  RtlZeroMemory(pool, PAGE_SIZE);
  MmBuildMdlForNonPagedPool(mdl);
  __try {
    mapped = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, PRIORITY);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
  if (CORRECT) MmUnmapLockedPages((PVOID)mapped, mdl);
  ExFreePool(pool);
  if (!CORRECT) MmUnmapLockedPages((PVOID)mapped, mdl);
  IoFreeMdl(mdl);
}

#elif defined(UNMAPPED_UNMAPPED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  mapped = MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  MmUnmapLockedPages((PVOID)mapped, mdl);
  if (!CORRECT) MmUnmapLockedPages((PVOID)mapped, mdl);
  End(mdl);
}

#elif defined(UNMAPPED_PARTIAL)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PMDL part;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  if (!CORRECT) MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  part = IoAllocateMdl(buffer, 16, FALSE, FALSE, NULL);
  IoBuildPartialMdl(mdl, part, buffer, 16);
  mapped = MmGetSystemAddressForMdlSafe(part, PRIORITY);
  if (CORRECT) MmPrepareMdlForReuse(part);
  else MmUnmapLockedPages((PVOID)mapped, part);
  IoFreeMdl(part);
  End(mdl);
}

#elif defined(UNMAPPED_WRONG_ADDRESS)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  __try {
    mapped = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, PRIORITY);
    MmUnmapLockedPages((PVOID)(CORRECT ? mapped : mapped + PAGE_SIZE), mdl);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
  End(mdl);
}

#elif defined(PARTIAL_OUTSIDE)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PMDL part;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  part = IoAllocateMdl((char *)buffer + length - 8, 16, FALSE, FALSE, NULL);
  IoBuildPartialMdl(mdl, part, (char *)buffer + length - 8, CORRECT ? 8 : 16);
  IoFreeMdl(part);
  End(mdl);
}

#elif defined(PARTIAL_REUSED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  PMDL part;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  part = IoAllocateMdl(buffer, 16, FALSE, FALSE, NULL);
  IoBuildPartialMdl(mdl, part, buffer, 16);
  MmGetSystemAddressForMdlSafe(part, PRIORITY);
  if (CORRECT) MmPrepareMdlForReuse(part);
  IoBuildPartialMdl(mdl, part, (char *)buffer + 16, 16);
  IoFreeMdl(part);
  End(mdl);
}

#elif defined(HEADER_CHANGED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  if (!CORRECT) mdl->ByteCount = length / 2;
  End(mdl);
}

#elif defined(OBSOLETE_MAP)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  if (CORRECT) MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  else MmMapLockedPages(mdl, KernelMode);
  End(mdl);
}

#elif defined(LEFT_LOCKED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
  __try {
    MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
  if (CORRECT) End(mdl);
}

#elif defined(PAGES_LEAKED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp, (void)buffer, (void)length;
  mdl = Pages(2);
  if (CORRECT) MmFreePagesFromMdl(mdl);
  ExFreePool(mdl);
}

#elif defined(USED_AFTER_UNLOCK)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, IoWriteAccess);
  mapped = MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  if (CORRECT) mapped[0] = 1;
  MmUnlockPages(mdl);
  if (!CORRECT) mapped[0] = 1;
  IoFreeMdl(mdl);
}

#elif defined(OVERRUN_OF_MAPPING)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, IoWriteAccess);
  mapped = MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  mapped[CORRECT ? length - 1 : ((length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))] = 1;
  End(mdl);
}

#elif defined(READ_LOCK_WRITTEN)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, CORRECT ? IoWriteAccess : IoReadAccess);
  mapped = MmGetSystemAddressForMdlSafe(mdl, PRIORITY);
  mapped[0] = 1;
  End(mdl);
}

#elif defined(NO_WRITE_WRITTEN)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  volatile char *mapped = NULL;
  (void)irp;
  mdl = Locked(buffer, length, IoWriteAccess);
  mapped = MmGetSystemAddressForMdlSafe(mdl, PRIORITY | (CORRECT ? 0 : MdlMappingNoWrite));
  mapped[0] = 1;
  End(mdl);
}

#elif defined(EXECUTABLE_MAPPING)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = Locked(buffer, length, IoReadAccess);
  MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, CORRECT ? PRIORITY : NormalPagePriority);
  End(mdl);
}

#elif defined(SECONDARY_WITHOUT_IRP)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  PMDL mdl;
  (void)irp;
  mdl = IoAllocateMdl(buffer, length, !CORRECT, FALSE, NULL);
  IoFreeMdl(mdl);
}

#elif defined(REQUEST_UNLOCKED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  (void)buffer, (void)length;
  if (!CORRECT) MmUnlockPages(irp->MdlAddress);
}

#elif defined(REQUEST_LOCKED_AGAIN)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  (void)buffer, (void)length;
  if (CORRECT) return;
  __try {
    MmProbeAndLockPages(irp->MdlAddress, KernelMode, IoReadAccess);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
}

#elif defined(MDL_ADDRESS_TOUCHED)
static DECLSPEC_NOINLINE VOID Mistake(PIRP irp, PVOID buffer, ULONG length) {
  volatile UCHAR *data = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
  (void)buffer, (void)length;
  if (!CORRECT) data = MmGetMdlVirtualAddress(irp->MdlAddress);
  if (data != NULL) data[0] = 1;
}

#else
#error which mistake?
#endif

NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device;
  Mistake(irp, irp->UserBuffer, stack->Parameters.DeviceIoControl.OutputBufferLength);
  return Complete(irp, STATUS_SUCCESS, 0);
}
