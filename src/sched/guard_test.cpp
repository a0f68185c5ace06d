#include "sched/guard.h"

#include <gtest/gtest.h>

#include "sched/machine_for_tests.h"

namespace drydock {
namespace {

class Guard : public ::testing::Test {
 protected:
  void on_fiber(std::function<void()> body) { run_on(machine_, fiber_, std::move(body)); }

  MachineForTests machine_;
  DrivingThread driving_{machine_};
  Fiber fiber_{"guarded"};
};

// "Driver" routines: host functions with the driver's calling convention will do where no trap is involved.
MSABI std::uint64_t six(std::uint8_t a, std::uint16_t b, std::uint32_t c, std::uint64_t d, std::uint8_t e, void* f) {
  return a + b + c + d + e + reinterpret_cast<std::uintptr_t>(f);
}
MSABI void raise_flag(bool* flag) { *flag = true; }

TEST_F(Guard, passes_arguments_and_result) {
  on_fiber([&] {
    const Entered<std::uint64_t> entered =
        enter_driver(fiber_, EntryKind::routine, &six, 1, 20, 300, 4000, 5, reinterpret_cast<void*>(60000));
    EXPECT_FALSE(entered.aborted);
    EXPECT_EQ(entered.value, 64326u);
    bool flag = false;
    EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, &raise_flag, &flag).aborted);
    EXPECT_TRUE(flag);
    EXPECT_EQ(fiber_.innermost_guard(), nullptr);
  });
}

MSABI void give_up(Fiber* fiber) { abort_driver_call(*fiber, AbortReason::bug_check); }

struct Nested {
  Fiber* fiber;
  bool inner_aborted = false;
  bool outer_gives_up = false;
};

MSABI int call_back_in(Nested* nested) {
  const auto inner = enter_driver(*nested->fiber, EntryKind::routine, &give_up, nested->fiber);
  nested->inner_aborted = inner.aborted && inner.reason == AbortReason::bug_check;
  if (nested->outer_gives_up) abort_driver_call(*nested->fiber, AbortReason::requested);
  return 7;
}

TEST_F(Guard, an_abandoned_call_comes_back_as_aborted_with_its_reason) {
  on_fiber([&] {
    const auto entered = enter_driver(fiber_, EntryKind::routine, &give_up, &fiber_);
    EXPECT_TRUE(entered.aborted);
    EXPECT_EQ(entered.reason, AbortReason::bug_check);
    EXPECT_EQ(fiber_.innermost_guard(), nullptr);
  });
}

TEST_F(Guard, only_the_innermost_call_is_abandoned_and_then_the_outer_one_can_be) {
  on_fiber([&] {
    for (int i = 0; i < 10'000; ++i) {
      Nested nested{&fiber_};
      nested.outer_gives_up = i % 2 == 0;
      const auto outer = enter_driver(fiber_, EntryKind::routine, &call_back_in, &nested);
      ASSERT_TRUE(nested.inner_aborted);
      ASSERT_EQ(outer.aborted, nested.outer_gives_up);
      if (outer.aborted) ASSERT_EQ(outer.reason, AbortReason::requested);
      else ASSERT_EQ(outer.value, 7);
      ASSERT_EQ(fiber_.innermost_guard(), nullptr);
    }
  });
}

TEST_F(Guard, an_aborted_call_leaves_the_ordinary_rounding_modes) {
  static constexpr auto odd_modes = [](Fiber* fiber) MSABI {
    const std::uint32_t mxcsr = 0x7F80;
    const std::uint16_t x87 = 0x0F7F;
    asm volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(x87));
    abort_driver_call(*fiber, AbortReason::requested);
  };
  on_fiber([&] {
    enter_driver(fiber_, EntryKind::routine, +odd_modes, &fiber_);
    std::uint32_t mxcsr = 0;
    std::uint16_t x87 = 0;
    asm volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(x87));
    EXPECT_EQ(mxcsr, 0x1F80u);
    EXPECT_EQ(x87, 0x037F);
  });
}

// --- stack accounting ---------------------------------------------------------------------------------------------------

/// A driver routine that is `bytes` deep when it calls an export; the export may call back in.
struct Depth {
  Fiber* fiber;
  std::size_t bytes;
  Depth* inside = nullptr;
  EntryKind inside_kind = EntryKind::routine;
};
MSABI void go_deep(Depth* depth);

void export_at(Depth* depth, std::uintptr_t driver_rsp) {
  const ExportCrossing crossing(*depth->fiber, driver_rsp);
  if (depth->inside) enter_driver(*depth->fiber, depth->inside_kind, &go_deep, depth->inside);
}
// The depth is said, not had: the crossing only does arithmetic with it.
MSABI void go_deep(Depth* depth) { export_at(depth, depth->fiber->innermost_guard()->driver_top - depth->bytes); }

TEST_F(Guard, counts_the_drivers_bytes_of_nested_calls_together_and_leaves_out_its_own) {
  on_fiber([&] {
    Depth inner{&fiber_, 3000}, outer{&fiber_, 5000, &inner};
    enter_driver(fiber_, EntryKind::routine, &go_deep, &outer);
    EXPECT_EQ(fiber_.driver_stack_peak(), 8000u);
    Depth small{&fiber_, 100};
    enter_driver(fiber_, EntryKind::routine, &go_deep, &small);
    EXPECT_EQ(fiber_.driver_stack_peak(), 8000u);
    EXPECT_TRUE(machine_.stack_findings.empty());
  });
}

TEST_F(Guard, isrs_and_dpcs_are_counted_on_stacks_of_their_own) {
  on_fiber([&] {
    Depth isr{&fiber_, 20'000}, thread{&fiber_, 20'000, &isr, EntryKind::isr};
    enter_driver(fiber_, EntryKind::routine, &go_deep, &thread);
    EXPECT_EQ(fiber_.driver_stack_peak(), 20'000u);
    EXPECT_TRUE(machine_.stack_findings.empty());
  });
}

MSABI void exceed_twice(Depth* depth) {
  const std::uintptr_t top = depth->fiber->innermost_guard()->driver_top;
  export_at(depth, top - depth->bytes);
  export_at(depth, top - depth->bytes - 1000);
}

TEST_F(Guard, the_limit_is_24_KiB_and_exceeding_it_is_told_once_per_entry) {
  on_fiber([&] {
    Depth just_fits{&fiber_, 24 * 1024}, exceeds{&fiber_, 24 * 1024 + 8};
    enter_driver(fiber_, EntryKind::routine, &go_deep, &just_fits);
    EXPECT_TRUE(machine_.stack_findings.empty());
    enter_driver(fiber_, EntryKind::routine, &exceed_twice, &exceeds);
    ASSERT_EQ(machine_.stack_findings.size(), 1u);
    EXPECT_EQ(machine_.stack_findings[0], 24u * 1024 + 8);
    enter_driver(fiber_, EntryKind::routine, &exceed_twice, &exceeds);
    EXPECT_EQ(machine_.stack_findings.size(), 2u);
  });
}

TEST_F(Guard, an_aborted_inner_call_gives_the_outer_its_sum_back) {
  static constexpr auto outer = [](Depth* depth) MSABI {
    const std::uintptr_t rsp = depth->fiber->innermost_guard()->driver_top - depth->bytes;
    {
      const ExportCrossing crossing(*depth->fiber, rsp);
      enter_driver(*depth->fiber, EntryKind::routine, &give_up, depth->fiber);
    }
    const ExportCrossing again(*depth->fiber, rsp - 1);
  };
  on_fiber([&] {
    Depth depth{&fiber_, 1000};
    enter_driver(fiber_, EntryKind::routine, +outer, &depth);
    EXPECT_EQ(fiber_.driver_stack_peak(), 1001u);
  });
}

TEST_F(Guard, an_export_that_drydock_has_no_room_for_is_a_stack_overflow) {
  on_fiber([&] {
    const std::size_t to_the_floor = fiber_.stack_top() - fiber_.stack_bottom() - kHostReserve;
    Depth too_deep{&fiber_, to_the_floor};
    const auto entered = enter_driver(fiber_, EntryKind::routine, &go_deep, &too_deep);
    EXPECT_TRUE(entered.aborted);
    EXPECT_EQ(entered.reason, AbortReason::stack_overflow);
    ASSERT_EQ(machine_.aborted.size(), 1u);
    EXPECT_EQ(machine_.aborted[0].reason, AbortReason::stack_overflow);
    EXPECT_LT(machine_.aborted[0].gregs[static_cast<int>(Gpr::rsp)], fiber_.stack_bottom() + kHostReserve);
  });
}

TEST_F(Guard, a_requested_abort_happens_at_the_next_export) {
  static constexpr auto requests = [](Depth* depth) MSABI {
    depth->fiber->request_abort(AbortReason::requested);
    go_deep(depth);
    ADD_FAILURE() << "the export came back";
  };
  static constexpr auto requests_inside = [](Depth* depth) MSABI {
    const ExportCrossing crossing(*depth->fiber, depth->fiber->innermost_guard()->driver_top - depth->bytes);
    depth->fiber->request_abort(AbortReason::requested);
  };
  on_fiber([&] {
    Depth depth{&fiber_, 1000};
    EXPECT_EQ(enter_driver(fiber_, EntryKind::routine, +requests, &depth).reason, AbortReason::requested);
    EXPECT_EQ(enter_driver(fiber_, EntryKind::routine, +requests_inside, &depth).reason, AbortReason::requested);
    EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, &go_deep, &depth).aborted) << "one request, one abort";
  });
}

TEST_F(Guard, silence_that_turned_out_to_be_progress_aborts_nothing) {
  static constexpr auto silent = [](Depth* depth) MSABI {
    const ExportCrossing crossing(*depth->fiber, depth->fiber->innermost_guard()->driver_top - depth->bytes);
    MachineHooks* machine = current_machine();
    depth->fiber->request_abort_of_silent(machine->progress);
    if (depth->bytes == 1000) ++machine->progress;
  };
  on_fiber([&] {
    Depth came_through{&fiber_, 1000}, did_not{&fiber_, 2000};
    EXPECT_FALSE(enter_driver(fiber_, EntryKind::routine, +silent, &came_through).aborted);
    EXPECT_EQ(enter_driver(fiber_, EntryKind::routine, +silent, &did_not).reason, AbortReason::hung);
  });
}

}  // namespace
}  // namespace drydock
