/* A driver that is given raw user addresses and makes one mistake with them, chosen by the build: see CMakeLists.txt. The
 * correct twin of each serves the same request as it should.
 * DOC: BUF-24 BUF-50 BUF-62 BUF-63 BUF-68 BUF-69 VER-63 VER-110 DRY-40 DRY-41 */
#ifdef AROUND_SYSTEM_BUFFER
#define DEVICE_FLAGS DO_BUFFERED_IO
#else
#define DEVICE_FLAGS 0
#endif
#define ON_READ Read
#define ON_CONTROL Control
#define EXTENSION_BYTES 64
#define ON_ENTRY Prepare
#include "plain_driver.h"

#if defined(TOUCHED_WITH_LOCK) || defined(VOUCHED_FOR)
#define PREPARES
#endif
#if defined(KEPT_ADDRESS) || defined(LENGTH_FETCHED_TWICE) || defined(CHECKED_THEN_COPIED) || defined(FETCHED_TWICE_IN_VAIN)
#define CONTROLS
#endif

#if !defined(CONTROLS)
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { return Refuse(device, irp, stack); }
#endif
#if !defined(PREPARES)
static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver, (void)device;
  return STATUS_SUCCESS;
}
#endif

#if defined(STORED_OUTSIDE_TRY)
static DECLSPEC_NOINLINE void Put(volatile ULONG *to) { *to = 7; /* EXPECT STORED_OUTSIDE_TRY */ }
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  __try {
    ProbeForWrite(irp->UserBuffer, sizeof(ULONG), sizeof(ULONG));
    if (CORRECT) Put(irp->UserBuffer);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  if (!CORRECT) Put(irp->UserBuffer);
  return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
}

#elif defined(GUARDED_BY_FINALLY_ONLY)
static DECLSPEC_NOINLINE void Put(volatile ULONG *to, ULONG *count) {
  __try {
    *to = 7; /* EXPECT GUARDED_BY_FINALLY_ONLY */
  } __finally {
    ++*count;
  }
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG count = 0;
  (void)device, (void)stack;
  if (!CORRECT) {
    Put(irp->UserBuffer, &count);
    return Complete(irp, STATUS_SUCCESS, count);
  }
  __try {
    Put(irp->UserBuffer, &count);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, count);
}

#elif defined(PROBED_OUTSIDE_TRY)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  if (!CORRECT) ProbeForWrite(irp->UserBuffer, sizeof(ULONG), sizeof(ULONG)); /* EXPECT PROBED_OUTSIDE_TRY */
  __try {
    if (CORRECT) ProbeForWrite(irp->UserBuffer, sizeof(ULONG), sizeof(ULONG));
    *(volatile ULONG *)irp->UserBuffer = 7;
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
}

#elif defined(COPIED_OUTSIDE_TRY)
static UCHAR g_Source[128];
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG length = min(stack->Parameters.Read.Length, sizeof g_Source);
  (void)device;
  __try {
    ProbeForWrite(irp->UserBuffer, length, 1);
    if (CORRECT) RtlCopyMemory(irp->UserBuffer, g_Source, length);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  if (!CORRECT) RtlCopyMemory(irp->UserBuffer, g_Source, length); /* EXPECT COPIED_OUTSIDE_TRY */
  return Complete(irp, STATUS_SUCCESS, length);
}

#elif defined(IN_SYSTEM_THREAD)
static PIRP g_Irp;
static DECLSPEC_NOINLINE NTSTATUS Fill(PIRP irp) {
  __try {
    *(volatile ULONG *)irp->UserBuffer = 7; /* EXPECT IN_SYSTEM_THREAD */
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return GetExceptionCode();
  }
  return STATUS_SUCCESS;
}
static KSTART_ROUTINE Later;
static void NTAPI Later(PVOID context) {
  (void)context;
  Complete(g_Irp, CORRECT ? STATUS_SUCCESS : Fill(g_Irp), 0);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  HANDLE thread;
  NTSTATUS status = CORRECT ? Fill(irp) : STATUS_SUCCESS;
  (void)device, (void)stack;
  if (!NT_SUCCESS(status)) return Complete(irp, status, 0);
  IoMarkIrpPending(irp);
  g_Irp = irp;
  status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Later, NULL);
  if (!NT_SUCCESS(status)) Complete(irp, status, 0);
  else ZwClose(thread);
  return STATUS_PENDING;
}

#elif defined(KEPT_ADDRESS)
/* A read waits for a write, which fills its buffer: in the context of whoever writes. */
static PIRP g_Reader;
static DECLSPEC_NOINLINE NTSTATUS Fill(PIRP irp) {
  __try {
    *(volatile ULONG *)irp->UserBuffer = 7; /* EXPECT KEPT_ADDRESS */
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return GetExceptionCode();
  }
  return STATUS_SUCCESS;
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  if (CORRECT) Fill(irp);
  IoMarkIrpPending(irp);
  g_Reader = irp;
  return STATUS_PENDING;
}
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIRP reader = g_Reader;
  (void)device, (void)stack;
  g_Reader = NULL;
  if (reader != NULL) Complete(reader, CORRECT ? STATUS_SUCCESS : Fill(reader), 0);
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(TOUCHED_WITH_LOCK)
static KSPIN_LOCK g_Lock;
static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver, (void)device;
  KeInitializeSpinLock(&g_Lock);
  return STATUS_SUCCESS;
}
static DECLSPEC_NOINLINE void Put(volatile ULONG *to) { *to = 7; /* EXPECT TOUCHED_WITH_LOCK */ }
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  KIRQL irql;
  (void)device, (void)stack;
  __try {
    ProbeForRead(irp->UserBuffer, sizeof(ULONG), sizeof(ULONG));
    KeAcquireSpinLock(&g_Lock, &irql);
    if (!CORRECT) Put(irp->UserBuffer);
    KeReleaseSpinLock(&g_Lock, irql);
    if (CORRECT) Put(irp->UserBuffer);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
}

#elif defined(EVENT_OF_USER)
static KEVENT g_Event;
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  __try {
    ProbeForWrite(irp->UserBuffer, sizeof(KEVENT), sizeof(ULONG64));
    KeInitializeEvent(CORRECT ? &g_Event : (PKEVENT)irp->UserBuffer, NotificationEvent, FALSE); /* EXPECT EVENT_OF_USER */
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(AROUND_SYSTEM_BUFFER)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  if (CORRECT) {
    *(ULONG *)irp->AssociatedIrp.SystemBuffer = 7;
    return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
  }
  __try {
    *(volatile ULONG *)irp->UserBuffer = 7; /* EXPECT AROUND_SYSTEM_BUFFER */
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(LEFT_TO_THE_DRIVER_ABOVE)
/* Below guarded_above, which has a __try around its IoCallDriver. */
static DECLSPEC_NOINLINE void Put(volatile ULONG *to) { *to = 7; /* EXPECT LEFT_TO_THE_DRIVER_ABOVE */ }
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  if (!CORRECT) {
    Put(irp->UserBuffer);
    return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
  }
  __try {
    Put(irp->UserBuffer);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
}

#elif defined(VOUCHED_FOR)
/* The driver above says that it made the request itself, and so takes the probe from the one below. */
static PDEVICE_OBJECT g_Lower;
static DRIVER_UNLOAD UnloadBoth;
static void NTAPI UnloadBoth(PDRIVER_OBJECT driver) {
  IoDeleteDevice(g_Lower);
  Unload(driver);
}
static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &g_Lower);
  if (!NT_SUCCESS(status)) return status;
  device->StackSize = (CCHAR)(g_Lower->StackSize + 1);
  driver->DriverUnload = UnloadBoth;
  return STATUS_SUCCESS;
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)stack;
  if (device == g_Lower) return Complete(irp, STATUS_SUCCESS, 0);
  if (!CORRECT) irp->RequestorMode = KernelMode;
  IoSkipCurrentIrpStackLocation(irp);
  return IoCallDriver(g_Lower, irp); /* EXPECT VOUCHED_FOR */
}

#elif defined(LENGTH_FETCHED_TWICE)
/* The input is a length and that many bytes, which are added up in a buffer of 16. */
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  volatile const UCHAR *from = stack->Parameters.DeviceIoControl.Type3InputBuffer;
  ULONG length, copied, i, sum = 0;
  (void)device;
  __try {
    ProbeForRead((PVOID)from, stack->Parameters.DeviceIoControl.InputBufferLength, 1);
    length = from[0];
    if (length > 16 || length + 1 > stack->Parameters.DeviceIoControl.InputBufferLength) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
    copied = CORRECT ? length : from[0]; /* EXPECT LENGTH_FETCHED_TWICE */
    for (i = 1; i <= copied && i < stack->Parameters.DeviceIoControl.InputBufferLength; ++i) sum += from[i];
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, sum);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { return Refuse(device, irp, stack); }

#elif defined(CHECKED_THEN_COPIED)
/* The header is looked at in place, then copied with the rest: by a routine. */
static UCHAR g_Copy[64];
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PVOID from = stack->Parameters.DeviceIoControl.Type3InputBuffer;
  ULONG length = min(stack->Parameters.DeviceIoControl.InputBufferLength, sizeof g_Copy);
  (void)device;
  __try {
    ProbeForRead(from, length, 1);
    if (CORRECT) RtlCopyMemory(g_Copy, from, length);
    if ((CORRECT ? g_Copy[0] : *(volatile UCHAR *)from) > 4) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
    if (!CORRECT) RtlCopyMemory(g_Copy, from, length); /* EXPECT CHECKED_THEN_COPIED */
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, 100 + g_Copy[0]);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { return Refuse(device, irp, stack); }

#elif defined(FETCHED_TWICE_IN_VAIN)
/* Reads twice, and what it does rests on the first value alone. And a counter of its own, which no process decides. */
static ULONG g_Count;
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  volatile const UCHAR *from = stack->Parameters.DeviceIoControl.Type3InputBuffer;
  volatile UCHAR first, second;
  (void)device;
  __try {
    ProbeForRead((PVOID)from, 1, 1);
    first = from[0];
    second = from[0];
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  (void)second;
  if (stack->Parameters.DeviceIoControl.IoControlCode == CODE(1, METHOD_NEITHER)) return Complete(irp, STATUS_SUCCESS, ++g_Count + second);
  return Complete(irp, STATUS_SUCCESS, first);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { return Refuse(device, irp, stack); }
#endif
