/* What loader_test loads: a miniature driver with everything a loader has to get right, in plain C without any header.
   Built by mingw-w64 gcc and by clang (both linkers), each at its own preferred base. */

typedef unsigned long long u64;
typedef long long s64;

#define EXPORT __declspec(dllexport)
#define NOINLINE __attribute__((noinline))

__declspec(dllimport) u64 HostCall(u64 value);        /* functions of "host.sys" */
__declspec(dllimport) u64 NoSuchRoutine(u64 value);   /* nobody provides this one */
extern __declspec(dllimport) u64 HostNumber;          /* a variable of "host.sys" */

int _fltused;  /* asked for by clang's msvc target where floating point is used */

/* Relocations: a table of pointers. */
static u64 twice(u64 x) { return 2 * x; }
static u64 thrice(u64 x) { return 3 * x; }
u64 (*volatile operations[2])(u64) = {twice, thrice};

/* The field a /GS image has; the test points the load configuration directory at _load_config_used if the linker did
   not. */
EXPORT u64 __security_cookie = 0x2B992DDFA232ull;
EXPORT const struct {
  unsigned size;
  char until_cookie[0x58 - 4];
  u64 cookie;
  char until_end[0x70 - 0x60];
} _load_config_used = {0x70, {0}, (u64)&__security_cookie, {0}};

EXPORT u64 Add(u64 a, u64 b) { return a + b; }
EXPORT u64 Apply(u64 which, u64 x) { return operations[which & 1](x); }
EXPORT u64 ReadHostNumber(void) { return HostNumber; }
EXPORT u64 CallMissing(u64 x) { return NoSuchRoutine(x) + 1; }
EXPORT u64 ReadCookie(void) { return __security_cookie; }

/* Frames of all kinds. Each must return what came back from below, changed, so that none is a tail call. */
EXPORT NOINLINE u64 Innermost(u64 x) {
  return HostCall(x) + 1;
}

EXPORT NOINLINE u64 WithDynamicStack(u64 x) {  /* needs a frame register */
  volatile char *room = __builtin_alloca(32 + (x & 15) * 16);
  room[0] = (char)x;
  return Innermost(x + (u64)room[0]) + 1;
}

EXPORT NOINLINE u64 WithLargeFrame(u64 x) {    /* more than a small allocation holds, and vectors to keep */
  volatile double kept[700];
  double a = (double)x, b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5, g = a + 6, h = a + 7;
  kept[699] = a;
  u64 below = WithDynamicStack(x);
  double sum = a + b + c + d + e + f + g + h + kept[699];
  return below + (sum == 9 * (double)x + 28 ? 1 : 1000);
}

EXPORT NOINLINE u64 Outermost(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  u64 sum = 0;
  for (u64 i = 0; i < 3; ++i) sum += a * b + c * d + e * f + i;
  u64 below = WithLargeFrame(a);
  return below + sum + (a ^ b ^ c ^ d ^ e ^ f);
}

EXPORT NOINLINE u64 Recurse(u64 depth) { return depth ? Recurse(depth - 1) * 3 + depth : HostCall(1) + 1; }

/* Line numbers: the test looks for this function's fault by name and line. */
EXPORT u64 Touch(volatile u64 *where) {
  return *where + 1; /* LINE: Touch */
}

EXPORT s64 DriverEntry(void *driver, void *path) {
  (void)driver;
  (void)path;
  return 0;
}
