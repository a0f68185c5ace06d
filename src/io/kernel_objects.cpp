#include "io/kernel_objects.h"

#include <fmt/format.h>

namespace drydock {

KernelObjects::KernelObjects(Scheduler& scheduler, Pool& pool, DriverCall& call, Trace& trace)
    : dispatcher(scheduler), dpcs(scheduler, call), timers(scheduler, dispatcher, dpcs), threads(scheduler, pool, call, trace, dispatcher, objects),
      resources(dispatcher) {}

std::vector<Remnant> KernelObjects::evict(const void* alias, std::uint64_t size) {
  std::vector<Remnant> found;
  const auto inside = [&](const void* object) { return reinterpret_cast<std::uint64_t>(object) - reinterpret_cast<std::uint64_t>(alias) < size; };
  for (const auto& timer : timers.all_active())
    if (inside(timer.alias)) {
      found.push_back({"a timer that is set", "0xC7/0x0", timer.where});
      timers.cancel(const_cast<KTIMER&>(*timer.alias));
    }
  for (const auto& dpc : dpcs.all_queued())
    if (inside(dpc.alias) && dpcs.remove(const_cast<KDPC&>(*dpc.alias))) found.push_back({"a DPC that is queued", "0xC7/0x1", dpc.where});
  for (const auto& resource : resources.all())
    if (inside(resource.alias)) {
      found.push_back({"an ERESOURCE that was never deleted", "0xC4/0xD2", resource.where});
      resources.forget(const_cast<ERESOURCE&>(*resource.alias));
    }
  std::erase_if(lookasides, [&](const auto& one) {
    if (!inside(one.first)) return false;
    found.push_back({"a lookaside list that was never deleted", "0xC4/0xCC", one.second.where});
    return true;
  });
  return found;
}

std::vector<Remnant> KernelObjects::evict_all() {
  std::vector<Remnant> found = evict(nullptr, ~std::uint64_t{0});
  for (Remnant& remnant : found) remnant.code = remnant.code.starts_with("0xC7") ? "0xCE" : "";
  for (const auto& thread : threads.living()) found.push_back({"a system thread that has not ended", "0xCE", thread.created});
  for (const auto& [handle, opened] : objects.handles())
    found.push_back({fmt::format("a handle of {} that was never closed", std::string_view(text_of(opened.object->kind))), "", opened.opened});
  for (const auto& [handle, where] : event_providers) found.push_back({"an event provider that was never unregistered", "0xC4/0xDD", where});
  event_providers.clear();
  return found;
}

}  // namespace drydock
