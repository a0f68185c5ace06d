#include "sched/fiber.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "abi/guarded_copy.h"
#include "sched/machine_for_tests.h"

namespace drydock {
namespace {

struct Story {
  Fiber* fiber = nullptr;
  std::string told;
};

TEST(Fiber, goes_on_behind_its_suspend_and_finishes) {
  Fiber fiber("a");
  Story story{&fiber, {}};
  fiber.start([](void* s) {
    auto& self = *static_cast<Story*>(s);
    self.told += "one ";
    self.fiber->suspend();
    self.told += "two ";
  }, &story);
  EXPECT_EQ(story.told, "") << "start runs nothing yet";
  fiber.resume();
  EXPECT_EQ(story.told, "one ");
  EXPECT_FALSE(fiber.finished());
  fiber.resume();
  EXPECT_EQ(story.told, "one two ");
  EXPECT_TRUE(fiber.finished());
}

TEST(Fiber, a_finished_one_is_started_again_on_the_same_stack) {
  Fiber fiber("a");
  std::uintptr_t first = 0, second = 0;
  const auto note = [](void* where) {
    *static_cast<std::uintptr_t*>(where) = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  };
  fiber.start(note, &first);
  fiber.resume();
  fiber.start(note, &second);
  fiber.resume();
  EXPECT_EQ(first, second);
  EXPECT_TRUE(fiber.owns_stack(first));
}

TEST(Fiber, suspends_to_whoever_resumed_it_even_to_another_fiber) {
  struct Pair {
    Fiber outer{"outer"}, inner{"inner"};
    std::string told;
  } pair;
  pair.inner.start([](void* p) {
    auto& self = *static_cast<Pair*>(p);
    self.told += "inner1 ";
    self.inner.suspend();
    self.told += "inner2 ";
  }, &pair);
  pair.outer.start([](void* p) {
    auto& self = *static_cast<Pair*>(p);
    self.inner.resume();
    self.told += "outer ";
  }, &pair);
  pair.outer.resume();
  EXPECT_EQ(pair.told, "inner1 outer ");
  pair.inner.resume();
  EXPECT_EQ(pair.told, "inner1 outer inner2 ");
}

struct SetsOnDestruction {
  bool* flag;
  ~SetsOnDestruction() { *flag = true; }
};

struct Abandoned {
  Fiber* fiber;
  bool unwound = false;
};

TEST(Fiber, one_that_stays_suspended_is_freed_without_unwinding_and_can_be_started_again) {
  Fiber fiber("parked");
  Abandoned state{&fiber};
  const auto body = [](void* s) {
    auto& self = *static_cast<Abandoned*>(s);
    SetsOnDestruction local{&self.unwound};
    self.fiber->suspend();
  };
  fiber.start(body, &state);
  fiber.resume();
  fiber.abandon();
  EXPECT_TRUE(fiber.finished());
  EXPECT_FALSE(state.unwound);
  fiber.start(body, &state);
  fiber.resume();
  fiber.resume();
  EXPECT_TRUE(state.unwound) << "the second life ended in the ordinary way";
  {
    Fiber doomed("doomed");
    state = {&doomed};
    doomed.start(body, &state);
    doomed.resume();
  }
  EXPECT_FALSE(state.unwound);
}

TEST(Fiber, both_ends_of_its_stack_are_guarded) {
  MachineForTests machine;
  DrivingThread driving(machine);
  Fiber fiber("a");
  char byte = 0;
  const auto readable = [&](std::uintptr_t address) {
    return guarded_copy(&byte, reinterpret_cast<const void*>(address), 1);
  };
  EXPECT_TRUE(readable(fiber.stack_bottom()));
  EXPECT_TRUE(readable(fiber.stack_top() - 1));
  EXPECT_FALSE(readable(fiber.stack_bottom() - 1));
  EXPECT_FALSE(readable(fiber.stack_bottom() - kFiberLowGuard));
  EXPECT_FALSE(readable(fiber.stack_top()));
}

TEST(Fiber, is_resumed_by_another_os_thread) {
  Fiber fiber("a");
  Story story{&fiber, {}};
  fiber.start([](void* s) {
    auto& self = *static_cast<Story*>(s);
    for (int i = 0; i < 100; ++i) {
      self.told += 'x';
      self.fiber->suspend();
    }
  }, &story);
  for (int i = 0; i < 50; ++i) {
    fiber.resume();
    std::thread([&] { fiber.resume(); }).join();
  }
  EXPECT_EQ(story.told, std::string(100, 'x'));
}

}  // namespace
}  // namespace drydock
