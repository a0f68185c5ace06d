/* What trap_test runs: every kind of instruction that a driver has and that cannot just run, once as the compiler chooses
   it and once spelled out. Built by mingw-w64 gcc and by clang (both linkers). Routines that take memory do the same
   whatever lies under it: the test gives them plain memory and registers of a device, and compares. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define EXPORT __declspec(dllexport)

int _fltused;

/* --- as the compiler chooses ------------------------------------------------------------------------------------------ */

EXPORT u64 AllWidths(volatile u8 *at)
{
    volatile u16 *words = (volatile u16 *)at;
    volatile u32 *longs = (volatile u32 *)at;
    volatile u64 *quads = (volatile u64 *)at;
    u64 sum = at[1] + words[2] + longs[3] + quads[4];

    sum += (u64)(s64)((volatile signed char *)at)[5] + (u64)(s64)((volatile short *)at)[6] + (u64)(s64)((volatile s32 *)at)[7];
    at[40] = (u8)sum;
    words[21] = (u16)(sum >> 8);
    longs[11] = (u32)(sum >> 16);
    quads[6] = sum;
    at[56] = 0x5A;
    words[29] = 0xA55A;
    longs[15] = 0x80000001u;
    quads[8] = 0xFFFFFFFF80000000ull;
    return sum;
}

EXPORT u64 ReadModifyWrite(volatile u32 *at, u32 by)
{
    at[0] |= 1;
    at[1] &= ~2u;
    at[2] ^= by;
    at[3] += by;
    at[4] -= 7;
    at[5]++;
    at[6]--;
    at[7] = ~at[7];
    at[8] = 0u - at[8];
    at[9] <<= 3;
    at[10] >>= 5;
    at[11] *= 3;
    ((volatile u8 *)at)[48] |= 0x80;
    ((volatile u16 *)at)[25] += (u16)by;
    ((volatile u64 *)at)[7] |= 1ull << 40;
    return at[12] / (by | 1) + at[13] % (by | 1) + (at[14] == by) + (at[15] > by ? 1u : 2u);
}

EXPORT u64 Divide(volatile u32 *at, u32 x) { return (u64)(x / at[0]) << 32 | x % at[1]; }
EXPORT s64 DivideSigned(volatile s64 *at, s64 x) { return x / at[2] + x % at[3]; }

EXPORT u64 Floats(volatile double *at, volatile float *f)
{
    double sum = at[0] * 2 + at[1] + (double)f[4] + (double)(s32)((volatile s32 *)f)[5];

    at[3] = sum;
    f[8] = (float)(sum / 4);
    return (u64)(s64)sum;
}

typedef float v4 __attribute__((vector_size(16)));
EXPORT void Vectors(v4 *to, const v4 *from)
{
    v4 a = from[0], b = from[1];

    __asm__ volatile("" : "+x"(a), "+x"(b));
    to[0] = a + b;
    to[1] = a * b;
}

/* --- spelled out -------------------------------------------------------------------------------------------------------- */

EXPORT u64 Locked(volatile u64 *at, u64 value)
{
    u64 a = value, b = value + 1, expected = at[3];
    u8 same;

    __asm__ volatile("lock orq %1, %0" : "+m"(at[0]) : "r"(value) : "cc");
    __asm__ volatile("lock xaddq %1, %0" : "+m"(at[1]), "+r"(a) : : "cc");
    __asm__ volatile("xchgl %k1, %0" : "+m"(*(volatile u32 *)&at[2]), "+r"(b));
    __asm__ volatile("lock cmpxchgq %3, %1; sete %2" : "+a"(expected), "+m"(at[3]), "=q"(same) : "r"(value) : "cc");
    __asm__ volatile("lock incw %0; lock notl 4%0; lock andb $0x7F, 7%0" : "+m"(at[4]) : : "cc");
    return a ^ b ^ expected ^ (u64)same << 60;
}

EXPORT u64 CompareExchange16(volatile u64 *at, u64 low, u64 high)
{
    u64 a = at[0], d = at[1];
    u8 same;

    __asm__ volatile("lock cmpxchg16b %2; sete %3" : "+a"(a), "+d"(d), "+m"(*(volatile u8(*)[16])at), "=q"(same)
                     : "b"(low), "c"(high) : "cc");
    return a + d + same;
}

/* The bit lies far from the operand, on either side. */
EXPORT u64 Bits(volatile u32 *middle, s64 offset)
{
    u8 was[5];

    __asm__ volatile("btl %k2, %1; setc %0" : "=q"(was[0]) : "m"(*middle), "r"(offset) : "cc", "memory");
    __asm__ volatile("btsq %2, %1; setc %0" : "=q"(was[1]) : "m"(*middle), "r"(offset) : "cc", "memory");
    __asm__ volatile("lock btrl %k2, %1; setc %0" : "=q"(was[2]) : "m"(*middle), "r"(offset + 33) : "cc", "memory");
    __asm__ volatile("btcw %w2, %1; setc %0" : "=q"(was[3]) : "m"(*middle), "r"(offset - 70) : "cc", "memory");
    __asm__ volatile("lock btsl $29, %1; setc %0" : "=q"(was[4]), "+m"(*middle) : : "cc");
    return was[0] | was[1] << 1 | was[2] << 2 | was[3] << 3 | (u64)was[4] << 4;
}

#define REP(name, instruction, type) \
    EXPORT u64 name(volatile type *to, volatile type *from, u64 count) \
    { \
        __asm__ volatile("rep " instruction : "+D"(to), "+S"(from), "+c"(count) : : "memory"); \
        return (u64)to ^ ((u64)from << 1 | (u64)from >> 63) ^ count; \
    } \
    EXPORT u64 name##Backward(volatile type *to, volatile type *from, u64 count) \
    { \
        to += count - 1; \
        from += count - 1; \
        __asm__ volatile("std; rep " instruction "; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory", "cc"); \
        return (u64)to ^ ((u64)from << 1 | (u64)from >> 63) ^ count; \
    }
REP(Copy1, "movsb", u8)
REP(Copy2, "movsw", u16)
REP(Copy4, "movsl", u32)
REP(Copy8, "movsq", u64)

#define FILL(name, instruction, type) \
    EXPORT u64 name(volatile type *to, u64 value, u64 count) \
    { \
        __asm__ volatile("rep " instruction : "+D"(to), "+c"(count) : "a"(value) : "memory"); \
        return (u64)to ^ count; \
    }
FILL(Fill1, "stosb", u8)
FILL(Fill2, "stosw", u16)
FILL(Fill4, "stosl", u32)
FILL(Fill8, "stosq", u64)

EXPORT u64 Search(const volatile u8 *in, u64 value, u64 count)
{
    __asm__ volatile("repne scasb" : "+D"(in), "+c"(count) : "a"(value) : "memory", "cc");
    return count;
}

EXPORT u64 Compare(const volatile u8 *a, const volatile u8 *b, u64 count)
{
    __asm__ volatile("repe cmpsb" : "+S"(a), "+D"(b), "+c"(count) : : "memory", "cc");
    return count;
}

EXPORT u64 SseMoves(volatile u8 *at)
{
    u64 low, high;

    __asm__ volatile("movdqa (%2), %%xmm0; movups 16(%2), %%xmm1; movdqu 3(%2), %%xmm2; movq 40(%2), %%xmm3; movss 48(%2), %%xmm4;"
                     "movd 52(%2), %%xmm5; movhps 56(%2), %%xmm5; pxor (%2), %%xmm1; paddq %%xmm2, %%xmm1; addps %%xmm4, %%xmm0;"
                     "movaps %%xmm0, 64(%2); movups %%xmm1, 81(%2); movntdq %%xmm2, 112(%2); movq %%xmm3, 128(%2); movss %%xmm4, 136(%2);"
                     "movlps %%xmm5, 144(%2); movhpd %%xmm5, 152(%2); movq %%xmm1, %0; movq %%xmm5, %1"
                     : "=r"(low), "=r"(high) : "r"(at) : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "memory");
    return low ^ high;
}

EXPORT u64 StackAndJumps(volatile u64 *at)
{
    u64 result = 0;

    __asm__ volatile("pushq (%1); popq 8(%1); movq %%rsp, 16(%1); xorl %k0, %k0; cmpq %%rsp, 16(%1); sete %b0;"
                     "leaq 1f(%%rip), %%rcx; movq %%rcx, 24(%1); jmp *24(%1); ud2; 1: addq $2, %0;"
                     "movq $0, 16(%1); movq $0, 24(%1)"
                     : "+&q"(result) : "r"(at) : "rcx", "memory", "cc");
    return result;
}

/* --- ports, with names of their own in every compiler --------------------------------------------------------------------- */

EXPORT u64 In(u16 port)
{
    u8 a;
    u16 b;
    u32 c;

    __asm__ volatile("inb %w1, %b0" : "=a"(a) : "d"(port));
    __asm__ volatile("inw %w1, %w0" : "=a"(b) : "d"(port));
    __asm__ volatile("inl %w1, %k0" : "=a"(c) : "d"(port));
    return (u64)a << 48 | (u64)b << 32 | c;
}

EXPORT void Out(u16 port, u32 value)
{
    __asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(port));
    __asm__ volatile("outw %w0, %w1" : : "a"(value), "d"(port));
    __asm__ volatile("outl %k0, %w1" : : "a"(value), "d"(port));
    __asm__ volatile("outb %b0, $0x80; inb $0x61, %b0" : "+a"(value));
}

EXPORT void *InString(u16 port, void *to, u64 count, u64 width)
{
    switch (width) {
    case 1: __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory"); break;
    case 2: __asm__ volatile("rep insw" : "+D"(to), "+c"(count) : "d"(port) : "memory"); break;
    case 4: __asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(port) : "memory"); break;
    default: __asm__ volatile("std; rep insw; cld" : "+D"(to), "+c"(count) : "d"(port) : "memory", "cc"); break;
    }
    return (u8 *)to + count;
}

EXPORT const void *OutString(u16 port, const void *from, u64 count, u64 width)
{
    switch (width) {
    case 1: __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory"); break;
    case 2: __asm__ volatile("rep outsw" : "+S"(from), "+c"(count) : "d"(port) : "memory"); break;
    case 4: __asm__ volatile("rep outsl" : "+S"(from), "+c"(count) : "d"(port) : "memory"); break;
    default: __asm__ volatile("std; rep outsl; cld" : "+S"(from), "+c"(count) : "d"(port) : "memory", "cc"); break;
    }
    return (const u8 *)from + count;
}

/* --- the processor itself ------------------------------------------------------------------------------------------------- */

EXPORT u64 RaiseLower(u64 to)
{
    u64 before, raised;

    __asm__ volatile("movq %%cr8, %0; movq %2, %%cr8; movq %%cr8, %1; movq %0, %%cr8" : "=&r"(before), "=&r"(raised) : "r"(to));
    return raised << 8 | before;
}

EXPORT void InterruptsOffAndOn(void) { __asm__ volatile("cli; sti; hlt; wbinvd; invd" : : : "memory"); }
EXPORT void InvalidatePage(void *at) { __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory"); }
EXPORT void FlushLine(void *at) { __asm__ volatile("clflush (%0); lfence; sfence; mfence; pause; prefetcht0 (%0)" : : "r"(at) : "memory"); }

EXPORT u64 ReadMsr(u32 index)
{
    u32 low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (u64)high << 32 | low;
}

EXPORT void WriteMsr(u32 index, u64 value) { __asm__ volatile("wrmsr" : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))); }

/* These do not trap: the host's processor answers. */
EXPORT u64 Untrapped(void)
{
    u32 a = 0, b, c, d, low, high;
    u64 flags;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    __asm__ volatile("pushfq; popq %0; pushq %0; popfq" : "=r"(flags) : : "cc", "memory");
    return flags | (u64)(a != 0) << 32 | (u64)((low | high) != 0) << 33;
}

/* --- software interrupts ---------------------------------------------------------------------------------------------------- */

EXPORT u64 Breakpoint(u64 x) { __asm__ volatile("int3"); return x + 1; }
EXPORT u64 LongBreakpoint(u64 x) { __asm__ volatile(".byte 0xCD, 0x03"); return x + 2; }
EXPORT u64 DebugPrint(u64 x) { __asm__ volatile("int $0x2D; int3" : : "a"(1) : "memory"); return x + 3; }
EXPORT u64 Assertion(u64 x) { __asm__ volatile("int $0x2C"); return x + 4; }
EXPORT u64 FastFail(u32 code) { __asm__ volatile("int $0x29" : : "c"(code)); return code; }
EXPORT u64 Undefined(void) { __asm__ volatile("ud2"); return 0; }

EXPORT s64 DriverEntry(void *driver, void *path)
{
    (void)driver;
    (void)path;
    return 0;
}
