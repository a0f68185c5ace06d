// Random sequences of reads that wait, writes that feed them, timers and cancellations, against a model of a few lines.
// DRYDOCK_SEQUENCES says how many (default 500; make check-all runs 100,000).

#include <algorithm>
#include <cstdlib>
#include <random>

#include "workbench.h"

namespace drydock {

namespace {

constexpr std::uint32_t kSuccess = 0, kCancelled = 0xC0000120, kNotReady = 0xC00000A3;

struct Read {
  std::unique_ptr<Request> request;
  Buffer buffer;
  std::string fed;              ///< what it must hold; empty: nothing
  std::uint32_t status = 0;     ///< expected; meaningful when settled
  bool by_timer = false;        ///< completes by itself
  bool settled = false;         ///< completed, as far as the model knows
  bool raced = false;           ///< the timer and somebody else were after it
};

/// One sequence: what the client does, and what the model says it comes to.
class Sequence {
 public:
  Sequence(Workbench& bench, Device& device, std::uint64_t seed) : bench_(bench), device_(device), random_(seed) {}

  void run(unsigned steps) {
    for (unsigned i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    device_.control(control_code(1, kBuffered), {}, {});
    for (Read& read : reads_)
      if (!read.settled) settle(read, kNotReady, "");
    for (Read& read : reads_) look_at(read);
    for (Read& read : reads_) bench_.client().free(read.buffer);
  }

 private:
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  void step() {
    switch (below(6)) {
      case 0:
      case 1: return start(0);
      case 2: return start(1 + below(200));
      case 3: return feed();
      case 4: return cancel();
      default: return count();
    }
  }

  void start(std::uint64_t delay) {
    Read read;
    read.buffer = bench_.buffer(1 + below(64), {.offset = below(4000)});
    read.by_timer = delay != 0;
    read.request = device_.start_read(read.buffer, delay);
    reads_.push_back(std::move(read));
  }

  static void settle(Read& read, std::uint32_t status, std::string fed) {
    read.settled = true;
    read.status = status;
    read.fed = fed.substr(0, std::min<std::size_t>(fed.size(), read.buffer.length));
    read.raced = read.by_timer;
  }

  Read* oldest() {
    for (Read& read : reads_)
      if (!read.settled && !read.by_timer) return &read;
    return nullptr;
  }

  void feed() {
    std::string text(1 + below(64), ' ');
    for (char& c : text) c = static_cast<char>('a' + below(26));
    const Buffer from = bench_.holding(text);
    Read* waiting = oldest();
    const Answer answer = device_.write(from);
    EXPECT_EQ(answer.status, kSuccess);
    EXPECT_EQ(answer.information, waiting == nullptr ? 0 : std::min<std::size_t>(text.size(), waiting->buffer.length));
    if (waiting != nullptr) settle(*waiting, kSuccess, text);
    bench_.client().free(from);
  }

  void cancel() {
    if (reads_.empty()) return;
    Read& read = reads_[below(static_cast<std::uint32_t>(reads_.size()))];
    const bool was_done = read.request->done();
    const bool called = read.request->cancel();
    if (read.settled || was_done) {
      EXPECT_FALSE(called);
    } else if (!read.by_timer) {
      EXPECT_TRUE(called);
    }
    if (!read.settled) settle(read, kCancelled, "");
  }

  void count() {
    const Buffer out = bench_.buffer(4);
    ASSERT_EQ(device_.control(control_code(0, kBuffered), {}, out).status, kSuccess);
    const auto waiting = bench_.value_at<std::uint32_t>(out);
    const auto certain = std::count_if(reads_.begin(), reads_.end(), [](const Read& r) { return !r.settled && !r.by_timer; });
    const auto possible = std::count_if(reads_.begin(), reads_.end(), [](const Read& r) { return !r.settled; });
    EXPECT_GE(waiting, certain);
    EXPECT_LE(waiting, possible);
    bench_.client().free(out);
  }

  /// A read that its timer was after, too, may have been completed by it: then as a whole.
  void look_at(Read& read) {
    const Answer answer = read.request->wait();
    std::string expected = read.fed;
    if (read.raced && answer.status == kSuccess) {
      expected = std::string(read.buffer.length, 0x55);
    } else {
      EXPECT_EQ(answer.status, read.status);
    }
    EXPECT_EQ(answer.information, expected.size());
    std::string held = bench_.text_at(read.buffer);
    EXPECT_EQ(held, expected + std::string(read.buffer.length - expected.size(), '\0'));
  }

  Workbench& bench_;
  Device& device_;
  std::mt19937_64 random_;
  std::vector<Read> reads_;
};

unsigned sequences_wanted() {
  const char* text = std::getenv("DRYDOCK_SEQUENCES");
  return text == nullptr ? 500 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

}  // namespace

// DOC: BUF-116 BUF-21 BUF-28
TEST(IrpSequences, end_as_the_model_says_however_requests_are_fed_timed_and_cancelled) {
  constexpr unsigned kPerMachine = 250;
  const unsigned wanted = sequences_wanted();
  for (unsigned done = 0; done < wanted && !testing::Test::HasFailure(); done += kPerMachine) {
    Options options;
    options.seed = 1 + done;
    Workbench bench(options);
    bench.with("irp_queue");
    {
      const auto device = bench.open();
      for (unsigned i = 0; i < std::min(kPerMachine, wanted - done) && !testing::Test::HasFailure(); ++i) {
        SCOPED_TRACE("sequence " + std::to_string(done + i));
        Sequence(bench, *device, done + i).run(20);
      }
    }
    EXPECT_EQ(findings_of(bench.stop()), "");
  }
}

}  // namespace drydock
