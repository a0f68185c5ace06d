#include "abi/image_map.h"

#include <gtest/gtest.h>

#include <memory>

namespace drydock {
namespace {

TEST(ImageMap, holds_its_first_byte_and_not_the_one_behind_its_last) {
  ImageMap map;
  int owner = 0;
  ASSERT_TRUE(map.add(0x1000, 0x3000, &owner));
  EXPECT_FALSE(map.contains(0xFFF));
  EXPECT_TRUE(map.contains(0x1000));
  EXPECT_TRUE(map.contains(0x2FFF));
  EXPECT_FALSE(map.contains(0x3000));
  EXPECT_EQ(map.find(0x2000).owner, &owner);
  EXPECT_EQ(map.find(0x3000).end, 0u);
}

TEST(ImageMap, an_unloaded_image_is_no_longer_known_and_its_slot_is_used_again) {
  ImageMap map;
  for (std::uintptr_t i = 0; i < kImagesMax; ++i) ASSERT_TRUE(map.add((i + 1) << 20, ((i + 1) << 20) + 0x1000, nullptr));
  EXPECT_FALSE(map.add(1, 2, nullptr)) << "the map is full";
  map.remove(5u << 20);
  EXPECT_FALSE(map.contains(5u << 20));
  EXPECT_TRUE(map.contains(6u << 20));
  EXPECT_TRUE(map.add(0x1000, 0x2000, nullptr));
  EXPECT_TRUE(map.contains(0x1000));
}

}  // namespace
}  // namespace drydock
