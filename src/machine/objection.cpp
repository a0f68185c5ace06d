#include "machine/objection.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "devices/backing/open_store.h"
#include "devices/catalogue.h"
#include "io/registry.h"
#include "loader/image.h"
#include "loader/pe_image.h"
#include "machine/device_hints.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

Result<void> faults_have_a_place(std::span<const FaultSpec> faults, const std::vector<AdapterSpec>& adapters) {
  if (std::any_of(adapters.begin(), adapters.end(), [](const AdapterSpec& a) { return is_file(a.disk); })) return {};
  for (const FaultSpec& fault : faults)
    if (describe(fault.point).of_file) return refuse("the fault {} is one of a file, and {} is none", describe(fault.point).name, adapters.front().disk);
  return {};
}

Result<void> is_driver(const std::string& path) {
  TRY(const auto bytes, read_image_file(path));
  if (const auto image = PeImage::parse(bytes); !image) return refuse("{}: {}", path, image.error().message);
  return {};
}

/// 0, or why no file can be written there. It is neither made nor emptied.
int error_of_writing(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return EISDIR;
  const fs::path there = fs::exists(path, ignored) ? fs::path(path) : fs::absolute(path, ignored).parent_path();
  return ::access(there.c_str(), W_OK) == 0 ? 0 : errno;
}

Result<void> outputs_can_be_written(const Options& options) {
  for (const auto& [what, path] : {std::pair{"trace", &options.trace_file}, {"coverage", &options.lcov_file}})
    if (const int error = path->empty() ? 0 : error_of_writing(*path); error != 0)
      return refuse("cannot write the {} file {}: {}", what, *path, std::strerror(error));
  return {};
}

Result<void> examined(const Options& options) {
  TRY(const auto faults, parse_faults(options.faults));
  Registry registry;
  for (const std::string& text : options.registry) TRY_VOID(registry.set_from_text(text));
  TRY_VOID(is_driver(options.driver));
  TRY(const auto adapters, adapters_asked(options, faults));
  for (const AdapterSpec& adapter : adapters)
    if (const auto store = open_store(adapter.disk, options.read_only); !store) return tl::unexpected(store.error());
  return outputs_can_be_written(options);
}

}  // namespace

// DOC: ST-14 each device of the driver is an adapter of its own. Without --device: what the image hints at, else virtio-blk.
Result<std::vector<AdapterSpec>> adapters_asked(const Options& options, std::span<const FaultSpec> faults) {
  std::vector<std::string> devices = options.devices;
  if (devices.empty()) devices.push_back(device_hinted_by(options.driver).value_or(std::string(device_kinds().front().name)));
  for (const std::string& device : devices) TRY_VOID(check_device(device));
  TRY(auto adapters, pair_disks(devices, options.disks.empty() ? std::vector{options.disk} : options.disks, options.read_only));
  TRY_VOID(faults_have_a_place(faults, adapters));
  return adapters;
}

std::string Machine::objection(const Options& options) {
  const auto done = examined(options);
  return done ? std::string() : done.error().message;
}

}  // namespace drydock
