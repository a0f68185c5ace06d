#include "base/check.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace drydock {

namespace {
std::atomic<std::uint64_t> last_seed{0};  // only ever printed
std::atomic<void (*)(const char*)> last_act{nullptr};
}

void remember_seed(std::uint64_t seed) { last_seed.store(seed, std::memory_order_relaxed); }

void on_check_failed(void (*act)(const char* why)) { last_act.store(act); }

void check_failed(const char* file, int line, const char* condition, const std::string& why) {
  const std::string words = fmt::format("internal error: {} ({}:{}: {} is false); seed {}", why, file, line, condition,
                                        last_seed.load(std::memory_order_relaxed));
  std::fprintf(stderr, "drydock: %s\n", words.c_str());
  std::fflush(stderr);
  if (auto* act = last_act.exchange(nullptr)) act(words.c_str());  // once: it may fail itself
  _exit(kExitOurFault);
}

}  // namespace drydock
