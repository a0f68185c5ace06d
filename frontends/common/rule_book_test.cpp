#include "rule_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drydock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Whose = DocumentedRule::Whose;

constexpr std::string_view kPages = "# a remark\ndebugger/bug-check-0xe6--driver-verifier-dma-violation\ndevtest/some-rule-for-stack\ndevtest/some-rule-for-driver\nstorage/lists\n/cpp/build/tables\n/windows/devnotes/--handler2\n/windows/api/winnt/nf-winnt-rtlunwind\n";
constexpr std::string_view kSpec =
    "# Title\n"
    "## E. Storport (ST)\n"
    "### E.3 Data buffers\n"
    "- **ST-03** [S] Get(ext, *Length) → a *list*; `valid` *(inf)*. →H-01 — nf-storport-storportgetlist, lists\n"
    "- **ST-04** [D] Mdl routines. — nf-storport-storportallocatemdl, -freemdl, ns-storport-_stor_list, -element, gone-page†\n"
    "- **ST-05** [B] Others. — some-rule-for-stack, -for-driver\n"
    "## F. Driver Verifier (VER)\n"
    "### F.1 DMA verification (bug check 0xE6; parameter 1 in brackets)\n"
    "- **VER-04** [S] [0x03]…[0x06] Too many frees. — PutList · bug-check-0xe6--…\n"
    "- **VER-14** [S] [0x16]/[0x20] Flush of nothing. — Flush · same page\n"
    "- **VER-15** [S] [0x18] Without a citation.\n"
    "### F.8 Bug checks\n"
    "- **VER-155** [S] Bug check 0xE6, DMA_VIOLATION: see F.1. — bug-check-0xe6--driver-verifier-dma-violation\n"
    "## H. Contradictions\n"
    "Format: **H-nn** topic\n"
    "- **H-01** One thing (page-a) — or so ⟂ another. → Resolution.\n";

const RuleBook& book() {
  static const RuleBook made(kSpec, kPages);
  return made;
}

std::vector<std::string> ids(const std::vector<const DocumentedRule*>& rules) {
  std::vector<std::string> result;
  for (const DocumentedRule* rule : rules) result.push_back(rule->id);
  return result;
}

TEST(RuleBook, a_rule_is_its_text_without_marks_and_its_pages) {
  const DocumentedRule* rule = book().find("ST-03");
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->text, "Get(ext, *Length) → a list; valid (inferred). →H-01");
  EXPECT_EQ(rule->whose, Whose::windows);
  EXPECT_EQ(rule->chapter, "Storport: Data buffers");
  EXPECT_THAT(rule->see, ElementsAre("H-01"));
  EXPECT_THAT(rule->pages, ElementsAre("nf-storport-storportgetlist", "lists"));
}

TEST(RuleBook, an_id_is_found_as_people_type_it) {
  EXPECT_EQ(book().find("st-3"), book().find("ST-03"));
  EXPECT_EQ(book().find("ST-30"), nullptr);
  EXPECT_EQ(book().find("ST"), nullptr);
  EXPECT_EQ(book().find(""), nullptr);
}

TEST(RuleBook, shortened_pages_are_made_whole) {
  EXPECT_THAT(book().find("ST-04")->pages, ElementsAre("nf-storport-storportallocatemdl", "nf-storport-storportfreemdl",
                                                       "ns-storport-_stor_list", "ns-storport-_stor_element", "gone-page†"));
  EXPECT_THAT(book().find("ST-05")->pages, ElementsAre("some-rule-for-stack", "some-rule-for-driver"));
  EXPECT_THAT(book().find("VER-04")->pages, ElementsAre("bug-check-0xe6--driver-verifier-dma-violation"));
  EXPECT_EQ(book().find("VER-14")->pages, book().find("VER-04")->pages);
  EXPECT_EQ(book().find("VER-15")->pages, book().find("VER-04")->pages);
}

TEST(RuleBook, a_dash_in_a_contradiction_is_no_citation) {
  EXPECT_THAT(book().find("H-1")->text, HasSubstr("or so ⟂ another"));
  EXPECT_THAT(book().find("H-1")->pages, IsEmpty());
}

TEST(RuleBook, addresses_follow_from_the_name_or_the_list) {
  EXPECT_EQ(book().address_of("nf-storport-storportgetlist"), "https://learn.microsoft.com/windows-hardware/drivers/ddi/storport/nf-storport-storportgetlist");
  EXPECT_EQ(book().address_of("lists"), "https://learn.microsoft.com/windows-hardware/drivers/storage/lists");
  EXPECT_EQ(book().address_of("tables"), "https://learn.microsoft.com/cpp/build/tables");
  EXPECT_EQ(book().address_of("handler2"), "https://learn.microsoft.com/windows/devnotes/--handler2");
  EXPECT_EQ(book().address_of("nf-winnt-rtlunwind"), "https://learn.microsoft.com/windows/api/winnt/nf-winnt-rtlunwind");
  EXPECT_THAT(book().address_of("never-heard-of"), HasSubstr("search"));
  EXPECT_EQ(book().address_of("gone-page†"), "");
}

TEST(RuleBook, a_code_leads_to_its_meaning_and_to_the_rules_it_tells) {
  EXPECT_EQ(book().bug_check(0xE6)->id, "VER-155");
  EXPECT_EQ(book().bug_check(0xD1), nullptr);
  EXPECT_THAT(ids(book().told_by(0xE6)), ElementsAre("VER-04", "VER-14", "VER-15"));
  EXPECT_THAT(ids(book().told_by(0xE6, 0x05)), ElementsAre("VER-04"));
  EXPECT_THAT(ids(book().told_by(0xE6, 0x20)), ElementsAre("VER-14"));
  EXPECT_THAT(ids(book().told_by(0xE6, 0x17)), IsEmpty());
}

TEST(RuleBook, a_routine_is_found_by_whole_word_or_by_page) {
  EXPECT_THAT(ids(book().about("Flush", "")), ElementsAre("VER-14"));
  EXPECT_THAT(ids(book().about("Flus", "")), IsEmpty());
  EXPECT_THAT(ids(book().about("StorPortFreeMdl", "nf-storport-storportfreemdl")), ElementsAre("ST-04"));
}

TEST(BugCheckCode, is_read_as_drydock_prints_it) {
  BugCheckCode code;
  ASSERT_TRUE(parse_bug_check_code("0xF1/0x2004", code));
  EXPECT_EQ(code.code, 0xF1u);
  EXPECT_EQ(code.parameter, 0x2004u);
  ASSERT_TRUE(parse_bug_check_code("0xd1", code));
  EXPECT_FALSE(code.has_parameter);
  ASSERT_TRUE(parse_bug_check_code("F1/2004", code));
  EXPECT_EQ(code.code, 0xF1u);
  EXPECT_EQ(code.parameter, 0x2004u);
  for (const char* no : {"", "0x", "0xF1/", "/2004", "0xF1 ", "0xF1/0x2004x", "ST-43"}) EXPECT_FALSE(parse_bug_check_code(no, code)) << no;
}

// The catalogue itself, as it is inside the program.

TEST(TheRuleBook, has_every_family_and_no_empty_text) {
  std::vector<std::string> families;
  for (const DocumentedRule& rule : RuleBook::get().rules()) {
    families.push_back(rule.id.substr(0, rule.id.find('-')));
    EXPECT_THAT(rule.text, Not(IsEmpty())) << rule.id;
    EXPECT_THAT(rule.text, Not(HasSubstr("**"))) << rule.id;
  }
  for (const char* family : {"BUF", "MDL", "DMA", "SP", "ST", "VER", "LAY", "H"}) EXPECT_THAT(families, Contains(family));
}

TEST(TheRuleBook, every_rule_of_windows_or_of_drivers_has_a_page) {
  for (const DocumentedRule& rule : RuleBook::get().rules()) {
    const bool has_none = rule.whose == Whose::nobody || rule.id.starts_with("DRY-") || rule.id == "ST-195";  // "corresponding nf pages"
    if (has_none) continue;
    EXPECT_THAT(rule.pages, Not(IsEmpty())) << rule.id;
  }
}

TEST(TheRuleBook, knows_every_code_that_drydock_prints) {
  for (const unsigned code : {0x1Au, 0x1Eu, 0x50u, 0x7Fu, 0xBEu, 0xC1u, 0xC2u, 0xCEu, 0xD1u, 0xE6u, 0xF1u, 0x133u, 0x139u})
    EXPECT_NE(RuleBook::get().bug_check(code), nullptr) << std::hex << code;
  EXPECT_THAT(ids(RuleBook::get().told_by(0xF1, 0x2004)), ElementsAre("VER-45"));
  EXPECT_THAT(ids(RuleBook::get().told_by(0xE6, 0x26)), ElementsAre("VER-25"));
}

TEST(TheRuleBook, every_bug_check_has_a_name_of_its_own) {
  for (const DocumentedRule& rule : RuleBook::get().rules())
    if (rule.bug_check != 0 && !rule.bug_check_name.empty()) EXPECT_EQ(RuleBook::get().bug_check_named(rule.bug_check_name), &rule) << rule.id << " '" << rule.bug_check_name << "'";
}

TEST(TheRuleBook, references_lead_somewhere) {
  for (const DocumentedRule& rule : RuleBook::get().rules())
    for (const std::string& id : rule.see) EXPECT_NE(RuleBook::get().find(id), nullptr) << rule.id << " refers to " << id;
}

}  // namespace
}  // namespace drydock
