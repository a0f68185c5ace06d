#pragma once
// What a user may say about a virtio-blk device: "virtio-blk[,key=value...]". docs: option_help().

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/virtio/pci_transport.h"
#include "sched/time.h"

namespace drydock::virtio_blk {

struct Options {
  virtio::Interface mode = virtio::Interface::modern;
  std::uint32_t queues = 2;               ///< 1 … 8
  std::uint32_t queue_size = 256;         ///< 4 … 1024, a power of two
  std::uint32_t seg_max = 0;              ///< data segments of a request; 0: what the queue holds, queue_size - 2
  std::uint32_t size_max = 0;             ///< bytes of a segment; 0: no limit
  std::uint32_t blk_size = 512;           ///< logical block: 512 or 4096
  std::uint32_t physical_blk_size = 0;    ///< 0: as blk_size
  std::uint32_t opt_io_size = 0;          ///< bytes, 0: nothing said
  std::string serial = "drydock";         ///< at most 20 characters
  bool ro = false;
  bool cache = true;                      ///< cache=writeback|none
  bool wce = true;                        ///< the driver may switch the cache
  bool discard = true;
  bool write_zeroes = true;
  bool indirect = true;
  bool event_idx = true;
  bool msix = true;                       ///< off: INTx only
  Nanoseconds latency = 10 * kMicrosecond;  ///< virtual time from doorbell to work

  std::uint32_t segments() const { return seg_max != 0 ? seg_max : queue_size - 2; }
  std::uint32_t physical() const { return physical_blk_size != 0 ? physical_blk_size : blk_size; }
};

inline constexpr std::uint32_t kQueuesMax = 8;
inline constexpr std::uint32_t kQueueSizeMax = 1024;
inline constexpr Nanoseconds kLatencyMax = 600 * kSecond;

/// `text` is what follows "virtio-blk": empty, or "key=value,key=value". A refusal names the key and what it may be.
Result<Options> parse_options(std::string_view text);

struct OptionHelp {
  std::string_view key, values, fallback, help;
};
/// Every key, in the order of the documentation.
const std::vector<OptionHelp>& option_help();

}  // namespace drydock::virtio_blk
