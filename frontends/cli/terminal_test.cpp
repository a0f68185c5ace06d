#include "terminal.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(Style, without_colours_leaves_the_text_alone) {
  EXPECT_EQ(Style(false)(Colour::red, "x"), "x");
  EXPECT_EQ(Style(true)(Colour::plain, "x"), "x");
}

TEST(Style, a_colour_ends_where_the_text_ends) { EXPECT_TRUE(Style(true)(Colour::red, "x").ends_with("x\033[0m")); }

TEST(Style, a_file_is_never_coloured) {
  std::FILE* file = std::tmpfile();
  EXPECT_EQ(Style::of(file)(Colour::red, "x"), "x");
  std::fclose(file);
}

TEST(Width, counts_characters_not_bytes) {
  EXPECT_EQ(width_of("abc"), 3u);
  EXPECT_EQ(width_of("─│·"), 3u);
}

TEST(Wrapping, breaks_at_spaces_and_never_inside_a_word) {
  EXPECT_EQ(wrapped("one two three", 7, "  "), "one two\n  three");
  EXPECT_EQ(wrapped("incomprehensible word", 4, ""), "incomprehensible\nword");
  EXPECT_EQ(wrapped("", 10, ""), "");
}

}  // namespace
}  // namespace drydock
