#include "abi/memcheck.h"

#include <sys/mman.h>

#include <csetjmp>
#include <csignal>

#include "base/check.h"

namespace drydock::memcheck {
namespace {

sigjmp_buf g_back;
volatile std::uint64_t g_seen = 0;

void on_fault(int, siginfo_t*, void* context) {
  g_seen = static_cast<std::uint64_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RCX]);
  siglongjmp(g_back, 1);
}

/// rcx is 5 at the access and is overwritten behind it in the same block: just what may be kept in a temporary.
void touch(void* nothing) {
  asm volatile("movl $5, %%ecx\n\tmovl %%ecx, (%0)\n\tmovl $6, %%ecx" : : "r"(nothing) : "rcx", "memory");
}

bool try_it() {
  void* nothing = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED, "no page to try a fault on");
  traps_on_purpose(reinterpret_cast<std::uintptr_t>(nothing), 4096);
  struct sigaction action {}, before {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &before);
  if (sigsetjmp(g_back, 1) == 0) touch(nothing);
  sigaction(SIGSEGV, &before, nullptr);
  munmap(nothing, 4096);
  return g_seen == 5;
}

}  // namespace

bool registers_are_exact_at_faults() {
  static const bool exact = !running() || try_it();
  return exact;
}

}  // namespace drydock::memcheck
