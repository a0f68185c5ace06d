#pragma once
// The devices drydock has: what a user may name, which PCI ids they answer to, and how to make one.

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/backing/block_store.h"
#include "devices/block_device.h"
#include "hw/pci.h"

namespace drydock {

/// A device ready to be plugged in. `disk` is a view of `function`.
struct MadeDevice {
  std::unique_ptr<PciFunction> function;
  BlockDevice* disk = nullptr;
};

struct DeviceOptionHelp {
  std::string_view key, values, fallback, help;
};

struct DeviceKind {
  std::string_view name;       ///< "virtio-blk"
  std::string_view help;       ///< one line
  struct Id {
    std::uint16_t vendor, device;
    std::string_view spec;     ///< what to name for a driver of that id
  };
  std::vector<Id> ids;         ///< PCI ids: what an image's hints are compared with
  std::vector<DeviceOptionHelp> options;
};

/// In the order of preference when nothing else decides.
std::vector<DeviceKind> device_kinds();

/// Is `spec` a device with options that can be had? For refusing bad usage before anything is opened.
Result<void> check_device(std::string_view spec);

/// `spec` is "NAME[,key=value...]". `store` and what `board` refers to outlive the device.
Result<MadeDevice> make_device(std::string_view spec, BlockStore& store, const BoardServices& board);

}  // namespace drydock
