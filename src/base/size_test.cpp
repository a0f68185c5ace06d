#include "base/size.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(Size, is_a_number_with_an_optional_unit_of_1024) {
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"0", 0},           {"512", 512},         {"4K", 4096},           {"4k", 4096},
      {"64M", 64u << 20}, {"1GiB", 1ull << 30}, {"2T", 2ull << 40},     {"3KB", 3072},
      {"18446744073709551615", UINT64_MAX},     {"16777215T", 16777215ull << 40}};
  for (const auto& [text, bytes] : rows) EXPECT_EQ(parse_size(text).value_or(1), bytes) << text;
}

TEST(Size, anything_else_is_refused_and_quoted) {
  for (const char* text : {"", "M", "-1", "+1", " 1", "1 ", "1.5M", "0x10", "12X", "1MM", "1KiBs", "mem"}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_NE(size.error().message.find(text), std::string::npos);
  }
}

TEST(Size, beyond_64_bits_is_refused_not_wrapped) {
  for (const char* text : {"18446744073709551616", "16777216T", "99999999999999999999G"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, is_written_in_the_unit_that_divides_it) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(1), "1 byte");
  EXPECT_EQ(size_text(1023), "1023 bytes");
  EXPECT_EQ(size_text(65536), "64 KiB");
  EXPECT_EQ(size_text(1u << 20), "1 MiB");
  EXPECT_EQ(size_text((3ull << 30) / 2), "1.50 GiB");
}

TEST(Count, is_grouped_by_thousands) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1 000");
  EXPECT_EQ(count_text(1234567), "1 234 567");
}

}  // namespace
}  // namespace drydock
