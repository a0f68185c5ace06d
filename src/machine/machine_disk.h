#pragma once
// MachineDisk: a disk for programs outside: any offset and length. Whole blocks go straight through; the blocks at ragged
// ends are read, changed and written back.

#include <mutex>

#include "drydock/machine.h"
#include "machine/client.h"

namespace drydock {

class MachineDisk final : public Disk {
 public:
  MachineDisk(Clients& clients, DiskDevice& device, BlockDevice& backing, bool extents_valid, bool moves_data)
      : clients_(clients), device_(device), backing_(backing), extents_valid_(extents_valid), moves_data_(moves_data),
        read_only_(device.facts().read_only || backing.read_only()) {}

  void describe(std::string text) { description_ = std::move(text); }
  std::string description() const override { return description_; }
  std::uint64_t size() const override { return device_.facts().blocks * block_size(); }
  std::uint32_t block_size() const override { return device_.facts().block_size; }
  bool present() const override { return !device_.gone(); }
  /// The unit said so; or its device refuses writes, whether the driver tells or not.
  bool read_only() const override { return read_only_; }
  bool can_flush() const override { return true; }
  bool can_trim() const override { return device_.facts().unmap && !read_only(); }
  bool can_zero() const override { return device_.facts().write_same && !read_only(); }
  int read(std::span<std::byte> to, std::uint64_t offset) override;
  int write(std::span<const std::byte> from, std::uint64_t offset, bool fua) override;
  int flush() override;
  int trim(std::uint64_t offset, std::uint64_t length, bool fua) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool may_trim, bool fua) override;
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) override;

  /// For the self-check: whole blocks, the buffer beginning `shift` bytes into a page.
  int read_blocks(std::span<std::byte> to, std::uint64_t offset, std::uint32_t shift);
  int write_blocks(std::span<const std::byte> from, std::uint64_t offset, bool fua, std::uint32_t shift);
  /// Buffers must begin at multiples of this.
  bool moves_data() const { return moves_data_; }
  std::uint32_t alignment() const { return device_.alignment(); }

 private:
  class Borrowed;
  bool inside(std::uint64_t offset, std::uint64_t length) const { return offset <= size() && length <= size() - offset; }
  int read_ragged(std::span<std::byte> to, std::uint64_t offset);
  int write_ragged(std::span<const std::byte> from, std::uint64_t offset, bool fua);
  int without_data(DiskRequest::Kind kind, std::uint64_t offset, std::uint64_t length, bool may_unmap, bool fua);
  int zero_by_writing(std::uint64_t offset, std::uint64_t length, bool fua);

  Clients& clients_;
  DiskDevice& device_;
  BlockDevice& backing_;
  bool extents_valid_, moves_data_, read_only_;
  std::string description_;
  std::mutex ragged_;  ///< read-change-write excludes itself
};

}  // namespace drydock
