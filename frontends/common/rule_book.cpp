#include "rule_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cctype>

extern "C" const char drydock_spec_begin[], drydock_spec_end[], drydock_pages_begin[], drydock_pages_end[];

namespace drydock {
namespace {

constexpr std::string_view kSite = "https://learn.microsoft.com";
constexpr std::string_view kDocumentation = "https://learn.microsoft.com/windows-hardware/drivers/";
constexpr std::string_view kSearch = "https://learn.microsoft.com/search/?terms=";
constexpr std::string_view kWithdrawn = "†", kEllipsis = "…", kDash = " — ", kDot = " · ", kSee = "→";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

template <class Take>
void each_piece(std::string_view text, std::string_view separator, Take take) {
  while (true) {
    const auto at = text.find(separator);
    take(text.substr(0, at));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + separator.size());
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool has_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const bool ends = at + word.size() == text.size() || !is_word(text[at + word.size()]);
    if (begins && ends) return true;
  }
  return false;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
}

/// Emphasis away: *word* and **word**, but not the star of a pointer.
std::string without_emphasis(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '*') {
      result += text[at];
      continue;
    }
    const auto end = text.find('*', at + 1);
    const bool emphasis = end != std::string_view::npos && end > at + 1 && text[at + 1] != ' ' && text[end - 1] != ' ';
    if (!emphasis) {
      result += '*';
      continue;
    }
    result += text.substr(at + 1, end - at - 1);
    at = end;
  }
  return result;
}

std::string plain(std::string_view marked) {
  std::string text(marked);
  replace_all(text, "**", "");
  replace_all(text, "`", "");
  replace_all(text, "*(inf)*", "(inferred)");
  replace_all(text, "*(ext)*", "(from public headers)");
  return std::string(trimmed(without_emphasis(text)));
}

/// "→H-13" in a text.
std::vector<std::string> references(std::string_view text) {
  std::vector<std::string> found;
  for (auto at = text.find(kSee); at != std::string_view::npos; at = text.find(kSee, at + 1)) {
    auto end = at += kSee.size();
    while (end < text.size() && (is_word(text[end]) || text[end] == '-')) ++end;
    const auto id = text.substr(at, end - at);
    if (id.find('-') != std::string_view::npos && id.find('-') > 0 && std::isdigit(static_cast<unsigned char>(id.back())) != 0) found.emplace_back(id);
  }
  return found;
}

/// Reads "0x2004" at the beginning; 0 characters when there is none.
std::size_t read_hexadecimal(std::string_view text, unsigned& value) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return error == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0;
}

/// The same without "0x", too.
std::size_t read_code(std::string_view text, unsigned& value) {
  if (const auto length = read_hexadecimal(text, value); length != 0) return length;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0;
}

/// "Bug check 0xA, IRQL_NOT_LESS_OR_EQUAL: …" at the beginning of a rule.
void read_bug_check(std::string_view text, DocumentedRule& rule) {
  constexpr std::string_view kCode = "Bug check ", kName = ", ";
  if (!text.starts_with(kCode)) return;
  text.remove_prefix(kCode.size());
  text.remove_prefix(read_hexadecimal(text, rule.bug_check));
  if (text.starts_with(kName)) rule.bug_check_name = text.substr(kName.size(), text.find(':') - kName.size());
}

/// "[0x16]/[0x20] …" and "[0x03]…[0x06] …" at the beginning of a rule, wherever a bracket follows.
std::vector<DocumentedRule::Range> parameters_in(std::string_view text) {
  std::vector<DocumentedRule::Range> ranges;
  bool through = false;
  for (auto at = text.find("[0x"); at != std::string_view::npos; at = text.find("[0x", at)) {
    unsigned value = 0;
    const auto length = read_hexadecimal(text.substr(at + 1), value);
    at += length + 2;
    if (length == 0 || at > text.size()) break;
    if (through && !ranges.empty()) ranges.back().last = value;
    else ranges.push_back({value, value});
    through = text.substr(at).starts_with(kEllipsis);
  }
  return ranges;
}

/// "E. Storport (ST)" → "Storport"; "E.3 Data buffers" → "data buffers".
std::string heading_words(std::string_view heading) {
  const auto space = heading.find(' ');
  heading = trimmed(space == std::string_view::npos ? heading : heading.substr(space + 1));
  const auto bracket = heading.find(" (");
  return std::string(trimmed(bracket == std::string_view::npos ? heading : heading.substr(0, bracket)));
}

DocumentedRule::Whose whose(char mark) {
  using enum DocumentedRule::Whose;
  return mark == 'S' ? windows : mark == 'D' ? driver : mark == 'B' ? both : nobody;
}

/// The page in a line of docs/pages.txt: the last part of its address, "kernel/using-mdls" or "/windows/win32/devnotes/--x".
std::string_view page_at(std::string_view place) {
  place.remove_prefix(place.rfind('/') + 1);
  return place.substr(std::min(place.find_first_not_of('-'), place.size()));
}

bool is_header_page(std::string_view page) {
  return page.size() > 3 && page[0] == 'n' && std::string_view("fscei").find(page[1]) != std::string_view::npos && page[2] == '-';
}

/// The part of an id behind the dash without leading zeros, so that ST-3 finds ST-03.
std::string canonical(std::string_view id) {
  std::string text = lower(id);
  const auto dash = text.find('-');
  if (dash == std::string::npos) return text;
  const auto digits = text.find_first_not_of('0', dash + 1);
  return text.substr(0, dash + 1) + (digits == std::string::npos ? "" : text.substr(digits));
}

}  // namespace

const RuleBook& RuleBook::get() {
  static const RuleBook book({drydock_spec_begin, drydock_spec_end}, {drydock_pages_begin, drydock_pages_end});
  return book;
}

RuleBook::RuleBook(std::string_view spec, std::string_view pages) {
  each_piece(pages, "\n", [&](std::string_view line) {
    if (!line.empty() && line.front() != '#') places_.emplace_back(trimmed(line));
  });
  std::string_view part, chapter;
  each_piece(spec, "\n", [&](std::string_view line) {
    if (line.starts_with("## ")) part = line.substr(3), chapter = {};
    if (line.starts_with("### ")) chapter = line.substr(4);
    if (line.starts_with("- **")) read_rule(line.substr(4), part, chapter);
  });
}

void RuleBook::read_rule(std::string_view line, std::string_view part, std::string_view chapter) {
  const auto end = line.find("**");
  if (end == std::string_view::npos || line.substr(0, end).find('-') == std::string_view::npos) return;
  DocumentedRule rule;
  rule.id = line.substr(0, end);
  line = trimmed(line.substr(end + 2));
  if (line.size() > 2 && line[0] == '[' && line[2] == ']') {
    rule.whose = whose(line[1]);
    line = trimmed(line.substr(3));
  }
  rule.chapter = heading_words(part) + (chapter.empty() ? "" : ": " + heading_words(chapter));
  const bool is_contradiction = rule.id.starts_with("H-");
  const auto dash = is_contradiction ? std::string_view::npos : line.rfind(kDash);
  const auto text = line.substr(0, dash);
  rule.text = plain(text);
  rule.see = references(text);
  // DOC: VER-130…157 VER-210…229 explained, whoever met them.
  if (constexpr std::string_view kCode = "bug check "; chapter.find(kCode) != std::string_view::npos)
    read_hexadecimal(chapter.substr(chapter.find(kCode) + kCode.size()), rule.chapter_code);
  if (rule.chapter_code != 0) rule.parameters = parameters_in(text);
  read_bug_check(text, rule);
  const bool inherits = dash == std::string_view::npos && rule.chapter_code != 0;  // "also the page of …"
  if (inherits && !rules_.empty()) rule.pages = rules_.back().pages;
  if (dash != std::string_view::npos) read_citation(line.substr(dash + kDash.size()), rule);
  rules_.push_back(std::move(rule));
}

/// "DDI · page, page (remark)": the pages of the last part.
void RuleBook::read_citation(std::string_view citation, DocumentedRule& rule) const {
  if (const auto dot = citation.rfind(kDot); dot != std::string_view::npos) citation = citation.substr(dot + kDot.size());
  if (citation.starts_with("same") && !rules_.empty()) {
    rule.pages = rules_.back().pages;
    return;
  }
  each_piece(citation, ", ", [&](std::string_view piece) {
    const auto end = std::min(piece.find_first_of(" (/"), piece.size());
    std::string page(trimmed(piece.substr(0, end)));
    if (page.find('-') != std::string::npos || is_known(page)) rule.pages.push_back(whole_page(std::move(page), rule.pages));
  });
}

/// Pages that the catalogue shortens: "-freemdl" takes its beginning from the page before, "bug-check-0xc9--…" its end from
/// the list of pages.
std::string RuleBook::whole_page(std::string page, const std::vector<std::string>& before) const {
  if (page.starts_with('-') && !before.empty()) {
    const std::string& last = before.back();
    const std::string rest = page.substr(1);
    const auto name = is_header_page(last) ? last.find('-', 3) + 1 : std::string::npos;
    if (name == std::string::npos) {
      for (auto cut = last.rfind('-'); cut != std::string::npos && cut > 0; cut = last.rfind('-', cut - 1))
        if (is_known(last.substr(0, cut) + page)) return last.substr(0, cut) + page;
    } else if (last.substr(name).starts_with("storport") && !rest.starts_with("storport")) {
      return last.substr(0, name) + "storport" + rest;
    } else if (last[name] == '_') {
      return last.substr(0, last.rfind('_') + 1) + rest;
    } else {
      return last.substr(0, name) + rest;
    }
  }
  if (page.ends_with(kEllipsis)) {
    const std::string beginning = page.substr(0, page.size() - kEllipsis.size());
    for (const std::string& place : places_)
      if (const auto known = page_at(place); known.starts_with(beginning)) return std::string(known);
  }
  return page;
}

bool RuleBook::is_known(std::string_view page) const {
  return std::any_of(places_.begin(), places_.end(), [&](const std::string& place) { return page_at(place) == page; });
}

const DocumentedRule* RuleBook::find(std::string_view id) const {
  const std::string wanted = canonical(id);
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const DocumentedRule& rule) { return canonical(rule.id) == wanted; });
  return at == rules_.end() ? nullptr : &*at;
}

const DocumentedRule* RuleBook::bug_check(unsigned code) const {
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const DocumentedRule& rule) { return code != 0 && rule.bug_check == code; });
  return at == rules_.end() ? nullptr : &*at;
}

const DocumentedRule* RuleBook::bug_check_named(std::string_view name) const {
  const std::string wanted = lower(name);
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const DocumentedRule& rule) { return !wanted.empty() && rule.bug_check != 0 && lower(rule.bug_check_name) == wanted; });
  return at == rules_.end() ? nullptr : &*at;
}

std::vector<const DocumentedRule*> RuleBook::told_by(unsigned code) const {
  std::vector<const DocumentedRule*> found;
  for (const DocumentedRule& rule : rules_)
    if (rule.chapter_code == code && !rule.parameters.empty()) found.push_back(&rule);
  return found;
}

std::vector<const DocumentedRule*> RuleBook::told_by(unsigned code, unsigned parameter) const {
  auto found = told_by(code);
  std::erase_if(found, [&](const DocumentedRule* rule) {
    return std::none_of(rule->parameters.begin(), rule->parameters.end(), [&](const auto& r) { return r.first <= parameter && parameter <= r.last; });
  });
  return found;
}

std::vector<const DocumentedRule*> RuleBook::about(std::string_view routine, std::string_view page) const {
  std::vector<const DocumentedRule*> found;
  for (const DocumentedRule& rule : rules_) {
    const bool cited = !page.empty() && std::find(rule.pages.begin(), rule.pages.end(), page) != rule.pages.end();
    if (cited || has_word(rule.text, routine)) found.push_back(&rule);
  }
  return found;
}

std::string RuleBook::address_of(std::string_view page) const {
  if (page.ends_with(kWithdrawn) || page.find('*') != std::string_view::npos) return {};
  for (const std::string& place : places_)
    if (page_at(place) == page) return std::string(place.starts_with('/') ? kSite : kDocumentation) + place;
  if (is_header_page(page)) return fmt::format("{}ddi/{}/{}", kDocumentation, page.substr(3, page.find('-', 3) - 3), page);
  return std::string(kSearch) + std::string(page);
}

bool parse_bug_check_code(std::string_view text, BugCheckCode& code) {
  code = {};
  const auto first = read_code(text, code.code);
  if (first == 0) return false;
  if (first == text.size()) return true;
  if (text[first] != '/') return false;
  code.has_parameter = true;
  const auto rest = text.substr(first + 1);
  return read_code(rest, code.parameter) == rest.size() && !rest.empty();
}

}  // namespace drydock
