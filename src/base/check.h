#pragma once
// CHECK(condition, "format", args...): a statement about drydock itself. Always on; when it is false drydock is wrong:
// it prints where, why and the current seed, and ends the process with exit status 5.

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace drydock {

inline constexpr int kExitOurFault = 5;

/// Remembered so that a failed CHECK can print how to repeat the run.
void remember_seed(std::uint64_t seed);

/// What is still to be done when a CHECK fails, once the message is out; nullptr: nothing (the default).
void on_check_failed(void (*act)(const char* why));

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& why);

}  // namespace drydock

#define CHECK(condition, ...)                                                            \
  do {                                                                                   \
    if (!(condition)) [[unlikely]]                                                       \
      ::drydock::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
  } while (false)
