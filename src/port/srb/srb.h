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
  void set_address(std::uint8_t path, std::uint8_t target, std::uint8_t lun);
  void set_cdb(std::span<const std::uint8_t> cdb);
  std::span<const std::uint8_t> cdb() const;
  std::uint8_t opcode() const { return *cdb_bytes(); }

  std::uint8_t srb_status() const { return scsi_->SrbStatus; }  // the same byte in both forms (DOC: LAY-30)
  void set_srb_status(std::uint8_t status) { scsi_->SrbStatus = status; }
  std::uint8_t scsi_status() const { return form_ == Form::scsi ? scsi_->ScsiStatus : cdb16()->ScsiStatus; }
  void set_scsi_status(std::uint8_t status) { (form_ == Form::scsi ? scsi_->ScsiStatus : cdb16()->ScsiStatus) = status; }

  std::uint32_t data_length() const { return form_ == Form::scsi ? scsi_->DataTransferLength : storage()->DataTransferLength; }
  void set_data(void* driver_address, std::uint32_t length);
  void* data_buffer() const { return form_ == Form::scsi ? scsi_->DataBuffer : storage()->DataBuffer; }
  void set_flags(std::uint32_t flags) { (form_ == Form::scsi ? scsi_->SrbFlags : storage()->SrbFlags) = flags; }
  std::uint32_t flags() const { return form_ == Form::scsi ? scsi_->SrbFlags : storage()->SrbFlags; }
  void set_timeout(std::uint32_t seconds) { (form_ == Form::scsi ? scsi_->TimeOutValue : storage()->TimeOutValue) = seconds; }
  std::uint32_t timeout() const { return form_ == Form::scsi ? scsi_->TimeOutValue : storage()->TimeOutValue; }
  void set_extension(void* driver_address);
  void set_sense(void* driver_address, std::uint8_t length);
  std::uint8_t sense_length() const { return form_ == Form::scsi ? scsi_->SenseInfoBufferLength : cdb16()->SenseInfoBufferLength; }
  void set_tag(std::uint32_t tag);
  void set_original_request(void* driver_address);

 private:
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

/// Reads and writes are the SRBs whose DataBuffer STOR_MAP_NON_READ_WRITE_BUFFERS leaves unmapped. DOC: ST-40
bool is_read_write(std::uint8_t opcode);
bool is_read(std::uint8_t opcode);

}  // namespace drydock
