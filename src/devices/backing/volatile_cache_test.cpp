#include "devices/backing/volatile_cache.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "base/seeded.h"
#include "devices/backing/file_store.h"
#include "devices/backing/memory_store.h"
#include "devices/backing/recording_seam.h"
#include "devices/test_file.h"

namespace drydock {
namespace {

/// A store that counts, and fails on demand.
struct Below : BlockStore {
  explicit Below(std::uint64_t size) : BlockStore(size, false), bytes(size) {}
  int read(std::uint64_t offset, Pieces to) override {
    ++reads;
    for (const iovec& piece : to) {
      std::memcpy(piece.iov_base, &bytes[offset], piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }
  int write(std::uint64_t offset, Pieces from) override {
    if (fail_writes) return ENOSPC;
    writes.emplace_back(offset, total_bytes(from));
    for (const iovec& piece : from) {
      std::memcpy(&bytes[offset], piece.iov_base, piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }
  int flush() override { return ++flushes, fail_flush ? EIO : 0; }
  int discard(std::uint64_t offset, std::uint64_t length) override {
    std::memset(&bytes[offset], 0, length);
    return 0;
  }
  int write_zeroes(std::uint64_t offset, std::uint64_t length, bool) override { return discard(offset, length); }
  std::vector<std::byte> bytes;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> writes;
  unsigned reads = 0, flushes = 0;
  bool fail_writes = false, fail_flush = false;
};

using Bytes = std::vector<std::byte>;
Bytes filled(std::size_t length, int value) { return Bytes(length, static_cast<std::byte>(value)); }

int put(BlockStore& store, std::uint64_t offset, Bytes bytes, bool durably = false) {
  const iovec one{bytes.data(), bytes.size()};
  return durably ? store.write_durably(offset, Pieces(&one, 1)) : store.write(offset, Pieces(&one, 1));
}
Bytes get(BlockStore& store, std::uint64_t offset, std::size_t length) {
  Bytes bytes(length);
  const iovec one{bytes.data(), bytes.size()};
  EXPECT_EQ(store.read(offset, Pieces(&one, 1)), 0);
  return bytes;
}

TEST(VolatileCache, AWriteIsReadBackButReachesTheStoreOnlyWithAFlush) {
  Below store(1u << 20);
  VolatileCache cache(store);
  ASSERT_EQ(put(cache, 4096, filled(512, 7)), 0);
  EXPECT_EQ(get(cache, 4096, 512), filled(512, 7));
  EXPECT_EQ(store.bytes[4096], std::byte{0});
  EXPECT_TRUE(store.writes.empty());
  ASSERT_EQ(cache.flush(), 0);
  EXPECT_EQ(store.bytes[4096], std::byte{7});
  EXPECT_EQ(store.flushes, 1u);
  EXPECT_EQ(cache.dirty_chunks(), 0u);
}

TEST(VolatileCache, AFlushWritesInOrderOfOffsetInLongRuns) {
  Below store(1u << 20);
  VolatileCache cache(store);
  for (const std::uint64_t at : {40960u, 8192u, 4096u, 12288u, 512u}) ASSERT_EQ(put(cache, at, filled(at == 512 ? 1024 : 4096, 1)), 0);
  ASSERT_EQ(cache.flush(), 0);
  EXPECT_EQ(store.writes, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{512, 1024}, {4096, 12288}, {40960, 4096}}));
}

TEST(VolatileCache, OnlyDirtySectorsAreWrittenBack) {
  Below store(1u << 20);
  VolatileCache cache(store);
  ASSERT_EQ(put(cache, 512, filled(512, 1)), 0);
  ASSERT_EQ(put(cache, 2048, filled(2048 + 512, 2)), 0);  // to the end of the chunk and into the next
  store.bytes[0] = std::byte{0x55};
  ASSERT_EQ(cache.flush(), 0);
  EXPECT_EQ(store.writes, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{512, 512}, {2048, 2560}}));
  EXPECT_EQ(store.bytes[0], std::byte{0x55});
}

TEST(VolatileCache, AReadMixesWhatIsNewerHereWithWhatIsBelow) {
  Below store(1u << 20);
  std::fill(store.bytes.begin(), store.bytes.end(), std::byte{9});
  VolatileCache cache(store);
  ASSERT_EQ(put(cache, 1024, filled(512, 1)), 0);
  auto expected = filled(16384, 9);
  std::fill_n(expected.begin() + 1024, 512, std::byte{1});
  EXPECT_EQ(get(cache, 0, 16384), expected);
  const unsigned reads = store.reads;
  EXPECT_EQ(get(cache, 1024, 512), filled(512, 1));
  EXPECT_EQ(store.reads, reads) << "all of it was here";
}

TEST(VolatileCache, PowerCutLosesWhatWasNotFlushedAndNothingElse) {
  Below store(1u << 20);
  {
    VolatileCache cache(store);
    ASSERT_EQ(put(cache, 0, filled(4096, 1)), 0);
    ASSERT_EQ(cache.flush(), 0);
    ASSERT_EQ(put(cache, 0, filled(512, 2)), 0);
    ASSERT_EQ(put(cache, 8192, filled(512, 3), true), 0);
    cache.cut_power();
    EXPECT_EQ(put(cache, 0, filled(512, 4)), EIO);
    EXPECT_EQ(cache.flush(), EIO);
    Bytes bytes(512);
    const iovec one{bytes.data(), bytes.size()};
    EXPECT_EQ(cache.read(0, Pieces(&one, 1)), EIO);
  }
  EXPECT_EQ(store.bytes[0], std::byte{1});
  EXPECT_EQ(store.bytes[8192], std::byte{3});
}

TEST(VolatileCache, AnOrderlyEndWritesBack) {
  Below store(1u << 20);
  { ASSERT_EQ(put(*std::make_unique<VolatileCache>(store), 0, filled(512, 5)), 0); }
  EXPECT_EQ(store.bytes[0], std::byte{5});
}

TEST(VolatileCache, ADurableWriteIsOneFlushAndReplacesWhatIsOlderHere) {
  Below store(1u << 20);
  VolatileCache cache(store);
  ASSERT_EQ(put(cache, 0, filled(4096, 1)), 0);
  ASSERT_EQ(put(cache, 512, filled(512, 2), true), 0);
  EXPECT_EQ(store.flushes, 1u);
  EXPECT_EQ(store.bytes[512], std::byte{2});
  EXPECT_EQ(store.bytes[0], std::byte{0}) << "the rest stays volatile";
  ASSERT_EQ(cache.flush(), 0);
  EXPECT_EQ(store.bytes[0], std::byte{1});
  EXPECT_EQ(store.bytes[512], std::byte{2}) << "an older write came back over a durable one";
}

TEST(VolatileCache, AFullCacheWritesBackEarlyAndCountsIt) {
  Below store(std::uint64_t{VolatileCache::kChunksMax} * 4096 + (1u << 20));
  VolatileCache cache(store);
  for (std::uint64_t chunk = 0; chunk < VolatileCache::kChunksMax; ++chunk) ASSERT_EQ(put(cache, chunk * 4096, filled(512, 1)), 0);
  EXPECT_EQ(cache.early_write_backs(), 0u);
  EXPECT_TRUE(store.writes.empty());
  ASSERT_EQ(put(cache, std::uint64_t{VolatileCache::kChunksMax} * 4096, filled(512, 2)), 0);
  EXPECT_EQ(cache.early_write_backs(), 1u);
  EXPECT_EQ(store.flushes, 0u);
  EXPECT_EQ(cache.dirty_chunks(), 1u);
  EXPECT_EQ(get(cache, 4096, 512), filled(512, 1));
  const std::uint64_t whole = store.size();
  ASSERT_EQ(put(cache, 0, filled(whole, 3)), 0);  // more than the cache can ever hold
  EXPECT_EQ(get(cache, whole - 512, 512), filled(512, 3));
}

TEST(VolatileCache, AFlushThatFailsKeepsEverythingForTheNext) {
  Below store(1u << 20);
  VolatileCache cache(store);
  ASSERT_EQ(put(cache, 0, filled(512, 1)), 0);
  store.fail_writes = true;
  EXPECT_EQ(cache.flush(), ENOSPC);
  EXPECT_EQ(store.flushes, 0u) << "a sync without its writes would be a lie";
  store.fail_writes = false;
  store.fail_flush = true;
  EXPECT_EQ(cache.flush(), EIO);
  store.fail_flush = false;
  store.bytes[0] = std::byte{0};  // what a failed sync may have lost
  EXPECT_EQ(cache.flush(), 0);
  EXPECT_EQ(store.bytes[0], std::byte{1});
}

TEST(VolatileCache, AHoleWithDirtyBytesOverItIsData) {
  auto store = std::move(*MemoryStore::create(1u << 20, false));
  VolatileCache cache(*store);
  ASSERT_EQ(put(cache, 8192, filled(8192, 1)), 0);
  ASSERT_EQ(put(cache, 65536, filled(512, 1)), 0);
  std::vector<StoreExtent> out;
  ASSERT_EQ(cache.extents(4096, 1u << 19, out), 0);
  EXPECT_EQ(out, (std::vector<StoreExtent>{{4096, 4096, true}, {8192, 8192, false}, {16384, 49152, true}, {65536, 4096, false},
                                           {69632, (1u << 19) - 65536, true}}));
}

/// Random requests against a model that knows, for every sector, which contents a power cut may leave.
class CacheModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(CacheModel, ReadsAreAlwaysNewAndAfterACutEverySectorIsAsOldAsItsLastFlushAtMost) {
  constexpr std::uint64_t kSectors = 1024;
  TestFile file(kSectors * kSectorSize);
  RecordingSeam seam;
  auto store = std::move(*FileStore::open(file.path(), false, seam));
  auto cache = std::make_unique<VolatileCache>(*store);
  Seeded random(GetParam());
  std::vector<int> now(kSectors);
  std::vector<std::vector<int>> possible(kSectors, {0});  // since the last flush, the durable one first
  const auto settle = [&](std::uint64_t sector) { possible[sector] = {now[sector]}; };
  for (int step = 1; step <= 700; ++step) {
    const std::uint64_t first = random.below(kSectors), count = 1 + random.below(std::min<std::uint64_t>(40, kSectors - first));
    const std::uint64_t offset = first * kSectorSize, length = count * kSectorSize;
    const int value = 1 + step % 255;
    const auto change = [&](int to) {
      for (std::uint64_t s = first; s < first + count; ++s) now[s] = to, possible[s].push_back(to);
    };
    const auto choice = random.below(100);
    const std::size_t syncs = seam.syncs();
    if (choice < 50) {
      ASSERT_EQ(put(*cache, offset, filled(length, value)), 0);
      change(value);
      EXPECT_EQ(seam.syncs(), syncs);
    } else if (choice < 60) {
      ASSERT_EQ(put(*cache, offset, filled(length, value), true), 0);
      change(value);
      for (std::uint64_t s = first; s < first + count; ++s) settle(s);
      EXPECT_EQ(seam.syncs(), syncs + 1);
    } else if (choice < 70) {
      ASSERT_EQ(choice < 63 ? cache->discard(offset, length) : cache->write_zeroes(offset, length, choice < 66), 0);
      change(0);
    } else if (choice < 75) {
      ASSERT_EQ(cache->flush(), 0);
      for (std::uint64_t s = 0; s < kSectors; ++s) settle(s);
      ASSERT_EQ(seam.syncs(), syncs + 1);
      ASSERT_EQ(seam.operations().back().what, RecordingSeam::What::sync) << "a write after the sync it belongs to";
    } else if (choice < 99) {
      const Bytes bytes = get(*cache, offset, length);
      for (std::uint64_t i = 0; i < length; ++i) ASSERT_EQ(static_cast<int>(bytes[i]), now[first + i / kSectorSize]) << step;
    } else {
      cache->cut_power();
      cache = std::make_unique<VolatileCache>(*store);
      for (std::uint64_t s = 0; s < kSectors; ++s) {
        const int found = static_cast<int>(get(*cache, s * kSectorSize, kSectorSize)[17]);
        ASSERT_NE(std::find(possible[s].begin(), possible[s].end(), found), possible[s].end()) << "sector " << s;
        now[s] = found;
        settle(s);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CacheModel, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace drydock
