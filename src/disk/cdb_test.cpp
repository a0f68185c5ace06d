#include "disk/cdb.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(Cdb, TheShortFormIsUsedExactlyWhileItReaches) {
  EXPECT_EQ(read_write_cdb(false, 0xFFFFFFFF, 1, false).bytes[0], 0x28);
  EXPECT_EQ(read_write_cdb(false, 0xFFFFFFFF, 2, false).bytes[0], 0x88);
  EXPECT_EQ(read_write_cdb(true, 0, 0xFFFF, false).bytes[0], 0x2A);
  EXPECT_EQ(read_write_cdb(true, 0, 0x10000, false).bytes[0], 0x8A);
}

TEST(Cdb, NumbersAreBigEndianWhereTheStandardPutsThem) {
  const Cdb ten = read_write_cdb(true, 0x01020304, 0x0506, true);
  EXPECT_EQ(ten.length, 10);
  EXPECT_EQ(ten.bytes[1], 0x08);
  EXPECT_EQ(get_big_endian<std::uint32_t>(&ten.bytes[2]), 0x01020304u);
  EXPECT_EQ(get_big_endian<std::uint16_t>(&ten.bytes[7]), 0x0506u);
  const Cdb sixteen = read_write_cdb(false, 0x0102030405060708, 0x11223344, false);
  EXPECT_EQ(get_big_endian<std::uint64_t>(&sixteen.bytes[2]), 0x0102030405060708u);
  EXPECT_EQ(get_big_endian<std::uint32_t>(&sixteen.bytes[10]), 0x11223344u);
}

}  // namespace
}  // namespace drydock
