#pragma once
// FaultySeam: a host whose files fail as a FaultPlan says: no space left, parts of transfers, I/O errors. What it lets
// through it passes on unchanged.

#include <cstdint>

#include "devices/backing/file_seam.h"
#include "fault/fault_plan.h"

namespace drydock {

class FaultySeam final : public FileSeam {
 public:
  /// Both outlive it.
  FaultySeam(FileSeam& host, FaultPlan& plan) : host_(host), plan_(plan) {}

  ssize_t read(int file, const iovec* pieces, int count, off_t offset) override;
  ssize_t write(int file, const iovec* pieces, int count, off_t offset) override;
  int sync_data(int file) override;
  int allocate(int file, int mode, off_t offset, off_t length) override;

 private:
  using Transfer = ssize_t (FileSeam::*)(int, const iovec*, int, off_t);
  ssize_t part_of(Transfer call, std::uint32_t unit, int file, const iovec* pieces, int count, off_t offset);

  FileSeam& host_;
  FaultPlan& plan_;
};

}  // namespace drydock
