#pragma once
// How to write to a stream that may be a terminal: colours only there, and not when NO_COLOR is set.

#include <cstdio>
#include <string>
#include <string_view>

namespace drydock {

enum class Colour { plain, bold, dim, red, green, yellow };

class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}
  /// Colours if `stream` is a terminal that has them.
  static Style of(std::FILE* stream);
  std::string operator()(Colour colour, std::string_view text) const;

 private:
  bool coloured_;
};

/// Columns a UTF-8 text takes up (one per code point; we print nothing wider).
std::size_t width_of(std::string_view text);

/// `text` over lines of at most `columns` columns, broken at spaces.
std::string wrapped(std::string_view text, std::size_t columns, std::string_view indent);

}  // namespace drydock
