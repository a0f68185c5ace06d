#include "io/registry.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(Registry, ValuesAreFoundWhateverTheCaseOfTheirName) {
  Registry registry;
  ASSERT_TRUE(registry.set_from_text("Parameters\\Device\\Depth=dword:0x20"));
  const auto* value = registry.find("PARAMETERS\\device", "DEPTH");
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(value->type, RegistryType::dword);
  EXPECT_EQ(value->data, (std::vector<std::byte>{std::byte{0x20}, {}, {}, {}}));
  EXPECT_EQ(registry.find("Parameters", "Depth"), nullptr);
}

TEST(Registry, TextsAreUtf16AndTerminated) {
  Registry registry;
  ASSERT_TRUE(registry.set_from_text("P\\N=multi_sz:a;bc"));
  EXPECT_EQ(registry.find("P", "N")->data.size(), 2u * (2 + 3 + 1));
  ASSERT_TRUE(registry.set_from_text("P\\E=sz:"));
  EXPECT_EQ(registry.find("P", "E")->data.size(), 2u);
}

TEST(Registry, BadTextsAreRefusedInOneLine) {
  Registry registry;
  for (const char* bad : {"", "x", "a=b", "a\\b=dword", "a\\b=dword:", "a\\b=dword:4294967296", "a\\b=dword:-1",
                          "a\\b=word:1", "\\=dword:1", "a\\b=binary:0", "a\\b=binary:zz"}) {
    const auto refused = registry.set_from_text(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().message.find('\n'), std::string::npos);
  }
}

TEST(Registry, ARefusalNamesTheFault) {
  Registry registry;
  for (const auto& [bad, fault] : {std::pair{"X=dword:1", "key belongs before X"}, {"P\\=dword:1", "no name of a value"},
                                   {"P\\X=dword:x", "'x' is not a number from 0 to 4294967295"}, {"P\\X=word:1", "no type 'word'"},
                                   {"P\\X=binary:0g", "'0g' is not pairs of"}, {"P\\X=1", "write KEY"}})
    EXPECT_NE(registry.set_from_text(bad).error().message.find(fault), std::string::npos) << registry.set_from_text(bad).error().message;
}

}  // namespace
}  // namespace drydock
