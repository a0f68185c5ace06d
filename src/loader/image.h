#pragma once
// A driver image in memory: mapped, relocated, bound to its imports, with its security cookie set and its sections
// protected; unmapped when the object dies.
//
// It promises: the image lies at its preferred base when that is free (debuggers and symbolisers then need no slide),
// else at the first free 64 KiB step of the arena the caller gave, so addresses repeat from run to run. An import the
// resolver does not know never fails the load and never pretends to succeed: it is bound to a stub that, when called,
// reports its name and the caller. Nothing of the driver has run when load() returns.
//
// It does not promise: relocations of control-flow guard, retpolines, delay imports or TLS; those stay as linked and
// are named in notes().

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/ms_abi.h"
#include "base/result.h"
#include "base/seeded.h"
#include "loader/pe_image.h"

namespace drydock {

inline constexpr std::uint64_t kImageFileSizeMax = 512u << 20;
/// Below this nothing is mapped at its preferred base: a NULL pointer with an offset must fault, not read an image.
inline constexpr std::uint64_t kImageBaseMin = 1u << 20;

/// Gives the address of a kernel routine or kernel variable, or nullptr for one it does not have. `module` is as spelled
/// in the image: compare it without regard to case. `name` is "#12" for an import by ordinal.
class ImportResolver {
 public:
  virtual ~ImportResolver() = default;
  virtual void* resolve(std::string_view module, std::string_view name) = 0;
};

/// An import nobody provides. Its address is stable while the image is loaded.
struct MissingImport {
  std::string image;   // "viostor.sys"
  std::string module;  // "storport.sys"
  std::string name;    // "StorPortNoSuchRoutine"
  void* context;       // LoadOptions::missing_context
};

/// Entered when the driver calls a missing import, by a jump: the stack is the driver's call, so
/// __builtin_return_address(0) is `return_address` and a stack walk starts as in any export. Should it return, its value
/// is the driver's result.
using MissingImportHandler = std::uint64_t(MSABI*)(const MissingImport& which, void* return_address);

struct LoadOptions {
  Seeded& seeded;                         // for the security cookie
  MissingImportHandler missing_import;
  void* missing_context = nullptr;
  std::uint64_t arena_base = 0x1B00'0000'0000;
  std::uint64_t arena_size = 16ull << 30;
  bool use_preferred_base = true;
  std::string name;                       // default: the file's base name
};

/// The bytes of a file that may be an image; whether they are one is for PeImage::parse to say.
Result<std::vector<std::byte>> read_image_file(const std::string& path);

class Image {
 public:
  static Result<Image> load(const std::string& path, const LoadOptions& options, ImportResolver& resolver);
  /// `path` only names the image (and its debug information); the bytes are these.
  static Result<Image> load_bytes(std::vector<std::byte> file, const std::string& path, const LoadOptions& options, ImportResolver& resolver);

  Image(Image&&) noexcept;
  Image& operator=(Image&&) noexcept;
  ~Image();

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }
  const PeImage& pe() const { return pe_; }
  std::uint64_t base() const { return base_; }
  std::uint64_t size() const { return pe_.size; }
  /// Run-time address minus link-time address.
  std::uint64_t slide() const { return base_ - pe_.preferred_base; }
  void* entry() const { return at(pe_.entry_rva); }
  void* find_export(std::string_view name) const;  // nullptr without one
  void* at(std::uint32_t rva) const { return reinterpret_cast<void*>(base_ + rva); }

  bool contains(std::uint64_t address) const { return address - base_ < pe_.size; }
  bool contains(const void* address) const { return contains(reinterpret_cast<std::uint64_t>(address)); }
  /// "viostor.sys+0x1234"; the address must lie inside.
  std::string name_of(std::uint64_t address) const;
  /// The section at an address inside the image; nullptr in headers and gaps.
  const PeSection* section_of(std::uint64_t address) const;
  /// Which missing import an address belongs to: for a touch of a missing *variable*, whose pointer is the stub.
  const MissingImport* missing_import_at(std::uint64_t address) const;

  const std::vector<MissingImport>& missing_imports() const { return missing_; }
  /// Facts worth telling: a section writable and executable, a TLS directory, delay imports.
  const std::vector<std::string>& notes() const { return notes_; }

  /// What Windows frees after DriverEntry (INIT and its like) becomes inaccessible: a touch faults.
  void discard_init();

 private:
  Image() = default;
  Result<void> reserve(const LoadOptions& options);
  Result<void> map_in_arena(const LoadOptions& options);
  bool map_at(std::uint64_t address);
  void copy_in();
  void relocate();
  void bind(const LoadOptions& options, ImportResolver& resolver);
  void write_stub(std::size_t index, MissingImportHandler handler);
  void set_cookie(Seeded& seeded);
  void protect();
  void take_notes();
  void unmap() noexcept;
  std::uint64_t stub_address(std::size_t index) const;
  std::uint64_t mapped_size() const;

  std::string name_, path_;
  std::vector<std::byte> file_;      // pe_ looks into it; the unwinder reads its tables here, not in memory
  PeImage pe_;
  std::uint64_t base_ = 0;           // 0: nothing mapped
  std::vector<MissingImport> missing_;
  std::vector<std::string> notes_;
};

}  // namespace drydock

/// A stable place for a debugger to stop: called after an image is in memory and before any of it runs.
extern "C" void drydock_image_loaded(const char* path, const void* base);
