#pragma once
// The embedding API of drydock: one Machine is one Windows storage driver, running, on one device, with one disk behind
// it. Everything here may be called from any thread; calls into one machine exclude each other. Nothing throws.
//
//   auto machine = drydock::Machine::start({.driver = "my.sys", .disk = "mem:64M"});
//   if (!machine) puts(machine.error().message.c_str());
//   std::byte block[4096];
//   int error = (*machine)->disk().read(block, 0);          // through the driver, errno-style
//   drydock::Report report = (*machine)->stop();            // findings, limits, counters

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <drydock/client.h>
#include <drydock/pnp.h>

namespace drydock {

enum class Checks { off, standard, all };

struct Options {
  std::string driver;                       ///< path of the .sys; empty: a machine without disks, for Machine::load
  /// A driver that is no miniport may run, too: DriverEntry, an open and a close of each device object it named, DriverUnload.
  bool any_driver = false;
  std::vector<std::string> devices;         ///< e.g. "virtio-blk,queues=4"; empty: from the image's hints
  std::string disk = "mem:64M";             ///< FILE, "mem:SIZE" or "null", when `disks` is empty
  /// Several disks, each behind an adapter of its own: the first on the first device, and so on. One device is made as often as
  /// there are disks; "mem:SIZE" and "null", named once, are made for each device.
  std::vector<std::string> disks;
  bool read_only = false;
  unsigned cpus = 2;                        ///< virtual CPUs, 1 … 64
  std::uint64_t memory = 256u << 20;        ///< bytes, 16 MiB … 32 GiB
  std::uint64_t seed = 1;
  std::string phys = "mixed";               ///< low, high, mixed, contiguous, literal
  std::vector<std::string> registry;        ///< "Parameters\\Device\\X=dword:1"
  Checks checks = Checks::standard;
  /// Requests of clients (drydock/client.h) whose driver reads the same bytes of their memory twice are made again, with the
  /// bytes changed in between: an outcome that differs is a finding (VER-110). For drivers whose requests may be repeated.
  bool double_fetch = false;
  std::vector<std::string> faults;          ///< NAME[=rate][@seed], what goes wrong on purpose: fault_types() (drydock/faults.h)
  std::vector<std::string> allowed_rules;   ///< ids whose findings are only counted: "ST-57"
  std::string trace_file;                   ///< JSON Lines; empty: none
  std::string lcov_file;                    ///< line coverage of a driver built by drydock-cc --coverage; empty: none
};

/// Why a machine ended, in the order of the exit statuses (docs/drydock.1).
enum class Outcome {
  clean = 0,            ///< nothing to report
  findings = 1,         ///< the driver broke documented rules; it went on
  bad_input = 2,        ///< usage, or a file that cannot be read
  refused = 3,          ///< the driver would not start on this device
  driver_crashed = 4,   ///< KeBugCheck, or a fault nothing can complete
  internal_error = 5,   ///< drydock's own fault
};
const char* name_of(Outcome outcome);

/// A stack that explains a finding: where an object was allocated, where it was freed.
struct RelatedFrames {
  std::string what;  ///< "allocated at"
  std::vector<std::string> stack;
};

/// One broken rule.
struct Finding {
  std::string rule;              ///< id in docs/spec.md, "ST-42"
  std::string code;              ///< Microsoft's code where there is one, "0xF1/0x2004"
  std::string message;           ///< one sentence in the driver author's words
  std::string driver_location;   ///< "my.c:40" or "my.sys+0x1234"
  std::vector<std::string> stack;
  std::uint64_t count = 1;       ///< how often the same was seen at the same place
  std::string second;            ///< the message of the second time, where it differs
  std::string source_file{};     ///< of driver_location, the path as the compiler recorded it; empty: not known
  std::uint32_t source_line = 0;
  std::vector<RelatedFrames> related{};
  std::vector<std::uint64_t> parameters{};  ///< of a bug check: its four; else empty
};

/// A rule of Options::allowed_rules, and how often it was broken.
struct AllowedRule {
  std::string rule;
  std::uint64_t count = 0;
};

struct Limits {  // as the miniport claimed them
  std::uint32_t maximum_transfer_length = 0, physical_breaks = 0, alignment_mask = 0, queue_depth = 0, targets = 0, luns = 0;
  std::string map_buffers, synchronization, dma, srb;
  bool caches_data = false;
  unsigned interrupt_messages = 0;
};

/// One adapter of several: what it is, what its miniport claimed, what went through it.
struct AdapterReport {
  std::string device, disk;      ///< as they were named
  Limits limits;
  std::uint64_t ios = 0, bytes = 0, reads = 0, writes = 0, flushes = 0, trims = 0;
  std::uint64_t bounced_pages = 0, interrupts = 0;
};

/// How often a fault had the chance to strike, and did.
struct FaultCount {
  std::string name;
  std::uint64_t opportunities = 0, strikes = 0;
};

/// Report::port of a driver that is no miniport.
inline constexpr const char* kNoPort = "none (WDM driver)";

struct Report {
  Outcome outcome = Outcome::clean;
  std::string message;           ///< why, when the outcome is 2, 3, 4 or 5
  std::string driver, port, device;
  Limits limits;                 ///< of the first adapter
  std::uint64_t ios = 0, bytes = 0, reads = 0, writes = 0, flushes = 0, trims = 0;  ///< of all adapters, as all counts here
  std::uint64_t failed = 0;      ///< requests of clients that ended in an error, after all retries
  std::uint32_t sg_min = 0, sg_max = 0;
  double sg_mean = 0;
  std::uint64_t bounced_pages = 0, interrupts = 0, traps = 0;
  std::uint64_t virtual_nanoseconds = 0;
  std::vector<AdapterReport> adapters;
  std::vector<std::string> device_objects;  ///< of a driver that is no miniport: "\\Device\\X", "(unnamed)"
  std::vector<FaultCount> faults;         ///< those of Options::faults
  std::vector<Finding> findings;
  std::vector<AllowedRule> allowed;
  std::vector<std::string> debug_output;  ///< DbgPrint and kin, the last 1000 lines
};

/// A failure to start: `outcome` is bad_input, refused, driver_crashed or internal_error.
struct StartError {
  Outcome outcome;
  std::string message;
  Report report;
};

struct Extent {
  std::uint64_t offset, length;
  bool hole, zero;
};

/// The disk as a program on the machine sees it, through class layer, port driver and miniport. Offsets and lengths are
/// in bytes and need not be aligned to blocks (the class layer reads, changes and writes back: not atomic across
/// clients). Every call returns 0 or an errno value (EIO, EROFS, EINVAL, ENOSPC, ENODEV).
class Disk {
 public:
  /// "virtio-blk,ro=on on disk.img", for lists of disks.
  virtual std::string description() const = 0;
  virtual std::uint64_t size() const = 0;
  virtual std::uint32_t block_size() const = 0;
  /// False once the driver has reported a change of the bus and the disk no longer answers, or is another: every call
  /// that reads or writes then fails with ENODEV.
  virtual bool present() const = 0;
  virtual bool read_only() const = 0;
  virtual bool can_flush() const = 0;
  virtual bool can_trim() const = 0;
  virtual bool can_zero() const = 0;
  virtual int read(std::span<std::byte> to, std::uint64_t offset) = 0;
  virtual int write(std::span<const std::byte> from, std::uint64_t offset, bool fua = false) = 0;
  virtual int flush() = 0;
  virtual int trim(std::uint64_t offset, std::uint64_t length, bool fua = false) = 0;
  virtual int zero(std::uint64_t offset, std::uint64_t length, bool may_trim, bool fua = false) = 0;
  /// What the backing store knows of holes; empty: nothing known.
  virtual std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) = 0;

 protected:
  ~Disk() = default;
};

/// What the self-check does, for the progress bar.
struct SelfCheckProgress {
  std::uint64_t done, total;
  std::string_view what;
};

class Machine {
 public:
  struct Started;  ///< value or StartError
  /// Without Options::driver: a machine without disks, for drivers that are no miniports.
  static Started start(const Options& options);
  /// What start would refuse whatever the driver does (a file that is not there or is no driver, a device that does not exist),
  /// in the words of start; empty: nothing. Nothing runs, and no file is made or changed.
  static std::string objection(const Options& options);
  virtual ~Machine() = default;

  /// Disks in the order the port driver found them; at least one. A disk that appears later (the driver reports a change
  /// of the bus) is added at the end; one that goes away keeps its number.
  virtual std::size_t disk_count() const = 0;
  virtual Disk& disk(std::size_t index = 0) = 0;

  /// Writes, reads back and compares over many sizes, offsets and buffer shapes. Overwrites every disk, then restores
  /// nothing: meant for scratch disks. On a read-only disk it reads only. Mismatches are findings. So are errors, unless a
  /// fault of Options::faults has struck; a write that failed may have changed nothing but its own bytes. `progress` (may be
  /// empty) is called every few requests, on the calling thread; when it returns false the check ends there, the machine
  /// goes on, and the result is false.
  virtual bool self_check(const std::function<bool(const SelfCheckProgress&)>& progress) = 0;

  struct Loaded {
    LoadedDriver* driver = nullptr;  ///< the machine's; null: see error
    StartError error;
    explicit operator bool() const { return driver != nullptr; }
  };
  /// Brings a driver in and runs its DriverEntry. Drivers are unloaded by stop(), the last one first.
  virtual Loaded load(const std::string& path) = 0;
  /// The machine's bus finds a device: AddDevice of each driver, the lowest first. End the stack before the machine.
  virtual AddedDevice add_device(std::span<LoadedDriver* const> drivers) = 0;
  AddedDevice add_device(std::initializer_list<LoadedDriver*> drivers) { return add_device(std::span<LoadedDriver* const>(drivers.begin(), drivers.size())); }
  /// A new process. Null: there are too many.
  virtual std::unique_ptr<Client> client(std::string name = "client") = 0;

  /// So far; cheap enough for a progress display.
  virtual Report report() = 0;
  /// Stops and unloads the driver (leak check), ends the machine; later calls return the same report.
  virtual Report stop() = 0;
  /// Power fails now: what is in the device's volatile cache is lost, the driver is not told. The machine is over.
  virtual void cut_power() = 0;
};

struct Machine::Started {
  std::unique_ptr<Machine> machine;  ///< null: see error
  StartError error;
  explicit operator bool() const { return machine != nullptr; }
};

}  // namespace drydock
