#include "io/resources.h"

#include <algorithm>
#include <cstring>

namespace drydock {

bool Resources::State::writer_waits() const {
  return std::any_of(waiters.begin(), waiters.end(), [](const Waiter* w) { return w->exclusive; });
}

Resources::Owner* Resources::State::find(std::uint64_t who) {
  const auto at = std::find_if(owners.begin(), owners.end(), [&](const Owner& o) { return o.who == who; });
  return at == owners.end() ? nullptr : &*at;
}

bool Resources::initialize(ERESOURCE& host, std::uint64_t address, CodePlace where) {
  if (known(host)) return false;
  std::memset(&host, 0, sizeof host);
  resources_[&host] = {address, where, false, {}, {}};
  return true;
}

bool Resources::forget(ERESOURCE& host) { return resources_.erase(&host) != 0; }

bool Resources::owned(const ERESOURCE& host) const {
  const auto at = resources_.find(&host);
  return at != resources_.end() && !at->second.owners.empty();
}

// Decides; give() acts.
bool Resources::may_have(State& state, std::uint64_t owner, ResourceMode mode) {
  if (state.owners.empty()) return state.waiters.empty() || mode == ResourceMode::shared_starve_exclusive;
  if (state.exclusive) return state.find(owner) != nullptr;
  switch (mode) {
    case ResourceMode::exclusive: return false;
    case ResourceMode::shared: return state.find(owner) != nullptr || !state.writer_waits();
    case ResourceMode::shared_starve_exclusive: return true;
    default: return !state.writer_waits();
  }
}

void Resources::give(State& state, std::uint64_t owner, bool exclusive) {
  if (state.owners.empty()) state.exclusive = exclusive;
  if (Owner* known = state.find(owner)) ++known->count;
  else state.owners.push_back({owner, 1});
}

Acquisition Resources::acquire(ERESOURCE& host, std::uint64_t owner, ResourceMode mode, bool wait, bool urgent, const WaitInProgress& which) {
  State& state = resources_.at(&host);
  const bool exclusive = mode == ResourceMode::exclusive;
  if (may_have(state, owner, mode)) {
    give(state, owner, exclusive);
    show(host, state);
    return Acquisition::acquired;
  }
  if (!wait) return Acquisition::refused;
  if (state.find(owner) != nullptr) return Acquisition::waits_for_itself;
  Waiter waiter{owner, exclusive, {}};
  Dispatcher::initialize(waiter.granted.Header, reinterpret_cast<std::uint64_t>(&waiter.granted), DispatcherKind::notification_event, sizeof waiter.granted, 0);
  state.waiters.push_back(&waiter);
  ++host.ContentionCount;
  show(host, state);
  DISPATCHER_HEADER* const object = &waiter.granted.Header;
  const Waited waited = dispatcher_.wait({&object, 1}, false, std::nullopt, urgent, which);
  if (waited.end == WaitEnd::satisfied) return Acquisition::acquired;
  std::erase(state.waiters, &waiter);
  return Acquisition::hopeless;
}

// From the front: one writer, or readers up to the next writer.
void Resources::grant(ERESOURCE& host, State& state) {
  while (!state.waiters.empty()) {
    Waiter& first = *state.waiters.front();
    if (!state.owners.empty() && (state.exclusive || first.exclusive)) break;
    state.waiters.erase(state.waiters.begin());
    give(state, first.who, first.exclusive);
    dispatcher_.set_event(first.granted);
  }
  show(host, state);
}

bool Resources::release(ERESOURCE& host, std::uint64_t owner) {
  State& state = resources_.at(&host);
  Owner* known = state.find(owner);
  if (known == nullptr) return false;
  if (--known->count == 0) std::erase_if(state.owners, [&](const Owner& o) { return o.who == owner; });
  grant(host, state);
  return true;
}

void Resources::share(ERESOURCE& host) {
  State& state = resources_.at(&host);
  state.exclusive = false;
  grant(host, state);
}

bool Resources::hand_over(ERESOURCE& host, std::uint64_t from, std::uint64_t to) {
  Owner* known = resources_.at(&host).find(from);
  if (known == nullptr) return false;
  known->who = to;
  return true;
}

unsigned Resources::count_of(const ERESOURCE& host, std::uint64_t owner) const {
  const State& state = resources_.at(&host);
  const auto at = std::find_if(state.owners.begin(), state.owners.end(), [&](const Owner& o) { return o.who == owner; });
  return at == state.owners.end() ? 0 : at->count;
}

bool Resources::owns_exclusively(const ERESOURCE& host, std::uint64_t owner) const {
  return resources_.at(&host).exclusive && count_of(host, owner) != 0;
}

void Resources::show(ERESOURCE& host, const State& state) {
  const auto writers = std::count_if(state.waiters.begin(), state.waiters.end(), [](const Waiter* w) { return w->exclusive; });
  host.ActiveEntries = static_cast<ULONG>(state.owners.size());
  host.ActiveCount = static_cast<SHORT>(state.owners.size());
  host.NumberOfExclusiveWaiters = static_cast<ULONG>(writers);
  host.NumberOfSharedWaiters = static_cast<ULONG>(state.waiters.size()) - host.NumberOfExclusiveWaiters;
}

std::vector<Resources::Known> Resources::all() const {
  std::vector<Known> found;
  for (const auto& [alias, state] : resources_) found.push_back({alias, state.address, state.where});
  return found;
}

}  // namespace drydock
