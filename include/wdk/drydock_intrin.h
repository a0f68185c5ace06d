/* The interlocked operations and memory helpers of kernel code, as compiler built-ins; and, for drivers only, the
 * privileged instructions that Windows headers expand in line on x86-64 (cr8, port and register access, gs). */
#ifndef DRYDOCK_WDK_INTRIN_H
#define DRYDOCK_WDK_INTRIN_H

#include "ntdef.h"

EXTERN_C_START

FORCEINLINE LONG InterlockedIncrement(LONG volatile *Addend) { return __sync_add_and_fetch(Addend, 1); }
FORCEINLINE LONG InterlockedDecrement(LONG volatile *Addend) { return __sync_sub_and_fetch(Addend, 1); }
FORCEINLINE LONG InterlockedAdd(LONG volatile *Addend, LONG Value) { return __sync_add_and_fetch(Addend, Value); }
FORCEINLINE LONG InterlockedExchangeAdd(LONG volatile *Addend, LONG Value) { return __sync_fetch_and_add(Addend, Value); }
FORCEINLINE LONG InterlockedExchange(LONG volatile *Target, LONG Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedCompareExchange(LONG volatile *Target, LONG Exchange, LONG Comparand) {
  return __sync_val_compare_and_swap(Target, Comparand, Exchange);
}
FORCEINLINE LONG InterlockedAnd(LONG volatile *Target, LONG Value) { return __sync_fetch_and_and(Target, Value); }
FORCEINLINE LONG InterlockedOr(LONG volatile *Target, LONG Value) { return __sync_fetch_and_or(Target, Value); }
FORCEINLINE LONG InterlockedXor(LONG volatile *Target, LONG Value) { return __sync_fetch_and_xor(Target, Value); }

FORCEINLINE LONG64 InterlockedIncrement64(LONG64 volatile *Addend) { return __sync_add_and_fetch(Addend, 1); }
FORCEINLINE LONG64 InterlockedDecrement64(LONG64 volatile *Addend) { return __sync_sub_and_fetch(Addend, 1); }
FORCEINLINE LONG64 InterlockedAdd64(LONG64 volatile *Addend, LONG64 Value) { return __sync_add_and_fetch(Addend, Value); }
FORCEINLINE LONG64 InterlockedExchangeAdd64(LONG64 volatile *Addend, LONG64 Value) {
  return __sync_fetch_and_add(Addend, Value);
}
FORCEINLINE LONG64 InterlockedExchange64(LONG64 volatile *Target, LONG64 Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedCompareExchange64(LONG64 volatile *Target, LONG64 Exchange, LONG64 Comparand) {
  return __sync_val_compare_and_swap(Target, Comparand, Exchange);
}
FORCEINLINE LONG64 InterlockedAnd64(LONG64 volatile *Target, LONG64 Value) { return __sync_fetch_and_and(Target, Value); }
FORCEINLINE LONG64 InterlockedOr64(LONG64 volatile *Target, LONG64 Value) { return __sync_fetch_and_or(Target, Value); }

FORCEINLINE SHORT InterlockedIncrement16(SHORT volatile *Addend) { return __sync_add_and_fetch(Addend, (SHORT)1); }
FORCEINLINE SHORT InterlockedDecrement16(SHORT volatile *Addend) { return __sync_sub_and_fetch(Addend, (SHORT)1); }
FORCEINLINE SHORT InterlockedCompareExchange16(SHORT volatile *Target, SHORT Exchange, SHORT Comparand) {
  return __sync_val_compare_and_swap(Target, Comparand, Exchange);
}
FORCEINLINE CHAR InterlockedExchange8(CHAR volatile *Target, CHAR Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedExchange16(SHORT volatile *Target, SHORT Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE PVOID InterlockedExchangePointer(PVOID volatile *Target, PVOID Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE PVOID InterlockedCompareExchangePointer(PVOID volatile *Target, PVOID Exchange, PVOID Comparand) {
  return __sync_val_compare_and_swap(Target, Comparand, Exchange);
}

FORCEINLINE BOOLEAN InterlockedBitTestAndSet(LONG volatile *Base, LONG Bit) {
  LONG mask = (LONG)(1U << (Bit & 31));
  return (BOOLEAN)((__sync_fetch_and_or(Base + (Bit >> 5), mask) & mask) != 0);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndReset(LONG volatile *Base, LONG Bit) {
  LONG mask = (LONG)(1U << (Bit & 31));
  return (BOOLEAN)((__sync_fetch_and_and(Base + (Bit >> 5), ~mask) & mask) != 0);
}

#define InterlockedExchangeAddSizeT(a, b) ((SIZE_T)InterlockedExchangeAdd64((LONG64 volatile *)(a), (LONG64)(b)))
#define InterlockedAddNoFence InterlockedAdd
#define InterlockedIncrementAcquire InterlockedIncrement
#define InterlockedIncrementRelease InterlockedIncrement
#define InterlockedIncrementNoFence InterlockedIncrement
#define InterlockedDecrementAcquire InterlockedDecrement
#define InterlockedDecrementRelease InterlockedDecrement
#define InterlockedDecrementNoFence InterlockedDecrement
#define InterlockedCompareExchangeAcquire InterlockedCompareExchange
#define InterlockedCompareExchangeRelease InterlockedCompareExchange
#define InterlockedCompareExchangeNoFence InterlockedCompareExchange
#define InterlockedExchangeNoFence InterlockedExchange
#define InterlockedOrNoFence InterlockedOr
#define InterlockedAndNoFence InterlockedAnd
#define InterlockedCompareExchangePointerAcquire InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerRelease InterlockedCompareExchangePointer

FORCEINLINE UCHAR BitScanForward(ULONG *Index, ULONG Mask) {
  if (Mask == 0) return 0;
  *Index = (ULONG)__builtin_ctz(Mask);
  return 1;
}
FORCEINLINE UCHAR BitScanReverse(ULONG *Index, ULONG Mask) {
  if (Mask == 0) return 0;
  *Index = 31u - (ULONG)__builtin_clz(Mask);
  return 1;
}
FORCEINLINE UCHAR BitScanForward64(ULONG *Index, ULONG64 Mask) {
  if (Mask == 0) return 0;
  *Index = (ULONG)__builtin_ctzll(Mask);
  return 1;
}
FORCEINLINE UCHAR BitScanReverse64(ULONG *Index, ULONG64 Mask) {
  if (Mask == 0) return 0;
  *Index = 63u - (ULONG)__builtin_clzll(Mask);
  return 1;
}

FORCEINLINE USHORT RtlUshortByteSwap(USHORT Source) { return __builtin_bswap16(Source); }
FORCEINLINE ULONG RtlUlongByteSwap(ULONG Source) { return __builtin_bswap32(Source); }
FORCEINLINE ULONGLONG RtlUlonglongByteSwap(ULONGLONG Source) { return __builtin_bswap64(Source); }

#define KeMemoryBarrierWithoutFence() __asm__ __volatile__("" : : : "memory")
#define KeMemoryBarrier() __sync_synchronize()
#define MemoryBarrier() __sync_synchronize()
#define YieldProcessor() __builtin_ia32_pause()

FORCEINLINE LONG ReadAcquire(LONG const volatile *Source) { return __atomic_load_n(Source, __ATOMIC_ACQUIRE); }
FORCEINLINE LONG ReadNoFence(LONG const volatile *Source) { return __atomic_load_n(Source, __ATOMIC_RELAXED); }
FORCEINLINE LONG64 ReadAcquire64(LONG64 const volatile *Source) { return __atomic_load_n(Source, __ATOMIC_ACQUIRE); }
FORCEINLINE LONG64 ReadNoFence64(LONG64 const volatile *Source) { return __atomic_load_n(Source, __ATOMIC_RELAXED); }
FORCEINLINE PVOID ReadPointerAcquire(PVOID const volatile *Source) { return __atomic_load_n(Source, __ATOMIC_ACQUIRE); }
FORCEINLINE PVOID ReadPointerNoFence(PVOID const volatile *Source) { return __atomic_load_n(Source, __ATOMIC_RELAXED); }
FORCEINLINE void WriteRelease(LONG volatile *Target, LONG Value) { __atomic_store_n(Target, Value, __ATOMIC_RELEASE); }
FORCEINLINE void WriteNoFence(LONG volatile *Target, LONG Value) { __atomic_store_n(Target, Value, __ATOMIC_RELAXED); }
FORCEINLINE void WriteRelease64(LONG64 volatile *Target, LONG64 Value) {
  __atomic_store_n(Target, Value, __ATOMIC_RELEASE);
}
FORCEINLINE void WritePointerRelease(PVOID volatile *Target, PVOID Value) {
  __atomic_store_n(Target, Value, __ATOMIC_RELEASE);
}

#if !DRYDOCK_HOST

/* The spelling with an underscore is the compiler intrinsic: built into clang for MSVC targets, ours elsewhere. */
#if defined(_MSC_VER)
long _InterlockedIncrement(long volatile *);
long _InterlockedDecrement(long volatile *);
long _InterlockedExchange(long volatile *, long);
long _InterlockedExchangeAdd(long volatile *, long);
long _InterlockedCompareExchange(long volatile *, long, long);
long _InterlockedAnd(long volatile *, long);
long _InterlockedOr(long volatile *, long);
void _ReadWriteBarrier(void);
unsigned char _BitScanForward(unsigned long *, unsigned long);
unsigned char _BitScanReverse(unsigned long *, unsigned long);
#else
#define _InterlockedIncrement InterlockedIncrement
#define _InterlockedDecrement InterlockedDecrement
#define _InterlockedExchange InterlockedExchange
#define _InterlockedExchangeAdd InterlockedExchangeAdd
#define _InterlockedCompareExchange InterlockedCompareExchange
#define _InterlockedAnd InterlockedAnd
#define _InterlockedOr InterlockedOr
#define _ReadWriteBarrier() KeMemoryBarrierWithoutFence()
#define _ReadBarrier() KeMemoryBarrierWithoutFence()
#define _WriteBarrier() KeMemoryBarrierWithoutFence()
#define _BitScanForward BitScanForward
#define _BitScanReverse BitScanReverse
#define _BitScanForward64 BitScanForward64
#define _BitScanReverse64 BitScanReverse64
#define _byteswap_ushort RtlUshortByteSwap
#define _byteswap_ulong RtlUlongByteSwap
#define _byteswap_uint64 RtlUlonglongByteSwap
#define __debugbreak() __asm__ __volatile__("int3")
#if !defined(__clang__) || !defined(_MSC_EXTENSIONS)  /* to clang under Microsoft's rules it is a built-in */
FORCEINLINE DECLSPEC_NORETURN VOID __fastfail(unsigned int Code) {
  __asm__ __volatile__("int $0x29" : : "c"(Code) : "memory");
  __builtin_unreachable();
}
#endif
#define RtlFailFast(Code) __fastfail(Code)
#define FAST_FAIL_LEGACY_GS_VIOLATION 0
#define FAST_FAIL_STACK_COOKIE_CHECK_FAILURE 2
#define FAST_FAIL_CORRUPT_LIST_ENTRY 3
#define FAST_FAIL_INCORRECT_STACK 4
#define FAST_FAIL_INVALID_ARG 5
#define FAST_FAIL_GS_COOKIE_INIT 6
#define FAST_FAIL_FATAL_APP_EXIT 7
#define FAST_FAIL_RANGE_CHECK_FAILURE 8
#define FAST_FAIL_INVALID_REFERENCE_COUNT 14
#endif

FORCEINLINE ULONG64 drydock_read_cr8(void) {
  ULONG64 value;
  __asm__ __volatile__("movq %%cr8, %0" : "=r"(value) : : "memory");
  return value;
}
FORCEINLINE void drydock_write_cr8(ULONG64 value) { __asm__ __volatile__("movq %0, %%cr8" : : "r"(value) : "memory"); }

FORCEINLINE PVOID drydock_read_gs(ULONG offset) {
  PVOID value;
  __asm__ __volatile__("movq %%gs:(%1), %0" : "=r"(value) : "r"((ULONG64)offset));
  return value;
}

FORCEINLINE UCHAR READ_PORT_UCHAR(PUCHAR Port) {
  UCHAR value;
  __asm__ __volatile__("inb %w1, %0" : "=a"(value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
  return value;
}
FORCEINLINE USHORT READ_PORT_USHORT(PUSHORT Port) {
  USHORT value;
  __asm__ __volatile__("inw %w1, %0" : "=a"(value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
  return value;
}
FORCEINLINE ULONG READ_PORT_ULONG(PULONG Port) {
  ULONG value;
  __asm__ __volatile__("inl %w1, %0" : "=a"(value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
  return value;
}
FORCEINLINE void WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value) {
  __asm__ __volatile__("outb %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}
FORCEINLINE void WRITE_PORT_USHORT(PUSHORT Port, USHORT Value) {
  __asm__ __volatile__("outw %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}
FORCEINLINE void WRITE_PORT_ULONG(PULONG Port, ULONG Value) {
  __asm__ __volatile__("outl %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}

#define DRYDOCK_PORT_STRING(name, instruction, type, cell)                                                       \
  FORCEINLINE void name(type *Port, type *Buffer, ULONG Count) {                                                 \
    ULONG64 count = Count;                                                                                       \
    __asm__ __volatile__("cld; rep " instruction                                                                 \
                         : "+" cell(Buffer), "+c"(count) : "d"((USHORT)(ULONG_PTR)Port) : "memory", "cc");       \
  }
DRYDOCK_PORT_STRING(READ_PORT_BUFFER_UCHAR, "insb", UCHAR, "D")
DRYDOCK_PORT_STRING(READ_PORT_BUFFER_USHORT, "insw", USHORT, "D")
DRYDOCK_PORT_STRING(READ_PORT_BUFFER_ULONG, "insl", ULONG, "D")
DRYDOCK_PORT_STRING(WRITE_PORT_BUFFER_UCHAR, "outsb", UCHAR, "S")
DRYDOCK_PORT_STRING(WRITE_PORT_BUFFER_USHORT, "outsw", USHORT, "S")
DRYDOCK_PORT_STRING(WRITE_PORT_BUFFER_ULONG, "outsl", ULONG, "S")
#undef DRYDOCK_PORT_STRING

/* Device registers: plain moves on the mapped BAR, the stores followed by a fence. */
#define DRYDOCK_REGISTER(width, type)                                                       \
  FORCEINLINE type READ_REGISTER_##width(type volatile *Register) {                         \
    type value;                                                                             \
    _ReadWriteBarrier();                                                                    \
    value = *Register;                                                                      \
    _ReadWriteBarrier();                                                                    \
    return value;                                                                           \
  }                                                                                         \
  FORCEINLINE void WRITE_REGISTER_##width(type volatile *Register, type Value) {            \
    *Register = Value;                                                                      \
    __sync_synchronize();                                                                   \
  }                                                                                         \
  FORCEINLINE void READ_REGISTER_BUFFER_##width(type volatile *Register, type *Buffer, ULONG Count) {  \
    while (Count-- != 0) *Buffer++ = *Register++;                                           \
  }                                                                                         \
  FORCEINLINE void WRITE_REGISTER_BUFFER_##width(type volatile *Register, type *Buffer, ULONG Count) { \
    while (Count-- != 0) *Register++ = *Buffer++;                                           \
    __sync_synchronize();                                                                   \
  }
#if defined(_MSC_VER)
#undef _ReadWriteBarrier
#define _ReadWriteBarrier() KeMemoryBarrierWithoutFence()
#endif
DRYDOCK_REGISTER(UCHAR, UCHAR)
DRYDOCK_REGISTER(USHORT, USHORT)
DRYDOCK_REGISTER(ULONG, ULONG)
DRYDOCK_REGISTER(ULONG64, ULONG64)
#undef DRYDOCK_REGISTER

#endif

EXTERN_C_END

#endif
