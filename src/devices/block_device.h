#pragma once
// BlockDevice: what a machine asks of a device that has a disk, whatever its interface: what the disk is, what is in it,
// and what happens to it when power goes.

#include <cstdint>
#include <vector>

#include "devices/backing/block_store.h"

namespace drydock {

struct DeviceStatistics {
  std::uint64_t reads = 0, writes = 0, flushes = 0, discards = 0, zeroes = 0;
  std::uint64_t bytes_read = 0, bytes_written = 0;
  std::uint64_t failed = 0;             ///< requests completed with an error
  std::uint64_t doorbells = 0, interrupts = 0;
  std::uint64_t early_write_backs = 0;  ///< times the volatile cache was full
};

class BlockDevice {
 public:
  virtual std::uint64_t size() const = 0;        ///< bytes
  virtual std::uint32_t block_size() const = 0;  ///< logical: 512 or 4096
  virtual bool read_only() const = 0;
  /// Are writes volatile until a flush (as long as the driver leaves the cache on)?
  virtual bool has_write_cache() const = 0;
  /// What is known of holes, without a driver; see BlockStore::extents.
  virtual int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) = 0;
  /// Orderly: what the cache holds goes to the store, which is flushed. 0 or an errno value.
  virtual int power_off() = 0;
  /// Power fails now. The device is gone; what its cache held is lost; the store is not touched again.
  virtual void cut_power() = 0;
  virtual DeviceStatistics statistics() const = 0;

 protected:
  ~BlockDevice() = default;
};

}  // namespace drydock
