#include "disk/sense.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>

namespace drydock {
namespace {

std::array<std::byte, 18> fixed(unsigned key, unsigned code, unsigned qualifier) {
  std::array<std::byte, 18> bytes{};
  bytes[0] = std::byte{0x70};
  bytes[2] = static_cast<std::byte>(key);
  bytes[12] = static_cast<std::byte>(code);
  bytes[13] = static_cast<std::byte>(qualifier);
  return bytes;
}

TEST(Sense, EveryKeyLeadsToTheErrnoAClientExpects) {
  struct Row { unsigned key, code, qualifier; Then then; int error; };
  for (const Row& row : {Row{0, 0, 0, Then::done, 0}, Row{1, 0, 0, Then::done, 0}, Row{2, 4, 1, Then::retry, EIO},
                         Row{3, 0x11, 0, Then::fail, EIO}, Row{5, 0x21, 0, Then::fail, EINVAL}, Row{5, 0x20, 0, Then::fail, EOPNOTSUPP},
                         Row{6, 0x29, 0, Then::retry, EIO}, Row{7, 0x27, 0, Then::fail, EROFS}, Row{7, 0x27, 7, Then::fail, ENOSPC},
                         Row{0xB, 0, 0, Then::retry, EIO}}) {
    const auto bytes = fixed(row.key, row.code, row.qualifier);
    const Judgement judged = judge(0x80 | 0x04, 0x02, bytes);
    EXPECT_EQ(judged.then, row.then) << row.key;
    EXPECT_EQ(judged.error, row.error) << row.key;
  }
}

TEST(Sense, WithoutAutosenseACheckConditionIsAnIoError) {
  EXPECT_EQ(judge(0x04, 0x02, fixed(7, 0x27, 0)).error, EIO);
}

TEST(Sense, BothFormatsAreRead) {
  const std::array<std::byte, 8> descriptor{std::byte{0x72}, std::byte{3}, std::byte{0x11}, std::byte{1}};
  const Sense sense = parse_sense(descriptor);
  EXPECT_TRUE(sense.valid);
  EXPECT_EQ(sense.key, 3);
  EXPECT_EQ(sense.code, 0x11);
  EXPECT_FALSE(parse_sense(std::span(descriptor).first(0)).valid);
}

}  // namespace
}  // namespace drydock
