#include "base/check.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace drydock {

namespace {
std::atomic<std::uint64_t> last_seed{0};  // only ever printed
}

void remember_seed(std::uint64_t seed) { last_seed.store(seed, std::memory_order_relaxed); }

void check_failed(const char* file, int line, const char* condition, const std::string& why) {
  std::fprintf(stderr, "drydock: internal error: %s (%s:%d: %s is false); seed %llu\n", why.c_str(), file, line,
               condition, static_cast<unsigned long long>(last_seed.load(std::memory_order_relaxed)));
  std::fflush(stderr);
  _exit(kExitOurFault);
}

}  // namespace drydock
