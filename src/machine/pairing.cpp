#include "machine/pairing.h"

#include <algorithm>

#include "devices/backing/open_store.h"

namespace drydock {

namespace {

Result<void> check_counts(std::size_t devices, std::size_t disks) {
  if (std::max(devices, disks) > kAdaptersMax) return refuse("{} adapters: {} at most", std::max(devices, disks), kAdaptersMax);
  if (devices != 1 && disks != 1 && devices != disks)
    return refuse("{} devices and {} disks: name one disk for each device, in the same order", devices, disks);
  return {};
}

}  // namespace

Result<std::vector<AdapterSpec>> pair_disks(const std::vector<std::string>& devices, const std::vector<std::string>& disks, bool read_only) {
  TRY_VOID(check_counts(devices.size(), disks.size()));
  std::vector<AdapterSpec> adapters;
  for (std::size_t i = 0; i < std::max(devices.size(), disks.size()); ++i) {
    AdapterSpec adapter{devices[devices.size() == 1 ? 0 : i], disks[disks.size() == 1 ? 0 : i]};
    const bool shared = std::any_of(adapters.begin(), adapters.end(), [&](const AdapterSpec& a) { return a.disk == adapter.disk; });
    if (shared && !read_only && is_file(adapter.disk))
      return refuse("two devices cannot both write {}: name a disk for each device", adapter.disk);
    adapters.push_back(std::move(adapter));
  }
  return adapters;
}

}  // namespace drydock
