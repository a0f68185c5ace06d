#include "disk/sense.h"

#include <cerrno>

#include "abi/wdk.h"

namespace drydock {

namespace {

constexpr std::uint8_t kStatusMask = 0x3F;
constexpr std::uint8_t kCheckCondition = 0x02;

Judgement judge_sense(const Sense& sense) {
  switch (sense.key) {
    case 0x0: case 0x1: return {Then::done, 0};                // no sense, recovered error
    case 0x2: return {Then::retry, EIO};                       // not ready
    case 0x3: case 0x4: return {Then::fail, EIO};              // medium, hardware error
    case 0x5:                                                  // illegal request
      if (sense.code == 0x21) return {Then::fail, EINVAL};     // block address out of range
      if (sense.code == 0x25) return {Then::fail, ENODEV};     // unit not supported
      return {Then::fail, sense.code == 0x20 ? EOPNOTSUPP : EINVAL};
    case 0x6: return {Then::retry, EIO};                       // unit attention
    case 0x7: return {Then::fail, sense.code == 0x27 && sense.qualifier == 0x07 ? ENOSPC : EROFS};  // data protect
    case 0xB: return {Then::retry, EIO};                       // aborted command
    case 0xD: return {Then::fail, ENOSPC};                     // volume overflow
    default: return {Then::fail, EIO};
  }
}

}  // namespace

Sense parse_sense(std::span<const std::byte> bytes) {
  const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : std::uint8_t{0}; };
  switch (at(0) & 0x7F) {
    case 0x70: case 0x71: return {true, static_cast<std::uint8_t>(at(2) & 0xF), at(12), at(13)};
    case 0x72: case 0x73: return {true, static_cast<std::uint8_t>(at(1) & 0xF), at(2), at(3)};
    default: return {};
  }
}

Judgement judge(std::uint8_t srb_status, std::uint8_t scsi_status, std::span<const std::byte> bytes) {
  switch (srb_status & kStatusMask) {
    case SRB_STATUS_SUCCESS: return {Then::done, 0};
    case SRB_STATUS_DATA_OVERRUN: return {Then::done, 0};  // an underrun is told by the length
    case SRB_STATUS_BUSY: case SRB_STATUS_BUS_RESET: case SRB_STATUS_REQUEST_FLUSHED: case SRB_STATUS_ABORTED:
    case SRB_STATUS_TIMEOUT: case SRB_STATUS_COMMAND_TIMEOUT: case SRB_STATUS_PARITY_ERROR: case SRB_STATUS_UNEXPECTED_BUS_FREE:
    case SRB_STATUS_PHASE_SEQUENCE_FAILURE: return {Then::retry, EIO};
    case SRB_STATUS_NO_DEVICE: case SRB_STATUS_NO_HBA: case SRB_STATUS_INVALID_LUN: case SRB_STATUS_INVALID_TARGET_ID:
    case SRB_STATUS_INVALID_PATH_ID: case SRB_STATUS_SELECTION_TIMEOUT: return {Then::fail, ENODEV};
    case SRB_STATUS_INVALID_REQUEST: return {Then::fail, EOPNOTSUPP};
    default: break;
  }
  if (scsi_status == kCheckCondition && (srb_status & SRB_STATUS_AUTOSENSE_VALID)) return judge_sense(parse_sense(bytes));
  return {Then::fail, EIO};
}

}  // namespace drydock
