#include "terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace drydock {
namespace {

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::bold: return "\033[1m";
    case Colour::dim: return "\033[2m";
    case Colour::red: return "\033[1;31m";
    case Colour::green: return "\033[1;32m";
    case Colour::yellow: return "\033[1;33m";
    case Colour::plain: break;
  }
  return "";
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

Style Style::of(std::FILE* stream) {
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return Style(isatty(fileno(stream)) != 0 && !is_set("NO_COLOR") && !dumb);
}

std::string Style::operator()(Colour colour, std::string_view text) const {
  if (!coloured_ || colour == Colour::plain) return std::string(text);
  return std::string(code_of(colour)) + std::string(text) + "\033[0m";
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string wrapped(std::string_view text, std::size_t columns, std::string_view indent) {
  std::string result;
  std::size_t used = 0;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (used != 0 && used + 1 + width_of(word) > columns) {
      result += '\n';
      result += indent;
      used = 0;
    } else if (used != 0) {
      result += ' ';
      ++used;
    }
    result += word;
    used += width_of(word);
  }
  return result;
}

}  // namespace drydock
