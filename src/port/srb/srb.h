#pragma once
// Srb: one view over both forms of a SCSI request block, SCSI_REQUEST_BLOCK and STORAGE_REQUEST_BLOCK (DOC: ST-61,
// ST-150). The WDK struct is the only storage; a view is two words and is copied freely. Addresses inside an SRB are the
// driver's; the view itself stands on drydock's alias.

#include <cstdint>
#include <cstring>
#include <span>

#include "abi/wdk.h"

namespace drydock {

class Srb {
 public:
  enum class Form : std::uint8_t { scsi, storage };
  /// Bytes to provide for a form: the block, its address and the extended data for a CDB of 16 bytes.
  static constexpr std::uint32_t size_of(Form form) { return form == Form::scsi ? sizeof(SCSI_REQUEST_BLOCK) : kStorageSize; }

  Srb() = default;
  Srb(void* block, Form form) : scsi_(static_cast<SCSI_REQUEST_BLOCK*>(block)), form_(form) {}

  Form form() const { return form_; }
  void* block() const { return scsi_; }

  /// Writes the fixed parts of a fresh block: lengths, signature, offsets. Everything else becomes 0.
  void format();
  void set_function(std::uint8_t function) {
    if (form_ == Form::scsi) scsi_->Function = function;
    else storage()->SrbFunction = function;
  }
  std::uint8_t function() const {
    return form_ == Form::scsi ? scsi_->Function : static_cast<std::uint8_t>(storage()->SrbFunction);
  }
  void set_cdb(std::span<const std::uint8_t> cdb);
  std::span<const std::uint8_t> cdb() const;
  std::uint8_t opcode() const { return *cdb_bytes(); }

  std::uint8_t srb_status() const { return scsi_->SrbStatus; }  // the same byte in both forms (DOC: LAY-30)
  void set_srb_status(std::uint8_t status) { scsi_->SrbStatus = status; }
  std::uint8_t scsi_status() const { return form_ == Form::scsi ? scsi_->ScsiStatus : cdb16()->ScsiStatus; }
  void set_scsi_status(std::uint8_t status) { (form_ == Form::scsi ? scsi_->ScsiStatus : cdb16()->ScsiStatus) = status; }

  std::uint32_t data_length() const { return form_ == Form::scsi ? scsi_->DataTransferLength : storage()->DataTransferLength; }
  void set_data(void* driver_address, std::uint32_t length) {
    (form_ == Form::scsi ? scsi_->DataBuffer : storage()->DataBuffer) = driver_address;
    (form_ == Form::scsi ? scsi_->DataTransferLength : storage()->DataTransferLength) = length;
  }
  void* data_buffer() const { return form_ == Form::scsi ? scsi_->DataBuffer : storage()->DataBuffer; }
  void set_flags(std::uint32_t flags) { (form_ == Form::scsi ? scsi_->SrbFlags : storage()->SrbFlags) = flags; }
  std::uint32_t flags() const { return form_ == Form::scsi ? scsi_->SrbFlags : storage()->SrbFlags; }
  void set_timeout(std::uint32_t seconds) { (form_ == Form::scsi ? scsi_->TimeOutValue : storage()->TimeOutValue) = seconds; }
  std::uint32_t timeout() const { return form_ == Form::scsi ? scsi_->TimeOutValue : storage()->TimeOutValue; }
  std::uint8_t sense_length() const { return form_ == Form::scsi ? scsi_->SenseInfoBufferLength : cdb16()->SenseInfoBufferLength; }

  /// What the port driver adds to what the class driver asked for. Addresses are the driver's.
  struct Presentation {
    std::uint8_t path, target, lun;
    std::uint8_t sense_length;
    std::uint32_t tag, data_length;
    void *data, *extension, *sense, *original_request;
  };
  /// Makes the block ready for the miniport: all of `p`, and status pending.
  void present(const Presentation& p) {
    if (form_ == Form::scsi) present_scsi(p);
    else present_storage(p);
  }

 private:
  struct FreshStorage;
  static const SCSI_REQUEST_BLOCK kFreshScsi;
  static const FreshStorage kFreshStorage;
  void present_scsi(const Presentation& p);
  void present_storage(const Presentation& p);
  static constexpr std::uint32_t kAddressOffset = sizeof(STORAGE_REQUEST_BLOCK);
  static constexpr std::uint32_t kExOffset = kAddressOffset + sizeof(STOR_ADDR_BTL8);
  static constexpr std::uint32_t kStorageSize = kExOffset + sizeof(SRBEX_DATA_SCSI_CDB16);
  static_assert(kAddressOffset % 8 == 0 && kExOffset % 8 == 0);

  STORAGE_REQUEST_BLOCK* storage() const { return reinterpret_cast<STORAGE_REQUEST_BLOCK*>(scsi_); }
  SRBEX_DATA_SCSI_CDB16* cdb16() const { return at<SRBEX_DATA_SCSI_CDB16>(kExOffset); }
  STOR_ADDR_BTL8* btl8() const { return at<STOR_ADDR_BTL8>(kAddressOffset); }
  const std::uint8_t* cdb_bytes() const { return form_ == Form::scsi ? scsi_->Cdb : cdb16()->Cdb; }
  template <class T>
  T* at(std::uint32_t offset) const {
    return reinterpret_cast<T*>(reinterpret_cast<std::byte*>(scsi_) + offset);
  }

  SCSI_REQUEST_BLOCK* scsi_ = nullptr;
  Form form_ = Form::storage;
};

/// A block as it leaves format(): the block, its address and the extended data one behind the other. DOC: ST-150 ST-151 ST-155
struct Srb::FreshStorage {
  STORAGE_REQUEST_BLOCK block;
  STOR_ADDR_BTL8 address;
  SRBEX_DATA_SCSI_CDB16 command;
};
inline constexpr SCSI_REQUEST_BLOCK Srb::kFreshScsi = [] {
  SCSI_REQUEST_BLOCK fresh{};
  fresh.Length = sizeof(SCSI_REQUEST_BLOCK);
  return fresh;
}();
inline constexpr Srb::FreshStorage Srb::kFreshStorage = [] {
  FreshStorage fresh{};
  fresh.block.Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);
  fresh.block.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
  fresh.block.Signature = SRB_SIGNATURE;
  fresh.block.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
  fresh.block.SrbLength = kStorageSize;
  fresh.block.AddressOffset = kAddressOffset;
  fresh.block.NumSrbExData = 1;
  fresh.block.SrbExDataOffset[0] = kExOffset;
  fresh.address.Type = STOR_ADDRESS_TYPE_BTL8;
  fresh.address.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
  fresh.command.Type = SrbExDataTypeScsiCdb16;
  fresh.command.Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
  return fresh;
}();
static_assert(sizeof(STORAGE_REQUEST_BLOCK) % 8 == 0 && sizeof(STOR_ADDR_BTL8) % 8 == 0);

inline void Srb::format() {
  if (form_ == Form::scsi) std::memcpy(scsi_, &kFreshScsi, sizeof kFreshScsi);
  else std::memcpy(scsi_, &kFreshStorage, sizeof kFreshStorage);
}

inline void Srb::present_scsi(const Presentation& p) {
  scsi_->SrbStatus = SRB_STATUS_PENDING;
  scsi_->ScsiStatus = 0;
  scsi_->PathId = p.path;
  scsi_->TargetId = p.target;
  scsi_->Lun = p.lun;
  scsi_->QueueTag = static_cast<UCHAR>(p.tag);
  scsi_->QueueAction = SRB_SIMPLE_TAG_REQUEST;
  scsi_->SenseInfoBufferLength = p.sense_length;
  scsi_->DataTransferLength = p.data_length;
  scsi_->DataBuffer = p.data;
  scsi_->SenseInfoBuffer = p.sense;
  scsi_->OriginalRequest = p.original_request;
  scsi_->SrbExtension = p.extension;
}

inline void Srb::present_storage(const Presentation& p) {
  STORAGE_REQUEST_BLOCK& block = *storage();
  block.SrbStatus = SRB_STATUS_PENDING;
  block.RequestTag = p.tag;
  block.RequestAttribute = SRB_SIMPLE_TAG_REQUEST;
  block.DataTransferLength = p.data_length;
  block.DataBuffer = p.data;
  block.OriginalRequest = p.original_request;
  block.MiniportContext = p.extension;
  STOR_ADDR_BTL8& address = *btl8();
  address.Path = p.path;
  address.Target = p.target;
  address.Lun = p.lun;
  SRBEX_DATA_SCSI_CDB16& command = *cdb16();
  command.ScsiStatus = 0;
  command.SenseInfoBufferLength = p.sense_length;
  command.SenseInfoBuffer = p.sense;
}

/// Reads and writes are the SRBs whose DataBuffer STOR_MAP_NON_READ_WRITE_BUFFERS leaves unmapped. DOC: ST-40
bool is_read_write(std::uint8_t opcode);
bool is_read(std::uint8_t opcode);

}  // namespace drydock
