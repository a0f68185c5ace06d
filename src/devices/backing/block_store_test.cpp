#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include "base/seeded.h"
#include "devices/backing/file_store.h"
#include "devices/backing/memory_store.h"
#include "devices/backing/open_store.h"
#include "devices/backing/recording_seam.h"
#include "devices/test_file.h"

namespace drydock {
namespace {

using testing::HasSubstr;

std::vector<std::byte> pattern(std::size_t length, unsigned seed) {
  std::vector<std::byte> bytes(length);
  Seeded random(seed);
  for (auto& b : bytes) b = static_cast<std::byte>(random.next());
  return bytes;
}

iovec piece(std::vector<std::byte>& bytes) { return {bytes.data(), bytes.size()}; }

int put(BlockStore& store, std::uint64_t offset, std::vector<std::byte> bytes) {
  const iovec one = piece(bytes);
  return store.write(offset, Pieces(&one, 1));
}

std::vector<std::byte> get(BlockStore& store, std::uint64_t offset, std::size_t length) {
  std::vector<std::byte> bytes(length, std::byte{0xEE});
  const iovec one = piece(bytes);
  EXPECT_EQ(store.read(offset, Pieces(&one, 1)), 0);
  return bytes;
}

std::vector<StoreExtent> extents(BlockStore& store) {
  std::vector<StoreExtent> out;
  EXPECT_EQ(store.extents(0, store.size(), out), 0);
  return out;
}

TEST(OpenStore, EverySpellingLeadsToItsStore) {
  TestFile file(8192);
  EXPECT_EQ((*open_store("mem:1M", false))->size(), 1u << 20);
  EXPECT_FALSE((*open_store("null", false))->moves_data());
  EXPECT_EQ((*open_store("null:4K", true))->size(), 4096u);
  const auto opened = open_store(file.path(), true);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->size(), 8192u);
  EXPECT_TRUE((*opened)->read_only());
}

TEST(OpenStore, ARefusalIsOneLineThatNamesTheFile) {
  TestFile odd(1000), empty(0);
  const struct {
    std::string spec, why;
  } cases[] = {{"/no/such/disk.img", "No such file"}, {"/tmp", "directory"}, {"/dev/null", "neither a file nor a block device"},
               {odd.path(), "not a multiple of 512"}, {empty.path(), "is empty"}, {"mem:", "not a size"}, {"mem:100", "multiple of 512"},
               {"mem:0", "multiple of 512"}, {"mem:5T", "4 TiB"}, {"null:7", "multiple of 512"}, {"", "no disk"}};
  for (const auto& c : cases) {
    const auto opened = open_store(c.spec, c.spec == "/tmp" ? false : true);
    ASSERT_FALSE(opened) << c.spec;
    EXPECT_THAT(opened.error().message, HasSubstr(c.why));
    EXPECT_EQ(opened.error().message.find('\n'), std::string::npos);
  }
}

TEST(FileStore, AFileHasOneWriterOrManyReaders) {
  TestFile file(4096);
  {
    auto writer = FileStore::open(file.path(), false);
    ASSERT_TRUE(writer);
    const auto second = FileStore::open(file.path(), false);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("in use by another program"));
    EXPECT_FALSE(FileStore::open(file.path(), true));
  }
  auto reader = FileStore::open(file.path(), true);
  EXPECT_TRUE(FileStore::open(file.path(), true));
  EXPECT_FALSE(FileStore::open(file.path(), false));
}

/// The promises of every store, whatever is behind it.
class StoreTest : public testing::TestWithParam<bool> {
 protected:
  StoreTest() : file(kSize) {
    store = GetParam() ? std::move(*open_store(file.path(), false)) : std::move(*open_store("mem:1M", false));
  }
  static constexpr std::size_t kSize = 1u << 20;
  TestFile file;
  std::unique_ptr<BlockStore> store;
};

TEST_P(StoreTest, WhatWasWrittenIsReadBackInPiecesOfAnySize) {
  auto bytes = pattern(3 * 4096, 1);
  iovec pieces[] = {{bytes.data(), 100}, {bytes.data() + 100, 8092}, {bytes.data() + 8192, 4096}};
  ASSERT_EQ(store->write(512, pieces), 0);
  EXPECT_EQ(get(*store, 512, bytes.size()), bytes);
  std::vector<std::byte> back(bytes.size());
  iovec targets[] = {{back.data(), 4000}, {back.data() + 4000, 1}, {back.data() + 4001, back.size() - 4001}};
  ASSERT_EQ(store->read(512, targets), 0);
  EXPECT_EQ(back, bytes);
}

TEST_P(StoreTest, MorePiecesThanOneSystemCallTakesAreAllTransferred) {
  auto bytes = pattern(512 * 3000, 2);
  std::vector<iovec> pieces;
  for (std::size_t i = 0; i < 2000; ++i) pieces.push_back({bytes.data() + i * 512, 512});
  ASSERT_EQ(store->write(0, pieces), 0);
  EXPECT_EQ(get(*store, 0, 2000 * 512), std::vector<std::byte>(bytes.begin(), bytes.begin() + 2000 * 512));
}

TEST_P(StoreTest, ZeroedAndDiscardedBytesReadAsZeroesAndTheirNeighboursStay) {
  for (const int how : {0, 1, 2}) {
    auto bytes = pattern(64 * 1024, 3);
    ASSERT_EQ(put(*store, 0, bytes), 0);
    const std::uint64_t offset = 1536, length = 20480;
    ASSERT_EQ(how == 0 ? store->discard(offset, length) : store->write_zeroes(offset, length, how == 1), 0);
    std::fill_n(bytes.begin() + offset, length, std::byte{0});
    EXPECT_EQ(get(*store, 0, bytes.size()), bytes) << how;
  }
  auto bytes = pattern(4096, 4);
  ASSERT_EQ(put(*store, 0, bytes), 0);
  ASSERT_EQ(store->discard(512, 1024), 0);  // inside one page
  std::fill_n(bytes.begin() + 512, 1024, std::byte{0});
  EXPECT_EQ(get(*store, 0, 4096), bytes);
}

TEST_P(StoreTest, ExtentsTellDataFromHolesAndADiscardMakesAHole) {
  EXPECT_EQ(extents(*store), (std::vector<StoreExtent>{{0, kSize, true}}));
  ASSERT_EQ(put(*store, 65536, pattern(8192, 5)), 0);
  EXPECT_EQ(extents(*store), (std::vector<StoreExtent>{{0, 65536, true}, {65536, 8192, false}, {73728, kSize - 73728, true}}));
  std::vector<StoreExtent> inside;
  ASSERT_EQ(store->extents(69632, 8192, inside), 0);
  EXPECT_EQ(inside, (std::vector<StoreExtent>{{69632, 4096, false}, {73728, 4096, true}}));
  ASSERT_EQ(store->discard(0, kSize), 0);
  EXPECT_EQ(extents(*store), (std::vector<StoreExtent>{{0, kSize, true}}));
}

INSTANTIATE_TEST_SUITE_P(MemoryAndFile, StoreTest, testing::Bool());

TEST(MemoryStore, ManyExtentsAreGivenInBoundedPortionsWithoutGaps) {
  auto store = std::move(*MemoryStore::create(32u << 20, false));
  for (std::uint64_t at = 0; at < store->size(); at += 8192) ASSERT_EQ(put(*store, at, pattern(512, 6)), 0);
  std::uint64_t at = 0;
  std::size_t count = 0;
  while (at < store->size()) {
    std::vector<StoreExtent> out;
    ASSERT_EQ(store->extents(at, store->size() - at, out), 0);
    ASSERT_FALSE(out.empty());
    EXPECT_LE(out.size(), BlockStore::kExtentsMax);
    for (const StoreExtent& extent : out) {
      EXPECT_EQ(extent.offset, at);
      at += extent.length;
    }
    count += out.size();
  }
  EXPECT_EQ(count, 8192u);
}

TEST(MemoryStore, AReadOnlyDiskRefusesEveryChange) {
  auto store = std::move(*MemoryStore::create(4096, true));
  EXPECT_EQ(put(*store, 0, pattern(512, 1)), EROFS);
  EXPECT_EQ(store->discard(0, 512), EROFS);
  EXPECT_EQ(store->write_zeroes(0, 512, false), EROFS);
  EXPECT_EQ(store->flush(), 0);
}

/// A host that takes little at a time, is interrupted, and lacks fallocate().
struct PoorHost : FileSeam {
  ssize_t read(int file, const iovec* pieces, int, off_t offset) override {
    if (interrupt()) return -1;
    const iovec part{pieces->iov_base, std::min<std::size_t>(pieces->iov_len, 700)};
    return FileSeam::read(file, &part, 1, offset);
  }
  ssize_t write(int file, const iovec* pieces, int, off_t offset) override {
    if (interrupt()) return -1;
    if (full) return errno = ENOSPC, -1;
    const iovec part{pieces->iov_base, std::min<std::size_t>(pieces->iov_len, 700)};
    return FileSeam::write(file, &part, 1, offset);
  }
  int sync_data(int) override { return errno = EIO, -1; }
  int allocate(int, int, off_t, off_t) override { return errno = EOPNOTSUPP, -1; }
  bool interrupt() {
    errno = EINTR;
    return ++calls % 3 == 0;
  }
  unsigned calls = 0;
  bool full = false;
};

TEST(FileStore, ShortAndInterruptedTransfersAreContinued) {
  TestFile file(65536);
  PoorHost host;
  auto store = std::move(*FileStore::open(file.path(), false, host));
  auto bytes = pattern(16384, 8);
  iovec pieces[] = {{bytes.data(), 1000}, {bytes.data() + 1000, 3000}, {bytes.data() + 4000, 12384}};
  ASSERT_EQ(store->write(512, pieces), 0);
  EXPECT_EQ(get(*store, 512, bytes.size()), bytes);
}

TEST(FileStore, WithoutFallocateZeroesAreWrittenAndDiscardIsOnlyAdvice) {
  TestFile file(262144);
  PoorHost host;
  auto store = std::move(*FileStore::open(file.path(), false, host));
  ASSERT_EQ(put(*store, 0, pattern(200'704, 9)), 0);
  ASSERT_EQ(store->write_zeroes(512, 150'016, true), 0);
  EXPECT_EQ(get(*store, 512, 150'016), std::vector<std::byte>(150'016));
  EXPECT_EQ(store->discard(0, 4096), 0);
}

TEST(FileStore, ErrorsOfTheHostComeBackAsTheirErrno) {
  TestFile file(65536);
  PoorHost host;
  auto store = std::move(*FileStore::open(file.path(), false, host));
  EXPECT_EQ(store->flush(), EIO);
  host.full = true;
  EXPECT_EQ(put(*store, 0, pattern(4096, 1)), ENOSPC);
  ASSERT_EQ(truncate(file.path().c_str(), 1024), 0);
  std::vector<std::byte> bytes(4096);
  const iovec one = piece(bytes);
  EXPECT_EQ(store->read(0, Pieces(&one, 1)), EIO) << "somebody shortened the file";
}

TEST(RecordingSeam, ReplayingTheNotesMakesTheFileOfEveryMoment) {
  TestFile file(65536);
  RecordingSeam seam;
  auto store = std::move(*FileStore::open(file.path(), false, seam));
  const auto first = pattern(8192, 1), second = pattern(4096, 2);
  ASSERT_EQ(put(*store, 0, first), 0);
  ASSERT_EQ(store->flush(), 0);
  ASSERT_EQ(put(*store, 4096, second), 0);
  ASSERT_EQ(store->write_zeroes(0, 512, true), 0);
  EXPECT_EQ(seam.syncs(), 1u);
  EXPECT_EQ(seam.writes(), 2u);
  std::vector<std::byte> image(65536);
  seam.replay(2, image);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), image.begin()));
  seam.replay(seam.operations().size(), image);
  EXPECT_EQ(image, get(*store, 0, image.size()));
}

}  // namespace
}  // namespace drydock
