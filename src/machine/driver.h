#pragma once
// Driver: the loaded image, its DRIVER_OBJECT, and what it declared in DriverEntry.

#include <memory>
#include <optional>
#include <string>

#include "loader/image.h"
#include "loader/symbols/symboliser.h"
#include "machine/board.h"
#include "port/storport/adapter.h"

namespace drydock {

class Driver final : public ImportResolver {
 public:
  Driver(Board& board, MachineHooks& hooks) : board_(board), hooks_(hooks) {}
  ~Driver() override;

  /// Before load(): processes will give it addresses of theirs.
  void meet_processes() { meets_processes_ = true; }
  Result<void> load(const std::string& path, std::uint64_t seed, MissingImportHandler missing, void* context);
  const Image& image() const { return *image_; }
  bool loaded() const { return image_.has_value(); }
  /// Builds DRIVER_OBJECT and registry path in machine memory; arguments of DriverEntry.
  void* driver_object();
  void* registry_path();
  bool owns_object(const void* object) const { return object_ != nullptr && object == object_; }

  // ImportResolver
  void* resolve(std::string_view module, std::string_view name) override;

  /// Built by drydock-cc --kasan / --coverage.
  bool asks_before_touching() const { return imports_instrumentation(false); }
  bool tells_its_blocks() const { return imports_instrumentation(true); }

  bool contains(std::uint64_t address, std::uint64_t size) const {
    return image_ && image_->contains(address) && image_->contains(address + (size == 0 ? 0 : size - 1));
  }
  /// What the protection of its sections lets the driver's own code do.
  bool may_touch(std::uint64_t address, std::uint64_t size, bool write) const;
  /// "my.c:40" (or "my.sys+0x1234") and, for stacks, with the function in front.
  std::string location(std::uint64_t address, RipKind kind);
  /// The line that location() names; an empty one when nobody knows.
  SourceLocation source(std::uint64_t address, RipKind kind);
  std::string frame_text(std::uint64_t address, RipKind kind);
  std::vector<SourceLocation> lines_at(std::uint32_t rva) { return symboliser_.locate(*image_, image_->base() + rva, RipKind::exact); }

  std::optional<storport::Miniport> miniport;

 private:
  bool imports_instrumentation(bool of_coverage) const;

  Board& board_;
  MachineHooks& hooks_;
  std::optional<Image> image_;
  Symboliser symboliser_;
  bool meets_processes_ = false;
  void* object_ = nullptr;
  void* path_ = nullptr;
};

}  // namespace drydock
