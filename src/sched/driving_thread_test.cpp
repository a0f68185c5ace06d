#include "sched/driving_thread.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "abi/guarded_copy.h"
#include "abi/register_bank_for_tests.h"
#include "base/seeded.h"
#include "sched/machine_for_tests.h"

namespace drydock {
namespace {

using Load = std::uint64_t(MSABI*)(const void*);
constexpr std::size_t kLoadLength = 3;

// mov rax,[rcx]; ret. With rbx: mov rax,[rbx]; ret
constexpr std::initializer_list<int> kLoadRcx = {0x48, 0x8B, 0x01, 0xC3};
constexpr std::initializer_list<int> kLoadRbx = {0x48, 0x8B, 0x03, 0xC3};

/// A machine whose driver loads from a register; trap() answers with a number.
class Traps : public ::testing::Test {
 protected:
  Traps() { code_.load_into(machine_); }
  void on_fiber(std::function<void()> body) { run_on(machine_, fiber_, std::move(body)); }
  static void answer(TrapFrame& frame, std::uint64_t value) {
    frame[Gpr::rax] = value;
    frame[Gpr::rip] += kLoadLength;
  }

  MachineForTests machine_;
  DrivingThread driving_{machine_};
  CodeForTests code_;
  PagesForTests device_{1, PROT_NONE};
  Fiber fiber_{"driver"};
};

TEST_F(Traps, a_load_from_a_device_page_is_answered_by_the_machine) {
  const Load load = code_.routine<Load>(kLoadRcx);
  TrapFrame seen{};
  machine_.on_trap = [&](TrapFrame& frame) {
    seen = frame;
    answer(frame, 0x1234567890ABCDEF);
  };
  on_fiber([&] {
    const auto entered = enter_driver(fiber_, EntryKind::routine, load, static_cast<const void*>(device_.data() + 0x18));
    EXPECT_FALSE(entered.aborted);
    EXPECT_EQ(entered.value, 0x1234567890ABCDEFu);
  });
  EXPECT_EQ(seen.signal, SIGSEGV);
  EXPECT_TRUE(seen.is_page_fault());
  EXPECT_FALSE(seen.is_write());
  EXPECT_EQ(seen.fault_address, device_.address() + 0x18);
  EXPECT_EQ(seen.rip(), reinterpret_cast<std::uintptr_t>(load));
}

TEST_F(Traps, every_register_is_as_it_was_after_a_trap_that_used_all_of_them) {
  const void* load = code_.add(kLoadRbx);
  Seeded random(1);
  machine_.on_trap = [&](TrapFrame& frame) {
    const RegisterBank rubbish = random_registers(random);
    RegisterBank unused;
    drydock_run_with_registers(&rubbish, &unused, code_.routine<void*>({0xC3}));
    answer(frame, 42);
  };
  on_fiber([&] {
    for (int i = 0; i < 200; ++i) {
      RegisterBank in = random_registers(random), out{};
      in[Gpr::rbx] = device_.address();
      const auto entered = enter_driver(fiber_, EntryKind::routine, &drydock_run_with_registers,
                                        const_cast<const RegisterBank*>(&in), &out, load);
      ASSERT_FALSE(entered.aborted);
      in[Gpr::rax] = 42;
      ASSERT_EQ(in, out) << "round " << i;
    }
  });
}

TEST_F(Traps, the_machine_may_change_every_register_of_the_driver) {
  const void* load = code_.add(kLoadRbx);
  Seeded random(2);
  RegisterBank wanted{};
  machine_.on_trap = [&](TrapFrame& frame) {
    for (std::size_t i = 0; i < 15; ++i) frame.gregs[i] = wanted.gprs[i];
    frame[Gpr::flags] = wanted.flags;
    frame[Gpr::rip] += kLoadLength;
    for (unsigned i = 0; i < 16; ++i) {
      Xmm value;
      std::memcpy(value.bytes, wanted.vectors[i], 16);
      frame.set_xmm(i, value);
    }
    frame.set_mxcsr(wanted.mxcsr);
  };
  on_fiber([&] {
    for (int i = 0; i < 50; ++i) {
      RegisterBank in = random_registers(random), out{};
      in[Gpr::rbx] = device_.address();
      if (i % 2) std::memset(in.vectors, 0, sizeof in.vectors);  // components out of use
      wanted = random_registers(random);
      enter_driver(fiber_, EntryKind::routine, &drydock_run_with_registers, const_cast<const RegisterBank*>(&in), &out, load);
      for (int v = 0; v < 16; ++v) std::memcpy(wanted.vectors[v] + 16, in.vectors[v] + 16, 16);
      wanted.x87_control = in.x87_control;
      wanted.has_avx = in.has_avx;
      ASSERT_EQ(wanted, out) << "round " << i;
    }
  });
}

/// A driver in an endless round of register checks on a fiber of its own.
struct Checker {
  Checker(const char* name, MachineHooks& the_machine, const void* the_load, std::uintptr_t device, std::uint64_t seed, int rounds)
      : fiber(name), machine(the_machine), load(the_load), address(device), random(seed), left(rounds) {
    fiber.start([](void* self) { static_cast<Checker*>(self)->run(); }, this);
  }
  void run() {
    for (; left > 0; --left) {
      RegisterBank in = random_registers(random), out{};
      in[Gpr::rbx] = address;
      const auto entered = enter_driver(fiber, EntryKind::routine, &drydock_run_with_registers,
                                        const_cast<const RegisterBank*>(&in), &out, load);
      in[Gpr::rax] = address + 1;
      if (entered.aborted || !(in == out)) ++differences;
    }
  }
  Fiber fiber;
  MachineHooks& machine;
  const void* load;
  std::uintptr_t address;
  Seeded random;
  int left;
  int differences = 0;
};

TEST_F(Traps, two_fibers_that_switch_in_every_trap_keep_their_registers) {
  const void* load = code_.add(kLoadRbx);
  machine_.on_trap = [&](TrapFrame& frame) {
    const std::uint64_t mine = frame[Gpr::rbx];
    machine_.current_fiber->suspend();
    answer(frame, mine + 1);
  };
  Checker a("a", machine_, load, device_.address(), 3, 2000), b("b", machine_, load, device_.address() + 8, 4, 2000);
  while (!a.fiber.finished() || !b.fiber.finished()) {
    if (!a.fiber.finished()) run_fiber(machine_, a.fiber);
    if (!b.fiber.finished()) run_fiber(machine_, b.fiber);
  }
  EXPECT_EQ(a.differences, 0);
  EXPECT_EQ(b.differences, 0);
}

TEST_F(Traps, a_driver_goes_on_on_another_os_thread_in_the_middle_of_an_instruction) {
  const void* load = code_.add(kLoadRbx);
  machine_.on_trap = [&](TrapFrame& frame) {
    machine_.current_fiber->suspend();
    answer(frame, frame[Gpr::rbx] + 1);
  };
  Checker a("a", machine_, load, device_.address(), 5, 500), b("b", machine_, load, device_.address(), 6, 500);
  std::mutex machine_lock;
  std::atomic<int> migrations{0};
  std::thread::id last;
  const auto drive = [&] {
    for (bool more = true; more;) {
      const std::lock_guard lock(machine_lock);
      const DrivingThread driving(machine_);
      if (last != std::this_thread::get_id()) ++migrations;
      last = std::this_thread::get_id();
      for (Checker* checker : {&a, &b})
        if (!checker->fiber.finished()) run_fiber(machine_, checker->fiber);
      more = !a.fiber.finished() || !b.fiber.finished();
    }
  };
  std::thread one(drive), two(drive);
  one.join();
  two.join();
  EXPECT_EQ(a.differences + b.differences, 0);
  EXPECT_GE(migrations, 1);
}

TEST_F(Traps, two_machines_trap_at_the_same_time_on_two_threads) {
  const auto drive_one = [](std::uint64_t seed, int* differences) {
    MachineForTests machine;
    const DrivingThread driving(machine);
    CodeForTests code;
    code.load_into(machine);
    PagesForTests device(1, PROT_NONE);
    machine.on_trap = [&](TrapFrame& frame) {
      if (current_machine() != &machine) ++*differences;
      machine.current_fiber->suspend();
      answer(frame, frame[Gpr::rbx] + 1);
    };
    Checker checker("c", machine, code.add(kLoadRbx), device.address(), seed, 2000);
    while (!checker.fiber.finished()) run_fiber(machine, checker.fiber);
    *differences += checker.differences;
  };
  int differences[2] = {};
  std::thread one(drive_one, 7, &differences[0]), two(drive_one, 8, &differences[1]);
  one.join();
  two.join();
  EXPECT_EQ(differences[0], 0);
  EXPECT_EQ(differences[1], 0);
}

TEST_F(Traps, an_interrupt_routine_runs_inside_a_trap_and_traps_itself_four_deep) {
  const void* load = code_.add(kLoadRbx);
  const Load isr = code_.routine<Load>(kLoadRcx);
  int depth = 0, deepest = 0, routines = 0;
  machine_.on_trap = [&](TrapFrame& frame) {
    ++depth;
    deepest = std::max(depth, deepest);
    if (depth <= 4) {
      ++routines;
      const auto entered = enter_driver(fiber_, EntryKind::isr, isr, static_cast<const void*>(device_.data()));
      EXPECT_EQ(entered.value, static_cast<std::uint64_t>(depth + 1));
    }
    answer(frame, static_cast<std::uint64_t>(depth));
    --depth;
  };
  Seeded random(9);
  on_fiber([&] {
    for (int i = 0; i < 100; ++i) {
      RegisterBank in = random_registers(random), out{};
      in[Gpr::rbx] = device_.address();
      enter_driver(fiber_, EntryKind::routine, &drydock_run_with_registers, const_cast<const RegisterBank*>(&in), &out, load);
      in[Gpr::rax] = 1;
      ASSERT_EQ(in, out);
    }
  });
  EXPECT_EQ(deepest, 5);
  EXPECT_EQ(routines, 400);
}

TEST_F(Traps, ten_thousand_calls_abandoned_in_a_trap_half_of_them_nested_leave_nothing_behind) {
  const Load load = code_.routine<Load>(kLoadRcx);
  bool nest = false;
  machine_.on_trap = [&](TrapFrame&) {
    if (std::exchange(nest, false)) {
      const auto inner = enter_driver(fiber_, EntryKind::isr, load, static_cast<const void*>(device_.data()));
      EXPECT_TRUE(inner.aborted);
    }
    abort_driver_call(fiber_, AbortReason::wild_access);
  };
  on_fiber([&] {
    for (int i = 0; i < 10'000; ++i) {
      nest = i % 2 == 0;
      const auto entered = enter_driver(fiber_, EntryKind::routine, load, static_cast<const void*>(device_.data()));
      ASSERT_TRUE(entered.aborted);
      ASSERT_EQ(entered.reason, AbortReason::wild_access);
      ASSERT_EQ(fiber_.innermost_guard(), nullptr);
    }
  });
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGSEGV), 0);
  stack_t stack;
  sigaltstack(nullptr, &stack);
  EXPECT_EQ(stack.ss_flags, 0) << "the signal stack is registered and not in use";
}

TEST_F(Traps, count_the_drivers_stack_up_to_the_trapping_instruction) {
  // sub rsp,7000h; mov rax,[rcx]; add rsp,7000h; ret
  const Load deep = code_.routine<Load>({0x48, 0x81, 0xEC, 0, 0x70, 0, 0, 0x48, 0x8B, 0x01, 0x48, 0x81, 0xC4, 0, 0x70, 0, 0, 0xC3});
  machine_.on_trap = [&](TrapFrame& frame) { answer(frame, 1); };
  on_fiber([&] {
    enter_driver(fiber_, EntryKind::routine, deep, static_cast<const void*>(device_.data()));
    ASSERT_EQ(machine_.stack_findings.size(), 1u);
    EXPECT_GE(machine_.stack_findings[0], 0x7000u);
    EXPECT_LT(machine_.stack_findings[0], 0x7100u);
  });
}

// --- overflows ----------------------------------------------------------------------------------------------------------

TEST_F(Traps, endless_recursion_is_reported_and_survived_again_and_again) {
  // sub rsp,28h; call self; add rsp,28h; ret
  const Load recurse = code_.routine<Load>({0x48, 0x83, 0xEC, 0x28, 0xE8, 0xF7, 0xFF, 0xFF, 0xFF, 0x48, 0x83, 0xC4, 0x28, 0xC3});
  for (int i = 0; i < 300; ++i) {
    on_fiber([&] {
      const auto entered = enter_driver(fiber_, EntryKind::routine, recurse, static_cast<const void*>(nullptr));
      ASSERT_TRUE(entered.aborted);
      ASSERT_EQ(entered.reason, AbortReason::stack_overflow);
    });
  }
  ASSERT_EQ(machine_.aborted.size(), 300u);
  const auto& record = machine_.aborted[299];
  EXPECT_TRUE(code_.begin() <= record.gregs[static_cast<int>(Gpr::rip)] && record.gregs[static_cast<int>(Gpr::rip)] < code_.end());
  EXPECT_TRUE(fiber_.in_low_guard(record.fault_address));
}

TEST_F(Traps, recursion_with_a_trap_in_every_frame_runs_out_of_room_before_it_meets_the_guard) {
  // sub rsp,28h; mov rax,[rcx]; call self; add rsp,28h; ret
  const Load recurse = code_.routine<Load>(
      {0x48, 0x83, 0xEC, 0x28, 0x48, 0x8B, 0x01, 0xE8, 0xF4, 0xFF, 0xFF, 0xFF, 0x48, 0x83, 0xC4, 0x28, 0xC3});
  machine_.on_trap = [&](TrapFrame& frame) { answer(frame, 1); };
  for (int i = 0; i < 5; ++i) {
    on_fiber([&] {
      const auto entered = enter_driver(fiber_, EntryKind::routine, recurse, static_cast<const void*>(device_.data()));
      ASSERT_TRUE(entered.aborted);
      ASSERT_EQ(entered.reason, AbortReason::stack_overflow);
    });
  }
  ASSERT_EQ(machine_.aborted.size(), 5u);
  EXPECT_EQ(machine_.aborted[0].fault_address, device_.address()) << "it was the trap that did not fit";
}

// --- what else can go wrong in a driver ---------------------------------------------------------------------------------

TEST_F(Traps, a_jump_to_nowhere_is_the_drivers_trap) {
  // sub rsp,28h; call rcx; add rsp,28h; ret
  const Load call_it = code_.routine<Load>({0x48, 0x83, 0xEC, 0x28, 0xFF, 0xD1, 0x48, 0x83, 0xC4, 0x28, 0xC3});
  std::vector<std::uint64_t> seen;
  machine_.on_trap = [&](TrapFrame& frame) {
    seen.push_back(frame.rip());
    EXPECT_TRUE(frame.is_fetch());
    abort_driver_call(fiber_, AbortReason::wild_access);
  };
  on_fiber([&] {
    EXPECT_TRUE(enter_driver(fiber_, EntryKind::routine, call_it, static_cast<const void*>(nullptr)).aborted);
    EXPECT_TRUE(enter_driver(fiber_, EntryKind::routine, call_it, static_cast<const void*>(device_.data())).aborted);
  });
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, device_.address()}));
}

TEST_F(Traps, a_return_through_a_smashed_stack_is_the_drivers_trap) {
  const Load smash = code_.routine<Load>({0x48, 0x89, 0x0C, 0x24, 0xC3});  // mov [rsp],rcx; ret
  std::uint64_t seen = 0;
  machine_.on_trap = [&](TrapFrame& frame) {
    seen = frame.rip();
    abort_driver_call(fiber_, AbortReason::wild_access);
  };
  on_fiber([&] {
    EXPECT_TRUE(enter_driver(fiber_, EntryKind::routine, smash, static_cast<const void*>(device_.data())).aborted);
  });
  EXPECT_EQ(seen, device_.address());
}

/// An export as the driver calls it.
MSABI std::uint64_t some_export() noexcept {
  Fiber& fiber = *current_machine()->current_fiber;
  const ExportCrossing crossing(fiber, DRYDOCK_CALLER_RSP());
  fiber.request_abort(AbortReason::requested);
  return 1;
}

TEST_F(Traps, an_abort_in_an_export_knows_where_the_driver_called_it_from) {
  // sub rsp,1028h; call rcx; add rsp,1028h; ret
  const Load calls_export = code_.routine<Load>({0x48, 0x81, 0xEC, 0x28, 0x10, 0, 0, 0xFF, 0xD1, 0x48, 0x81, 0xC4, 0x28, 0x10, 0, 0, 0xC3});
  on_fiber([&] {
    const auto entered = enter_driver(fiber_, EntryKind::routine, calls_export, reinterpret_cast<const void*>(&some_export));
    EXPECT_EQ(entered.reason, AbortReason::requested);
  });
  ASSERT_EQ(machine_.aborted.size(), 1u);
  EXPECT_EQ(machine_.aborted[0].gregs[static_cast<int>(Gpr::rip)], reinterpret_cast<std::uintptr_t>(calls_export) + 9);
  EXPECT_GE(fiber_.driver_stack_peak(), 0x1028u);
  EXPECT_LT(fiber_.driver_stack_peak(), 0x1028u + 0x80);
}

TEST_F(Traps, every_kind_of_trapping_instruction_arrives_with_its_signal) {
  struct Case {
    std::initializer_list<int> code;
    int signal;
    int length;  // to step over; int3 is reported behind itself
  };
  const Case cases[] = {
      {{0x44, 0x0F, 0x20, 0xC0, 0xC3}, SIGSEGV, 4},                    // mov rax,cr8
      {{0xFA, 0xC3}, SIGSEGV, 1},                                      // cli
      {{0xCD, 0x2C, 0xC3}, SIGSEGV, 2},                                // int 2Ch
      {{0xCC, 0xC3}, SIGTRAP, 0},                                      // int3
      {{0x0F, 0x0B, 0xC3}, SIGILL, 2},                                 // ud2
      {{0x31, 0xC0, 0x31, 0xD2, 0x31, 0xC9, 0xF7, 0xF1, 0xC3}, SIGFPE, 2},  // div ecx, ecx = 0
  };
  for (const Case& c : cases) {
    const Load routine = code_.routine<Load>(c.code);
    int signal = 0;
    machine_.on_trap = [&](TrapFrame& frame) {
      signal = frame.signal;
      frame[Gpr::rip] += static_cast<std::uint64_t>(c.length);
    };
    on_fiber([&] {
      EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, routine, static_cast<const void*>(nullptr)).aborted);
    });
    EXPECT_EQ(signal, c.signal);
  }
}

TEST_F(Traps, the_shared_user_data_address_traps_with_its_address_known) {
  const Load load = code_.routine<Load>(kLoadRcx);
  std::uint64_t seen = 0;
  machine_.on_trap = [&](TrapFrame& frame) {
    seen = frame.fault_address;
    answer(frame, 10);
  };
  on_fiber([&] {
    EXPECT_EQ(enter_driver(fiber_, EntryKind::routine, load, reinterpret_cast<const void*>(0xFFFFF78000000320)).value, 10u);
  });
  EXPECT_EQ(seen, 0xFFFFF78000000320u);
}

// --- around the driver --------------------------------------------------------------------------------------------------

TEST_F(Traps, gs_is_the_virtual_cpus_page_and_is_put_back_for_the_machine_around) {
  const Load load = code_.routine<Load>({0x65, 0x48, 0x8B, 0x04, 0x25, 0x88, 0x01, 0, 0, 0xC3});  // mov rax,gs:[188h]
  alignas(64) std::uint64_t page[64] = {}, outer_page[64] = {};
  page[0x188 / 8] = 0xFEEDFACE;
  set_gs_base(outer_page);
  {
    const DrivingThread nested(machine_);
    set_gs_base(page);
    on_fiber([&] {
      EXPECT_EQ(enter_driver(fiber_, EntryKind::routine, load, static_cast<const void*>(nullptr)).value, 0xFEEDFACEu);
    });
  }
  if (kHasGsBaseInstructions) {
    std::uint64_t base = 0;
    asm volatile("rdgsbase %0" : "=r"(base));
    EXPECT_EQ(base, reinterpret_cast<std::uint64_t>(outer_page));
  }
  set_gs_base(nullptr);
}

TEST_F(Traps, the_current_machine_is_known_only_while_driving) {
  EXPECT_EQ(current_machine(), &machine_);
  MachineForTests other;
  {
    const DrivingThread nested(other);
    EXPECT_EQ(current_machine(), &other);
  }
  EXPECT_EQ(current_machine(), &machine_);
  std::thread([] { EXPECT_EQ(current_machine(), nullptr); }).join();
}

TEST_F(Traps, guarded_copy_answers_where_a_plain_copy_would_crash) {
  char buffer[32] = {};
  EXPECT_TRUE(guarded_copy(buffer, "abc", 4));
  EXPECT_STREQ(buffer, "abc");
  EXPECT_FALSE(guarded_copy(buffer, device_.data(), 8));
  EXPECT_FALSE(guarded_copy(device_.data(), buffer, 8));
  EXPECT_FALSE(guarded_copy(buffer, reinterpret_cast<const void*>(0x8000000000000000), 8)) << "non-canonical";
}

/// How a child that runs `body` ends, and what it says.
struct Ending {
  int status;
  std::string said;
};
template <class Body>
Ending ending_of(Body body) {
  int pipe_ends[2];
  CHECK(pipe(pipe_ends) == 0, "no pipe");
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDERR_FILENO);
    body();
    _exit(77);
  }
  close(pipe_ends[1]);
  Ending ending{};
  char buffer[4096];
  for (ssize_t n; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) ending.said.append(buffer, static_cast<std::size_t>(n));
  close(pipe_ends[0]);
  waitpid(child, &ending.status, 0);
  return ending;
}

void touch_address_16() { asm volatile("movl $1, 0x10" : : : "memory"); }

TEST(HostFaults, a_fault_of_drydock_itself_is_one_line_and_exit_status_5) {
#if defined(DRYDOCK_ASAN) || defined(DRYDOCK_TSAN)
  GTEST_SKIP() << "the sanitizer's own handler is an earlier one and gets it";
#endif
  const Ending ending = ending_of([] {
    MachineForTests machine;
    const DrivingThread driving(machine);
    touch_address_16();
  });
  ASSERT_TRUE(WIFEXITED(ending.status));
  EXPECT_EQ(WEXITSTATUS(ending.status), 5);
  EXPECT_EQ(ending.said.find("drydock: internal error: host fault at 0x"), 0u) << ending.said;
  EXPECT_NE(ending.said.find("touching 0x10, signal SIGSEGV"), std::string::npos) << ending.said;
}

TEST(HostFaults, a_thread_that_drives_nothing_dies_as_without_drydock) {
#if defined(DRYDOCK_ASAN) || defined(DRYDOCK_TSAN)
  GTEST_SKIP() << "the sanitizer's own handler is an earlier one and gets it";
#endif
  const Ending ending = ending_of([] {
    MachineForTests machine;
    { const DrivingThread driving(machine); }
    touch_address_16();
  });
  ASSERT_TRUE(WIFSIGNALED(ending.status));
  EXPECT_EQ(WTERMSIG(ending.status), SIGSEGV);
}

}  // namespace
}  // namespace drydock
