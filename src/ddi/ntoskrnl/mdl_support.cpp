#include "ddi/ntoskrnl/mdl_support.h"

#include <algorithm>

namespace drydock::ddi {

namespace {

// DOC: MDL-49
void look_at_header(Call& call, MDL* mdl) {
  MdlBook& book = call.kernel().mdls();
  const char* field = book.mangled(mdl);
  if (field == nullptr || !call.services().checking()) return;
  call.broken("MDL-49", "", fmt::format("{}: {} of the MDL was changed since the last routine had it; only Next and MdlFlags are a driver's to touch{}",
                                        call.name(), field, std::string_view(field) == "MdlFlags" ? ", and not what says how the MDL is" : ""));
  book.seal(mdl);
}

std::vector<RelatedStack> past_of(const MdlFacts* facts, MdlFault fault) {
  std::vector<RelatedStack> past;
  if (facts == nullptr) return past;
  const auto add = [&past](std::string_view what, const std::vector<std::uint64_t>& stack) {
    if (!stack.empty()) past.push_back({what, stack});
  };
  if (fault == MdlFault::locked_already || fault == MdlFault::not_the_drivers) add("locked at", facts->locked_at);
  if (fault == MdlFault::not_locked || fault == MdlFault::not_resident) add("unlocked at", facts->unlocked_at);
  if (fault == MdlFault::mapped_already || fault == MdlFault::own_mapping_left) add("mapped at", facts->mapped_at);
  return past;
}

}  // namespace

MDL* sound_mdl(Call& call, MDL* mdl) {
  MDL* host = call.object(mdl, "MemoryDescriptorList");
  if (host == nullptr) return nullptr;
  const MdlView view(host);
  if (view.pages() != 0 && call.range(mdl + 1, view.pages() * sizeof(std::uint64_t), true, "MemoryDescriptorList") == nullptr) return nullptr;
  look_at_header(call, host);
  return host;
}

SystemBuffer system_buffer_at(Call& call, std::uint64_t address, std::uint64_t bytes) {
  if (call.memory().find(address) || call.services().mappings.in_arena(address)) return SystemBuffer::machine;
  if (call.services().mmio.in_arena(address)) return SystemBuffer::device;
  if (address + bytes < address) return SystemBuffer::nothing;
  if (call.scheduler().on_any_stack(address, bytes)) return SystemBuffer::stack;
  return call.kernel().in_image(address, bytes, false) ? SystemBuffer::image : SystemBuffer::nothing;
}

void tell(Call& call, std::span<const Refusal> refusals, MdlFault fault, const MDL* mdl) {
  const auto known = std::find_if(refusals.begin(), refusals.end(), [fault](const Refusal& r) { return r.fault == fault; });
  if (known == refusals.end()) return;
  call.services().trace.emit(RuleBroken{known->rule, known->code, fmt::format("{}: {}", call.name(), known->words), call.place(),
                                        past_of(call.kernel().mdls().find(mdl), fault)});
}

}  // namespace drydock::ddi
