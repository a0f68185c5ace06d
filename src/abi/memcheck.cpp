#include "abi/memcheck.h"

#include <sys/mman.h>

#include <csetjmp>
#include <csignal>

#include "base/check.h"

namespace drydock::memcheck {
namespace {

sigjmp_buf g_back;
volatile std::uint64_t g_seen = 0, g_rip = 0;

void on_fault(int, siginfo_t*, void* context) {
  const auto& gregs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  g_seen = static_cast<std::uint64_t>(gregs[REG_RCX]);
  g_rip = static_cast<std::uint64_t>(gregs[REG_RIP]);
  siglongjmp(g_back, 1);
}

/// rcx is 5 at the access and is overwritten behind it in the same block: just what may be kept in a temporary. The access
/// is the target of a jump, so that a block which goes on through jumps shows the jump's rip. `where`: of the access.
[[gnu::noinline]] void touch(void* nothing, std::uint64_t& where) {
  asm volatile(
      "leaq 2f(%%rip), %%rcx\n\tmovq %%rcx, (%1)\n\tmovl $5, %%ecx\n\tjmp 1f\n"
      "2:\tmovl %%ecx, (%0)\n\tmovl $6, %%ecx\n\tjmp 3f\n"
      "1:\tjmp 2b\n3:"
      : : "r"(nothing), "r"(&where) : "rcx", "memory");
}

bool try_it() {
  void* nothing = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED, "no page to try a fault on");
  traps_on_purpose(reinterpret_cast<std::uintptr_t>(nothing), 4096);
  struct sigaction action {}, before {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &before);
  static std::uint64_t where = 0;
  if (sigsetjmp(g_back, 1) == 0) touch(nothing, where);
  sigaction(SIGSEGV, &before, nullptr);
  munmap(nothing, 4096);
  return g_seen == 5 && g_rip == where;
}

}  // namespace

bool registers_are_exact_at_faults() {
  static const bool exact = !running() || try_it();
  return exact;
}

}  // namespace drydock::memcheck
