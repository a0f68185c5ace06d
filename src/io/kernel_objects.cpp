#include "io/kernel_objects.h"

#include <fmt/format.h>

namespace drydock {

KernelObjects::KernelObjects(Scheduler& scheduler, Pool& pool, DriverCall& call, Trace& trace)
    : dispatcher(scheduler), dpcs(scheduler, call), timers(scheduler, dispatcher, dpcs), threads(scheduler, pool, call, trace, dispatcher, objects),
      resources(dispatcher) {}

/// Something in use: where it lies, who made it, what it will call.
struct KernelObjects::Use {
  const void* alias;
  CodePlace where;
  std::uint64_t routine = 0;
};

template <class Goes>
std::vector<Remnant> KernelObjects::evict_if(Goes&& goes) {
  std::vector<Remnant> found;
  for (const auto& timer : timers.all_active())
    if (goes(Use{timer.alias, timer.where})) {
      found.push_back({"a timer that is set", "0xC7/0x0", timer.where});
      timers.cancel(const_cast<KTIMER&>(*timer.alias));
    }
  for (const auto& dpc : dpcs.all_queued())
    if (goes(Use{dpc.alias, dpc.where, dpc.routine}) && dpcs.remove(const_cast<KDPC&>(*dpc.alias))) found.push_back({"a DPC that is queued", "0xC7/0x1", dpc.where});
  for (const auto& resource : resources.all())
    if (goes(Use{resource.alias, resource.where})) {
      found.push_back({"an ERESOURCE that was never deleted", "0xC4/0xD2", resource.where});
      resources.forget(const_cast<ERESOURCE&>(*resource.alias));
    }
  std::erase_if(lookasides, [&](const auto& one) {
    if (!goes(Use{one.first, one.second.where})) return false;
    found.push_back({"a lookaside list that was never deleted", "0xC4/0xCC", one.second.where});
    return true;
  });
  return found;
}

static bool lies_in(std::uint64_t address, std::uint64_t base, std::uint64_t size) { return address - base < size; }

std::vector<Remnant> KernelObjects::evict(const void* alias, std::uint64_t size) {
  return evict_if([&](const Use& use) { return lies_in(reinterpret_cast<std::uint64_t>(use.alias), reinterpret_cast<std::uint64_t>(alias), size); });
}

std::vector<Remnant> KernelObjects::evict_image(std::uint64_t base, std::uint64_t size) {
  const auto inside = [&](std::uint64_t address) { return lies_in(address, base, size); };
  std::vector<Remnant> found = evict_if([&](const Use& use) { return inside(reinterpret_cast<std::uint64_t>(use.alias)) || inside(use.where.rip) || inside(use.routine); });
  for (Remnant& remnant : found) remnant.code = remnant.code.starts_with("0xC7") ? "0xCE" : remnant.code;
  for (const auto& thread : threads.living())
    if (inside(thread.routine)) found.push_back({"a system thread that has not ended", "0xCE", thread.created});
  for (const auto& [handle, opened] : objects.handles())
    if (inside(opened.opened.rip)) found.push_back({fmt::format("a handle of {} that was never closed", std::string_view(text_of(opened.object->kind))), "", opened.opened});
  std::erase_if(event_providers, [&](const auto& one) {
    if (!inside(one.second.rip)) return false;
    found.push_back({"an event provider that was never unregistered", "0xC4/0xDD", one.second});
    return true;
  });
  return found;
}

}  // namespace drydock
