#include "sched/watchdog.h"

#include <gtest/gtest.h>

#include <thread>

#include "abi/register_bank_for_tests.h"
#include "sched/machine_for_tests.h"

namespace drydock {
namespace {

using Routine = std::uint64_t(MSABI*)(volatile std::uint32_t*);

class WatchdogTest : public ::testing::Test {
 protected:
  WatchdogTest() {
    code_.load_into(machine_);
    set_hang_limit(machine_, 20);
  }
  void SetUp() override {
#if defined(DRYDOCK_TSAN)
    GTEST_SKIP() << "ThreadSanitizer holds signals back until the next library call, and a driver in a loop makes none";
#endif
  }
  void on_fiber(std::function<void()> body) { run_on(machine_, fiber_, std::move(body)); }
  /// while (*flag == 0) pause;
  Routine wait_for_flag() { return code_.routine<Routine>({0xF3, 0x90, 0x83, 0x39, 0x00, 0x74, 0xF9, 0xC3}); }

  MachineForTests machine_;
  DrivingThread driving_{machine_};
  CodeForTests code_;
  Fiber fiber_{"looping"};
  volatile std::uint32_t flag_ = 0;
};

TEST_F(WatchdogTest, a_loop_that_nothing_can_end_is_abandoned_every_time) {
  const Routine loop = wait_for_flag();
  on_fiber([&] {
    for (std::size_t i = 1; i <= 5; ++i) {
      const auto entered = enter_driver(fiber_, EntryKind::routine, loop, &flag_);
      ASSERT_TRUE(entered.aborted);
      ASSERT_EQ(entered.reason, AbortReason::hung);
      ASSERT_EQ(machine_.aborted.size(), i);
      const std::uint64_t rip = machine_.aborted.back().gregs[static_cast<int>(Gpr::rip)];
      ASSERT_TRUE(code_.begin() <= rip && rip < code_.end());
    }
  });
}

TEST_F(WatchdogTest, a_loop_that_another_cpu_ends_is_no_finding) {
  const Routine loop = wait_for_flag();
  int preempted = 0;
  machine_.on_forced_preempt = [&](TrapFrame&) {
    if (++preempted == 12) flag_ = 1;  // the other CPU got there; well behind the limit of 5 ticks
    return true;
  };
  on_fiber([&] { EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, loop, &flag_).aborted); });
  EXPECT_EQ(preempted, 12);
  EXPECT_TRUE(machine_.aborted.empty());
}

TEST_F(WatchdogTest, a_preemption_at_any_instruction_changes_no_register) {
  // loop: inc eax; push rax; pop r11; cmp dword [rbx],0; je loop; ret
  const void* loop = code_.add({0xFF, 0xC0, 0x50, 0x41, 0x5B, 0x83, 0x3B, 0x00, 0x74, 0xF6, 0xC3});
  Seeded random(11);
  int preempted = 0;
  machine_.on_forced_preempt = [&](TrapFrame& frame) {
    ++preempted;
    RegisterBank unused;
    const RegisterBank rubbish = random_registers(random);
    drydock_run_with_registers(&rubbish, &unused, code_.routine<void*>({0xC3}));
    if (preempted % 2 == 0) flag_ = static_cast<std::uint32_t>(frame.rip()) | 1;
    return true;
  };
  on_fiber([&] {
    for (int i = 0; i < 10; ++i) {
      flag_ = 0;
      RegisterBank in = random_registers(random), out{};
      in[Gpr::rbx] = reinterpret_cast<std::uintptr_t>(&flag_);
      enter_driver(fiber_, EntryKind::routine, &drydock_run_with_registers, const_cast<const RegisterBank*>(&in), &out, loop);
      ASSERT_EQ(out[Gpr::rax], out[Gpr::r11]) << "the loop's own registers went on consistently";
      for (const Gpr r : {Gpr::rax, Gpr::r11}) out[r] = in[r];
      out.flags = in.flags;
      ASSERT_EQ(in, out);
    }
  });
  EXPECT_GE(preempted, 20);
}

TEST_F(WatchdogTest, a_long_call_that_makes_progress_is_left_alone) {
  using Load = std::uint64_t(MSABI*)(const void*);
  // again: mov rax,[rcx]; test eax,eax; jne again; ret
  const Load poll = code_.routine<Load>({0x48, 0x8B, 0x01, 0x85, 0xC0, 0x75, 0xF9, 0xC3});
  PagesForTests device(1, PROT_NONE);
  timespec start{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
  machine_.on_trap = [&](TrapFrame& frame) {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    const auto elapsed_ms = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1'000'000;
    frame[Gpr::rax] = elapsed_ms < 100 ? 1 : 0;  // five times the limit
    frame[Gpr::rip] += 3;
  };
  on_fiber([&] {
    EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, poll, static_cast<const void*>(device.data())).aborted);
  });
}

TEST_F(WatchdogTest, a_call_that_makes_progress_and_never_returns_is_endless) {
  // again: mov rax,[rcx]; jmp again
  using Load = std::uint64_t(MSABI*)(const void*);
  const Load poll = code_.routine<Load>({0x48, 0x8B, 0x01, 0xEB, 0xFB});
  PagesForTests device(1, PROT_NONE);
  machine_.on_trap = [&](TrapFrame& frame) {
    machine_.now += 100'000;  // 0.1 ms a read
    frame[Gpr::rip] += 3;
  };
  on_fiber([&] {
    const auto entered = enter_driver(fiber_, EntryKind::routine, poll, static_cast<const void*>(device.data()));
    EXPECT_TRUE(entered.aborted);
    EXPECT_EQ(entered.reason, AbortReason::endless);
  });
  EXPECT_GE(machine_.now, kCallLimitVirtualNs);
}

TEST_F(WatchdogTest, an_export_that_stays_away_too_long_does_not_come_back_to_the_driver) {
  static constexpr auto calls_slow_export = [](Fiber* fiber) MSABI {
    const ExportCrossing crossing(*fiber, DRYDOCK_CALLER_RSP());
    const WatchdogState& state = current_machine()->watchdog;
    while (state.silent_ticks.load() < 2 * state.silent_ticks_limit) asm volatile("pause");
  };
  on_fiber([&] {
    const auto entered = enter_driver(fiber_, EntryKind::routine, +calls_slow_export, &fiber_);
    EXPECT_TRUE(entered.aborted);
    EXPECT_EQ(entered.reason, AbortReason::hung);
  });
}

TEST_F(WatchdogTest, a_limit_of_zero_turns_it_off) {
  set_hang_limit(machine_, 0);
  // mov eax,200000000; again: dec eax; jne again; ret
  const Routine count = code_.routine<Routine>({0xB8, 0x00, 0xC2, 0xEB, 0x0B, 0xFF, 0xC8, 0x75, 0xFC, 0xC3});
  on_fiber([&] { EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, count, &flag_).aborted); });
}

TEST_F(WatchdogTest, two_threads_are_watched_at_once) {
  const auto one = [](bool* all_hung) {
    MachineForTests machine;
    const DrivingThread driving(machine);
    CodeForTests code;
    code.load_into(machine);
    set_hang_limit(machine, 20);
    const auto loop = code.routine<Routine>({0xEB, 0xFE});  // jmp self
    Fiber fiber("f");
    *all_hung = true;
    run_on(machine, fiber, [&] {
      for (int i = 0; i < 3; ++i) {
        const auto entered = enter_driver(fiber, EntryKind::routine, loop, static_cast<volatile std::uint32_t*>(nullptr));
        *all_hung = *all_hung && entered.reason == AbortReason::hung;
      }
    });
  };
  bool hung[2] = {};
  std::thread a(one, &hung[0]), b(one, &hung[1]);
  a.join();
  b.join();
  EXPECT_TRUE(hung[0]);
  EXPECT_TRUE(hung[1]);
}

}  // namespace
}  // namespace drydock
