#pragma once
// DiskDevice: the class driver's side of one logical unit: what it is (INQUIRY, VPD, capacity, cache), and requests of
// clients cut into SRBs that obey the adapter's limits, retried, judged. It knows CDBs and sense data, not the HBA.
//
// A DiskRequest is completed exactly once, at DISPATCH_LEVEL, with an errno. Its pieces may be in flight together.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "disk/cdb.h"
#include "io/prepared_buffer.h"
#include "port/storport/adapter.h"

namespace drydock {

class DiskDevice;

struct DiskRequest {
  enum class Kind : std::uint8_t { read, write, flush, unmap, write_same };
  Kind kind = Kind::read;
  bool fua = false;
  bool may_unmap = false;           ///< write_same: the blocks may become unmapped if they then read as zeros
  std::uint64_t block = 0;          ///< first block
  std::uint64_t blocks = 0;
  const PreparedBuffer* buffer = nullptr;  ///< reads and writes: the caller's locked memory
  std::uint32_t buffer_offset = 0;

  int error = 0;                    ///< errno of the first piece that failed
  void (*completed)(DiskRequest&) = nullptr;
  void* owner = nullptr;

  // the class layer's
  std::uint64_t issued = 0;         ///< blocks handed down so far
  std::uint32_t in_flight = 0;
  bool flush_after = false;         ///< FUA on a disk without FUA: a flush ends the request
  DiskDevice* device = nullptr;
};

/// What the unit said about itself.
struct DiskFacts {
  std::string vendor, product, revision, serial;
  std::uint64_t blocks = 0;
  std::uint32_t block_size = 512;
  bool read_only = false, write_cache = false, fua = false, unmap = false, write_same = false;
  std::uint32_t unmap_blocks_max = 0, write_same_blocks_max = 0;
};

/// The blocks a piece may have: adapter's transfer length, physical breaks and the buffer's place in its page.
/// DOC: ST-16 breaks are pages. At least 1 block when one block is possible at all.
std::uint32_t blocks_in_piece(const storport::Claims& claims, std::uint64_t address, std::uint64_t blocks_left,
                              std::uint32_t block_size);

class DiskDevice {
 public:
  ~DiskDevice();
  /// Every disk behind the adapter. On a system thread at PASSIVE_LEVEL. An adapter without disks gives an empty list.
  static std::vector<std::unique_ptr<DiskDevice>> discover(storport::Adapter& adapter);

  const DiskFacts& facts() const { return facts_; }
  /// Client buffers begin at multiples of it, in bytes. DOC: ST-19 BUF-102
  std::uint32_t alignment() const { return adapter_.claims().alignment_mask + 1; }
  /// At ≤ DISPATCH_LEVEL on a fiber.
  void submit(DiskRequest& request);
  /// DOC: ST-141 SRB_FUNCTION_FLUSH and SHUTDOWN, when the adapter caches data. On a system thread.
  void shut_down();

 private:
  class CommandBuffer;
  struct Outcome {
    int error = 0;
    std::uint32_t length = 0;
  };
  DiskDevice(storport::Adapter& adapter, storport::LogicalUnit& unit);

  Outcome command(std::uint8_t function, const Cdb& cdb, storport::Request::Direction direction, std::uint32_t length);
  Outcome command_in(const Cdb& cdb, std::uint32_t length) {
    return command(SRB_FUNCTION_EXECUTE_SCSI, cdb, storport::Request::Direction::in, length);
  }
  bool identify();
  bool learn_capacity();
  void learn_pages();
  bool page_supported(std::uint8_t page);
  std::span<const std::uint8_t> answer() const;

  void issue(DiskRequest& request);
  bool issue_piece(DiskRequest& request);
  bool issue_command_piece(DiskRequest& request);
  bool issue_flush(DiskRequest& request);
  storport::Request* make(DiskRequest& request, const Cdb& cdb);
  void piece_done(storport::Request& piece);
  void end_piece(DiskRequest& request, int error);

  storport::Adapter& adapter_;
  storport::LogicalUnit& unit_;
  DiskFacts facts_;
  std::unique_ptr<CommandBuffer> command_;
  std::vector<std::unique_ptr<CommandBuffer>> spare_buffers_;
  std::vector<DiskRequest*> starved_;  ///< waiting for a free SRB
  std::vector<bool> pages_;
};

}  // namespace drydock
