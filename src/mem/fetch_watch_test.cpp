#include "mem/fetch_watch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace drydock {
namespace {

class FetchWatchTest : public testing::Test {
 protected:
  static CodePlace place(std::uint64_t rip) { return {rip, 0, 0, false}; }
  std::uint32_t& word(std::uint64_t offset) { return *reinterpret_cast<std::uint32_t*>(memory->system(0) + offset); }
  void serve() {  // a driver that reads 4 bytes, then 8 bytes that hold them
    watch.reads(0x100, 4, place(0x11));
    first = word(0x100);
    watch.reads(0xFC, 8, place(0x22));
    second = word(0x100);
  }
  std::unique_ptr<PhysicalMemory> memory = std::move(*PhysicalMemory::create({.size = 16u << 20, .profile = PhysProfile::mixed, .seed = 1}));
  struct Stacks final : StackTaker {
    std::vector<std::uint64_t> stack_at(const CodePlace& where) override { return {where.rip}; }
  } stacks;
  FetchWatch watch{*memory, stacks};
  std::uint32_t first = 0, second = 0;
};

TEST_F(FetchWatchTest, bytes_that_are_read_twice_are_a_pair_of_what_both_have_read) {
  serve();
  EXPECT_TRUE(watch.pairs().empty());  // off
  watch.record();
  serve();
  watch.reads(0x200, 4, place(0x33));
  ASSERT_EQ(watch.pairs().size(), 1u);
  EXPECT_EQ(watch.pairs()[0].first.place.rip, 0x11u);
  EXPECT_EQ(watch.pairs()[0].second.place.rip, 0x22u);
  EXPECT_EQ(watch.pairs()[0].from, 0x100u);
  EXPECT_EQ(watch.pairs()[0].to, 0x104u);
}

TEST_F(FetchWatchTest, a_loop_over_the_same_bytes_is_one_pair_and_what_was_written_is_new) {
  watch.record();
  for (int i = 0; i < 1000; ++i) watch.reads(0x100, 4, place(0x11));
  EXPECT_EQ(watch.pairs().size(), 1u);
  watch.writes(0x102, 1);
  watch.reads(0x100, 4, place(0x44));
  EXPECT_EQ(watch.pairs().size(), 1u);
}

TEST_F(FetchWatchTest, the_second_read_sees_what_the_process_made_of_it_and_the_first_does_not) {
  watch.record();
  word(0x100) = 0xFF;
  serve();
  const FetchPair pair = watch.pairs().at(0);
  const std::pair<Mutation, std::uint32_t> rows[] = {{Mutation::next, 0x100}, {Mutation::opposite, ~0xFFu}, {Mutation::nothing, 0}};
  for (const auto& [how, expected] : rows) {
    word(0x100) = 0xFF;
    watch.change(pair, how);
    EXPECT_FALSE(watch.has_changed());
    serve();
    EXPECT_TRUE(watch.has_changed());
    EXPECT_EQ(first, 0xFFu);
    EXPECT_EQ(second, expected);
    EXPECT_EQ(watch.first_stack(), std::vector<std::uint64_t>{0x11});
    EXPECT_EQ(watch.second_stack(), std::vector<std::uint64_t>{0x22});
    serve();
    EXPECT_EQ(first, expected);  // changed once, not again
    EXPECT_EQ(second, expected);
  }
}

TEST_F(FetchWatchTest, a_second_read_without_the_first_changes_nothing) {
  watch.record();
  serve();
  watch.change(watch.pairs().at(0), Mutation::next);
  watch.reads(0xFC, 8, place(0x22));
  EXPECT_FALSE(watch.has_changed());
  watch.stop();
  EXPECT_FALSE(watch.watching());
}

}  // namespace
}  // namespace drydock
