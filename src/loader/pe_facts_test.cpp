#include "loader/pe_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/test_images/pe_editor.h"

namespace drydock {
namespace {

using test::MiniPe;
using test::PeEditor;

PeFacts facts_in(const std::vector<std::byte>& bytes) {
  const auto image = PeImage::parse(bytes);
  EXPECT_TRUE(image) << image.error().message;
  return image ? facts_of(*image) : PeFacts{};
}

bool has(const std::string& path) { return static_cast<bool>(std::ifstream(path)); }
std::string built(const char* name) { return std::string(LOADER_TEST_IMAGES) + "/" + name + ".sys"; }

TEST(PeFacts, gcc_leaves_dwarf_and_no_rich_header) {
  if (!has(built("gcc"))) GTEST_FAIL() << "mingw-w64 gcc made no fixture";
  const PeFacts facts = facts_in(test::read_image(built("gcc")));
  EXPECT_TRUE(facts.has_dwarf);
  EXPECT_FALSE(facts.has_codeview);
  EXPECT_FALSE(facts.rich_header);
  EXPECT_TRUE(facts.dynamic_base);
  EXPECT_TRUE(facts.nx_compatible);
  EXPECT_FALSE(facts.stack_cookie);
}

TEST(PeFacts, a_pdb_of_the_msvc_toolchain_has_an_identity) {
  if (!has(built("clang_msvc"))) GTEST_FAIL() << "clang and lld-link made no fixture";
  const PeFacts facts = facts_in(test::read_image(built("clang_msvc")));
  EXPECT_TRUE(facts.has_codeview);
  EXPECT_FALSE(facts.has_dwarf);
  EXPECT_THAT(facts.pdb_id, testing::MatchesRegex("\\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\\}, age [0-9]+"));
}

TEST(PeFacts, gnu_ld_writes_a_checksum_and_a_changed_byte_makes_it_wrong) {
  if (!has(built("gcc"))) GTEST_FAIL() << "mingw-w64 gcc made no fixture";
  auto bytes = test::read_image(built("gcc"));
  PeFacts facts = facts_in(bytes);
  ASSERT_NE(facts.checksum, 0u);
  EXPECT_EQ(facts.checksum_computed, facts.checksum);
  bytes[0x50] ^= std::byte{1};  // in the DOS stub
  EXPECT_NE(facts_in(bytes).checksum_computed, facts.checksum);
}

TEST(PeFacts, each_characteristic_is_its_own_bit) {
  MiniPe mini;
  auto bytes = mini.bytes();
  PeEditor edit(bytes);
  auto optional = edit.optional();
  optional.dll_characteristics = 0x4080;
  edit.set_optional(optional);
  const PeFacts facts = facts_in(bytes);
  EXPECT_TRUE(facts.control_flow_guard);
  EXPECT_TRUE(facts.force_integrity);
  EXPECT_FALSE(facts.dynamic_base || facts.high_entropy || facts.nx_compatible || facts.wdm_driver);
}

TEST(PeFacts, a_rich_header_counts_only_before_the_pe_header) {
  MiniPe mini;
  auto bytes = mini.bytes();
  std::memcpy(bytes.data() + MiniPe::kFileOffset, "Rich", 4);  // in the section
  EXPECT_FALSE(facts_in(bytes).rich_header);
  std::memcpy(bytes.data() + 0x20, "Rich", 4);
  EXPECT_TRUE(facts_in(bytes).rich_header);
}

TEST(PeFacts, a_reproducible_image_says_so_in_its_debug_directory) {
  MiniPe mini;
  auto bytes = mini.bytes();
  PeEditor edit(bytes);
  pe::DebugEntry entry{};
  entry.type = 16;
  edit.set(MiniPe::kFileOffset + 0x100, entry);
  EXPECT_FALSE(facts_in(bytes).reproducible);
  edit.set_directory(pe::kDebugDirectory, MiniPe::kRva + 0x100, sizeof entry);
  EXPECT_TRUE(facts_in(bytes).reproducible);
}

}  // namespace
}  // namespace drydock
