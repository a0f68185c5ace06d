#pragma once
// Drivers: the images that are loaded, as one body of code: whose an address is, how it is called, and how a stack that
// runs through several of them looks.

#include <memory>
#include <string>
#include <vector>

#include "machine/driver.h"
#include "verifier/finding_log.h"

namespace drydock {

class Drivers final : public CodeMap, public StackSource, public StackTaker {
 public:
  Drivers(Board& board, MachineHooks& hooks) : board_(board), hooks_(hooks) {}

  /// A driver without an image as yet (Driver::load).
  Driver& add();
  /// The newest one is gone again: its image was no driver.
  void remove(const Driver& driver);
  const std::vector<std::unique_ptr<Driver>>& all() const { return drivers_; }

  /// Null: the range lies in no image.
  Driver* at(std::uint64_t address, std::uint64_t size = 1) const;
  Driver* of_object(const void* driver_object) const;
  /// What the protection of its sections lets the driver's own code do.
  bool may_touch(std::uint64_t address, std::uint64_t size, bool write) const;

  /// "my.c:40", "my.sys+0x1234", or the plain address.
  std::string location(std::uint64_t address, RipKind kind) const;
  SourceLocation source(std::uint64_t address, RipKind kind) const;
  std::string frame_text(std::uint64_t address, RipKind kind) const;
  std::string name_of(std::uint64_t address) const;

  // CodeMap
  std::optional<CodeImage> image_at(std::uint64_t address) const override;
  // StackSource, StackTaker
  std::vector<std::uint64_t> stack_at(const CodePlace& place) override;

 private:
  Board& board_;
  MachineHooks& hooks_;
  std::vector<std::unique_ptr<Driver>> drivers_;
};

}  // namespace drydock
