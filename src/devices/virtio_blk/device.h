#pragma once
// The virtio block device (virtio 1.2, 5.2) on a BlockStore, with a volatile write cache between them. A doorbell makes
// work due after a latency in virtual time; the work takes everything the queue has, carries it out, and interrupts once.
//
// A request of the right form that cannot be carried out (out of range, read-only, error of the store) is completed with
// an error. A request without a place for its status, or a ring that breaks the standard, ends in NEEDS_RESET.

#include <memory>
#include <optional>
#include <vector>

#include "devices/backing/volatile_cache.h"
#include "devices/block_device.h"
#include "devices/virtio/pci_transport.h"
#include "devices/virtio_blk/options.h"
#include "devices/virtio_blk/spec.h"

namespace drydock::virtio_blk {

class Misbehaviour;

class Device final : public virtio::PciTransport, public BlockDevice {
 public:
  static constexpr std::uint64_t kRequestMax = 64u << 20;      ///< bytes of data in one request
  static constexpr std::uint32_t kRangesMax = 64;              ///< of one DISCARD or WRITE_ZEROES
  static constexpr std::uint32_t kRangeSectorsMax = 1u << 22;  ///< 2 GiB

  /// `store` outlives the device.
  static Result<std::unique_ptr<Device>> create(const Options& options, BlockStore& store, const BoardServices& board);

  ~Device() override;

  // --- BlockDevice --------------------------------------------------------------------------------------------------
  std::uint64_t size() const override { return store_.size(); }
  std::uint32_t block_size() const override { return options_.blk_size; }
  bool read_only() const override { return options_.ro || store_.read_only(); }
  bool has_write_cache() const override { return cache_.has_value(); }
  int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) override {
    return disk_->extents(offset, length, out);
  }
  int power_off() override;
  void cut_power() override;
  DeviceStatistics statistics() const override;

 protected:
  void features_chosen() override;
  void notified(unsigned queue) override;
  void reset_device() override;
  void config_written(std::uint32_t offset, unsigned size, std::uint64_t value) override;

 private:
  friend class Misbehaviour;
  /// A queue's next round of work.
  class Round final : public Event {
   public:
    Round(Device& device, unsigned queue) : device_(device), queue_(queue) {}
    ~Round() override = default;

   private:
    void fire() override { device_.work_due(queue_); }
    Device& device_;
    unsigned queue_;
  };
  /// One request on its way: where its data lies in the host's memory.
  struct Request {
    Header header;
    std::byte* status = nullptr;
    std::uint32_t data = 0;        ///< its first segment in the chain
    std::uint64_t bytes = 0;       ///< of data
    bool to_device = false;        ///< the data's direction
  };
  struct Outcome {
    Status status;
    std::uint64_t written = 0;     ///< bytes of data given to the driver
  };

  Device(const Options& options, BlockStore& store, const BoardServices& board);
  static virtio::Features offered(const Options& options, bool read_only, bool cache);
  void describe();

  void describe_writeback();
  void suffer(FaultPlan& plan);
  void work_due(unsigned queue);
  void work(unsigned queue);
  void end_round(unsigned queue);
  bool serve(virtio::SplitQueue& ring);
  [[gnu::cold, gnu::noinline]] void complain_of_layout();
  bool take_header(Request& request);
  bool take_status(Request& request);
  bool take_data(Request& request);
  bool take_segment(const virtio::Segment& segment, DmaDirection direction);
  void add_piece(std::byte* host, std::uint32_t length);
  Outcome carry_out(const Request& request);
  bool transfer_is_sound(const Request& request, bool to_device);
  bool in_range(std::uint64_t sector, std::uint64_t sectors) const;
  Outcome read(const Request& request);
  Outcome write(const Request& request);
  Outcome flush();
  Outcome get_id(const Request& request);
  Outcome change_ranges(const Request& request);
  Status judge(const Range& range, bool zeroes);
  int change(const Range& range, bool zeroes);
  static Outcome outcome_of(int error, std::uint64_t written = 0);
  bool writes_are_volatile() const;

  Options options_;
  BlockStore& store_;
  std::optional<VolatileCache> cache_;
  BlockStore* disk_;                          ///< the cache, or the store without one
  Config config_{};
  std::vector<std::unique_ptr<Round>> rounds_;
  virtio::Chain chain_;                       ///< of the request being served
  std::vector<iovec> pieces_;                 ///< its data
  DeviceStatistics statistics_;
  std::unique_ptr<BlockStore> medium_;           ///< over disk_, when the medium has errors
  std::unique_ptr<Misbehaviour> misbehaviour_;   ///< null: the device does as the standard says
};

}  // namespace drydock::virtio_blk
