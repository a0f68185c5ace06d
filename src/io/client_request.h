#pragma once
// ClientRequest: one request of a client process, from its system call to the answer. It runs on a thread of the machine in
// the process's context: builds the IRP, sends it to the top of the device's stack, waits for it, gives the data back.

#include <cstdint>
#include <optional>

#include "io/file_objects.h"
#include "io/request_buffers.h"

namespace drydock {

/// An open device, as a client's handle refers to it.
struct OpenFile {
  FileObject* object = nullptr;
  FILE_OBJECT* file = nullptr;
  DEVICE_OBJECT* device = nullptr;  ///< the one that was named; requests go to the top of its stack
  std::uint8_t access = 0;          ///< FILE_READ_ACCESS, FILE_WRITE_ACCESS
  bool cleaned_up = false;
};

struct RequestParameters {
  unsigned major = IRP_MJ_READ;
  unsigned minor = 0;
  UserRange in, out;               ///< of READ and WRITE: `out`, `in`
  std::uint64_t offset = 0;        ///< of READ and WRITE
  std::uint32_t code = 0;          ///< of IRP_MJ_DEVICE_CONTROL
  std::uint32_t information = 0;   ///< class of IRP_MJ_QUERY_INFORMATION and its kin
};

struct RequestAnswer {
  NTSTATUS status = STATUS_PENDING;
  std::uint64_t information = 0;
  bool reached_driver = false;
  bool status_block_written = false;  ///< BUF-82: what a caller that looks at its IO_STATUS_BLOCK finds
  bool given_up = false;
};

class ClientRequest final : public Task {
 public:
  ClientRequest(IoManager& manager, AddressSpaces& spaces, AddressSpace& process, OpenFile& file, const RequestParameters& parameters)
      : manager_(manager), spaces_(spaces), process_(process), file_(file), parameters_(parameters), waiter_(manager) {}
  ~ClientRequest() = default;

  void run() override;
  const bool& done() const { return done_; }
  /// A driver has it, and it may take time; or it is done.
  const bool& submitted() const { return submitted_; }
  const RequestAnswer& answer() const { return answer_; }
  /// On a thread of the machine. False: no driver let go of it as yet.
  bool cancel() { return waiter_.cancel(); }

 private:
  RequestAnswer perform(std::uint64_t poison, std::vector<std::uint32_t>* suspects);
  NTSTATUS refuse() const;
  NTSTATUS prepare(Irp irp, RequestBuffers& buffers, std::uint64_t poison) const;
  void fill(Irp irp) const;
  bool may_be_watched() const;
  void perform_watched(std::vector<std::uint32_t>* suspects);
  bool try_fast(DEVICE_OBJECT* top, RequestAnswer& answer) const;
  void prove_leak(const std::vector<std::uint32_t>& first);

  IoManager& manager_;
  AddressSpaces& spaces_;
  AddressSpace& process_;
  OpenFile& file_;
  RequestParameters parameters_;
  RequestAnswer answer_;
  IrpWaiter waiter_;
  bool submitted_ = false, done_ = false;
};

}  // namespace drydock
