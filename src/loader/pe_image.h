#pragma once
// What a PE32+ driver image says about itself: read from bytes that nobody has checked, refused in one clear line when
// they cannot be a loadable x86-64 kernel driver. Nothing is mapped, relocated or run here.
//
// A PeImage that parse() gave back promises: sections lie inside the file and the image, ascending and without overlap;
// every relocation, import slot, export and the security cookie lies inside the image. The bytes must outlive it.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace drydock {

inline constexpr std::uint32_t kImageSizeMax = 256u << 20;
inline constexpr std::uint32_t kImageSectionsMax = 96;
inline constexpr std::uint32_t kImportModulesMax = 256;
inline constexpr std::uint32_t kImportsMax = 8192;
inline constexpr std::uint32_t kExportsMax = 8192;
inline constexpr std::uint32_t kSymbolLengthMax = 1024;
inline constexpr std::uint64_t kImageBaseAlignment = 64u << 10;

struct PeSection {
  std::string name;
  std::uint32_t rva = 0;
  std::uint32_t size = 0;         // bytes in memory
  std::uint32_t file_offset = 0;
  std::uint32_t file_size = 0;    // bytes copied from the file; the rest of `size` is zero
  bool readable = false, writable = false, executable = false, discardable = false;

  bool contains(std::uint32_t where) const { return where >= rva && where - rva < size; }
};

struct PeImport {
  std::string module;                    // as spelled in the image
  std::string name;                      // "#12" when imported by ordinal
  std::optional<std::uint16_t> ordinal;
  std::uint32_t slot_rva = 0;            // 8 bytes that receive the address
};

struct PeExport {
  std::string name;
  std::uint32_t rva = 0;
  std::string forwarder;                 // "OTHER.Name"; then rva means nothing
};

/// Link-time virtual addresses; 0 = the image has none.
struct PeLoadConfig {
  std::uint64_t security_cookie = 0;
  std::uint64_t guard_check = 0;         // control-flow guard pointers: left as linked, their defaults do nothing
  std::uint64_t guard_dispatch = 0;
};

struct PeImage {
  static Result<PeImage> parse(std::span<const std::byte> file);

  std::uint64_t preferred_base = 0;
  std::uint32_t size = 0;                // a whole number of pages
  std::uint32_t headers_size = 0;
  std::uint32_t entry_rva = 0;
  std::uint32_t section_alignment = 0;
  std::uint32_t timestamp = 0;
  std::uint8_t linker_major = 0, linker_minor = 0;
  bool relocations_stripped = false;
  bool has_tls = false;                  // kernel images' TLS directories are not processed: reported, ignored

  std::vector<PeSection> sections;       // ascending by rva
  std::vector<PeImport> imports;
  std::vector<PeImport> delay_imports;   // reported only
  std::vector<PeExport> exports;         // named ones, in the image's order
  std::vector<std::uint32_t> relocations;  // RVAs of 64-bit link-time addresses
  PeLoadConfig load_config;
  std::string pdb_path;                  // as recorded by the linker; empty without one
  std::uint32_t pdata_rva = 0, pdata_size = 0;

  const PeSection* section_at(std::uint32_t rva) const;
  const PeExport* find_export(std::string_view name) const;
  /// Low section alignment (old drivers): sections share pages, so the image gets one mapping with all rights.
  bool shares_pages() const;

  /// The bytes the file holds for [rva, rva + length), if it holds all of them.
  std::optional<std::span<const std::byte>> view(std::uint32_t rva, std::uint32_t length) const;
  /// Is [rva, rva + length) headers or one section?
  bool holds(std::uint32_t rva, std::uint32_t length) const;

  /// A structure at `rva`; bytes past a section's file part are zero, as they will be in memory.
  template <class T>
  std::optional<T> load(std::uint32_t rva) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    if (!copy(rva, &value, sizeof value)) return std::nullopt;
    return value;
  }

  std::span<const std::byte> file;

 private:
  bool copy(std::uint32_t rva, void* to, std::uint32_t length) const;
};

}  // namespace drydock
