#pragma once
// Programs on the machine that use its drivers: a Client is a process with an address space of its own; it opens devices by
// name and sends them requests, from buffers laid out as wanted.
//
//   auto machine = drydock::Machine::start({}).machine;                        // no driver as yet, no disk
//   auto driver = machine->load("my.sys");                                     // DriverEntry has run
//   auto client = machine->client("test");
//   drydock::Buffer buffer = client->allocate(4096, {.offset = 12});
//   auto opened = client->open("\\\\.\\MyDevice", drydock::Access::read_write);
//   drydock::Answer answer = opened.device->control(MY_IOCTL, {}, buffer);     // as DeviceIoControl
//   drydock::Report report = machine->stop();                                  // what the driver did against the rules
//
// Addresses are the client's own (user-mode addresses): a driver sees them as they are. Clients and devices end before their
// machine. Nothing throws; memory that cannot be had is a Buffer of length 0.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drydock {

/// What a handle was opened for: decides which control codes and transfers it may send.
enum class Access : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

enum class Protection : std::uint8_t { none, read, read_write };

/// How a buffer lies in memory.
struct Layout {
  enum class Pages : std::uint8_t { as_they_come, contiguous, scattered };
  enum class Place : std::uint8_t { anywhere, below_4g, above_4g };
  std::uint32_t offset = 0;           ///< of the first byte in its page, 0 … 4095
  Pages pages = Pages::as_they_come;  ///< physically
  Place place = Place::anywhere;      ///< physically
  bool guarded = false;               ///< a page before and one behind that nobody may touch
};

/// A piece of a client's memory: nothing but address and length, right or wrong.
struct Buffer {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  Buffer part(std::uint32_t offset, std::uint32_t bytes) const { return {address + offset, bytes}; }
};

/// How a request ended.
struct Answer {
  std::uint32_t status = 0;           ///< NTSTATUS
  std::uint64_t information = 0;      ///< IoStatus.Information
  bool reached_driver = false;        ///< false: the I/O manager answered itself
  bool status_block_written = false;  ///< does the caller's IO_STATUS_BLOCK hold the answer (and its event is set)?
  bool succeeded() const { return status < 0x8000'0000; }
};

/// A request on its way. Destroying it waits for it.
class Request {
 public:
  virtual ~Request() = default;
  virtual bool done() = 0;
  /// As CancelIoEx does. True when a driver's cancel routine was called.
  virtual bool cancel() = 0;
  /// At most two minutes of virtual time; then it is cancelled, and given up (STATUS_UNSUCCESSFUL, and a finding).
  virtual Answer wait() = 0;
};

/// An open device. Destroying it closes it (IRP_MJ_CLEANUP, IRP_MJ_CLOSE).
class Device {
 public:
  virtual ~Device() = default;
  virtual Answer read(Buffer to, std::uint64_t offset = 0) = 0;
  virtual Answer write(Buffer from, std::uint64_t offset = 0) = 0;
  virtual Answer control(std::uint32_t code, Buffer in, Buffer out) = 0;
  virtual Answer flush() = 0;
  /// IRP_MJ_QUERY_INFORMATION and IRP_MJ_SET_INFORMATION, class by its number.
  virtual Answer query_information(std::uint32_t information_class, Buffer out) = 0;
  virtual Answer set_information(std::uint32_t information_class, Buffer in) = 0;
  // The same without waiting: overlapped I/O.
  virtual std::unique_ptr<Request> start_read(Buffer to, std::uint64_t offset = 0) = 0;
  virtual std::unique_ptr<Request> start_write(Buffer from, std::uint64_t offset = 0) = 0;
  virtual std::unique_ptr<Request> start_control(std::uint32_t code, Buffer in, Buffer out) = 0;
};

class Client {
 public:
  struct Opened {
    std::unique_ptr<Device> device;  ///< null: see status
    std::uint32_t status = 0;
    explicit operator bool() const { return device != nullptr; }
  };
  virtual ~Client() = default;
  /// "\\.\Name" or a name of the object manager, "\Device\Name".
  virtual Opened open(std::string_view path, Access access = Access::read_write) = 0;

  /// Zeroed.
  virtual Buffer allocate(std::uint32_t bytes, const Layout& layout = {}) = 0;
  /// `buffer` as allocate() gave it. False: it is none.
  virtual bool free(Buffer buffer) = 0;
  // Whole pages around the range, at any time, requests in flight or not. False: it is not (all) the client's.
  virtual bool protect(Buffer range, Protection protection) = 0;
  virtual bool unmap(Buffer range) = 0;
  virtual bool remap(Buffer range) = 0;
  // The client's own loads and stores. False, or empty: its protection is against it.
  virtual bool store(Buffer to, std::span<const std::byte> bytes) = 0;
  virtual std::vector<std::byte> load(Buffer from) = 0;
};

/// A driver that was brought in by Machine::load.
class LoadedDriver {
 public:
  virtual const std::string& name() const = 0;
  /// Calls its DriverUnload. False: it has none.
  virtual bool unload() = 0;

 protected:
  ~LoadedDriver() = default;
};

}  // namespace drydock
