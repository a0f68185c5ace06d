#include "mem/fetch_watch.h"

#include <algorithm>
#include <cstring>

namespace drydock {

namespace {

bool same_read(const Fetch& fetch, std::uint64_t offset, std::uint64_t size, const CodePlace& place) {
  return fetch.offset == offset && fetch.size == size && fetch.place.rip == place.rip;
}
bool overlap(const Fetch& a, const Fetch& b) { return a.offset < b.offset + b.size && b.offset < a.offset + a.size; }
bool same_places(const FetchPair& a, const FetchPair& b) {
  return a.first.place.rip == b.first.place.rip && a.second.place.rip == b.second.place.rip;
}

}  // namespace

void FetchWatch::record() {
  mode_ = Mode::recording;
  fetches_.clear();
  pairs_.clear();
}

void FetchWatch::change(const FetchPair& pair, Mutation how) {
  mode_ = Mode::changing;
  pair_ = pair;
  how_ = how;
  first_seen_ = has_changed_ = false;
}

void FetchWatch::reads(std::uint64_t offset, std::uint64_t size, const CodePlace& place) {
  if (mode_ == Mode::recording) return note({offset, size, place});
  if (mode_ != Mode::changing || has_changed_) return;
  if (first_seen_ && same_read(pair_.second, offset, size, place)) {
    second_stack_ = stacks_.stack_at(place);
    return mutate();
  }
  if (!same_read(pair_.first, offset, size, place)) return;
  first_seen_ = true;
  first_stack_ = stacks_.stack_at(place);
}

/// A pair with the latest earlier read of any of the bytes; of the same two places one pair will do.
void FetchWatch::note(const Fetch& fetch) {
  const auto earlier = std::find_if(fetches_.rbegin(), fetches_.rend(), [&](const Fetch& f) { return overlap(f, fetch); });
  if (earlier != fetches_.rend() && pairs_.size() < kPairsMax) {
    FetchPair pair{*earlier, fetch, std::max(earlier->offset, fetch.offset), std::min(earlier->offset + earlier->size, fetch.offset + fetch.size)};
    if (std::none_of(pairs_.begin(), pairs_.end(), [&](const FetchPair& known) { return same_places(known, pair); })) pairs_.push_back(pair);
  }
  if (fetches_.size() < kFetchesMax) fetches_.push_back(fetch);
}

void FetchWatch::writes(std::uint64_t offset, std::uint64_t size) {
  if (mode_ != Mode::recording) return;
  const Fetch written{offset, size, {}};
  std::erase_if(fetches_, [&](const Fetch& f) { return overlap(f, written); });
}

void FetchWatch::mutate() {
  has_changed_ = true;
  std::byte* bytes = memory_.system(0) + pair_.from;
  const auto count = static_cast<std::size_t>(pair_.to - pair_.from);
  switch (how_) {
    case Mutation::next:  // of a little-endian number
      for (std::size_t i = 0; i < count; ++i)
        if ((bytes[i] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[i]) + 1)) != std::byte{0}) break;
      return;
    case Mutation::opposite:
      std::transform(bytes, bytes + count, bytes, [](std::byte b) { return ~b; });
      return;
    case Mutation::nothing: std::memset(bytes, 0, count); return;
  }
}

}  // namespace drydock
