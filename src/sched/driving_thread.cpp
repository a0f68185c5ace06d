#include "sched/driving_thread.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include "abi/guarded_copy.h"
#include "abi/memcheck.h"
#include "base/check.h"
#include "sched/guard.h"
#include "sched/watchdog.h"

#if defined(DRYDOCK_ASAN)
/// The handlers must be allowed; and abandoned calls never give their fake stack frames back.
extern "C" __attribute__((weak, used, visibility("default"))) const char* __asan_default_options() {
  return "allow_user_segv_handler=1:detect_stack_use_after_return=0";
}
#endif

namespace drydock {

__thread MachineHooks* t_current_machine = nullptr;
__thread const void* t_gs_base = nullptr;
__thread bool t_gs_is_used = false;  // by the program around us

// --- gs ----------------------------------------------------------------------------------------------------------------

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif
const bool kHasGsBaseInstructions = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;

void set_gs_base_by_system_call(const void* base) { syscall(SYS_arch_prctl, ARCH_SET_GS, base); }

std::uint64_t current_gs_base() {
  std::uint64_t base = 0;
  if (kHasGsBaseInstructions)
    asm volatile("rdgsbase %0" : "=r"(base));
  else
    syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
  return base;
}

namespace {

// --- diverting a thread out of a signal handler -------------------------------------------------------------------------

constexpr std::uint64_t kHandlerMustClear = kFlagDirection | kFlagTrap | kFlagAlignment;

long long& reg(ucontext_t& context, Gpr r) { return context.uc_mcontext.gregs[static_cast<std::size_t>(r)]; }
std::uintptr_t rip_of(ucontext_t& context) { return static_cast<std::uintptr_t>(reg(context, Gpr::rip)); }
std::uintptr_t rsp_of(ucontext_t& context) { return static_cast<std::uintptr_t>(reg(context, Gpr::rsp)); }

void continue_at(ucontext_t& context, std::uintptr_t rip, std::uintptr_t rsp) {
  reg(context, Gpr::rip) = static_cast<long long>(rip);
  reg(context, Gpr::rsp) = static_cast<long long>(rsp);
  reg(context, Gpr::flags) &= ~static_cast<long long>(kHandlerMustClear);
}

}  // namespace

void divert_to_landing(ucontext_t& context, Fiber& fiber, AbortReason reason, std::uint64_t fault_address) {
  std::uint64_t registers[kGprCount];
  std::copy_n(context.uc_mcontext.gregs, kGprCount, registers);
  const std::uintptr_t rsp = prepare_landing(fiber, reason, registers, fault_address);
  if (rsp < rsp_of(context)) memcheck::joins_the_stack(rsp, rsp_of(context));
  continue_at(context, reinterpret_cast<std::uintptr_t>(&drydock_abort_landing), rsp);
  reg(context, Gpr::rdi) = static_cast<long long>(reinterpret_cast<std::uintptr_t>(&fiber));
  reg(context, Gpr::rbp) = 0;
}

void divert_to_service(ucontext_t& context, Fiber& fiber, void (*service)(TrapFrame*), int signal, int code,
                       std::uint64_t fault_address) {
  const std::uintptr_t rsp = rsp_of(context);
  if (!fiber.owns_stack(rsp)) return divert_to_landing(context, fiber, AbortReason::wild_access, fault_address);
  // Win64 has no red zone; the way out of the trampoline uses the two words below rsp.
  const std::uintptr_t at = (rsp - 16 - trap_frame_size()) & ~std::uintptr_t{63};
  if (at < fiber.stack_bottom() + kHostReserve)
    return divert_to_landing(context, fiber, AbortReason::stack_overflow, fault_address);
  auto* frame = reinterpret_cast<TrapFrame*>(at);
  memcheck::joins_the_stack(at, rsp);
  fill_trap_frame(frame, context.uc_mcontext.gregs, service);
  frame->fault_address = fault_address;
  frame->signal = signal;
  frame->signal_code = code;
  continue_at(context, trap_trampoline(), at);
}

// --- the trap service ---------------------------------------------------------------------------------------------------

TrapCrossing::TrapCrossing(Fiber& fiber, TrapFrame& frame) : fiber_(fiber), frame_(frame) {
  fiber.crossing_ = frame.rsp();
  if (frame.rsp() < fiber.mark_) fiber.note_driver_use(fiber.driver_use(frame.rsp()), {frame.rip(), frame.rsp(), frame[Gpr::rbp], false});
}

TrapCrossing::~TrapCrossing() {
  if (fiber_.pending_ == AbortReason::none) return;
  const AbortReason reason = fiber_.take_pending();
  if (reason != AbortReason::none) cut_off(fiber_, reason, frame_.gregs, frame_.fault_address);
}

void drydock_trap_service(TrapFrame* frame) {
  MachineHooks* machine = current_machine();
  const TrapCrossing crossing(*machine->current_fiber, *frame);
  ++machine->progress;
  machine->trap(*frame);
}

// --- the handlers -------------------------------------------------------------------------------------------------------

namespace {

constexpr std::array kFaultSignals = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};

/// What the process had before drydock; written once. Dispositions are the process's, so this is too.
struct sigaction g_earlier[NSIG];

/// A line for a signal handler: no allocation, no stdio.
class HandlerLine {
 public:
  HandlerLine& text(const char* s) {
    while (*s && length_ < sizeof line_ - 1) line_[length_++] = *s++;
    return *this;
  }
  HandlerLine& hex(std::uint64_t value) {
    char digits[17] = {};
    for (int i = 15; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
    const char* first = digits;
    while (*first == '0' && first[1]) ++first;
    return text("0x").text(first);
  }
  void write_to_stderr() {
    line_[length_++] = '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line_, length_);
  }

 private:
  char line_[256];
  std::size_t length_ = 0;
};

const char* signal_name(int signal) {
  switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGTRAP: return "SIGTRAP";
    case SIGFPE: return "SIGFPE";
    default: return "?";
  }
}

bool call_earlier(int signal, siginfo_t* info, void* context) {
  const struct sigaction& earlier = g_earlier[signal];
  if (earlier.sa_flags & SA_SIGINFO) {
    earlier.sa_sigaction(signal, info, context);
    return true;
  }
  if (earlier.sa_handler == SIG_DFL || earlier.sa_handler == SIG_IGN) return false;
  earlier.sa_handler(signal);
  return true;
}

/// Not ours, and nobody else's: what would have happened without drydock.
void default_action(int signal, const siginfo_t* info) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  if (info->si_code <= 0 || signal == SIGTRAP) raise(signal);  // sent, or already past the instruction
}

void host_fault(int signal, siginfo_t* info, ucontext_t& context, bool driving) {
  if (call_earlier(signal, info, &context)) return;
  if (!driving || info->si_code <= 0) return default_action(signal, info);
  HandlerLine line;
  line.text("drydock: internal error: host fault at ").hex(rip_of(context));
  line.text(" touching ").hex(reinterpret_cast<std::uintptr_t>(info->si_addr)).text(", signal ").text(signal_name(signal));
  line.write_to_stderr();
  _exit(kExitOurFault);
}

/// A jump to nowhere leaves rip at the target. The driver is known by the return address its call has pushed; a return
/// (through a smashed stack) by the target just below rsp.
bool is_wild_jump(const MachineHooks& machine, const Fiber& fiber, ucontext_t& context, std::uint64_t fault_address) {
  const std::uintptr_t rip = rip_of(context), rsp = rsp_of(context);
  if (fault_address != rip || rsp < fiber.stack_bottom() + 8 || rsp + 8 > fiber.stack_top()) return false;
  const auto* words = reinterpret_cast<const std::uintptr_t*>(rsp);
  return machine.images.contains(words[0]) || words[-1] == rip;
}

bool fault_is_the_drivers(const MachineHooks& machine, int signal, ucontext_t& context, std::uint64_t fault_address) {
  const Fiber* fiber = machine.current_fiber;
  if (!fiber || !fiber->innermost_guard()) return false;
  const std::uintptr_t rip = rip_of(context);
  const std::uintptr_t instruction = signal == SIGTRAP ? rip - 1 : rip;  // int3 is reported behind itself
  return machine.images.contains(instruction) || is_wild_jump(machine, *fiber, context, fault_address);
}

void on_fault(int signal, siginfo_t* info, void* context_pointer) {
  const int saved_errno = errno;
  auto& context = *static_cast<ucontext_t*>(context_pointer);
  MachineHooks* machine = t_current_machine;
  const bool says_address = (signal == SIGSEGV || signal == SIGBUS) && info->si_code > 0 && info->si_code != SI_KERNEL;
  const std::uint64_t fault_address = says_address ? reinterpret_cast<std::uintptr_t>(info->si_addr) : 0;
  if (const std::uintptr_t fixup = guarded_copy_fixup(rip_of(context)); fixup && info->si_code > 0) {
    reg(context, Gpr::rip) = static_cast<long long>(fixup);
  } else if (!machine || info->si_code <= 0 || !fault_is_the_drivers(*machine, signal, context, fault_address)) {
    host_fault(signal, info, context, machine != nullptr);
  } else if (Fiber& fiber = *machine->current_fiber; fiber.in_low_guard(fault_address)) {
    divert_to_landing(context, fiber, AbortReason::stack_overflow, fault_address);
  } else {
    divert_to_service(context, fiber, &drydock_trap_service, signal, info->si_code, fault_address);
  }
  errno = saved_errno;
}

void install_handlers() {
  struct sigaction action {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, watchdog_signal());
  for (const int signal : kFaultSignals) sigaction(signal, &action, &g_earlier[signal]);
  install_watchdog_handler();
}

void install_handlers_once() {
  static std::once_flag once;
  std::call_once(once, install_handlers);
}

// --- what an OS thread needs --------------------------------------------------------------------------------------------

/// After fork the timers are gone though the thread-local state says otherwise.
std::atomic<unsigned>& fork_generation() {
  static std::atomic<unsigned> generation{1};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { fork_generation().fetch_add(1); });
  (void)registered;
  return generation;
}

/// The signal stack and the watchdog timer of an OS thread; given back when the thread ends.
class ThreadKit {
 public:
  void prepare() {
    if (!stack_) install_stack();
    watchdog_.arm();
  }
  ~ThreadKit() {
    if (!stack_) return;
    sigaltstack(&earlier_, nullptr);
    munmap(stack_, mapped_);
  }

 private:
  void install_stack() {
    constexpr std::size_t kGuard = 4096, kOurs = 64 * 1024;
    const std::size_t size = (kOurs + getauxval(AT_MINSIGSTKSZ) + 4095) & ~std::size_t{4095};
    mapped_ = kGuard + size;
    void* area = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(area != MAP_FAILED, "no memory for a signal stack: {}", std::strerror(errno));
    mprotect(area, kGuard, PROT_NONE);
    stack_t stack{};
    stack.ss_sp = static_cast<char*>(area) + kGuard;
    stack.ss_size = size;
    CHECK(sigaltstack(&stack, &earlier_) == 0, "no signal stack: {}", std::strerror(errno));
    stack_ = area;
  }

  void* stack_ = nullptr;
  std::size_t mapped_ = 0;
  stack_t earlier_{};
  WatchdogTimer watchdog_;
};

__thread unsigned t_prepared_in = 0;  // the fork generation in which this thread was prepared

void prepare_thread() {
  static const std::atomic<unsigned>& generation = fork_generation();
  const unsigned now = generation.load(std::memory_order_relaxed);
  if (t_prepared_in == now) [[likely]]
    return;
  install_handlers_once();
  static thread_local ThreadKit kit;
  kit.prepare();
  t_gs_base = reinterpret_cast<const void*>(current_gs_base());
  t_gs_is_used = t_gs_base != nullptr;
  t_prepared_in = now;
}

}  // namespace

DrivingThread::DrivingThread(MachineHooks& machine) {
  prepare_thread();
  outer_ = current_machine();
  outer_gs_base_ = t_gs_base;
  t_current_machine = &machine;
}

DrivingThread::~DrivingThread() {
  t_current_machine = outer_;
  // Linux programs hardly ever use gs: where nobody does it stays a page of the machine, and the next call finds it there.
  if (outer_ != nullptr || t_gs_is_used) [[unlikely]] set_gs_base(outer_gs_base_);
}

}  // namespace drydock
