#include "devices/catalogue.h"

#include <string>

#include "devices/virtio_blk/device.h"

namespace drydock {

namespace {

struct Spec {
  std::string_view name, options;
};

Spec split(std::string_view spec) {
  const auto comma = spec.find(',');
  return {spec.substr(0, comma), comma == std::string_view::npos ? "" : spec.substr(comma + 1)};
}

using Make = Result<MadeDevice> (*)(std::string_view options, BlockStore& store, const BoardServices& board);
using Check = Result<void> (*)(std::string_view options);

Result<MadeDevice> make_virtio_blk(std::string_view text, BlockStore& store, const BoardServices& board) {
  TRY(const auto options, virtio_blk::parse_options(text));
  TRY(auto device, virtio_blk::Device::create(options, store, board));
  BlockDevice* disk = device.get();
  return MadeDevice{std::move(device), disk};
}

Result<void> check_virtio_blk(std::string_view text) {
  TRY_VOID(virtio_blk::parse_options(text));
  return {};
}

template <class Row>
std::vector<DeviceOptionHelp> rows(const std::vector<Row>& from) {
  std::vector<DeviceOptionHelp> to;
  for (const Row& row : from) to.push_back({row.key, row.values, row.fallback, row.help});
  return to;
}

struct Entry {
  DeviceKind kind;
  Check check;
  Make make;
};

std::vector<Entry> entries() {
  // A driver that knows the old id may speak either interface: it gets both.
  return {{{"virtio-blk", "virtio 1.2 block device",
            {{virtio::kPciVendor, virtio::pci_device(virtio_blk::kDeviceType), "virtio-blk"},
             {virtio::kPciVendor, virtio_blk::kTransitionalPciDevice, "virtio-blk,mode=transitional"}},
            rows(virtio_blk::option_help())},
           check_virtio_blk,
           make_virtio_blk}};
}

Result<Entry> find(std::string_view name) {
  std::string known;
  for (Entry& entry : entries()) {
    if (entry.kind.name == name) return std::move(entry);
    known += (known.empty() ? "" : ", ") + std::string(entry.kind.name);
  }
  return refuse("there is no device '{}'; there is {}", name, known);
}

}  // namespace

std::vector<DeviceKind> device_kinds() {
  std::vector<DeviceKind> kinds;
  for (Entry& entry : entries()) kinds.push_back(std::move(entry.kind));
  return kinds;
}

Result<void> check_device(std::string_view spec) {
  if (spec.ends_with(',') || spec.find(",,") != std::string_view::npos) return refuse("{}: a comma without a setting behind it", spec);
  TRY(const auto entry, find(split(spec).name));
  return entry.check(split(spec).options);
}

Result<MadeDevice> make_device(std::string_view spec, BlockStore& store, const BoardServices& board) {
  TRY(const auto entry, find(split(spec).name));
  return entry.make(split(spec).options, store, board);
}

}  // namespace drydock
