#pragma once
// FetchWatch: which bytes of user memory a driver reads twice while it serves one request, and what would have happened had
// their process changed them in between. Off, it costs nothing; a request is watched by who makes it (io/double_fetch.h):
//
//   record()            remembers every read; pairs() are reads of the same bytes at two places or times
//   change(pair, how)   of the same request again: in front of the pair's second read the bytes are changed
//
// What the driver has itself written meanwhile counts as read never before. One request at a time.

#include <cstdint>
#include <vector>

#include "mem/guarded_memory.h"
#include "mem/physical_memory.h"
#include "trace/code_place.h"

namespace drydock {

/// One read: file offset, so that a user address and a system mapping of the same page are one.
struct Fetch {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  CodePlace place;
};

struct FetchPair {
  Fetch first, second;
  std::uint64_t from = 0, to = 0;  ///< file offsets of the bytes that both have read
};

/// How a process changes bytes behind a driver's back.
enum class Mutation : std::uint8_t { next, opposite, nothing };
inline constexpr Mutation kMutations[] = {Mutation::next, Mutation::opposite, Mutation::nothing};

class FetchWatch {
 public:
  static constexpr std::size_t kFetchesMax = 65536;  ///< of one request; more are not looked at
  static constexpr std::size_t kPairsMax = 64;

  FetchWatch(PhysicalMemory& memory, StackTaker& stacks) : memory_(memory), stacks_(stacks) {}

  void record();
  void change(const FetchPair& pair, Mutation how);
  void stop() { mode_ = Mode::off; }
  bool watching() const { return mode_ != Mode::off; }
  bool changing() const { return mode_ == Mode::changing; }
  /// In the run that changes: has it? A run in which the second read does not happen proves nothing.
  bool has_changed() const { return has_changed_; }
  const std::vector<FetchPair>& pairs() const { return pairs_; }
  /// The one whose bytes are changed.
  const FetchPair& pair() const { return pair_; }
  /// Of the run that changes: how the driver came to the two reads.
  const std::vector<std::uint64_t>& first_stack() const { return first_stack_; }
  const std::vector<std::uint64_t>& second_stack() const { return second_stack_; }

  /// Before the driver, or a routine on its behalf, sees the bytes.
  void reads(std::uint64_t offset, std::uint64_t size, const CodePlace& place);
  void writes(std::uint64_t offset, std::uint64_t size);

 private:
  enum class Mode : std::uint8_t { off, recording, changing };
  void note(const Fetch& fetch);
  void mutate();

  PhysicalMemory& memory_;
  StackTaker& stacks_;
  std::vector<std::uint64_t> first_stack_, second_stack_;
  Mode mode_ = Mode::off;
  std::vector<Fetch> fetches_;
  std::vector<FetchPair> pairs_;
  FetchPair pair_;
  Mutation how_ = Mutation::next;
  bool first_seen_ = false, has_changed_ = false;
};

}  // namespace drydock
