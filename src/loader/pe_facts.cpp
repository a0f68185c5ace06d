#include "loader/pe_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "loader/pe_format.h"

namespace drydock {
namespace {

// "PE Format", sections "DLL Characteristics" and "Debug Type", on learn.microsoft.com.
constexpr std::uint16_t kHighEntropy = 0x0020, kDynamicBase = 0x0040, kForceIntegrity = 0x0080, kNxCompatible = 0x0100,
                        kWdmDriver = 0x2000, kControlFlowGuard = 0x4000;
constexpr unsigned kCertificateDirectory = 4;
constexpr std::uint32_t kDebugReproducible = 16, kDebugEntriesMax = 32;
constexpr std::uint32_t kOffsetOfHeaders = 0x3C;

template <class T>
T value_at(std::span<const std::byte> file, std::uint64_t offset) {
  T value{};
  if (lies_inside<std::uint64_t>(offset, sizeof(T), file.size())) std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

/// The headers of an image that parse() accepted.
struct Headers {
  explicit Headers(std::span<const std::byte> file)
      : file_header_at(std::uint64_t{value_at<std::uint32_t>(file, kOffsetOfHeaders)} + 4),
        optional_at(file_header_at + sizeof(pe::FileHeader)),
        file_header(value_at<pe::FileHeader>(file, file_header_at)),
        optional(value_at<pe::OptionalHeader>(file, optional_at)) {}

  pe::DataDirectory directory(std::span<const std::byte> file, unsigned index) const {
    if (index >= optional.directory_count) return {};
    return value_at<pe::DataDirectory>(file, optional_at + sizeof(pe::OptionalHeader) + index * sizeof(pe::DataDirectory));
  }
  std::uint64_t checksum_at() const { return optional_at + offsetof(pe::OptionalHeader, checksum); }

  std::uint64_t file_header_at, optional_at;
  pe::FileHeader file_header;
  pe::OptionalHeader optional;
};

/// The sum over 16-bit words with the carry added in, the field itself counted as zero, plus the file's length.
std::uint32_t checksum_of(std::span<const std::byte> file, std::uint64_t field) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < file.size(); at += 2) {
    if (at == field || at == field + 2) continue;
    sum += std::to_integer<std::uint64_t>(file[at]);
    if (at + 1 < file.size()) sum += std::to_integer<std::uint64_t>(file[at + 1]) << 8;
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return static_cast<std::uint32_t>(sum + file.size());
}

/// "Rich" in plain bytes, between the DOS stub and the PE header.
bool has_rich_header(std::span<const std::byte> file, std::uint64_t end) {
  constexpr std::array kRich = {std::byte{'R'}, std::byte{'i'}, std::byte{'c'}, std::byte{'h'}};
  const auto stub = file.first(std::min<std::uint64_t>(end, file.size()));
  return std::search(stub.begin(), stub.end(), kRich.begin(), kRich.end()) != stub.end();
}

bool has_dwarf(const PeImage& image) {
  return std::any_of(image.sections.begin(), image.sections.end(), [](const PeSection& s) { return s.name.starts_with(".debug_") || s.name.starts_with(".zdebug_"); });
}

/// The 16 bytes of an RSDS record as a GUID is written, and the age.
std::string pdb_id(std::span<const std::byte> record) {
  const auto age = value_at<std::uint32_t>(record, 20);
  std::string tail;
  for (std::size_t i = 12; i < 20; ++i) tail += fmt::format("{:02X}{}", std::to_integer<unsigned>(record[i]), i == 13 ? "-" : "");
  return fmt::format("{{{:08X}-{:04X}-{:04X}-{}}}, age {}", value_at<std::uint32_t>(record, 4), value_at<std::uint16_t>(record, 8),
                     value_at<std::uint16_t>(record, 10), tail, age);
}

void read_debug_entry(const PeImage& image, const pe::DebugEntry& entry, PeFacts& facts) {
  if (entry.type == kDebugReproducible) facts.reproducible = true;
  if (entry.type != pe::kDebugCodeView) return;
  const auto record = image.view(entry.rva, entry.size);
  if (!record || record->size() < 24 || value_at<std::uint32_t>(*record, 0) != pe::kCodeViewRsds) return;
  facts.pdb_id = pdb_id(*record);
  facts.has_codeview = !image.pdb_path.empty();  // lld writes an empty name when only the identity is wanted
}

void read_debug_directory(const PeImage& image, pe::DataDirectory directory, PeFacts& facts) {
  const auto count = std::min<std::uint32_t>(directory.rva ? directory.size / sizeof(pe::DebugEntry) : 0, kDebugEntriesMax);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto where = checked_add<std::uint32_t>(directory.rva, i * static_cast<std::uint32_t>(sizeof(pe::DebugEntry)));
    const auto entry = where ? image.load<pe::DebugEntry>(*where) : std::nullopt;
    if (entry) read_debug_entry(image, *entry, facts);
  }
}

void read_characteristics(std::uint16_t bits, PeFacts& facts) {
  facts.high_entropy = bits & kHighEntropy;
  facts.dynamic_base = bits & kDynamicBase;
  facts.force_integrity = bits & kForceIntegrity;
  facts.nx_compatible = bits & kNxCompatible;
  facts.wdm_driver = bits & kWdmDriver;
  facts.control_flow_guard = bits & kControlFlowGuard;
}

}  // namespace

PeFacts facts_of(const PeImage& image) {
  const Headers headers(image.file);
  PeFacts facts;
  facts.os_major = headers.optional.os_major, facts.os_minor = headers.optional.os_minor;
  facts.subsystem_major = headers.optional.subsystem_major, facts.subsystem_minor = headers.optional.subsystem_minor;
  facts.checksum = headers.optional.checksum;
  facts.checksum_computed = checksum_of(image.file, headers.checksum_at());
  facts.signature_size = headers.directory(image.file, kCertificateDirectory).size;
  facts.rich_header = has_rich_header(image.file, headers.file_header_at);
  facts.has_dwarf = has_dwarf(image);
  facts.coff_symbols = headers.file_header.symbol_table != 0 ? headers.file_header.symbol_count : 0;
  facts.stack_cookie = image.load_config.security_cookie != 0;
  read_characteristics(headers.optional.dll_characteristics, facts);
  read_debug_directory(image, headers.directory(image.file, pe::kDebugDirectory), facts);
  return facts;
}

}  // namespace drydock
