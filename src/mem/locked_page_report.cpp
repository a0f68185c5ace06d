#include "mem/locked_page_report.h"

#include <fmt/format.h>

namespace drydock {

namespace {

std::string pages_text(std::size_t count) { return fmt::format("{} page{}", count, count == 1 ? "" : "s"); }

/// The lock is the place; it is a return address, as every place of a call.
void report(Trace& trace, const MdlFacts& facts, std::string message) {
  const bool known = !facts.locked_at.empty();
  const CodePlace place{known ? facts.locked_at.front() : 0, 0, 0, true};
  std::vector<RelatedStack> related;
  if (known) related.push_back({"locked at", facts.locked_at});
  trace.emit(RuleBroken{known ? "VER-151" : "VER-150", known ? "0xCB" : "0x76/0x0", std::move(message), place, std::move(related)});
}

}  // namespace

void report_locked_pages(Trace& trace, MdlBook& book, const AddressSpace* process) {
  for (MdlFacts* facts : process == nullptr ? book.held() : book.held(process->id)) {
    if (facts->told || facts->owner == LockOwner::io_manager) continue;  // its request is still under way: told with the request
    facts->told = true;
    if (facts->owner == LockOwner::page_allocation)
      trace.emit(RuleBroken{"MDL-44", "", fmt::format("{} of MmAllocatePagesForMdlEx were never freed", pages_text(facts->pages.size())),
                            {facts->made.empty() ? 0 : facts->made.front(), 0, 0, true}, {{"allocated at", facts->made}}});
    else if (process != nullptr)
      report(trace, *facts, fmt::format("{} of process '{}' are still locked at its end", pages_text(facts->pages.size()), process->name));
    else
      report(trace, *facts, fmt::format("{} still locked after the driver is gone: MmUnlockPages was never called", pages_text(facts->pages.size())));
  }
}

}  // namespace drydock
