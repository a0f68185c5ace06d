#pragma once
// DiskDevice: the class driver's side of one logical unit: what it is (INQUIRY, VPD, capacity, cache), and requests of
// clients cut into SRBs that obey the adapter's limits, retried, judged. It knows CDBs and sense data, not the HBA.
//
// A DiskRequest is completed exactly once, at DISPATCH_LEVEL, with an errno. Its pieces may be in flight together.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "disk/identify.h"
#include "io/prepared_buffer.h"
#include "port/storport/adapter.h"

namespace drydock {

class BusScan;
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

  int error = 0;                    ///< errno of the first piece that failed; EOPNOTSUPP: the disk has no such command
  void (*completed)(DiskRequest&) = nullptr;
  void* owner = nullptr;

  // the class layer's
  std::uint64_t issued = 0;         ///< blocks handed down so far
  std::uint32_t in_flight = 0;
  bool flush_after = false;         ///< FUA that the command itself cannot have: a flush ends the request
  bool flush_due = false;           ///< SYNCHRONIZE CACHE is the next command
  DiskDevice* device = nullptr;
};

class DiskDevice {
 public:
  ~DiskDevice();
  /// Every disk behind the adapter. On a system thread at PASSIVE_LEVEL. An adapter without disks gives an empty list.
  static std::vector<std::unique_ptr<DiskDevice>> discover(storport::Adapter& adapter) { return rescan(adapter, {}, {}); }
  /// Looks at the part of the bus that may have changed: gives the disks that are new there. Those of `known` that are
  /// not there any more, or are others now, are gone from here on. On a system thread at PASSIVE_LEVEL.
  static std::vector<std::unique_ptr<DiskDevice>> rescan(storport::Adapter& adapter, const storport::BusScope& scope,
                                                         std::span<DiskDevice* const> known);
  storport::Adapter& adapter() const { return adapter_; }
  /// The bus has lost it: every request fails with ENODEV.
  bool gone() const { return unit_.gone; }

  const DiskFacts& facts() const { return facts_; }
  /// Client buffers begin at multiples of it, in bytes. DOC: ST-19 BUF-102
  std::uint32_t alignment() const { return adapter_.claims().alignment_mask + 1; }
  /// Requests that ended in an error, after all retries.
  std::uint64_t failed() const { return failed_; }
  /// At ≤ DISPATCH_LEVEL on a fiber.
  void submit(DiskRequest& request);
  /// DOC: ST-141 SRB_FUNCTION_FLUSH and SHUTDOWN, when the adapter caches data. On a system thread.
  void shut_down();

 private:
  friend class BusScan;
  using Disks = std::vector<std::unique_ptr<DiskDevice>>;
  DiskDevice(storport::Adapter& adapter, storport::LogicalUnit& unit);

  bool can(const DiskRequest& request) const;
  void issue(DiskRequest& request);
  bool issue_next(DiskRequest& request);
  bool issue_transfer(DiskRequest& request);
  bool issue_unmap(DiskRequest& request);
  bool issue_write_same(DiskRequest& request);
  bool issue_flush(DiskRequest& request);
  storport::Request* make(DiskRequest& request, const Cdb& cdb);
  CommandBuffer& take_buffer();
  void send(DiskRequest& request, storport::Request& piece, CommandBuffer& buffer, std::uint32_t length, std::uint32_t blocks);
  void piece_done(storport::Request& piece);
  void serve_starved();
  void fail(DiskRequest& request, int error);
  void end_piece(DiskRequest& request, int error);
  void complete(DiskRequest& request);

  storport::Adapter& adapter_;
  storport::LogicalUnit& unit_;
  UnitCommands commands_;
  DiskFacts facts_;
  std::vector<std::unique_ptr<CommandBuffer>> buffers_;
  std::vector<CommandBuffer*> spare_buffers_;
  std::uint64_t failed_ = 0;
  std::uint32_t in_flight_ = 0;         ///< pieces of all requests
  std::vector<DiskRequest*> starved_;   ///< waiting for a free SRB, or for their own pieces
};

}  // namespace drydock
