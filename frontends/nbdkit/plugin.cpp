// nbdkit-drydock-plugin: a disk behind a Windows storage miniport as an NBD export. The machine starts in .after_fork
// (nbdkit may fork before it, never after) and stops in .cleanup, when the last request has been answered.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>

#include "common/exports.h"
#include "common/fault_list.h"
#include "common/report_json.h"
#include "common/settings.h"
#include "nbdkit/listeners.h"
#include "nbdkit/report_channel.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace drydock {
namespace {

constexpr std::uint32_t kRequestMax = 32u << 20;
constexpr std::uint32_t kRequestPreferred = 4096;

/// nbdkit has one plugin instance a process and calls it through plain functions: this is its `this`.
struct Server {
  Options options;
  ReportChannel channel;
  std::string remove_at_end;  ///< the socket of a `drydock run` that may not be there any more to remove it
  std::set<std::string> given;  ///< parameters so far
  std::unique_ptr<Machine> machine;
};
Server* server = nullptr;

/// The disk a connection was opened on.
Disk& disk(void* connection) { return *static_cast<Disk*>(connection); }

/// What nbdkit's protocol can say; errors it has no word for would arrive as EINVAL.
int wire_error(int error) { return error == ENODEV ? ESHUTDOWN : error; }

int answer(int error, const char* what, std::uint64_t count, std::uint64_t offset) {
  if (error == 0) return 0;
  nbdkit_error("%s of %llu bytes at %llu: %s", what, static_cast<unsigned long long>(count),
               static_cast<unsigned long long>(offset), strerror(error));
  nbdkit_set_error(wire_error(error));
  return -1;
}

// --- life ---

void load() { server = new Server; }

void unload() {
  delete server;
  server = nullptr;
}

std::string absolute(const char* path) {
  char* full = nbdkit_absolute_path(path);
  std::string result = full != nullptr ? full : path;
  std::free(full);
  return result;
}

/// nbdkit changes to / when it goes into the background, and the machine starts after that.
std::string settled_value(const Setting& setting, const char* value) {
  const bool is_path = setting.is_path && (setting.key != "disk" || is_disk_file(value));
  return is_path && *value != '\0' ? absolute(value) : value;
}

/// Parameters of the server itself rather than of the machine; false: not one of them.
bool configure_server(std::string_view key, const char* value, int* result) {
  *result = 0;
  if (key == "report") {
    server->channel.to_file(absolute(value));
  } else if (key == "report-fd") {
    int descriptor = -1;
    *result = nbdkit_parse_int("report-fd", value, &descriptor);
    server->channel.to_descriptor(descriptor);
  } else if (key == "remove-at-end") {
    server->remove_at_end = absolute(value);
  } else {
    return false;
  }
  return true;
}

int config(const char* key, const char* value) {
  int result = 0;
  if (std::string_view(key) == "fault" && std::string_view(value) == "list") {
    std::fputs(fault_list(fault_types()).c_str(), stdout);
    std::exit(0);
  }
  const Setting* setting = find_setting(key);
  if (const bool once = setting == nullptr || !setting->repeatable; !server->given.insert(key).second && once) {
    nbdkit_error("%s is given twice", key);
    return -1;
  }
  if (configure_server(key, value, &result)) return result;
  const auto done = set_option(server->options, key, setting != nullptr ? settled_value(*setting, value) : value);
  if (done) return 0;
  nbdkit_error("%s", done.error().message.c_str());
  return -1;
}

int config_complete() {
  if (server->options.driver.empty()) {
    nbdkit_error("which driver? (driver=FILE.sys)");
    return -1;
  }
  if (server->channel.has_reader()) return 0;  // it is told what start refuses, and why
  const std::string objection = Machine::objection(server->options);
  if (objection.empty()) return 0;
  nbdkit_error("%s", objection.c_str());
  return -1;
}

void finish(const Report& report) {
  if (!server->channel.finished(report)) nbdkit_error("cannot write the report: %s", strerror(errno));
  if (!server->remove_at_end.empty()) ::unlink(server->remove_at_end.c_str());
}

int after_fork() {
  auto started = Machine::start(server->options);
  if (started) {
    server->machine = std::move(started.machine);
    server->channel.serving(server->machine->disk_count());
    return 0;
  }
  if (!server->channel.has_reader()) nbdkit_error("%s", started.error.message.c_str());
  Report report = std::move(started.error.report);
  report.outcome = started.error.outcome;
  report.message = std::move(started.error.message);
  finish(report);
  turn_clients_away();
  return -1;
}

void cleanup() {
  if (!server->machine) return;
  finish(server->machine->stop());
  server->machine.reset();
}

// --- the disk ---

void* open_connection(int) {
  const char* name = nbdkit_export_name();
  const auto found = disk_of_export(name != nullptr ? name : "", server->machine->disk_count());
  if (found) return &server->machine->disk(*found);
  nbdkit_error("there is no export '%s'; there are %s to %s", name, export_name(0).c_str(), export_name(server->machine->disk_count() - 1).c_str());
  return nullptr;
}

int list_exports(int, int, struct nbdkit_exports* exports) {
  for (std::size_t i = 0; i < server->machine->disk_count(); ++i)
    if (nbdkit_add_export(exports, export_name(i).c_str(), server->machine->disk(i).description().c_str()) != 0) return -1;
  return 0;
}

const char* export_description(void* c) { return nbdkit_strdup_intern(disk(c).description().c_str()); }
std::int64_t get_size(void* c) { return static_cast<std::int64_t>(disk(c).size()); }
int can_write(void* c) { return !disk(c).read_only(); }
int can_flush(void* c) { return disk(c).can_flush(); }
int can_trim(void* c) { return disk(c).can_trim(); }
int can_zero(void* c) { return disk(c).can_zero(); }
int can_fua(void*) { return NBDKIT_FUA_NATIVE; }
int can_multi_conn(void*) { return 1; }  // one disk behind one port driver: a flush covers every connection's writes
int can_extents(void*) { return 1; }
int can_cache(void*) { return NBDKIT_CACHE_NONE; }
int can_fast_zero(void*) { return 0; }
int is_rotational(void*) { return 0; }

int block_size(void* c, std::uint32_t* minimum, std::uint32_t* preferred, std::uint32_t* maximum) {
  *minimum = 1;
  *preferred = std::max(kRequestPreferred, disk(c).block_size());
  *maximum = kRequestMax;
  return 0;
}

int pread(void* c, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return answer(disk(c).read({static_cast<std::byte*>(buffer), count}, offset), "read", count, offset);
}

int pwrite(void* c, const void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  const bool fua = (flags & NBDKIT_FLAG_FUA) != 0;
  return answer(disk(c).write({static_cast<const std::byte*>(buffer), count}, offset, fua), "write", count, offset);
}

int flush(void* c, std::uint32_t) { return answer(disk(c).flush(), "flush", disk(c).size(), 0); }

int trim(void* c, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  return answer(disk(c).trim(offset, count, (flags & NBDKIT_FLAG_FUA) != 0), "trim", count, offset);
}

int zero(void* c, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
  const bool may_trim = (flags & NBDKIT_FLAG_MAY_TRIM) != 0, fua = (flags & NBDKIT_FLAG_FUA) != 0;
  return answer(disk(c).zero(offset, count, may_trim, fua), "zero", count, offset);
}

std::uint32_t extent_type(const Extent& extent) {
  return (extent.hole ? NBDKIT_EXTENT_HOLE : 0u) | (extent.zero ? NBDKIT_EXTENT_ZERO : 0u);
}

int extents(void* c, std::uint32_t count, std::uint64_t offset, std::uint32_t, struct nbdkit_extents* list) {
  const auto known = disk(c).extents(offset, count);
  if (known.empty()) return nbdkit_add_extent(list, offset, count, 0);
  for (const Extent& extent : known)
    if (nbdkit_add_extent(list, extent.offset, extent.length, extent_type(extent)) != 0) return -1;
  return 0;
}

// --- what it says of itself ---

/// `nbdkit drydock --help`: the table of settings, laid out once when nbdkit loads the plugin.
const char* help_text() {
  static const std::string text = [] {
    std::string lines;
    for (const Setting& setting : settings())
      lines += fmt::format("{:<24} {}\n", fmt::format("{}={}", setting.key, setting.value_name), setting.help);
    lines += fmt::format("{:<24} {}\n", "report=FILE", "findings and counters as JSON, written when the server ends");
    lines += fmt::format("{:<24} {}", "report-fd=N", "the same to an inherited descriptor, one line");
    return lines;
  }();
  return text.c_str();
}

void dump_plugin() {
  printf("drydock_version=%s\n", DRYDOCK_VERSION);
  for (const Setting& setting : settings()) printf("drydock_parameter_%s=%s\n", setting.key.data(), setting.value_name.data());
}

nbdkit_plugin describe() {
  nbdkit_plugin p{};
  p.name = "drydock";
  p.longname = "drydock: Windows storage miniports";
  p.version = DRYDOCK_VERSION;
  p.description = "serves a disk through an unmodified Windows storage miniport driver";
  p.magic_config_key = "driver";
  p.config_help = help_text();
  p.load = load, p.unload = unload, p.dump_plugin = dump_plugin;
  p.config = config, p.config_complete = config_complete;
  p.after_fork = after_fork, p.cleanup = cleanup;
  p.list_exports = list_exports, p.export_description = export_description;
  p.open = open_connection, p.get_size = get_size, p.block_size = block_size;
  p.can_write = can_write, p.can_flush = can_flush, p.can_trim = can_trim, p.can_zero = can_zero, p.can_fua = can_fua;
  p.can_multi_conn = can_multi_conn, p.can_extents = can_extents, p.can_cache = can_cache;
  p.can_fast_zero = can_fast_zero, p.is_rotational = is_rotational;
  p.pread = pread, p.pwrite = pwrite, p.flush = flush, p.trim = trim, p.zero = zero, p.extents = extents;
  return p;
}

nbdkit_plugin plugin = describe();

}  // namespace
}  // namespace drydock

using drydock::plugin;
NBDKIT_REGISTER_PLUGIN(plugin)
