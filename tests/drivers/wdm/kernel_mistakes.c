/* A dispatch routine that makes one mistake with an object of the kernel, chosen by the build: see CMakeLists.txt. The correct
 * twin of each does the same as it should. DOC: VER-104 VER-152 VER-160 VER-161 VER-162 VER-163 VER-164 VER-165 VER-166 VER-167
 * VER-168 VER-169 VER-170 VER-171 VER-172 DRY-30 */
#ifdef PAGED_CODE_AT_DISPATCH
#define DBG 1
#endif
#define ON_READ Read
#include "plain_driver.h"

#define TAG 0x74616B73
MAYBE_UNUSED static KEVENT g_Event;
MAYBE_UNUSED static KTIMER g_Timer;
MAYBE_UNUSED static KDPC g_Dpc;
MAYBE_UNUSED static FAST_MUTEX g_Mutex;
MAYBE_UNUSED static ERESOURCE g_Resource;
MAYBE_UNUSED static KSPIN_LOCK g_Lock;
MAYBE_UNUSED static KLOCK_QUEUE_HANDLE g_Handle;
MAYBE_UNUSED static NPAGED_LOOKASIDE_LIST g_List;

MAYBE_UNUSED static LARGE_INTEGER Milliseconds(LONG count) {
  LARGE_INTEGER time;
  time.QuadPart = -10000LL * count;
  return time;
}
MAYBE_UNUSED static void NTAPI Nothing(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  (void)dpc, (void)context, (void)argument1, (void)argument2;
}

static DECLSPEC_NOINLINE void Mistake(void);

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  Mistake();
  return Complete(irp, STATUS_SUCCESS, 0);
}

#if defined(EVENT_NEVER_INITIALIZED)
static void Mistake(void) {
  if (CORRECT) KeInitializeEvent(&g_Event, NotificationEvent, FALSE);
  KeSetEvent(&g_Event, IO_NO_INCREMENT, FALSE); /* EXPECT */
}

#elif defined(DPC_NEVER_INITIALIZED)
static void Mistake(void) {
  if (CORRECT) KeInitializeDpc(&g_Dpc, Nothing, NULL);
  KeInsertQueueDpc(&g_Dpc, NULL, NULL); /* EXPECT */
}

#elif defined(TIMER_LEFT_AT_UNLOAD)
static void Mistake(void) {
  KeInitializeTimer(&g_Timer);
  KeInitializeDpc(&g_Dpc, Nothing, NULL);
  KeSetTimer(&g_Timer, Milliseconds(3600000), &g_Dpc); /* EXPECT */
  if (CORRECT) KeCancelTimer(&g_Timer);
}

#elif defined(TIMER_IN_FREED_POOL)
static void Mistake(void) {
  PKTIMER timer = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KTIMER), TAG);
  if (timer == NULL) return;
  KeInitializeTimer(timer);
  KeSetTimer(timer, Milliseconds(3600000), NULL);
  if (CORRECT) KeCancelTimer(timer);
  ExFreePoolWithTag(timer, TAG); /* EXPECT */
}

#elif defined(THREAD_LEFT_AT_UNLOAD) || defined(HANDLE_LEFT_OPEN)
static void NTAPI Work(PVOID context) {
  (void)context;
#ifdef THREAD_LEFT_AT_UNLOAD
  if (!CORRECT) KeWaitForSingleObject(&g_Event, Executive, KernelMode, FALSE, NULL);
#endif
  PsTerminateSystemThread(STATUS_SUCCESS);
}
static void Mistake(void) {
  HANDLE handle;
  PVOID thread;
  KeInitializeEvent(&g_Event, NotificationEvent, FALSE);
  if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Work, NULL))) return; /* EXPECT */
#ifdef THREAD_LEFT_AT_UNLOAD
  if (!CORRECT) {
    ZwClose(handle);
    return;
  }
#endif
  if (ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL) == STATUS_SUCCESS) {
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
  }
  if (CORRECT) ZwClose(handle);
}

#elif defined(FAST_MUTEX_OF_ANOTHER)
static void Mistake(void) {
  ExInitializeFastMutex(&g_Mutex);
  if (CORRECT) ExAcquireFastMutex(&g_Mutex);
  else KeRaiseIrqlToDpcLevel(), KeLowerIrql(APC_LEVEL);
  ExReleaseFastMutex(&g_Mutex); /* EXPECT */
  KeLowerIrql(PASSIVE_LEVEL);
}

#elif defined(RESOURCE_WITH_APCS)
static void Mistake(void) {
  ExInitializeResourceLite(&g_Resource);
  if (CORRECT) KeEnterCriticalRegion();
  ExAcquireResourceExclusiveLite(&g_Resource, TRUE); /* EXPECT */
  if (!CORRECT) KeEnterCriticalRegion();
  ExReleaseResourceLite(&g_Resource);
  KeLeaveCriticalRegion();
  ExDeleteResourceLite(&g_Resource);
}

#elif defined(CRITICAL_REGION_NEVER_ENTERED)
static void Mistake(void) {
  if (CORRECT) KeEnterCriticalRegion();
  KeLeaveCriticalRegion(); /* EXPECT */
}

#elif defined(HANDLE_CLOSED_TWICE)
static void Mistake(void) {
  TEXT_OF(name, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services");
  OBJECT_ATTRIBUTES attributes;
  HANDLE key;
  InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
  if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes))) return;
  ZwClose(key);
  if (!CORRECT) ZwClose(key); /* EXPECT */
}

#elif defined(NAME_MALFORMED)
static void Mistake(void) {
  TEXT_OF(name, L"\\Registry\\Machine\\System");
  OBJECT_ATTRIBUTES attributes;
  HANDLE key;
  if (!CORRECT) name.Length = 7;
  InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
  if (NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes))) ZwClose(key); /* EXPECT */
}

#elif defined(RESOURCE_NEVER_INITIALIZED)
static void Mistake(void) {
  if (CORRECT) ExInitializeResourceLite(&g_Resource);
  KeEnterCriticalRegion();
  if (ExAcquireResourceSharedLite(&g_Resource, TRUE)) ExReleaseResourceLite(&g_Resource); /* EXPECT */
  KeLeaveCriticalRegion();
  if (CORRECT) ExDeleteResourceLite(&g_Resource);
}

#elif defined(RESOURCE_INITIALIZED_TWICE)
static void Mistake(void) {
  ExInitializeResourceLite(&g_Resource);
  if (!CORRECT) ExInitializeResourceLite(&g_Resource); /* EXPECT */
  ExDeleteResourceLite(&g_Resource);
}

#elif defined(LOOKASIDE_LEFT_AT_UNLOAD)
static void Mistake(void) {
  PVOID entry;
  ExInitializeNPagedLookasideList(&g_List, NULL, NULL, 0, 64, TAG, 0); /* EXPECT */
  entry = ExAllocateFromNPagedLookasideList(&g_List);
  if (entry != NULL) ExFreeToNPagedLookasideList(&g_List, entry);
  if (!CORRECT) ExFreePoolWithTag(InterlockedPopEntrySList(&g_List.L.ListHead), TAG);
  if (CORRECT) ExDeleteNPagedLookasideList(&g_List);
}

#elif defined(FREED_WITH_ANOTHER_TAG)
static void Mistake(void) {
  PVOID memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
  if (memory != NULL) ExFreePoolWithTag(memory, CORRECT ? TAG : 0x6568724F); /* EXPECT */
}

#elif defined(PAGED_POOL_AT_DISPATCH)
static void Mistake(void) {
  KIRQL irql = KeRaiseIrqlToDpcLevel();
  PVOID memory = ExAllocatePool2(CORRECT ? POOL_FLAG_NON_PAGED : POOL_FLAG_PAGED, 100, TAG); /* EXPECT */
  KeLowerIrql(irql);
  if (memory != NULL) ExFreePoolWithTag(memory, TAG);
}

#elif defined(POOL_OF_ZERO_BYTES)
static void Mistake(void) {
  PVOID memory = ExAllocatePoolWithTag(NonPagedPoolNx, CORRECT ? 1 : 0, TAG); /* EXPECT */
  if (memory != NULL) ExFreePoolWithTag(memory, TAG);
}

#elif defined(PROVIDER_LEFT_AT_UNLOAD)
static void Mistake(void) {
  static const GUID id = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
  REGHANDLE handle;
  if (!NT_SUCCESS(EtwRegister(&id, NULL, NULL, &handle))) return; /* EXPECT */
  if (CORRECT) EtwUnregister(handle);
}

#elif defined(QUEUED_LOCK_RELEASED_TWICE)
static void Mistake(void) {
  KIRQL irql;
  KeInitializeSpinLock(&g_Lock);
  KeAcquireInStackQueuedSpinLock(&g_Lock, &g_Handle);
  KeReleaseInStackQueuedSpinLock(&g_Handle);
  irql = KeRaiseIrqlToDpcLevel();
  if (!CORRECT) KeReleaseInStackQueuedSpinLock(&g_Handle); /* EXPECT */
  KeLowerIrql(irql);
}

#elif defined(SPIN_LOCK_RELEASED_AT_PASSIVE)
static void Mistake(void) {
  KIRQL irql;
  KeInitializeSpinLock(&g_Lock);
  KeAcquireSpinLock(&g_Lock, &irql);
  if (!CORRECT) KeLowerIrql(PASSIVE_LEVEL);
  KeReleaseSpinLock(&g_Lock, irql); /* EXPECT */
}

#elif defined(PAGED_CODE_AT_DISPATCH)
static void Mistake(void) {
  KIRQL irql = KeRaiseIrqlToDpcLevel();
  if (CORRECT) KeLowerIrql(APC_LEVEL);
  PAGED_CODE(); /* EXPECT */
  KeLowerIrql(irql);
}

#elif defined(DPC_FOR_NO_PROCESSOR)
static void Mistake(void) {
  KeInitializeDpc(&g_Dpc, Nothing, NULL);
  KeSetTargetProcessorDpc(&g_Dpc, CORRECT ? 0 : 63); /* EXPECT */
}

#elif defined(WAITS_AT_DISPATCH)
static void Mistake(void) {
  LARGE_INTEGER time = Milliseconds(1);
  KIRQL irql = PASSIVE_LEVEL;
  KeInitializeEvent(&g_Event, NotificationEvent, FALSE);
  if (!CORRECT) irql = KeRaiseIrqlToDpcLevel();
  KeWaitForSingleObject(&g_Event, Executive, KernelMode, FALSE, &time); /* EXPECT */
  KeLowerIrql(irql);
}

#elif defined(WAITS_FOR_EVER)
static void Mistake(void) {
  KeInitializeEvent(&g_Event, NotificationEvent, CORRECT);
  KeWaitForSingleObject(&g_Event, Executive, KernelMode, FALSE, NULL); /* EXPECT */
}

#elif defined(WAITS_FOR_EVER_BESIDE_A_TIMER)
static void Mistake(void) {
  KeInitializeTimerEx(&g_Timer, SynchronizationTimer);
  KeSetTimerEx(&g_Timer, Milliseconds(10), 10, NULL);
  KeInitializeEvent(&g_Event, NotificationEvent, CORRECT);
  KeWaitForSingleObject(&g_Event, Executive, KernelMode, FALSE, NULL); /* EXPECT */
  KeCancelTimer(&g_Timer);
}

#elif defined(MUTEX_ACQUIRED_TWICE)
static void Mistake(void) {
  ExInitializeFastMutex(&g_Mutex);
  ExAcquireFastMutex(&g_Mutex);
  if (!CORRECT) ExAcquireFastMutex(&g_Mutex); /* EXPECT */
  ExReleaseFastMutex(&g_Mutex);
}

#elif defined(RESOURCE_UPGRADED)
static void Mistake(void) {
  ExInitializeResourceLite(&g_Resource);
  KeEnterCriticalRegion();
  ExAcquireResourceSharedLite(&g_Resource, TRUE);
  if (CORRECT) ExReleaseResourceLite(&g_Resource);
  ExAcquireResourceExclusiveLite(&g_Resource, TRUE); /* EXPECT */
  ExReleaseResourceLite(&g_Resource);
  KeLeaveCriticalRegion();
  ExDeleteResourceLite(&g_Resource);
}
#endif
