// Which disks are behind an adapter, at the start and whenever the bus may have changed.

#include <algorithm>

#include "disk/disk_device.h"

namespace drydock {

using storport::Adapter;
using storport::BusScope;

/// One look at a part of the bus.
class BusScan {
 public:
  BusScan(Adapter& adapter, const BusScope& scope, std::span<DiskDevice* const> known) : adapter_(adapter), scope_(scope) {
    for (DiskDevice* disk : known)
      if (!disk->gone() && scope.covers(disk->unit_.path, disk->unit_.target, disk->unit_.lun)) known_.push_back(disk);
  }

  std::vector<std::unique_ptr<DiskDevice>> run() {
    const storport::Claims& claims = adapter_.claims();
    for (unsigned path = 0; path < std::max<unsigned>(1, claims.buses); ++path)
      for (unsigned target = 0; target < std::max<unsigned>(1, claims.targets); ++target)
        if (scope_.covers_target(path, target)) look_at_target(static_cast<std::uint8_t>(path), static_cast<std::uint8_t>(target));
    // Whom nobody reported is gone; but an adapter that has stopped meanwhile says nothing about its units.
    if (adapter_.started())
      for (DiskDevice* disk : known_) adapter_.remove_unit(disk->unit_);
    return std::move(found_);
  }

 private:
  using Luns = std::vector<std::uint8_t>;

  // Unit 0 says which others there are; without its word they are looked for up to the first that is not there.
  void look_at_target(std::uint8_t path, std::uint8_t target) {
    const unsigned luns = adapter_.claims().luns;
    if (scope_.of == BusScope::Of::unit) {
      if (scope_.lun < luns) look_at(path, target, scope_.lun, nullptr);
      return;
    }
    Luns reported;
    if (look_at(path, target, 0, &reported) == Presence::nothing) return;
    for (const std::uint8_t lun : reported)
      if (lun != 0 && lun < luns) look_at(path, target, lun, nullptr);
    if (!reported.empty()) return;
    for (unsigned lun = 1; lun < luns; ++lun)
      if (look_at(path, target, static_cast<std::uint8_t>(lun), nullptr) == Presence::nothing) return;
  }

  Presence look_at(std::uint8_t path, std::uint8_t target, std::uint8_t lun, Luns* others) {
    const auto at = std::find_if(known_.begin(), known_.end(), [&](const DiskDevice* d) { return d->unit_.is_at(path, target, lun); });
    if (at == known_.end()) return probe(path, target, lun, others);
    DiskDevice& disk = **at;
    const bool still = is_still(disk.commands_, disk.facts_);
    if (!adapter_.started()) return Presence::nothing;
    known_.erase(at);
    if (still && others != nullptr) *others = reported_luns(disk.commands_);
    if (still) return Presence::disk;
    adapter_.remove_unit(disk.unit_);
    return probe(path, target, lun, others);  // another may have taken its place
  }

  Presence probe(std::uint8_t path, std::uint8_t target, std::uint8_t lun, Luns* others) {
    auto& unit = adapter_.unit(path, target, lun);
    std::unique_ptr<DiskDevice> disk(new DiskDevice(adapter_, unit));
    const Presence presence = identify(disk->commands_, disk->facts_);
    if (presence != Presence::nothing && others != nullptr) *others = reported_luns(disk->commands_);
    if (presence != Presence::disk) {
      adapter_.forget(unit);
      return presence;
    }
    unit.known = true;
    adapter_.services().trace.note([&] { return UnitFound{path, target, lun}; });
    found_.push_back(std::move(disk));
    return presence;
  }

  Adapter& adapter_;
  BusScope scope_;
  std::vector<DiskDevice*> known_;  ///< not yet seen again
  std::vector<std::unique_ptr<DiskDevice>> found_;
};

std::vector<std::unique_ptr<DiskDevice>> DiskDevice::rescan(Adapter& adapter, const BusScope& scope, std::span<DiskDevice* const> known) {
  return BusScan(adapter, scope, known).run();
}

}  // namespace drydock
