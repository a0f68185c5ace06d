#include "port/storport/slot_guard.h"

#include <algorithm>
#include <cstring>

namespace drydock::storport {

namespace {

constexpr std::uint8_t kStatusMask = 0x3F, kScsiBusy = 0x08;

struct Field {
  const char* name;
  std::size_t offset, size;
};
#define DRYDOCK_FIELD(type, name) {#name, offsetof(type, name), sizeof(type::name)}
// Those the port driver finds the request, its unit and its memory by. DOC: DRY-04
constexpr Field kScsiFields[] = {
    DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, Length),       DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, Function),
    DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, PathId),       DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, TargetId),
    DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, Lun),          DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, OriginalRequest),
    DRYDOCK_FIELD(SCSI_REQUEST_BLOCK, SrbExtension),
};
constexpr Field kStorageFields[] = {
    DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, Length),        DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, Function),
    DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, Signature),     DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, Version),
    DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, SrbLength),     DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, SrbFunction),
    DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, AddressOffset), DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, NumSrbExData),
    DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, OriginalRequest), DRYDOCK_FIELD(STORAGE_REQUEST_BLOCK, MiniportContext),
};
#undef DRYDOCK_FIELD

std::span<const Field> fields_of(Srb::Form form) {
  return form == Srb::Form::scsi ? std::span<const Field>(kScsiFields) : std::span<const Field>(kStorageFields);
}

std::uint32_t length_in(Srb::Form form, const std::byte* block) {
  const std::size_t at = form == Srb::Form::scsi ? offsetof(SCSI_REQUEST_BLOCK, DataTransferLength) : offsetof(STORAGE_REQUEST_BLOCK, DataTransferLength);
  std::uint32_t length = 0;
  std::memcpy(&length, block + at, sizeof length);
  return length;
}

}  // namespace

std::vector<SlotGuard::Gap> SlotGuard::gaps() const {
  const std::uint32_t end = layout_.pages << kPageShift;
  return {{"the SRB", Srb::size_of(layout_.form), layout_.sense},
          {"the sense buffer", layout_.sense + kSenseLength, layout_.list},
          {"the scatter/gather list", layout_.list_end, layout_.extension},
          {"the SRB extension", layout_.extension + layout_.extension_bytes, end}};
}

void SlotGuard::seal(const Request& request) {
  std::byte* slot = slot_of(request);
  std::memset(slot + layout_.extension, std::to_integer<int>(kUninitialised), layout_.extension_bytes);
  for (const Gap& gap : gaps()) std::memset(slot + gap.begin, std::to_integer<int>(kNobodys), gap.end - gap.begin);
  if (sealed_.size() <= request.number) sealed_.resize(request.number + 1);
  sealed_[request.number] = {{slot + layout_.list, slot + layout_.list_end}, {slot, slot + Srb::size_of(layout_.form)}, signature_of(request)};
}

// FNV-1a over words: not against an enemy.
std::optional<std::uint64_t> SlotGuard::signature_of(const Request& request) const {
  constexpr std::uint64_t kBasis = 0xCBF2'9CE4'8422'2325, kPrime = 0x100'0000'01B3;
  if (request.direction != Request::Direction::out || request.data_length == 0) return std::nullopt;
  const std::byte* data = memory_.alias(request.data_address);
  if (data == nullptr) return std::nullopt;
  std::uint64_t signature = kBasis;
  for (std::uint32_t at = 0; at < request.data_length; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, std::min(8u, request.data_length - at));
    signature = (signature ^ word) * kPrime;
  }
  return signature;
}

void SlotGuard::inspect_gaps(const Request& request, std::vector<Offence>& offences) const {
  const std::byte* slot = slot_of(request);
  for (const Gap& gap : gaps()) {
    const auto* at = std::find_if(slot + gap.begin, slot + gap.end, [](std::byte b) { return b != kNobodys; });
    if (at == slot + gap.end) continue;
    const auto behind = static_cast<std::uint32_t>(at - slot) - gap.begin;
    const std::string size = gap.begin == layout_.extension + layout_.extension_bytes ? fmt::format(" (SrbExtensionSize is {})", layout_.extension_bytes) : "";
    offences.push_back({"DRY-03", fmt::format("byte {} behind {} of SRB {} was written{}", behind, gap.behind, request.serial, size)});
  }
}

void SlotGuard::inspect_srb(const Request& request, const Sealed& sealed, std::vector<Offence>& offences) const {
  const std::byte* slot = slot_of(request);
  for (const Field& field : fields_of(layout_.form))
    if (std::memcmp(slot + field.offset, sealed.srb.data() + field.offset, field.size) != 0)
      offences.push_back({"DRY-04", fmt::format("the miniport changed {} of SRB {}, which belongs to the port driver", field.name, request.serial)});
  const bool busy = (request.srb.srb_status() & kStatusMask) == SRB_STATUS_BUSY || request.srb.scsi_status() == kScsiBusy;
  if (busy && length_in(layout_.form, slot) != length_in(layout_.form, sealed.srb.data()))
    offences.push_back({"ST-114", fmt::format("SRB {} was completed as busy with another DataTransferLength than it was given", request.serial)});
}

std::vector<SlotGuard::Offence> SlotGuard::inspect(const Request& request) const {
  std::vector<Offence> offences;
  if (request.number >= sealed_.size() || sealed_[request.number].srb.empty()) return offences;
  const Sealed& sealed = sealed_[request.number];
  inspect_gaps(request, offences);
  inspect_srb(request, sealed, offences);
  if (sealed.data && signature_of(request) != sealed.data)
    offences.push_back({"MDL-50", fmt::format("the data of SRB {} was changed, which is to be written: it stays as it is until the request ends", request.serial), "0xC4/0x1010"});
  if (std::memcmp(slot_of(request) + layout_.list, sealed.list.data(), sealed.list.size()) != 0)
    offences.push_back({"ST-43", fmt::format("the scatter/gather list of SRB {} was modified: its memory is Storport's", request.serial)});
  return offences;
}

}  // namespace drydock::storport
