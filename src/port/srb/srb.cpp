#include "port/srb/srb.h"

namespace drydock {

void Srb::set_cdb(std::span<const std::uint8_t> cdb) {
  const std::size_t length = cdb.size() < 16 ? cdb.size() : 16;
  std::memcpy(form_ == Form::scsi ? scsi_->Cdb : cdb16()->Cdb, cdb.data(), length);
  (form_ == Form::scsi ? scsi_->CdbLength : cdb16()->CdbLength) = static_cast<UCHAR>(length);
}

std::span<const std::uint8_t> Srb::cdb() const {
  return {cdb_bytes(), form_ == Form::scsi ? scsi_->CdbLength : cdb16()->CdbLength};
}

bool is_read(std::uint8_t opcode) {
  return opcode == SCSIOP_READ6 || opcode == SCSIOP_READ || opcode == SCSIOP_READ12 || opcode == SCSIOP_READ16;
}

bool is_read_write(std::uint8_t opcode) {
  return is_read(opcode) || opcode == SCSIOP_WRITE6 || opcode == SCSIOP_WRITE || opcode == SCSIOP_WRITE12 ||
         opcode == SCSIOP_WRITE16;
}

}  // namespace drydock
