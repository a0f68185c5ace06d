/* Calls the kernel's routines as a correct driver does, and says in which line an answer was not the documented one: a READ of
 * the device returns the number of that line, or 0. Nothing here is a mistake. */
#define ON_READ Read
#include "plain_driver.h"

#define TAG 0x74616B73
#define CHECK(condition)                     \
  do {                                       \
    if (!(condition)) return __LINE__;       \
  } while (0)

static LARGE_INTEGER Milliseconds(LONG count) {
  LARGE_INTEGER time;
  time.QuadPart = -10000LL * count;
  return time;
}

/* --- registry --- */

static LONG g_Strings;
static NTSTATUS NTAPI CountString(PWSTR name, ULONG type, PVOID data, ULONG length, PVOID context, PVOID entry) {
  (void)name, (void)data, (void)length, (void)entry;
  if (type == REG_SZ) ++*(LONG *)context;
  return STATUS_SUCCESS;
}

static LONG QueryTable(void) {
  RTL_QUERY_REGISTRY_TABLE table[4];
  ULONG depth = 0, missing = 0, fallback = 7;
  memset(table, 0, sizeof table);
  table[0].Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;
  table[0].Name = (PWSTR)L"Depth";
  table[0].EntryContext = &depth;
  table[0].DefaultType = (REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT) | REG_NONE;
  table[1].Flags = RTL_QUERY_REGISTRY_DIRECT;
  table[1].Name = (PWSTR)L"Missing";
  table[1].EntryContext = &missing;
  table[1].DefaultType = REG_DWORD;
  table[1].DefaultData = &fallback;
  table[1].DefaultLength = sizeof fallback;
  table[2].QueryRoutine = CountString;
  table[2].Name = (PWSTR)L"Names";
  CHECK(NT_SUCCESS(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Fixture", table, &g_Strings, NULL)));
  CHECK(depth == 32 && missing == 7 && g_Strings == 2);
  table[1].DefaultType = REG_NONE;
  table[1].Flags |= RTL_QUERY_REGISTRY_REQUIRED;
  CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Fixture", table, &g_Strings, NULL) == STATUS_OBJECT_NAME_NOT_FOUND);
  return 0;
}

static LONG Keys(void) {
  TEXT_OF(path, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Fixture");
  TEXT_OF(value, L"Depth");
  static const WCHAR names[] = L"one\0two\0";
  OBJECT_ATTRIBUTES attributes;
  HANDLE key;
  ULONG disposition, length, depth = 32;
  LONG line;
  UCHAR buffer[128];
  PKEY_VALUE_PARTIAL_INFORMATION partial = (PKEY_VALUE_PARTIAL_INFORMATION)buffer;
  PKEY_VALUE_FULL_INFORMATION full = (PKEY_VALUE_FULL_INFORMATION)buffer;
  CHECK(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, (PWSTR)L"Fixture") == STATUS_OBJECT_NAME_NOT_FOUND);
  InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
  CHECK(ZwOpenKey(&key, KEY_READ, &attributes) == STATUS_OBJECT_NAME_NOT_FOUND);
  CHECK(NT_SUCCESS(ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_NON_VOLATILE, &disposition)));
  CHECK(disposition == REG_CREATED_NEW_KEY);
  CHECK(NT_SUCCESS(ZwSetValueKey(key, &value, 0, REG_DWORD, &depth, sizeof depth)));
  CHECK(ZwQueryValueKey(key, &value, KeyValuePartialInformation, buffer, 4, &length) == STATUS_BUFFER_TOO_SMALL && length == 16);
  CHECK(ZwQueryValueKey(key, &value, KeyValuePartialInformation, buffer, 14, &length) == STATUS_BUFFER_OVERFLOW);
  CHECK(NT_SUCCESS(ZwQueryValueKey(key, &value, KeyValuePartialInformation, buffer, sizeof buffer, &length)));
  CHECK(partial->Type == REG_DWORD && partial->DataLength == 4 && *(ULONG *)partial->Data == 32);
  CHECK(NT_SUCCESS(ZwEnumerateValueKey(key, 0, KeyValueFullInformation, buffer, sizeof buffer, &length)));
  CHECK(full->NameLength == 10 && memcmp(full->Name, L"Depth", 10) == 0 && *(ULONG *)(buffer + full->DataOffset) == 32);
  CHECK(ZwEnumerateValueKey(key, 1, KeyValueFullInformation, buffer, sizeof buffer, &length) == STATUS_NO_MORE_ENTRIES);
  CHECK(NT_SUCCESS(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"Fixture", L"Names", REG_MULTI_SZ, (PVOID)names, sizeof names)));
  if ((line = QueryTable()) != 0) return line;
  CHECK(NT_SUCCESS(ZwDeleteValueKey(key, &value)));
  CHECK(ZwDeleteValueKey(key, &value) == STATUS_OBJECT_NAME_NOT_FOUND);
  CHECK(NT_SUCCESS(ZwFlushKey(key)) && NT_SUCCESS(ZwDeleteKey(key)));
  CHECK(ZwFlushKey(key) == STATUS_KEY_DELETED);
  CHECK(NT_SUCCESS(ZwClose(key)));
  return 0;
}

/* --- strings --- */

static LONG Strings(void) {
  static const GUID id = {0x01234567, 0x89AB, 0xCDEF, {1, 2, 3, 4, 5, 6, 7, 8}};
  static const UNICODE_STRING fixed = {8, 10, (PWSTR)L"disk"};
  TEXT_OF(upper, L"\\DEVICE\\DISK");
  TEXT_OF(prefix, L"\\device");
  TEXT_OF(number, L" -0x1F");
  UNICODE_STRING wide, made;
  ANSI_STRING narrow;
  WCHAR buffer[16];
  ULONG value;
  GUID back;
  CHECK(RtlPrefixUnicodeString(&prefix, &upper, TRUE) && !RtlPrefixUnicodeString(&prefix, &upper, FALSE));
  RtlInitAnsiString(&narrow, "disk");
  CHECK(NT_SUCCESS(RtlAnsiStringToUnicodeString(&wide, &narrow, TRUE)));
  CHECK(wide.Length == 8 && memcmp(wide.Buffer, L"disk", 10) == 0 && RtlEqualUnicodeString(&fixed, &wide, FALSE));
  CHECK(NT_SUCCESS(RtlUpcaseUnicodeString(&made, &wide, TRUE)) && memcmp(made.Buffer, L"DISK", 8) == 0);
  RtlFreeUnicodeString(&made);
  CHECK(NT_SUCCESS(RtlUnicodeStringToAnsiString(&narrow, &wide, TRUE)) && narrow.Length == 4);
  RtlFreeAnsiString(&narrow);
  RtlFreeUnicodeString(&wide);
  CHECK(NT_SUCCESS(RtlUnicodeStringToInteger(&number, 0, &value)) && value == (ULONG)-31);
  RtlInitAnsiString(&narrow, "\xE9");
  CHECK(NT_SUCCESS(RtlAnsiStringToUnicodeString(&wide, &narrow, TRUE)) && wide.Length == 2 && wide.Buffer[0] == 0xE9);
  RtlFreeUnicodeString(&wide);
  wide.Buffer = buffer, wide.Length = 0, wide.MaximumLength = sizeof buffer;
  CHECK(NT_SUCCESS(RtlIntegerToUnicodeString(255, 16, &wide)) && wide.Length == 4 && memcmp(buffer, L"FF", 6) == 0);
  wide.MaximumLength = 2;
  CHECK(RtlIntegerToUnicodeString(255, 16, &wide) == STATUS_BUFFER_OVERFLOW);
  CHECK(NT_SUCCESS(RtlStringFromGUID(&id, &made)));
  CHECK(made.Length == 76 && memcmp(made.Buffer, L"{01234567-89AB-CDEF-0102-030405060708}", 76) == 0);
  CHECK(NT_SUCCESS(RtlGUIDFromString(&made, &back)) && memcmp(&back, &id, sizeof id) == 0);
  RtlFreeUnicodeString(&made);
  return 0;
}

/* --- bitmaps and times --- */

static LONG Bitmaps(void) {
  ULONG words[2] = {0, 0}, start;
  RTL_BITMAP map;
  RtlInitializeBitMap(&map, words, 40);
  RtlSetBits(&map, 3, 30);
  CHECK(words[0] == 0xFFFFFFF8 && words[1] == 1);
  CHECK(RtlNumberOfSetBits(&map) == 30 && RtlNumberOfClearBits(&map) == 10);
  CHECK(RtlAreBitsSet(&map, 3, 30) && !RtlAreBitsSet(&map, 2, 2) && RtlAreBitsClear(&map, 33, 7));
  CHECK(RtlFindClearBits(&map, 4, 0) == 33 && RtlFindClearBits(&map, 8, 0) == 0xFFFFFFFF);
  CHECK(RtlFindClearBitsAndSet(&map, 2, 0) == 0 && RtlTestBit(&map, 1) && !RtlTestBit(&map, 2));
  CHECK(RtlFindLongestRunClear(&map, &start) == 7 && start == 33);
  CHECK(RtlFindFirstRunClear(&map, &start) == 1 && start == 2);
  RtlClearAllBits(&map);
  CHECK(words[0] == 0 && RtlFindLeastSignificantBit(0x50) == 4 && RtlFindMostSignificantBit(0x50) == 6);
  return 0;
}

static LONG Times(void) {
  TIME_FIELDS fields = {2024, 2, 29, 12, 34, 56, 789, 0}, back;
  LARGE_INTEGER time, local;
  ULONG seconds;
  CHECK(RtlTimeFieldsToTime(&fields, &time));
  RtlTimeToTimeFields(&time, &back);
  CHECK(back.Year == 2024 && back.Month == 2 && back.Day == 29 && back.Hour == 12 && back.Milliseconds == 789 && back.Weekday == 4);
  fields.Year = 2023;
  CHECK(!RtlTimeFieldsToTime(&fields, &time));
  RtlSecondsSince1970ToTime(86400, &time);
  ExSystemTimeToLocalTime(&time, &local);
  CHECK(local.QuadPart == time.QuadPart);
  CHECK(RtlTimeToSecondsSince1970(&time, &seconds) && seconds == 86400);
  return 0;
}

/* --- synchronisation --- */

typedef struct _SHARED {
  KMUTEX Mutex;
  KSEMAPHORE Semaphore;
  FAST_MUTEX Fast;
  ERESOURCE Resource;
  EX_RUNDOWN_REF Rundown;
  KEVENT Started;
  LONG Count;
} SHARED, *PSHARED;

static void NTAPI Count(PVOID context) {
  PSHARED shared = context;
  KeSetEvent(&shared->Started, IO_NO_INCREMENT, FALSE);
  KeWaitForSingleObject(&shared->Mutex, Executive, KernelMode, FALSE, NULL);
  ExAcquireFastMutex(&shared->Fast);
  ++shared->Count;
  ExReleaseFastMutex(&shared->Fast);
  KeReleaseMutex(&shared->Mutex, FALSE);
  KeEnterCriticalRegion();
  ExAcquireResourceSharedLite(&shared->Resource, TRUE);
  ExReleaseResourceLite(&shared->Resource);
  KeLeaveCriticalRegion();
  ExReleaseRundownProtection(&shared->Rundown);
  PsTerminateSystemThread(STATUS_UNSUCCESSFUL);
}

static LONG Threads(PSHARED shared) {
  HANDLE handle;
  PVOID thread;
  LARGE_INTEGER time = Milliseconds(5);
  KeInitializeMutex(&shared->Mutex, 0);
  ExInitializeFastMutex(&shared->Fast);
  CHECK(NT_SUCCESS(ExInitializeResourceLite(&shared->Resource)));
  ExInitializeRundownProtection(&shared->Rundown);
  CHECK(ExAcquireRundownProtection(&shared->Rundown));
  KeInitializeEvent(&shared->Started, SynchronizationEvent, FALSE);
  CHECK(KeWaitForSingleObject(&shared->Mutex, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
  CHECK(KeAreApcsDisabled());
  CHECK(NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Count, shared)));
  CHECK(NT_SUCCESS(ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL)));
  CHECK(NT_SUCCESS(ZwClose(handle)));
  CHECK(KeWaitForSingleObject(&shared->Started, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
  CHECK(KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, &time) == STATUS_TIMEOUT && shared->Count == 0);
  KeReleaseMutex(&shared->Mutex, FALSE);
  ExWaitForRundownProtectionRelease(&shared->Rundown);
  CHECK(!ExAcquireRundownProtection(&shared->Rundown));
  CHECK(KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS && shared->Count == 1);
  CHECK(PsGetThreadExitStatus(thread) == STATUS_UNSUCCESSFUL);
  ObDereferenceObject(thread);
  CHECK(!KeAreApcsDisabled() && NT_SUCCESS(ExDeleteResourceLite(&shared->Resource)));
  return 0;
}

static void NTAPI Tick(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  PSHARED shared = context;
  (void)dpc, (void)argument1, (void)argument2;
  KeReleaseSemaphore(&shared->Semaphore, IO_NO_INCREMENT, 1, FALSE);
}

static LONG Timers(PSHARED shared) {
  KTIMER timer;
  KDPC dpc;
  PVOID objects[2];
  LARGE_INTEGER time = Milliseconds(100), none;
  ULONGLONG before;
  none.QuadPart = 0;
  KeInitializeSemaphore(&shared->Semaphore, 0, 100);
  KeInitializeTimer(&timer);
  KeInitializeDpc(&dpc, Tick, shared);
  KeSetTimerEx(&timer, Milliseconds(1), 1, &dpc);
  objects[0] = &shared->Semaphore, objects[1] = &timer;
  CHECK(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &time, NULL) == STATUS_SUCCESS);
  CHECK(KeWaitForSingleObject(&shared->Semaphore, Executive, KernelMode, FALSE, &time) == STATUS_SUCCESS);
  CHECK(KeReadStateTimer(&timer) && KeCancelTimer(&timer) && !KeCancelTimer(&timer));
  KeFlushQueuedDpcs();
  while (KeWaitForSingleObject(&shared->Semaphore, Executive, KernelMode, FALSE, &none) == STATUS_SUCCESS) {
  }
  CHECK(KeReadStateSemaphore(&shared->Semaphore) == 0);
  KeSetCoalescableTimer(&timer, Milliseconds(3), 0, 1000, NULL);
  before = KeQueryInterruptTime();
  CHECK(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
  CHECK(KeQueryInterruptTime() - before < 40000);
  return 0;
}

static LONG Locks(void) {
  EX_SPIN_LOCK rw = 0;
  KSPIN_LOCK lock;
  KLOCK_QUEUE_HANDLE handle;
  KIRQL irql;
  KeInitializeSpinLock(&lock);
  KeAcquireInStackQueuedSpinLock(&lock, &handle);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && !KeTryToAcquireSpinLockAtDpcLevel(&lock));
  KeReleaseInStackQueuedSpinLock(&handle);
  irql = ExAcquireSpinLockShared(&rw);
  CHECK(ExTryConvertSharedSpinLockExclusive(&rw));
  ExReleaseSpinLockExclusive(&rw, irql);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && rw == 0);
  return 0;
}

static LONG Pool(void) {
  NPAGED_LOOKASIDE_LIST list;
  PVOID entries[6];
  ULONG i;
  PUCHAR zeroed = ExAllocatePool2(POOL_FLAG_PAGED, 300, TAG);
  CHECK(zeroed != NULL && zeroed[0] == 0 && zeroed[299] == 0);
  ExFreePoolWithTag(zeroed, TAG);
  CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, 16, TAG) == NULL && ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 0) == NULL);
  ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 64, TAG, 0);
  for (i = 0; i < 6; ++i) CHECK((entries[i] = ExAllocateFromNPagedLookasideList(&list)) != NULL);
  for (i = 0; i < 6; ++i) ExFreeToNPagedLookasideList(&list, entries[i]);
  CHECK(list.L.TotalAllocates == 6 && list.L.AllocateMisses == 6 && list.L.TotalFrees == 6);
  CHECK((entries[0] = ExAllocateFromNPagedLookasideList(&list)) != NULL && list.L.AllocateMisses == 6);
  ExFreeToNPagedLookasideList(&list, entries[0]);
  return ExDeleteNPagedLookasideList(&list), 0;
}

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  static SHARED shared;
  LONG line = Keys();
  (void)device;
  if (line == 0) line = Strings();
  if (line == 0) line = Bitmaps();
  if (line == 0) line = Times();
  if (line == 0) line = Threads(&shared);
  if (line == 0) line = Timers(&shared);
  if (line == 0) line = Locks();
  if (line == 0) line = Pool();
  if (stack->Parameters.Read.Length < sizeof line) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  *(LONG *)irp->AssociatedIrp.SystemBuffer = line;
  return Complete(irp, STATUS_SUCCESS, sizeof line);
}
