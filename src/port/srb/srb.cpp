#include "port/srb/srb.h"

namespace drydock {

void Srb::format() {
  std::memset(scsi_, 0, size_of(form_));
  if (form_ == Form::scsi) {
    scsi_->Length = sizeof(SCSI_REQUEST_BLOCK);
    return;
  }
  STORAGE_REQUEST_BLOCK& block = *storage();
  block.Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);  // DOC: ST-150
  block.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
  block.Signature = SRB_SIGNATURE;
  block.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
  block.SrbLength = kStorageSize;
  block.AddressOffset = kAddressOffset;
  block.NumSrbExData = 1;
  block.SrbExDataOffset[0] = kExOffset;
  btl8()->Type = STOR_ADDRESS_TYPE_BTL8;  // DOC: ST-151
  btl8()->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
  cdb16()->Type = SrbExDataTypeScsiCdb16;  // DOC: ST-155
  cdb16()->Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
}

void Srb::set_address(std::uint8_t path, std::uint8_t target, std::uint8_t lun) {
  if (form_ == Form::scsi) {
    scsi_->PathId = path;
    scsi_->TargetId = target;
    scsi_->Lun = lun;
  } else {
    btl8()->Path = path;
    btl8()->Target = target;
    btl8()->Lun = lun;
  }
}

void Srb::set_cdb(std::span<const std::uint8_t> cdb) {
  const std::size_t length = cdb.size() < 16 ? cdb.size() : 16;
  std::memcpy(form_ == Form::scsi ? scsi_->Cdb : cdb16()->Cdb, cdb.data(), length);
  (form_ == Form::scsi ? scsi_->CdbLength : cdb16()->CdbLength) = static_cast<UCHAR>(length);
}

std::span<const std::uint8_t> Srb::cdb() const {
  return {cdb_bytes(), form_ == Form::scsi ? scsi_->CdbLength : cdb16()->CdbLength};
}

void Srb::set_data(void* driver_address, std::uint32_t length) {
  if (form_ == Form::scsi) {
    scsi_->DataBuffer = driver_address;
    scsi_->DataTransferLength = length;
  } else {
    storage()->DataBuffer = driver_address;
    storage()->DataTransferLength = length;
  }
}

void Srb::set_extension(void* driver_address) {
  (form_ == Form::scsi ? scsi_->SrbExtension : storage()->MiniportContext) = driver_address;
}

void Srb::set_sense(void* driver_address, std::uint8_t length) {
  if (form_ == Form::scsi) {
    scsi_->SenseInfoBuffer = driver_address;
    scsi_->SenseInfoBufferLength = length;
  } else {
    cdb16()->SenseInfoBuffer = driver_address;
    cdb16()->SenseInfoBufferLength = length;
  }
}

void Srb::set_tag(std::uint32_t tag) {
  if (form_ == Form::scsi) {
    scsi_->QueueTag = static_cast<UCHAR>(tag);
    scsi_->QueueAction = SRB_SIMPLE_TAG_REQUEST;
  } else {
    storage()->RequestTag = tag;
    storage()->RequestAttribute = SRB_SIMPLE_TAG_REQUEST;
  }
}

void Srb::set_original_request(void* driver_address) {
  (form_ == Form::scsi ? scsi_->OriginalRequest : storage()->OriginalRequest) = driver_address;
}

bool is_read(std::uint8_t opcode) {
  return opcode == SCSIOP_READ6 || opcode == SCSIOP_READ || opcode == SCSIOP_READ12 || opcode == SCSIOP_READ16;
}

bool is_read_write(std::uint8_t opcode) {
  return is_read(opcode) || opcode == SCSIOP_WRITE6 || opcode == SCSIOP_WRITE || opcode == SCSIOP_WRITE12 ||
         opcode == SCSIOP_WRITE16;
}

}  // namespace drydock
