#include "seh/scope_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace drydock::seh {
namespace {

constexpr std::uint32_t kTableRva = 0x1000;

/// An image that is nothing but one section with a table.
class Tables : public testing::Test {
 protected:
  ScopeTable table(const std::vector<Scope>& scopes, std::uint32_t count) {
    bytes_.assign(4 + scopes.size() * sizeof(Scope), std::byte{});
    std::memcpy(bytes_.data(), &count, sizeof count);
    if (!scopes.empty()) std::memcpy(bytes_.data() + 4, scopes.data(), scopes.size() * sizeof(Scope));
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    image_.file = bytes_;
    image_.size = 0x2000;
    image_.sections = {{".xdata", kTableRva, size, 0, size, true, false, false, false}};
    return ScopeTable(image_, kTableRva);
  }
  ScopeTable table(const std::vector<Scope>& scopes) { return table(scopes, static_cast<std::uint32_t>(scopes.size())); }

 private:
  std::vector<std::byte> bytes_;
  PeImage image_;
};

constexpr Scope kInnerFinally{0x10, 0x20, 0x500, 0}, kMiddleExcept{0x10, 0x30, kAlwaysHandles, 0x40}, kOuterFinally{0x10, 0x60, 0x600, 0};

TEST_F(Tables, filters_are_asked_from_the_inside_of_what_guards_the_place) {
  const ScopeTable scopes = table({{0x10, 0x20, 0x700, 0x80}, kInnerFinally, {0x10, 0x30, 0x710, 0x90}, {0x40, 0x50, 0x720, 0xA0}});
  EXPECT_EQ(scopes.next_except(0, 0x10), 0u);
  EXPECT_EQ(scopes.next_except(1, 0x10), 2u);
  EXPECT_EQ(scopes.next_except(3, 0x10), std::nullopt);
  EXPECT_EQ(scopes.next_except(0, 0x20), 2u);  // the end is outside
  EXPECT_EQ(scopes.next_except(0, 0x2F), 2u);
  EXPECT_EQ(scopes.next_except(0, 0x30), std::nullopt);
}

TEST_F(Tables, leaving_the_function_runs_every_block) {
  const ScopeTable scopes = table({kInnerFinally, kMiddleExcept, kOuterFinally});
  EXPECT_EQ(scopes.next_finally(0, 0x15, std::nullopt), 0u);
  EXPECT_EQ(scopes.next_finally(1, 0x15, std::nullopt), 2u);
  EXPECT_EQ(scopes.next_finally(3, 0x15, std::nullopt), std::nullopt);
}

TEST_F(Tables, the_accepting_function_runs_the_blocks_inside_its_handler_only) {
  const ScopeTable scopes = table({kInnerFinally, kMiddleExcept, kOuterFinally});
  EXPECT_EQ(scopes.next_finally(0, 0x15, 0x40), 0u);
  EXPECT_EQ(scopes.next_finally(1, 0x15, 0x40), std::nullopt);
}

TEST_F(Tables, a_block_around_the_target_is_not_left_though_its_range_is_in_pieces) {
  const ScopeTable scopes = table({kInnerFinally, {0x10, 0x30, 0x600, 0}, {0x40, 0x60, 0x600, 0}});
  EXPECT_EQ(scopes.next_finally(1, 0x15, 0x45), std::nullopt);
  EXPECT_EQ(scopes.next_finally(1, 0x15, 0x70), 1u);
}

// As clang 19 puts it: the handler's block follows a call that does not return, inside the last byte of the range.
TEST_F(Tables, a_block_inside_the_handler_is_left_though_its_range_reaches_the_target) {
  const ScopeTable scopes = table({{0x10, 0x20, 0x500, 0}, {0x10, 0x20, kAlwaysHandles, 0x1F}});
  EXPECT_EQ(scopes.next_finally(0, 0x1F, 0x1F), 0u);
  EXPECT_EQ(scopes.next_finally(1, 0x1F, 0x1F), std::nullopt);
}

TEST_F(Tables, what_is_no_scope_table_is_told_apart) {
  EXPECT_TRUE(table({kInnerFinally, kMiddleExcept}).is_sound());
  EXPECT_FALSE(table({}).is_sound());
  EXPECT_FALSE(table({kInnerFinally}, 2).is_sound());  // the second lies outside the image
  for (const Scope& scope : {Scope{0x20, 0x20, 0x500, 0}, {0x10, 0x2001, 0x500, 0}, {0x10, 0x20, 0x2000, 0x30}, {0x10, 0x20, 0x500, 0x2000},
                             {0x10, 0x20, 0, 0}})
    EXPECT_FALSE(table({kInnerFinally, scope}).is_sound()) << scope.begin;
}

TEST_F(Tables, a_count_beyond_the_image_reads_nothing) {
  const ScopeTable scopes = table({kInnerFinally}, 0xFFFF'FFFF);
  EXPECT_EQ(scopes.count(), kScopesMax);
  EXPECT_EQ(scopes.next_except(0, 0x15), std::nullopt);
  EXPECT_EQ(scopes.next_finally(1, 0x15, std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace drydock::seh
