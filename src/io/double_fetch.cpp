#include "io/double_fetch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/double_fetch_finding.h"

namespace drydock {

std::optional<DoubleFetch::Memory> DoubleFetch::load() const {
  Memory memory;
  memory.in.resize(parameters_.in.length);
  memory.out.resize(parameters_.out.length);
  if (!memory.in.empty() && !process_.read(parameters_.in.address, memory.in)) return std::nullopt;
  if (!memory.out.empty() && !process_.read(parameters_.out.address, memory.out)) return std::nullopt;
  return memory;
}

void DoubleFetch::restore(const Memory& memory) {
  const auto put = [&](const UserRange& range, const std::vector<std::byte>& bytes) {
    if (bytes.empty()) return;
    if (const auto at = memory_.find(range.address)) std::copy(bytes.begin(), bytes.end(), memory_.system(0) + at->offset);
  };
  put(parameters_.in, memory.in);
  put(parameters_.out, memory.out);
}

void DoubleFetch::begin() {
  before_ = load();
  if (before_) watch_.record();
}

DoubleFetch::Outcome DoubleFetch::outcome(const RequestAnswer& answer, const FetchPair& pair) const {
  Outcome outcome{answer.status, answer.information, {}};
  const auto memory = load();
  if (!memory) return outcome;
  outcome.data = memory->out;
  const auto start = memory_.find(parameters_.out.address);
  for (std::size_t i = 0; start && i < outcome.data.size(); ++i)
    if (start->offset + i >= pair.from && start->offset + i < pair.to) outcome.data[i] = {};
  return outcome;
}

void DoubleFetch::judge(const RequestAnswer& answer, const std::function<RequestAnswer()>& again) {
  watch_.stop();
  const auto after = load();
  if (!before_ || !after || !answer.reached_driver || answer.given_up) return;
  const std::vector<FetchPair> pairs = watch_.pairs();
  for (const FetchPair& pair : pairs)
    if (depends_on(pair, answer, again)) break;  // one proof a request: what comes later may follow from it
  restore(*after);
}

bool DoubleFetch::depends_on(const FetchPair& pair, const RequestAnswer& answer, const std::function<RequestAnswer()>& again) {
  const Outcome first = outcome(answer, pair);
  const auto same = [](const Outcome& a, const Outcome& b) { return a.status == b.status && a.information == b.information && a.data == b.data; };
  const auto made_again = [&] {
    restore(*before_);
    return outcome(again(), pair);
  };
  for (const Mutation how : kMutations) {
    if (const Outcome control = made_again(); !same(first, control)) return true;  // nothing can be concluded, now or later
    watch_.change(pair, how);
    const Outcome changed = made_again();
    watch_.stop();
    if (!watch_.has_changed() || same(first, changed)) continue;
    tell(pair, first, changed);
    return true;
  }
  return false;
}

void DoubleFetch::tell(const FetchPair& pair, const Outcome& before, const Outcome& after) const {
  std::string what = "the data returned is another when their process changes them in between";
  if (before.information != after.information)
    what = fmt::format("Information is {} instead of {} when their process changes them in between", after.information, before.information);
  if (before.status != after.status)
    what = fmt::format("the status is {:#010x} instead of {:#010x} when their process changes them in between", static_cast<std::uint32_t>(after.status),
                       static_cast<std::uint32_t>(before.status));
  services_.trace.emit(double_fetch_finding(watch_, pair, what));
}

}  // namespace drydock
