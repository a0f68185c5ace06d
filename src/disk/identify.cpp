#include "disk/identify.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

namespace drydock {

namespace {

constexpr std::uint32_t kWriteSameDefaultMax = 0xFFFF;
constexpr std::uint8_t kPageSupported = 0x00, kPageSerial = 0x80, kPageBlockLimits = 0xB0, kPageProvisioning = 0xB2;

std::string trimmed(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t c : bytes) text += c >= 0x20 && c < 0x7F ? static_cast<char>(c) : ' ';
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

constexpr std::uint8_t kInquiryLength = 36;

// SPC-4 6.6.2
Presence presence_in(UnitCommands& unit, DiskFacts& facts) {
  const auto data = unit.answer();
  const unsigned qualifier = data[0] >> 5, type = data[0] & 0x1F;
  if (type == 0x1F) return Presence::nothing;
  if (qualifier != 0 || type != 0) return Presence::other;
  facts.vendor = trimmed(data.subspan(8, 8));
  facts.product = trimmed(data.subspan(16, 16));
  facts.revision = trimmed(data.subspan(32, 4));
  return Presence::disk;
}

Presence inquire(UnitCommands& unit, DiskFacts& facts) {
  return unit.ask(inquiry_cdb(kInquiryLength), kInquiryLength).ok() ? presence_in(unit, facts) : Presence::nothing;
}

bool plausible(const DiskFacts& facts) {
  const std::uint32_t size = facts.block_size;
  return facts.blocks != 0 && size >= 512 && size <= kPageSize && (size & (size - 1)) == 0;
}

// SBC-3 5.12, 5.13: the short form says all ones when the disk is too large for it.
bool learn_capacity(UnitCommands& unit, DiskFacts& facts) {
  constexpr std::uint32_t kLength10 = 8, kLength16 = 32, kLeast16 = 12;
  if (!unit.ask(read_capacity_10_cdb(), kLength10).ok()) return false;
  const auto last = get_big_endian<std::uint32_t>(&unit.answer()[0]);
  facts.block_size = get_big_endian<std::uint32_t>(&unit.answer()[4]);
  facts.blocks = last == 0xFFFF'FFFF ? 0 : std::uint64_t{last} + 1;
  if (const auto said = unit.ask(read_capacity_16_cdb(kLength16), kLength16); said.ok() && said.length >= kLeast16) {
    facts.blocks = get_big_endian<std::uint64_t>(&unit.answer()[0]) + 1;
    facts.block_size = get_big_endian<std::uint32_t>(&unit.answer()[8]);
    facts.unmap = (unit.answer()[14] & 0x80) != 0;  // LBPME
  }
  return plausible(facts);
}

/// The vital product data pages of a unit; asks only for those it says it has. SPC-4 7.8
class ProductPages {
 public:
  explicit ProductPages(UnitCommands& unit) : unit_(unit) {
    if (!ask(kPageSupported, 255)) return;
    const unsigned count = std::min<unsigned>(unit_.answer()[3], 251);
    for (unsigned i = 0; i < count; ++i) supported_[unit_.answer()[4 + i]] = true;
  }
  bool read(std::uint8_t page, std::uint8_t length) { return supported_[page] && ask(page, length); }

 private:
  bool ask(std::uint8_t page, std::uint8_t length) {
    return unit_.ask(vital_product_cdb(page, length), length).ok() && unit_.answer()[1] == page;
  }
  UnitCommands& unit_;
  std::array<bool, 256> supported_{};
};

// SBC-3 6.6.4: a limit of 0 blocks, or of 0 descriptors, means no UNMAP.
void learn_limits(ProductPages& pages, UnitCommands& unit, DiskFacts& facts) {
  facts.write_same_blocks_max = kWriteSameDefaultMax;
  if (!pages.read(kPageBlockLimits, 64)) return;
  const auto data = unit.answer();
  const bool descriptors = get_big_endian<std::uint32_t>(&data[24]) != 0;
  facts.unmap_blocks_max = descriptors ? get_big_endian<std::uint32_t>(&data[20]) : 0;
  if (const auto limit = get_big_endian<std::uint64_t>(&data[36]); limit != 0)
    facts.write_same_blocks_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, 0xFFFF'FFFF));
}

// SBC-3 6.6.6: UNMAP and WRITE SAME (16) with UNMAP.
void learn_provisioning(ProductPages& pages, UnitCommands& unit, DiskFacts& facts) {
  const bool said = pages.read(kPageProvisioning, 8);
  const std::uint8_t can = said ? unit.answer()[5] : std::uint8_t{0};
  facts.unmap = facts.unmap && (can & 0x80) != 0 && facts.unmap_blocks_max != 0;
  facts.write_same = (can & 0x40) != 0;
}

// SPC-4 7.5, SBC-3 6.5.1: the header says write-protected and FUA, the caching page whether a write cache is on.
void learn_cache(UnitCommands& unit, DiskFacts& facts) {
  constexpr std::uint8_t kCachingPage = 0x08, kLength = 192;
  if (!unit.ask(mode_sense_6_cdb(kCachingPage, kLength), kLength).ok()) return;
  const auto data = unit.answer();
  facts.read_only = (data[2] & 0x80) != 0;
  facts.fua = (data[2] & 0x10) != 0;
  const std::size_t page = std::size_t{4} + data[3];
  if (page + 2 < kLength && (data[page] & 0x3F) == kCachingPage) facts.write_cache = (data[page + 2] & 0x04) != 0;
}

// The unit serial number page; none when the unit does not show it.
std::optional<std::string> serial_of(UnitCommands& unit) {
  ProductPages pages(unit);
  if (!pages.read(kPageSerial, 255)) return std::nullopt;
  return trimmed(unit.answer().subspan(4, std::min<unsigned>(unit.answer()[3], 251)));
}

}  // namespace

Presence identify(UnitCommands& unit, DiskFacts& facts) {
  const Presence presence = inquire(unit, facts);
  if (presence != Presence::disk) return presence;
  unit.tell(test_unit_ready_cdb());
  if (!learn_capacity(unit, facts)) return Presence::other;
  ProductPages pages(unit);
  if (pages.read(kPageSerial, 255)) facts.serial = trimmed(unit.answer().subspan(4, std::min<unsigned>(unit.answer()[3], 251)));
  learn_limits(pages, unit, facts);
  learn_provisioning(pages, unit, facts);
  learn_cache(unit, facts);
  return Presence::disk;
}

bool is_still(UnitCommands& unit, const DiskFacts& facts) {
  DiskFacts now;
  const auto said = unit.ask(inquiry_cdb(kInquiryLength), kInquiryLength);
  if (!said.ok()) return said.error != ENODEV;
  if (presence_in(unit, now) != Presence::disk) return false;
  if (now.vendor != facts.vendor || now.product != facts.product) return false;
  if (facts.serial.empty()) return true;
  return serial_of(unit).value_or(facts.serial) == facts.serial;
}

// SPC-4 6.33; SAM-5 4.7: peripheral device addressing (bus 0) and flat space addressing.
std::vector<std::uint8_t> reported_luns(UnitCommands& unit) {
  constexpr std::uint32_t kHeader = 8, kEntry = 8, kLength = CommandBuffer::kBytes;
  const auto said = unit.ask(report_luns_cdb(kLength), kLength);
  if (!said.ok() || said.length < kHeader) return {};
  const auto data = unit.answer();
  const std::uint32_t end = std::min(kHeader + std::min(get_big_endian<std::uint32_t>(&data[0]), kLength - kHeader), said.length);
  std::vector<std::uint8_t> luns;
  for (std::uint32_t at = kHeader; at + kEntry <= end; at += kEntry)
    if (data[at] == 0 || data[at] == 0x40) luns.push_back(data[at + 1]);
  return luns;
}

}  // namespace drydock
