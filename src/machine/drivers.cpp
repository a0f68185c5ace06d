#include "machine/drivers.h"

#include <algorithm>

#include "sched/fiber.h"

namespace drydock {

namespace {
constexpr std::size_t kFramesMax = 32;
}

Driver& Drivers::add() { return *drivers_.emplace_back(std::make_unique<Driver>(board_, hooks_)); }

void Drivers::remove(const Driver& driver) {
  std::erase_if(drivers_, [&](const auto& one) { return one.get() == &driver; });
}

Driver* Drivers::at(std::uint64_t address, std::uint64_t size) const {
  for (const auto& driver : drivers_)
    if (driver->contains(address, size)) return driver.get();
  return nullptr;
}

Driver* Drivers::of_object(const void* driver_object) const {
  for (const auto& driver : drivers_)
    if (driver->owns_object(driver_object)) return driver.get();
  return nullptr;
}

bool Drivers::may_touch(std::uint64_t address, std::uint64_t size, bool write) const {
  const Driver* driver = at(address, size);
  return driver != nullptr && driver->may_touch(address, size, write);
}

std::string Drivers::location(std::uint64_t address, RipKind kind) const {
  Driver* driver = at(address);
  return driver == nullptr ? fmt::format("{:#x}", address) : driver->location(address, kind);
}

SourceLocation Drivers::source(std::uint64_t address, RipKind kind) const {
  Driver* driver = at(address);
  return driver == nullptr ? SourceLocation{} : driver->source(address, kind);
}

std::string Drivers::frame_text(std::uint64_t address, RipKind kind) const {
  Driver* driver = at(address);
  return driver == nullptr ? fmt::format("{:#x}", address) : driver->frame_text(address, kind);
}

std::string Drivers::name_of(std::uint64_t address) const {
  const Driver* driver = at(address);
  return driver == nullptr ? fmt::format("{:#x}", address) : driver->image().name_of(address);
}

std::optional<CodeImage> Drivers::image_at(std::uint64_t address) const {
  const Driver* driver = at(address);
  if (driver == nullptr) return std::nullopt;
  return CodeImage{&driver->image().pe(), driver->image().base()};
}

std::vector<std::uint64_t> Drivers::stack_at(const CodePlace& place) {
  if (place.rip == 0 || !board_.scheduler->on_fiber()) return place.rip == 0 ? std::vector<std::uint64_t>{} : std::vector{place.rip};
  const Fiber& fiber = board_.scheduler->fiber();
  RegisterContext context;
  context.rip = place.rip;
  context.rsp = place.rsp;
  context.rbp = place.rbp;
  const StackRange range(fiber.stack_bottom(), fiber.stack_top());
  const DriverStack stack = walk_driver_frames(*this, context, place.is_return_address ? RipKind::return_address : RipKind::exact, range);
  std::vector<std::uint64_t> frames;
  for (const DriverFrame& frame : stack.frames)
    if (frames.size() < kFramesMax) frames.push_back(frame.rip);
  if (frames.empty()) frames.push_back(place.rip);
  return frames;
}

}  // namespace drydock
