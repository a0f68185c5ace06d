#include "hw/pci.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace drydock {

namespace {

std::uint32_t all_ones(unsigned size) { return size == 4 ? ~0u : (1u << (8 * size)) - 1; }

std::uint64_t all_ones_64(unsigned size) { return size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1; }

constexpr std::uint32_t kPbaInPage = 0x800;  // the table's usual neighbour: second half of its page

}  // namespace

PciFunction::PciFunction(const PciIdentity& identity, const BoardServices& board) : board_(board) {
  set(pci::kVendorId, identity.vendor);
  set(pci::kDeviceId, identity.device);
  set(pci::kSubsystemVendor, identity.subsystem_vendor);
  set(pci::kSubsystem, identity.subsystem);
  set(pci::kRevision, identity.revision);
  set(pci::kBaseClass, identity.base_class);
  set(pci::kSubClass, identity.sub_class);
  set(pci::kInterface, identity.interface);
  set(pci::kInterruptPin, std::uint8_t{1});  // INTA
  make_writable(pci::kInterruptLine, 1);
  make_writable(pci::kCacheLineSize, 2);  // and the latency timer
  writable_[pci::kCommand] = std::byte{0x47};      // decoding, bus master, parity
  writable_[pci::kCommand + 1] = std::byte{0x05};  // SERR, INTx disable
}

// --- configuration space ----------------------------------------------------------------------------------------------

std::uint32_t PciFunction::read_config(std::uint32_t offset, unsigned size) {
  if (gone_) return all_ones(size);
  if (offset >= pci::kConfigSize || size > pci::kConfigSize - offset) return 0;
  if (offset + size > pci::kHeaderEnd) before_config_read(offset, size);
  std::uint32_t value = 0;
  std::memcpy(&value, &config_[offset], size);
  return value;
}

void PciFunction::write_config(std::uint32_t offset, unsigned size, std::uint32_t value) {
  if (gone_ || offset >= pci::kConfigSize || size > pci::kConfigSize - offset) return;
  for (unsigned i = 0; i < size; ++i) {
    const auto byte = static_cast<std::byte>(value >> (8 * i));
    const std::byte mask = writable_[offset + i];
    config_[offset + i] = (config_[offset + i] & ~mask) | (byte & mask);
  }
  header_written(offset, size);
  if (offset + size > pci::kHeaderEnd) after_config_write(offset, size);
}

// What follows from a write is derived from the bytes as they are now, whatever part of a field was written.
void PciFunction::header_written(std::uint32_t offset, unsigned size) {
  if (offset < pci::kBar0 + 4 * kBars && offset + size > pci::kBar0)
    for (unsigned i = 0; i < kBars; ++i) read_back_bar(i);
  const bool msix = msix_capability_ != 0 && offset < msix_capability_ + 4u && offset + size > msix_capability_;
  if (offset < pci::kStatus || msix) settle_interrupts();
}

void PciFunction::set_gone(bool gone) {
  gone_ = gone;
  settle_interrupts();
}

// --- BARs -------------------------------------------------------------------------------------------------------------

void PciFunction::add_bar(unsigned index, std::uint32_t size, bool memory, bool is_64bit) {
  CHECK(index + (is_64bit ? 1 : 0) < kBars && std::has_single_bit(size) && size >= (memory ? 16u : 4u),
        "BAR {} of {} bytes cannot exist", index, size);
  bars_[index] = {0, size, memory, is_64bit};
  const std::uint32_t at = pci::kBar0 + 4 * index;
  set(at, memory ? (is_64bit ? pci::kBar64 : 0u) : pci::kBarIo);
  // Only the address bits above the size can be written: that is how software sizes a BAR.
  const std::uint32_t mask = ~(size - 1) & ~(memory ? pci::kBarMemoryFlags : pci::kBarIoFlags);
  std::memcpy(&writable_[at], &mask, sizeof mask);
  if (is_64bit) make_writable(at + 4, 4);
}

void PciFunction::read_back_bar(unsigned index) {
  PciBar& bar = bars_[index];
  if (bar.size == 0) return;
  const std::uint32_t at = pci::kBar0 + 4 * index;
  bar.address = get<std::uint32_t>(at) & ~(bar.memory ? pci::kBarMemoryFlags : pci::kBarIoFlags);
  if (bar.is_64bit) bar.address |= std::uint64_t{get<std::uint32_t>(at + 4)} << 32;
}

void PciFunction::place_bar(unsigned index, std::uint64_t address) {
  const std::uint32_t at = pci::kBar0 + 4 * index;
  write_config(at, 4, static_cast<std::uint32_t>(address));
  if (bars_[index].is_64bit) write_config(at + 4, 4, static_cast<std::uint32_t>(address >> 32));
}

void PciFunction::power_on(std::uint8_t line) {
  set(pci::kInterruptLine, line);
  std::uint16_t on = pci::kCommandBusMaster;
  for (const PciBar& bar : bars_)
    if (bar.size != 0) on |= bar.memory ? pci::kCommandMemory : pci::kCommandIo;
  write_config(pci::kCommand, 2, on);
}

std::uint64_t PciFunction::read_bar(unsigned index, std::uint32_t offset, unsigned size) {
  if (gone_ || offset >= bars_[index].size || size > bars_[index].size - offset) [[unlikely]] return all_ones_64(size);
  if (in_msix(index, offset)) return read_msix(offset - msix_offset_, size);
  return read_register(index, offset, size);
}

void PciFunction::write_bar(unsigned index, std::uint32_t offset, unsigned size, std::uint64_t value) {
  if (gone_ || offset >= bars_[index].size || size > bars_[index].size - offset) [[unlikely]] return;
  if (in_msix(index, offset)) return write_msix(offset - msix_offset_, size, value);
  write_register(index, offset, size, value);
}

// --- capabilities -----------------------------------------------------------------------------------------------------

std::uint8_t PciFunction::add_capability(std::uint8_t id, std::span<const std::byte> body) {
  const auto at = static_cast<std::uint8_t>(free_config_);
  CHECK(free_config_ + 2 + body.size() <= pci::kConfigSize, "no room for capability {:#x} in config space", id);
  set(at, id);
  set(at + 1u, std::uint8_t{0});
  std::memcpy(&config_[at + 2u], body.data(), body.size());
  set(last_capability_ == 0 ? pci::kCapabilities : last_capability_ + 1u, at);
  set(pci::kStatus, static_cast<std::uint16_t>(get<std::uint16_t>(pci::kStatus) | pci::kStatusCapabilities));
  last_capability_ = at;
  free_config_ = static_cast<std::uint16_t>((free_config_ + 2 + body.size() + 3) & ~std::size_t{3});
  return at;
}

void PciFunction::make_writable(std::uint32_t offset, unsigned bytes) {
  std::fill_n(writable_.begin() + offset, bytes, std::byte{0xFF});
}

void PciFunction::add_msix(unsigned entries, unsigned bar, std::uint32_t offset) {
  const std::uint32_t table_bytes = entries * pci::kMsixEntrySize;
  const std::uint32_t pba_bytes = (entries + 63) / 64 * 8;
  pba_offset_ = std::max(table_bytes, kPbaInPage);
  CHECK(entries > 0 && entries <= pci::kMsixEntriesMax && offset + pba_offset_ + pba_bytes <= bars_[bar].size,
        "an MSI-X table of {} entries does not fit into BAR {}", entries, bar);
  msix_.resize(entries);
  msix_bar_ = bar, msix_offset_ = offset, msix_bytes_ = pba_offset_ + pba_bytes;
  struct {
    std::uint16_t control;
    std::uint32_t table, pba;
  } __attribute__((packed)) const body{static_cast<std::uint16_t>(entries - 1), offset | bar, (offset + pba_offset_) | bar};
  msix_capability_ = add_capability(pci::kCapabilityMsix, std::as_bytes(std::span(&body, 1)));
  writable_[msix_capability_ + pci::kMsixControl + 1u] = std::byte{0xC0};  // enable, function mask
}

// --- interrupts -------------------------------------------------------------------------------------------------------

void PciFunction::program_msix(unsigned entry, std::uint64_t address, std::uint32_t data) {
  msix_[entry].address = address;
  msix_[entry].data = data;
  mask_msix(entry, false);
}

void PciFunction::enable_msix(bool on) {
  CHECK(msix_capability_ != 0, "MSI-X enabled on a function without it");
  const std::uint16_t others = msix_control() & static_cast<std::uint16_t>(~pci::kMsixEnable);
  write_config(msix_capability_ + pci::kMsixControl, 2, on ? others | pci::kMsixEnable : others);
}

void PciFunction::mask_msix(unsigned entry, bool masked) {
  msix_[entry].masked = masked;
  deliver_pending(entry);
}

void PciFunction::send_msix(unsigned entry) {
  if (entry >= msix_.size() || !msix_enabled()) return;
  msix_[entry].pending = true;
  deliver_pending(entry);
}

void PciFunction::deliver_pending(unsigned entry) {
  MsixEntry& message = msix_[entry];
  if (!message.pending || message.masked || (msix_control() & (pci::kMsixEnable | pci::kMsixFunctionMask)) != pci::kMsixEnable)
    return;
  if (!bus_mastering()) return;  // a message is a memory write
  message.pending = false;
  board_.interrupts.message_arrived(message.data);
}

void PciFunction::set_interrupt_line(bool asserted) {
  line_ = asserted;
  const std::uint16_t others = get<std::uint16_t>(pci::kStatus) & static_cast<std::uint16_t>(~pci::kStatusInterrupt);
  set(pci::kStatus, static_cast<std::uint16_t>(asserted ? others | pci::kStatusInterrupt : others));
  settle_interrupts();
}

void PciFunction::settle_interrupts() {
  const bool passed = line_ && !gone_ && !msix_enabled() && (command() & pci::kCommandInterruptDisable) == 0;
  if (passed != line_passed_) {
    line_passed_ = passed;
    board_.interrupts.line_changed(passed);
  }
  for (unsigned i = 0; i < msix_.size(); ++i) deliver_pending(i);
}

// --- MSI-X registers --------------------------------------------------------------------------------------------------

std::uint32_t PciFunction::read_msix_word(std::uint32_t offset) const {
  if (offset >= pba_offset_) {
    std::uint32_t bits = 0;
    const std::uint32_t first = (offset - pba_offset_) * 8;
    for (unsigned i = 0; i < 32 && first + i < msix_.size(); ++i) bits |= std::uint32_t{msix_[first + i].pending} << i;
    return bits;
  }
  const std::uint32_t index = offset / pci::kMsixEntrySize;
  if (index >= msix_.size()) return 0;
  const MsixEntry& entry = msix_[index];
  switch (offset % pci::kMsixEntrySize) {
    case 0: return static_cast<std::uint32_t>(entry.address);
    case 4: return static_cast<std::uint32_t>(entry.address >> 32);
    case 8: return entry.data;
    default: return entry.masked ? pci::kMsixMasked : 0;
  }
}

void PciFunction::write_msix_word(std::uint32_t offset, std::uint32_t value) {
  const std::uint32_t index = offset / pci::kMsixEntrySize;
  if (offset >= pba_offset_ || index >= msix_.size()) return;
  MsixEntry& entry = msix_[index];
  switch (offset % pci::kMsixEntrySize) {
    case 0: entry.address = (entry.address & ~std::uint64_t{0xFFFF'FFFF}) | (value & ~3u); break;
    case 4: entry.address = (entry.address & 0xFFFF'FFFF) | (std::uint64_t{value} << 32); break;
    case 8: entry.data = value; break;
    default: mask_msix(index, (value & pci::kMsixMasked) != 0);
  }
}

// 6.8.2: the table is accessed by whole, aligned words or pairs of words; anything else is undefined, here it is ignored.
std::uint64_t PciFunction::read_msix(std::uint32_t offset, unsigned size) const {
  if (offset % 4 != 0 || size < 4) return all_ones_64(size);
  std::uint64_t value = read_msix_word(offset);
  if (size == 8) value |= std::uint64_t{read_msix_word(offset + 4)} << 32;
  return value;
}

void PciFunction::write_msix(std::uint32_t offset, unsigned size, std::uint64_t value) {
  if (offset % 4 != 0 || size < 4) return;
  write_msix_word(offset, static_cast<std::uint32_t>(value));
  if (size == 8) write_msix_word(offset + 4, static_cast<std::uint32_t>(value >> 32));
}

}  // namespace drydock
