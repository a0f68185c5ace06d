#pragma once
// Wire formats of the virtio block device: "Virtual I/O Device (VIRTIO) Version 1.2", 5.2.

#include <cstddef>
#include <cstdint>

#include "devices/virtio/spec.h"

namespace drydock::virtio_blk {

inline constexpr std::uint16_t kDeviceType = 2;                 // 5.2.1
inline constexpr std::uint16_t kTransitionalPciDevice = 0x1001;  // 4.1.2.1

// 5.2.3: feature bits
inline constexpr virtio::Features kSizeMax = virtio::feature(1), kSegMax = virtio::feature(2), kReadOnly = virtio::feature(5),
                                  kBlkSize = virtio::feature(6), kFlush = virtio::feature(9), kTopology = virtio::feature(10),
                                  kConfigWce = virtio::feature(11), kMultiQueue = virtio::feature(12),
                                  kDiscard = virtio::feature(13), kWriteZeroes = virtio::feature(14);

struct Config {  // 5.2.4
  std::uint64_t capacity;  ///< in units of 512 bytes, like every sector number of this device
  std::uint32_t size_max;
  std::uint32_t seg_max;
  std::uint16_t cylinders;
  std::uint8_t heads, sectors;
  std::uint32_t blk_size;
  std::uint8_t physical_block_exp;
  std::uint8_t alignment_offset;
  std::uint16_t min_io_size;
  std::uint32_t opt_io_size;
  std::uint8_t writeback;
  std::uint8_t unused0;
  std::uint16_t num_queues;
  std::uint32_t max_discard_sectors;
  std::uint32_t max_discard_seg;
  std::uint32_t discard_sector_alignment;
  std::uint32_t max_write_zeroes_sectors;
  std::uint32_t max_write_zeroes_seg;
  std::uint8_t write_zeroes_may_unmap;
  std::uint8_t unused1[3];
  std::uint32_t max_secure_erase_sectors;
  std::uint32_t max_secure_erase_seg;
  std::uint32_t secure_erase_sector_alignment;
};
static_assert(sizeof(Config) == 72);
static_assert(offsetof(Config, blk_size) == 20 && offsetof(Config, writeback) == 32 && offsetof(Config, num_queues) == 34);
static_assert(offsetof(Config, max_discard_sectors) == 36 && offsetof(Config, write_zeroes_may_unmap) == 56);

// 5.2.6: requests
enum class Type : std::uint32_t { in = 0, out = 1, flush = 4, get_id = 8, discard = 11, write_zeroes = 13 };
enum class Status : std::uint8_t { ok = 0, io_error = 1, unsupported = 2 };

struct Header {
  Type type;
  std::uint32_t reserved;
  std::uint64_t sector;
};
static_assert(sizeof(Header) == 16);

struct Range {  // of DISCARD and WRITE_ZEROES
  std::uint64_t sector;
  std::uint32_t sectors;
  std::uint32_t flags;
};
static_assert(sizeof(Range) == 16);
inline constexpr std::uint32_t kRangeUnmap = 1;

inline constexpr std::size_t kIdBytes = 20;  // 5.2.6

}  // namespace drydock::virtio_blk
