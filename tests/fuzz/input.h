#pragma once
// Fuzz input as a program: numbers are taken from the front until nothing is left, then they are zero.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace drydock::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }

  template <class T>
  T take() {
    T value{};
    const std::size_t size = std::min(sizeof value, rest_.size());
    std::memcpy(&value, rest_.data(), size);
    rest_ = rest_.subspan(size);
    return value;
  }
  std::uint8_t byte() { return take<std::uint8_t>(); }
  /// 0 … limit - 1.
  std::uint64_t below(std::uint64_t limit) { return take<std::uint32_t>() % limit; }
  std::string_view text() const { return {reinterpret_cast<const char*>(rest_.data()), rest_.size()}; }
  std::span<const std::uint8_t> rest() const { return rest_; }

 private:
  std::span<const std::uint8_t> rest_;
};

/// One line of refusal, as every front end prints it.
inline bool is_one_line(std::string_view message) { return !message.empty() && message.find('\n') == std::string_view::npos; }

}  // namespace drydock::fuzz
