#include "loader/pe_image.h"

#include <algorithm>
#include <array>

#include "base/address.h"
#include "base/checked.h"
#include "loader/pe_directories.h"
#include "loader/pe_format.h"

namespace drydock {
namespace {

constexpr std::uint32_t kElfMagic = 0x464C457F;

template <class T>
std::optional<T> at(std::span<const std::byte> file, std::uint64_t offset) {
  if (!lies_inside<std::uint64_t>(offset, sizeof(T), file.size())) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

std::uint32_t page_up(std::uint32_t bytes) {
  return static_cast<std::uint32_t>((bytes + kPageMask) & ~kPageMask);
}

const char* machine_name(std::uint16_t machine) {
  switch (machine) {
    case pe::kMachineI386: return "32-bit x86";
    case pe::kMachineArm: return "32-bit ARM";
    case pe::kMachineArm64: return "ARM64";
    case pe::kMachineIa64: return "Itanium";
    default: return "another machine";
  }
}

/// What it is instead of a driver.
const char* program_kind(std::uint16_t subsystem, std::uint16_t characteristics) {
  if (subsystem >= 10 && subsystem <= 13) return "made for EFI firmware";
  if (characteristics & pe::kDll) return "a user-mode DLL";
  switch (subsystem) {
    case 2: return "a Windows program";
    case 3: return "a console program";
    default: return "something else";
  }
}

/// Reads headers and sections in file order; what it has accepted it writes to `image`.
class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> file, PeImage& image) : file_(file), image_(image) {}

  Result<pe::DirectoryTable> read() {
    TRY_VOID(locate());
    TRY_VOID(read_file_header());
    TRY_VOID(read_optional_header());
    TRY_VOID(check_sizes());
    TRY_VOID(read_sections());
    TRY_VOID(check_entry());
    return read_directory_table();
  }

 private:
  Result<void> locate() {
    if (file_.empty()) return refuse("is empty");
    if (at<std::uint32_t>(file_, 0) == kElfMagic) return refuse("not a PE image but a program for Linux (ELF); drydock runs Windows drivers, .sys files");
    const auto magic = at<std::uint16_t>(file_, 0);
    if (!magic || *magic != pe::kDosMagic) return refuse("not a PE image (it does not begin with \"MZ\")");
    const auto offset = at<std::uint32_t>(file_, 0x3C);
    if (!offset) return refuse("truncated: {} bytes are too few for a PE image", file_.size());
    const auto signature = at<std::uint32_t>(file_, *offset);
    if (!signature) return refuse("truncated or not a PE image: its header is said to be at {:#x}, the file has {:#x} bytes", *offset, file_.size());
    if (*signature != pe::kSignature) return refuse("not a PE image (no PE signature at {:#x})", *offset);
    offset_ = *offset + std::uint64_t{4};
    return {};
  }

  Result<void> read_file_header() {
    const auto header = at<pe::FileHeader>(file_, offset_);
    if (!header) return refuse("truncated inside the file header");
    if (header->machine != pe::kMachineAmd64)
      return refuse("built for {} (machine {:#x}); drydock runs x86-64 drivers", machine_name(header->machine), header->machine);
    if (!(header->characteristics & pe::kExecutableImage)) return refuse("not a linked image (the linker reported errors)");
    if (header->section_count == 0) return refuse("has no sections");
    if (header->section_count > kImageSectionsMax)
      return refuse("has {} sections; at most {} are accepted", header->section_count, kImageSectionsMax);
    header_ = *header;
    offset_ += sizeof *header;
    image_.timestamp = header->timestamp;
    image_.relocations_stripped = header->characteristics & pe::kRelocationsStripped;
    return {};
  }

  Result<void> read_optional_header() {
    const auto magic = at<std::uint16_t>(file_, offset_);
    if (!magic) return refuse("truncated inside the optional header");
    if (*magic == pe::kMagic32) return refuse("is a 32-bit image (PE32); drydock runs x86-64 drivers");
    if (*magic != pe::kMagic64) return refuse("has an unknown optional header ({:#x})", *magic);
    const auto optional = at<pe::OptionalHeader>(file_, offset_);
    if (!optional) return refuse("truncated inside the optional header");
    if (header_.optional_header_size < sizeof *optional) return refuse("its optional header is too short ({} bytes)", header_.optional_header_size);
    if (optional->subsystem != pe::kSubsystemNative)
      return refuse("is not a kernel driver but {} (subsystem {}; a driver's is 1, native)",
                    program_kind(optional->subsystem, header_.characteristics), optional->subsystem);
    optional_ = *optional;
    image_.linker_major = optional->linker_major;
    image_.linker_minor = optional->linker_minor;
    return {};
  }

  Result<void> check_sizes() {
    const auto& o = optional_;
    if (o.image_size == 0 || o.image_size > kImageSizeMax)
      return refuse("claims {} bytes in memory (SizeOfImage); between 1 and {} are accepted", o.image_size, kImageSizeMax);
    if (o.image_base % kImageBaseAlignment != 0) return refuse("its image base {:#x} is not on a 64 KiB boundary", o.image_base);
    if (!checked_add<std::uint64_t>(o.image_base, kImageSizeMax)) return refuse("its image base {:#x} leaves no room for the image", o.image_base);
    if (o.section_alignment == 0 || (o.section_alignment & (o.section_alignment - 1)) != 0)
      return refuse("its section alignment {:#x} is not a power of two", o.section_alignment);
    if (o.headers_size > file_.size()) return refuse("truncated: the headers take {:#x} bytes, the file has {:#x}", o.headers_size, file_.size());
    if (o.headers_size > o.image_size) return refuse("its headers ({:#x} bytes) are larger than the image", o.headers_size);
    image_.preferred_base = o.image_base;
    image_.size = page_up(o.image_size);
    image_.headers_size = o.headers_size;
    image_.section_alignment = o.section_alignment;
    return {};
  }

  Result<void> read_sections() {
    std::uint64_t offset = offset_ + header_.optional_header_size;
    std::uint32_t free_from = image_.headers_size;
    for (unsigned i = 0; i < header_.section_count; ++i, offset += sizeof(pe::SectionHeader)) {
      const auto raw = at<pe::SectionHeader>(file_, offset);
      if (!raw) return refuse("truncated inside the section table");
      TRY(PeSection section, read_section(*raw));
      if (section.rva < free_from)
        return refuse("section {} at {:#x} overlaps what lies before it (up to {:#x})", section.name, section.rva, free_from);
      free_from = section.rva + section.size;
      image_.sections.push_back(std::move(section));
    }
    return {};
  }

  Result<PeSection> read_section(const pe::SectionHeader& raw) const {
    PeSection section;
    section.name = section_name(raw);
    section.rva = raw.rva;
    section.size = raw.virtual_size ? raw.virtual_size : raw.raw_size;
    section.file_offset = raw.raw_size ? raw.raw_offset : 0;
    section.readable = raw.characteristics & pe::kSectionRead;
    section.writable = raw.characteristics & pe::kSectionWrite;
    section.executable = raw.characteristics & pe::kSectionExecute;
    section.discardable = raw.characteristics & pe::kSectionDiscardable;
    if (!lies_inside(section.rva, section.size, image_.size))
      return refuse("section {} ({:#x} bytes at {:#x}) lies outside the image of {:#x} bytes", section.name, section.size, section.rva, image_.size);
    if (!image_.shares_pages() && section.rva % image_.section_alignment != 0)
      return refuse("section {} at {:#x} is not aligned to {:#x}", section.name, section.rva, image_.section_alignment);
    if (raw.raw_size != 0 && !lies_inside<std::uint64_t>(raw.raw_offset, raw.raw_size, file_.size()))
      return refuse("truncated: section {} needs {:#x} bytes at {:#x}, the file has {:#x}", section.name, raw.raw_size, raw.raw_offset, file_.size());
    section.file_size = std::min(raw.raw_size, image_.shares_pages() ? section.size : page_up(section.size));
    return section;
  }

  /// Names longer than eight characters ("/123") lie in the COFF string table behind the symbols.
  std::string section_name(const pe::SectionHeader& raw) const {
    std::string name(raw.name, strnlen(raw.name, sizeof raw.name));
    if (name.size() > 1 && name[0] == '/') name = long_name(name);
    std::replace_if(name.begin(), name.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return name.empty() ? "(unnamed)" : name;
  }

  std::string long_name(const std::string& name) const {
    std::uint64_t offset = 0;
    for (char c : name.substr(1)) {
      if (c < '0' || c > '9') return name;
      offset = offset * 10 + static_cast<std::uint64_t>(c - '0');
    }
    offset += header_.symbol_table + std::uint64_t{header_.symbol_count} * 18;
    if (header_.symbol_table == 0 || offset >= file_.size()) return name;
    const char* text = reinterpret_cast<const char*>(file_.data() + offset);
    const std::size_t length = strnlen(text, std::min<std::size_t>(file_.size() - offset, 64));
    return length ? std::string(text, length) : name;
  }

  Result<void> check_entry() {
    image_.entry_rva = optional_.entry_rva;
    if (image_.entry_rva == 0) return refuse("has no entry point (DriverEntry)");
    const PeSection* section = image_.section_at(image_.entry_rva);
    if (!section) return refuse("its entry point {:#x} lies in no section", image_.entry_rva);
    if (!section->executable) return refuse("its entry point {:#x} lies in section {}, which is not executable", image_.entry_rva, section->name);
    return {};
  }

  Result<pe::DirectoryTable> read_directory_table() const {
    pe::DirectoryTable table{};
    const std::uint32_t count = std::min<std::uint32_t>(optional_.directory_count, pe::kDirectories);
    if (sizeof(pe::OptionalHeader) + count * sizeof(pe::DataDirectory) > header_.optional_header_size)
      return refuse("its optional header is too short for {} data directories", count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto entry = at<pe::DataDirectory>(file_, offset_ + sizeof(pe::OptionalHeader) + i * sizeof(pe::DataDirectory));
      if (!entry) return refuse("truncated inside the data directories");
      table[i] = *entry;
    }
    return table;
  }

  std::span<const std::byte> file_;
  PeImage& image_;
  std::uint64_t offset_ = 0;  // of the file header, then of the optional header
  pe::FileHeader header_{};
  pe::OptionalHeader optional_{};
};

}  // namespace

Result<PeImage> PeImage::parse(std::span<const std::byte> file) {
  PeImage image;
  image.file = file;
  TRY(const auto directories, HeaderReader(file, image).read());
  TRY_VOID(pe::read_directories(directories, image));
  return image;
}

bool PeImage::shares_pages() const { return section_alignment < kPageSize; }

const PeSection* PeImage::section_at(std::uint32_t rva) const {
  auto after = std::upper_bound(sections.begin(), sections.end(), rva,
                                [](std::uint32_t where, const PeSection& s) { return where < s.rva; });
  while (after != sections.begin()) {
    --after;
    if (after->contains(rva)) return &*after;
    if (after->size != 0) break;  // empty sections may share an address with the one before
  }
  return nullptr;
}

const PeExport* PeImage::find_export(std::string_view name) const {
  for (const auto& e : exports)
    if (e.name == name) return &e;
  return nullptr;
}

std::optional<std::span<const std::byte>> PeImage::view(std::uint32_t rva, std::uint32_t length) const {
  if (lies_inside(rva, length, headers_size)) return file.subspan(rva, length);
  const PeSection* section = section_at(rva);
  if (!section || !lies_inside(rva - section->rva, length, section->file_size)) return std::nullopt;
  return file.subspan(std::size_t{section->file_offset} + (rva - section->rva), length);
}

bool PeImage::holds(std::uint32_t rva, std::uint32_t length) const {
  if (lies_inside(rva, length, headers_size)) return true;
  const PeSection* section = section_at(rva);
  return section && lies_inside(rva - section->rva, length, section->size);
}

bool PeImage::copy(std::uint32_t rva, void* to, std::uint32_t length) const {
  if (const auto bytes = view(rva, length)) {
    std::memcpy(to, bytes->data(), length);
    return true;
  }
  if (!holds(rva, length)) return false;
  const PeSection* section = section_at(rva);
  const std::uint32_t skipped = rva - section->rva;
  const std::uint32_t in_file = section->file_size > skipped ? std::min(section->file_size - skipped, length) : 0;
  std::memset(to, 0, length);
  if (in_file) std::memcpy(to, file.data() + section->file_offset + skipped, in_file);
  return true;
}

}  // namespace drydock
