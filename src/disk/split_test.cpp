#include "disk/split.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

struct Row {
  std::uint32_t transfer_max, breaks;
  std::uint64_t place;  // in its page
  std::uint64_t left;
  std::uint32_t block, expected;
};

TEST(Split, APieceObeysTransferLengthAndBreaksWhereverTheBufferBegins) {
  for (const Row& row : {
           Row{65536, 17, 0, 1000, 512, 128},     // transfer length
           Row{65536, 17, 0, 7, 512, 7},          // what is left
           Row{1u << 20, 17, 0, 1000, 512, 136},  // 17 whole pages
           Row{1u << 20, 17, 512, 1000, 512, 135},
           Row{1u << 20, 17, 511, 1000, 512, 135},  // a ragged start costs a block
           Row{65536, 17, 4095, 1000, 512, 128},    // 64 KiB from anywhere are at most 17 pages
           Row{65536, 16, 4, 1000, 512, 127},
           Row{65535, 255, 0, 1000, 512, 127},      // a length that is no multiple of a block
           Row{65536, 2, 4092, 1000, 4096, 1},
           Row{65536, 1, 4, 1000, 4096, 0},         // one page cannot hold it
           Row{512, 17, 0, 1000, 4096, 0},          // one block is more than the adapter transfers
           Row{0xFFFFFFFF, 0xFFF, 0, 1ull << 40, 512, 0xFFF * 8}}) {
    storport::Claims claims;
    claims.transfer_max = row.transfer_max;
    claims.breaks = row.breaks;
    EXPECT_EQ(blocks_in_piece(claims, 0x7000'0000 + row.place, row.left, row.block), row.expected)
        << row.transfer_max << "/" << row.breaks << " at " << row.place;
  }
}

}  // namespace
}  // namespace drydock
