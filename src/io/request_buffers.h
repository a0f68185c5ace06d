#pragma once
// RequestBuffers: the buffers of one client's request, by whichever method the request uses: prepared in the IRP before the
// first driver sees it, given back to the client after the last. prepare_…() says STATUS_SUCCESS, or why the I/O manager
// refuses the request before there is anything to undo.
//
// A system buffer holds a pattern where nothing was copied into it: what of the pattern comes back to the client may be
// bytes that the driver never wrote (BUF-27). One pattern proves nothing; suspects() of two runs with different ones do.

#include <cstdint>
#include <utility>
#include <vector>

#include "io/access_method.h"
#include "io/io_services.h"
#include "io/irp.h"
#include "mem/address_space.h"

namespace drydock {

/// A piece of the client's memory: address and length as the client says, right or wrong.
struct UserRange {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
};

inline constexpr std::uint32_t kSystemBufferTag = 0x20206F49;  // 'Io  '

class RequestBuffers {
 public:
  RequestBuffers(const IoServices& services, AddressSpaces& spaces, AddressSpace& process) : services_(services), spaces_(spaces), process_(process) {}
  ~RequestBuffers() { release(); }
  RequestBuffers(const RequestBuffers&) = delete;
  RequestBuffers& operator=(const RequestBuffers&) = delete;

  /// READ, WRITE. `poison` chooses the pattern.
  NTSTATUS prepare_transfer(Irp irp, AccessMethod method, const UserRange& data, bool is_read, std::uint64_t poison);
  NTSTATUS prepare_control(Irp irp, ControlCode::Method method, const UserRange& in, const UserRange& out, std::uint64_t poison);
  /// IRP_MJ_QUERY_INFORMATION and the like: always buffered. DOC: BUF-11
  NTSTATUS prepare_buffered(Irp irp, const UserRange& in, const UserRange& out, std::uint64_t poison);

  /// How the IRP was when its last driver was done with it.
  struct Ended {
    IO_STATUS_BLOCK status{};
    ULONG flags = 0;
  };
  /// After completion: copies back, unlocks, frees. The status the client gets: the IRP's, or STATUS_ACCESS_VIOLATION when
  /// its own memory has gone.
  NTSTATUS finish(const Ended& ended);
  /// The request ends without drivers having seen it.
  void release();
  /// A driver still has the IRP: its buffers stay as they are, for good.
  void keep() { mdl_ = nullptr, system_buffer_ = nullptr; }

  /// Offsets of returned bytes that nobody copied in and that still hold the pattern.
  const std::vector<std::uint32_t>& suspects() const { return suspects_; }
  std::uint32_t output_length() const { return output_.length; }

 private:
  NTSTATUS make_system_buffer(Irp irp, std::uint32_t length, const UserRange& in, std::uint64_t poison);
  NTSTATUS lock(Irp irp, const UserRange& data, bool device_writes);
  bool accessible(const UserRange& range, bool write) const;
  void suspect(std::uint32_t bytes);

  const IoServices& services_;
  AddressSpaces& spaces_;
  AddressSpace& process_;
  std::byte* system_buffer_ = nullptr;
  std::uint32_t system_length_ = 0, initialised_ = 0;
  UserRange output_{};       ///< where the system buffer goes back to; length 0: nowhere
  std::uint64_t poison_ = 0;
  MDL* mdl_ = nullptr;
  std::vector<std::uint32_t> suspects_;
};

/// The byte that a poisoned buffer holds at an offset.
constexpr std::byte poison_byte(std::uint64_t poison, std::uint32_t offset) {
  std::uint64_t x = (poison + offset) * 0x9E37'79B9'7F4A'7C15;
  return static_cast<std::byte>(x >> 56);
}

}  // namespace drydock
