#pragma once
// Result<T>: what a routine gives back when the world may refuse (a file, a limit, a bad image). A driver that broke a
// rule is not a Result but a trace event; a mistake of ours is a CHECK. TRY passes a refusal up.

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace drydock {

/// A refusal, as one line in the user's words.
struct Error {
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

template <class... Args>
[[nodiscard]] tl::unexpected<Error> refuse(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace drydock

#define DRYDOCK_JOIN_(a, b) a##b
#define DRYDOCK_JOIN(a, b) DRYDOCK_JOIN_(a, b)
#define DRYDOCK_TRY_(tmp, target, expression)                     \
  auto tmp = (expression);                                        \
  if (!tmp) return tl::unexpected(std::move(tmp).error());        \
  target = std::move(*tmp)

/// TRY(auto x, f()): x is f()'s value, or this function returns f()'s error.
#define TRY(target, expression) DRYDOCK_TRY_(DRYDOCK_JOIN(try_, __LINE__), target, expression)
/// TRY_VOID(f()): the same for a Result<void>.
#define TRY_VOID(expression)                                                   \
  do {                                                                         \
    if (auto try_void = (expression); !try_void)                               \
      return tl::unexpected(std::move(try_void).error());                      \
  } while (false)
