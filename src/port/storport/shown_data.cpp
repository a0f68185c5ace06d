#include "port/storport/shown_data.h"

#include "port/storport/request.h"

namespace drydock::storport {
namespace {

/// The longest runs of pages that `changes` says yes to, each once: a page is a system call otherwise.
template <class Changes, class Apply>
void each_run(PageRun pages, Changes changes, Apply apply) {
  PageRun run{pages.first, 0};
  for (std::uint32_t page = pages.first; page < pages.first + pages.count; ++page) {
    if (changes(page)) {
      ++run.count;
      continue;
    }
    if (run.count != 0) apply(run);
    run = {page + 1, 0};
  }
  if (run.count != 0) apply(run);
}

}  // namespace

ShownData::~ShownData() {
  for (const std::uint32_t page : closed_) memory_.lend({page, 1});
}

PageRun ShownData::pages_of(const Request& request) const {
  const std::uint64_t first = memory_.find(request.data_address)->offset;
  const std::uint64_t last = first + request.data_length - 1;
  return {static_cast<std::uint32_t>(first >> kPageShift), static_cast<std::uint32_t>((last >> kPageShift) - (first >> kPageShift) + 1)};
}

void* ShownData::show(const Request& request) {
  const PageRun pages = pages_of(request);
  if (shown_.emplace(request.number, pages).second)
    each_run(pages, [&](std::uint32_t page) { return ++users_[page] == 1 && closed_.erase(page) != 0; }, [&](PageRun run) { memory_.lend(run); });
  return memory_.in_view(View::lent, reinterpret_cast<void*>(request.data_address));
}

void ShownData::end(const Request& request) {
  const auto shown = shown_.extract(request.number);
  if (!shown) return;
  const auto was_the_last = [&](std::uint32_t page) {
    if (--users_[page] != 0) return false;
    users_.erase(page);
    return closed_.insert(page).second;
  };
  each_run(shown.mapped(), was_the_last, [&](PageRun run) { memory_.take_back(run); });
}

bool ShownData::is_dead(PhysicalMemory::Place found, std::uint64_t bytes) const {
  const auto at = closed_.lower_bound(static_cast<std::uint32_t>(found.offset >> kPageShift));
  return at != closed_.end() && *at <= (found.offset + (bytes != 0 ? bytes - 1 : 0)) >> kPageShift;
}

}  // namespace drydock::storport
